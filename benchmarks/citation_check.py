"""How well the check of citations tells statements that a passage supports from those that it does not.

    python -m benchmarks.citation_check

Each pair of `benchmarks/citations/` goes through the product's own check, as a streamed answer `statement[1]` with the
passage as its only evidence. Prints for each part of the documents how many statements of each label were checked,
could not be checked, and lost their mark. Nothing is chosen on the part `held_out`. `--thresholds` prints what other
thresholds give on the part `fit`, without the embedder. `--failures` prints the statements that came out wrong.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from assistant.checking import judging, placing
from assistant.checking.meaning import Meaning
from assistant.cite import Citer
from assistant.events import Evidence
from benchmarks.citations.expand import HALVES
from ingest.document import Chunk, Hit, Location, chunk_id, document_id
from ingest.embedding.from_settings import open_embedder
from ingest.language import detect
from ingest.settings import IngestSettings

FOLDER = Path(__file__).parent / "citations"
_PIECE = 8
"""So many characters come at a time, as from a model."""
OUTCOMES = ("checked", "not_checkable", "unsupported")


def rows(name: str) -> list[dict[str, Any]]:
    """Returns the rows of a file of the set."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def chunk_of(passage: dict[str, Any]) -> Chunk:
    """Returns a passage of the set as the index would return it."""
    document = document_id("citations", passage["document"])
    return Chunk(
        id=chunk_id(document, 1, int(passage["id"].rpartition("#")[2])),
        document_id=document,
        revision=1,
        position=0,
        source="citations",
        uri=f"{passage['document']}.md",
        title=passage["title"],
        language=detect(passage["text"]),
        text=passage["text"],
        location=Location(heading_path=tuple(passage["heading"].split(" > ")[1:]), end=len(passage["text"])),
        access=("everyone",),
    )


def outcome(pair: dict[str, Any], chunk: Chunk, meaning: Meaning | None) -> str:
    """Returns what the check makes of `statement[1]`."""
    citer = Citer((Evidence(1, Hit(chunk, 1.0, None, 1.0)),), pair["question"], meaning)
    answer = f"{pair['statement']}[1]"
    for start in range(0, len(answer), _PIECE):
        list(citer.feed(answer[start : start + _PIECE]))
    list(citer.finish())
    return citer.citations[0].support if citer.citations else "unsupported"


def confusion(pairs: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns for each label, and each kind of it, the count and the share of each outcome in percent."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        counts[f"{pair['label']} / {pair['kind']}"][pair["outcome"]] += 1
    return {name: _shares(found) for name, found in sorted(counts.items())}


def _shares(found: Counter[str]) -> dict[str, Any]:
    total = sum(found.values())
    return {"pairs": total, **{name: round(100 * found[name] / total, 1) for name in OUTCOMES}}


def bars(pairs: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Returns what is promised, and precision and recall of the marks that hold, in percent.

    A statement is kept if its mark stays, checked or not. A wrong one is caught if it loses its mark. It is doubted if
    the mark stays, with the word that it could not be checked.
    """
    right = [pair for pair in pairs if pair["holds"]]
    figures = [pair for pair in pairs if pair["kind"] in ("wrong_figure", "asked_figure", "asked_by_template")]
    checked = [pair for pair in pairs if pair["outcome"] == "checked"]
    return {
        "supported_kept": _percent(right, lambda pair: pair["outcome"] != "unsupported"),
        "supported_checked": _percent(right, lambda pair: pair["outcome"] == "checked"),
        "wrong_figures_caught": _percent(figures, lambda pair: pair["outcome"] == "unsupported"),
        "precision_of_checked": _percent(checked, lambda pair: pair["holds"]),
        "recall_of_checked": _percent(right, lambda pair: pair["outcome"] == "checked"),
    }


def thresholds(pairs: Sequence[dict[str, Any]], chunks: dict[str, Chunk]) -> dict[str, dict[str, float]]:
    """Returns the bars for other thresholds of what is misplaced and of the words that must be shared."""
    found = {}
    for module, name, values in (
        (placing, "MISPLACED", (0.09, 0.12, 0.15)),
        (judging, "SUPPORTED", (0.1, 0.2, 0.3)),
    ):
        today = getattr(module, name)
        for value in values:
            setattr(module, name, value)
            measured = [{**pair, "outcome": outcome(pair, chunks[pair["passage"]], None)} for pair in pairs]
            found[f"{name} {value}"] = bars(measured)
        setattr(module, name, today)
    return found


def _percent(pairs: Sequence[dict[str, Any]], holds: Any) -> float:
    return round(100 * sum(map(bool, map(holds, pairs))) / max(1, len(pairs)), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, help="measure only this part of the documents")
    parser.add_argument(
        "--documents",
        default="",
        help="measure only those whose names begin so (h2-), or with one of several (zh-,en-)",
    )
    parser.add_argument("--without-embedder", action="store_true", help="check as where no embedder is installed")
    parser.add_argument("--thresholds", action="store_true", help="print what other thresholds give")
    parser.add_argument("--failures", action="store_true", help="print the statements that came out wrong")
    given = parser.parse_args()
    passages = {row["id"]: row for row in rows("passages")}
    chunks = {name: chunk_of(passage) for name, passage in passages.items()}
    if given.thresholds:
        fitting = [pair for pair in rows("pairs") if passages[pair["passage"]]["half"] == "fit"]
        print(json.dumps(thresholds(fitting, chunks), indent=2))
        return
    dense = None if given.without_embedder else open_embedder(IngestSettings()).dense
    meaning = None if dense is None else Meaning(lambda: dense, seconds=60)
    began = time.process_time()
    measured = [
        {**pair, "outcome": outcome(pair, chunks[pair["passage"]], meaning)}
        for pair in rows("pairs")
        if given.half in (None, passages[pair["passage"]]["half"])
        and pair["passage"].startswith(tuple(given.documents.split(",")))
    ]
    seconds = time.process_time() - began
    if given.failures:
        for pair in measured:
            if pair["holds"] == (pair["outcome"] == "unsupported"):
                print(pair["outcome"], pair["label"], pair["kind"], pair["passage"], pair["statement"], sep=" | ")
    result: dict[str, Any] = {"ms_a_statement": round(1000 * seconds / len(measured), 2)}
    for half in HALVES:
        part = [pair for pair in measured if passages[pair["passage"]]["half"] == half]
        if part:
            result[half] = {"bars": bars(part), "labels": confusion(part)}
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
