"""`youju eval` measures retrieval on a set in the BEIR layout. It uses the real chains on a temporary index."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Annotated

import typer

from api.cli.evaluation_set import EvaluationSet, ingested, read_set
from api.cli.output import console, print_json
from api.cli.refusal import print_refusal, refusal
from api.settings import load_settings
from assistant import ranking_metrics as metrics
from assistant.retrieve import Retriever
from ingest.access import OPERATOR
from ingest.errors import RequestError
from ingest.runs.records import Report

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


@app.command("eval")
def evaluate(
    folder: Annotated[Path, typer.Argument(help="Give a folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv.")],
    split: Annotated[str, typer.Option(help="Use the judgements of qrels/SPLIT.tsv.")] = "dev",
    measure_refusal: Annotated[
        bool, typer.Option("--refusal", help="Measure which questions are refused, in the place of the ranking.")
    ] = False,
    strangers: Annotated[
        list[Path] | None,
        typer.Option(
            help="Ask the questions of this other set too, which the documents do not answer. Use it again for more."
        ),
    ] = None,
    questions: Annotated[int, typer.Option(min=1, help="Ask at most so many questions of each kind.")] = 250,
    fit: Annotated[
        bool, typer.Option("--fit", help="Write weights that fit these questions into the home, for its gate.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Measure retrieval on a test set, or with --refusal, which questions are refused.

    The set is ingested into a temporary index, and every question is searched for.
    Then the ranks of the right documents are counted.
    With --refusal, the questions of unanswerable.jsonl beside it and those of --strangers are asked as well.
    """
    if (strangers or fit) and not measure_refusal:
        raise RequestError("option_without_refusal", "--strangers and --fit go with --refusal.", "Add --refusal.")
    if measure_refusal:
        report = refusal(read_set(folder, split), strangers or [], load_settings(), limit=questions, fit=fit)
        if as_json:
            print_json(report)
        else:
            print_refusal(report)
        return
    figures = _ranking(read_set(folder, split))
    if as_json:
        print_json(figures)
        return
    for name, value in figures.items():
        console.print(f"{name:>22}  {value}")


def _ranking(evaluation: EvaluationSet) -> dict[str, float]:
    with ingested(evaluation, load_settings()) as (store, report):
        return _figures(evaluation, Retriever(store.index, store.catalog, store.embedder), report)


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
