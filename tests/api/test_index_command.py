"""`youju index` and what the other faces say of an index that is being built."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.api.command_line import run_youju, serving, youju_json


@pytest.mark.slow
def test_versions_of_the_index_are_listed_switched_and_dropped(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "docs"
    folder.mkdir()
    (folder / "访客.txt").write_text("访客必须在前台登记。", encoding="utf-8")
    assert youju_json(home, "ingest", str(folder))["new"] == 1

    finer = {"chunk_tokens": "64"}
    listed = youju_json(home, "index", "list", **finer)
    assert [(each["id"], each["state"], each["documents"]) for each in listed["indexes"]] == [(1, "current", 1)]
    assert listed["building"] == {"id": None, "current": 1, "documents": 1, "ready": 0, "failed": 0}
    assert "has 0 of 1 documents" in run_youju(home, "doctor", **finer).stdout

    (folder / "访客.txt").rename(tmp_path / "访客.txt")
    (folder / "门禁.txt").write_text("门禁卡遗失应立即报告。", encoding="utf-8")
    ingested = run_youju(home, "ingest", str(folder / "门禁.txt"), **finer)
    assert "1 new, 1 rebuilt, 1 failed" in ingested.stdout
    assert "Index 2, which the settings ask for, has 1 of 2 documents, 1 failed." in ingested.stdout
    assert [d["uri"] for d in youju_json(home, "documents", "--failed", **finer)["documents"]] == [
        str(folder / "访客.txt")
    ]
    (tmp_path / "访客.txt").rename(folder / "访客.txt")
    with serving(home, **finer) as (url, _):
        switched = httpx.post(f"{url}/v1/index/2/switch").json()["indexes"]
        assert [(each["state"], each["lacking"]) for each in switched] == [("kept", 0), ("current", 0)]
        found = httpx.post(f"{url}/v1/search", json={"query": "门禁卡"}).json()["hits"]
        assert [Path(hit["uri"]).stem for hit in found] == ["门禁"]
        refused = httpx.delete(f"{url}/v1/index/2")
        assert (refused.status_code // 100, refused.json()["error"]["code"]) == (4, "index_in_use")
        assert youju_json(home, "ingest", str(folder), **finer)["new"] == 1
    assert "Index 1 answers questions" in run_youju(home, "index", "switch", "1", **finer).stdout
    assert [each["pinned"] for each in youju_json(home, "index", "list", **finer)["indexes"]] == [True, False]
    assert [each["id"] for each in youju_json(home, "index", "drop", "2", **finer)["indexes"]] == [1]
    assert "[unknown_index]" in run_youju(home, "index", "drop", "2", **finer).stderr
