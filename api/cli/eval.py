"""`youju eval` measures retrieval on a set in the BEIR layout. It uses the real chains on a temporary index."""

from __future__ import annotations

import csv
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.output import console, notes, print_json
from api.cli.progress import RunProgress
from api.settings import load_settings
from assistant import ranking_metrics as metrics
from assistant.retrieve import Retriever
from ingest.access import OPERATOR
from ingest.document import Reference
from ingest.errors import RequestError
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.sources import NOTHING_KNOWN
from ingest.store import Store

app = typer.Typer()

_DEPTH = 10
_MEASURES = (
    ("hit", metrics.hit, 1),
    ("hit", metrics.hit, 5),
    ("hit", metrics.hit, _DEPTH),
    ("mrr", metrics.reciprocal_rank, _DEPTH),
    ("ndcg", metrics.ndcg, _DEPTH),
    ("recall", metrics.recall, _DEPTH),
)
# The best chunk of a document decides its rank. This many chunks are enough for ten documents with several chunks each.
_CHUNKS = 100


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


@app.command("eval")
def evaluate(
    folder: Annotated[Path, typer.Argument(help="Give a folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv.")],
    split: Annotated[str, typer.Option(help="Use the judgements of qrels/SPLIT.tsv.")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Measure retrieval on a test set.

    The set is ingested into a temporary index, and every question is searched for.
    Then the ranks of the right documents are counted.
    """
    evaluation = read_set(folder, split)
    with tempfile.TemporaryDirectory(prefix="youju-eval-") as home:
        settings = load_settings().model_copy(update={"home": Path(home), "qdrant_url": None, "database_url": None})
        with closing(Store.open(settings, command="eval")) as store:
            report = _ingest(Ingestor(store, settings), evaluation)
            figures = _figures(evaluation, Retriever(store.index, store.catalog, store.embedder), report)
    if as_json:
        print_json(figures)
        return
    for name, value in figures.items():
        console.print(f"{name:>22}  {value}")


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
    queries = {str(row["_id"]): str(row["text"]) for row in _lines(folder / "queries.jsonl")}
    judged = {query: text for query, text in queries.items() if any(relevant.get(query, {}).values())}
    if not judged:
        raise RequestError("no_judged_queries", f"{judgements} judges no question of queries.jsonl.", "Check --split.")
    return EvaluationSet(folder, judged, relevant)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if "_id" not in row or "text" not in row:
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


def _figures(evaluation: EvaluationSet, retriever: Retriever, report: Report) -> dict[str, float]:
    rankings: dict[str, list[str]] = {}
    milliseconds: list[float] = []
    # An English query loads the dense model now. Otherwise a set in Chinese might load it while queries are measured.
    retriever.retrieve("warm up", reader=OPERATOR, limit=1)
    for query, text in evaluation.queries.items():
        started = time.perf_counter()
        hits = retriever.retrieve(text, reader=OPERATOR, limit=_CHUNKS).hits
        milliseconds.append((time.perf_counter() - started) * 1000)
        rankings[query] = metrics.best_places(hit.chunk.uri for hit in hits)[:_DEPTH]
    return {
        "documents": report.new,
        "chunks": report.chunks,
        "queries": len(rankings),
        **_scores(rankings, evaluation.relevant),
        "p50_ms": round(statistics.median(milliseconds), 2),
        "p99_ms": round(sorted(milliseconds)[int(len(milliseconds) * 0.99)], 2),
        "index_seconds": report.seconds,
        "documents_per_second": round(report.new / report.seconds, 1),
    }


def _scores(rankings: dict[str, list[str]], relevant: dict[str, dict[str, int]]) -> dict[str, float]:
    return {
        f"{name}@{depth}": round(
            statistics.fmean(measure(ranking, relevant[query], depth) for query, ranking in rankings.items()), 4
        )
        for name, measure, depth in _MEASURES
    }
