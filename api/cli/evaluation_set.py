"""Sets in the BEIR layout: documents, questions, and which document answers which question."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.cli.output import notes
from api.cli.progress import RunProgress
from api.settings import Settings
from ingest.document import Reference
from ingest.errors import RequestError
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.sources import NOTHING_KNOWN
from ingest.store import Store


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """The documents, the questions, and the judgements: how well a document answers a question."""

    folder: Path
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]


class CorpusSource:
    """The documents of a set. Each line of `corpus.jsonl` is one document."""

    name = "eval"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "corpus.jsonl"

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        for row in _lines(self._file):
            content = str(row["text"]).encode()
            yield Reference(
                source=self.name,
                uri=str(row["_id"]),
                name=f"{row['_id']}.txt",
                size=len(content),
                mtime_ns=0,
                content=content,
                title=str(row.get("title") or ""),
            )

    def covers(self, uri: str) -> bool:
        return False

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        return reference


def read_set(folder: Path, split: str) -> EvaluationSet:
    """Read the questions and judgements of a set. Raises RequestError, which names the file and the line that cannot be
    read.
    """
    relevant: dict[str, dict[str, int]] = {}
    judgements = folder / "qrels" / f"{split}.tsv"
    try:
        with judgements.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise _unreadable(judgements, error) from None
    queries = read_questions(folder / "queries.jsonl")
    judged = {query: text for query, text in queries.items() if any(relevant.get(query, {}).values())}
    if not judged:
        raise RequestError("no_judged_queries", f"{judgements} judges no question of queries.jsonl.", "Check --split.")
    return EvaluationSet(folder, judged, relevant)


def read_questions(file: Path) -> dict[str, str]:
    """Read a file of questions alone: the text of each by its id. Raises RequestError, which names the file."""
    return {str(row["_id"]): str(row["text"]) for row in _lines(file)}


@contextmanager
def ingested(evaluation: EvaluationSet, settings: Settings) -> Iterator[tuple[Store, Report]]:
    """The documents of a set in a home of their own, with everything else as in `settings`. It is thrown away."""
    with tempfile.TemporaryDirectory(prefix="youju-eval-") as home:
        chosen = settings.model_copy(update={"home": Path(home), "qdrant_url": None, "database_url": None})
        with closing(Store.open(chosen, command="eval")) as store:
            yield store, _ingest(Ingestor(store, chosen), evaluation)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if not isinstance(row, dict) or "_id" not in row or "text" not in row:
                    raise ValueError("a line has no _id or no text")
                yield row
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> RequestError:
    return RequestError(
        "evaluation_set_unreadable",
        f"{file}: {error}.",
        "It takes the BEIR layout: corpus.jsonl and queries.jsonl with _id and text, "
        "qrels/SPLIT.tsv with the header query-id, corpus-id, score.",
    )


def _ingest(ingestor: Ingestor, evaluation: EvaluationSet) -> Report:
    with RunProgress() as progress:
        report = ingestor.run(
            CorpusSource(evaluation.folder), on_progress=lambda report: progress.show(report.counts())
        )
    for failure in report.failures[:5]:
        notes.print(f"{failure.uri}: {failure.message}")
    return report
