"""`youju eval`: a small set, whose figures can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

from tests.api.command_line import json_here, run_here

_CORPUS = {
    "leave": "员工工作满十年享有十天带薪年假。",
    "visitors": "访客必须在前台登记并佩戴访客证。",
    "parking": "地下二层停车场供员工使用。",
}
_QUERIES = {"q1": "年假有几天", "q2": "访客在哪里登记", "q3": "停车场在哪里", "unjudged": "食堂在哪里"}
_RELEVANT = [("q1", "leave", 1), ("q2", "visitors", 1), ("q3", "leave", 1)]


def _write_set(folder: Path) -> None:
    for name, rows in (("corpus", _CORPUS), ("queries", _QUERIES)):
        lines = [json.dumps({"_id": key, "title": "", "text": text}, ensure_ascii=False) for key, text in rows.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "qrels").mkdir()
    judged = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in _RELEVANT)]
    (folder / "qrels" / "dev.tsv").write_text("\n".join(judged) + "\n")


def test_the_figures_are_those_of_the_ranking(tmp_path: Path) -> None:
    _write_set(tmp_path)
    figures = json_here(tmp_path / "home", "eval", str(tmp_path), "--split", "dev")
    assert (figures["documents"], figures["chunks"], figures["queries"]) == (3, 3, 3)
    assert figures["hit@1"] == round(2 / 3, 4), "the third judgement is wrong on purpose"
    assert 2 / 3 <= figures["mrr@10"] < 1
    assert set(figures) == {
        "documents", "chunks", "queries", "hit@1", "hit@5", "hit@10", "mrr@10", "ndcg@10", "recall@10",
        "p50_ms", "p99_ms", "index_seconds", "documents_per_second",
    }  # fmt: skip
    assert not (tmp_path / "home").exists(), "the index is thrown away, and the user's home is left alone"


def test_a_set_without_judgements_says_what_it_takes(tmp_path: Path) -> None:
    _write_set(tmp_path)
    done = run_here(tmp_path / "home", "eval", str(tmp_path), "--split", "test")
    assert done.returncode == 2
    assert "[evaluation_set_unreadable]" in done.stderr
    assert "qrels" in done.stderr
