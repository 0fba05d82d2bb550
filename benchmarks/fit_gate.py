"""Fits the weights of the gate (`assistant/gate/weights.json`), and reports on sets that they were not fitted to.

    python -m benchmarks.fit_gate SETS --out assistant/gate/weights.json

`SETS` holds folders in the BEIR layout. Each set is brought into a throw-away home, and two kinds of questions are
asked of it: its own, of which those count whose document is among the first five hits, and those of other sets, which
it cannot answer. Every hit gives one row: what `assistant.gate.fitted.features` says of it, and whether it answers. The
weights are those of a logistic regression in which every pair of sets counts the same.

For the report each pair is judged by weights that were fitted without both of its sets. `--foreign A:B` asks the
questions of A of B; without it each set is asked those of two others.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from api.cli.eval import CorpusSource, EvaluationSet, read_set
from api.settings import Settings
from assistant.gate.fitted import features
from assistant.gate.wording import shares
from assistant.retrieve import Retriever
from ingest.access import OPERATOR
from ingest.document import Hit
from ingest.runs.pipeline import Ingestor
from ingest.store import Store

_JUDGED, _FIRST = 6, 5
_RIDGE = 3.0
_ROWS = 2000
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the features of its first hits, and which of them answer."""

    rows: np.ndarray
    answers: np.ndarray


Pair = tuple[str, str]
"""A set whose questions are asked, and the set of which they are asked."""


def ask(target: EvaluationSet, asked: Sequence[tuple[str, EvaluationSet]], count: int) -> dict[str, list[Asked]]:
    """Brings one set into a home and asks up to `count` questions of each of the others."""
    with tempfile.TemporaryDirectory(prefix="youju-gate-") as home:
        settings = Settings(home=Path(home))
        with closing(Store.open(settings, command="benchmark")) as store:
            Ingestor(store, settings).run(CorpusSource(target.folder))
            retriever = Retriever(store.index, store.catalog, store.embedder)
            return {name: list(_asked(retriever, target, source, count)) for name, source in asked}


def _asked(retriever: Retriever, target: EvaluationSet, source: EvaluationSet, count: int) -> Iterator[Asked]:
    chosen = sorted(source.queries)
    random.Random(0).shuffle(chosen)  # the same sample each time
    for query in chosen[:count]:
        text = source.queries[query]
        hits = retriever.retrieve(text, reader=OPERATOR, limit=_JUDGED).hits
        relevant = target.relevant.get(query, {}) if source is target else {}
        answers = np.array([relevant.get(hit.chunk.uri, 0) > 0 for hit in hits])
        if hits and (source is not target or answers[:_FIRST].any()):
            yield Asked(_rows(text, hits), answers)


def _rows(query: str, hits: Sequence[Hit]) -> np.ndarray:
    wording = shares(query, [f"{hit.chunk.heading}\n{hit.chunk.text}" for hit in hits])
    judged = [features(hit, share) for hit, share in zip(hits, wording, strict=True) if hit.signals is not None]
    return np.array([list(row.values()) for row in judged])


def fit(asked: dict[Pair, list[Asked]]) -> tuple[np.ndarray, float]:
    """Returns weights and intercept of a logistic regression with a ridge penalty, by Newton's method."""
    rows, labels, counts = [], [], []
    for (source, target), questions in asked.items():
        own = source == target
        for question in questions:
            used = question.rows[question.answers[: len(question.rows)]] if own else question.rows
            rows.extend(used)
            labels += [float(own)] * len(used)
            counts += [1 / len(questions) / max(1, len(used))] * len(used)
    x, y, w = np.array(rows), np.array(labels), np.array(counts)
    for label in (0.0, 1.0):  # both kinds weigh the same
        w[y == label] *= _ROWS / 2 / w[y == label].sum()
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.column_stack([np.ones(len(x)), (x - mean) / deviation])
    penalty = _RIDGE * np.diag([0.0, *[1.0] * x.shape[1]])
    solution = np.zeros(z.shape[1])
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-z @ solution))
        gradient = z.T @ (w * (likely - y)) + penalty @ solution
        curvature = (z * (w * likely * (1 - likely))[:, None]).T @ z + penalty
        solution -= np.linalg.solve(curvature, gradient)
    weights = solution[1:] / deviation
    return weights, float(solution[0] - weights @ mean)


def report(asked: dict[Pair, list[Asked]], strict: float) -> dict[str, dict[str, float]]:
    """Returns the share of own questions that are refused, and of foreign questions, by weights fitted without them."""
    own: dict[str, float] = {}
    foreign: dict[str, float] = {}
    for (source, target), questions in asked.items():
        others = {pair: rows for pair, rows in asked.items() if not {source, target} & set(pair)}
        weights, intercept = fit(others)
        refused = np.mean([(question.rows @ weights).max() + intercept < strict for question in questions])
        (own if source == target else foreign)[f"{source} > {target}"] = round(float(refused), 3)
    return {"own_refused": own, "foreign_refused": foreign}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", type=Path, help="a folder with sets in the BEIR layout")
    parser.add_argument("--only", nargs="*", help="names of the sets; all of the folder if left out")
    parser.add_argument("--foreign", nargs="*", default=[], metavar="A:B", help="pairs of sets")
    parser.add_argument("--questions", type=int, default=250, help="how many of each pair")
    parser.add_argument("--strict", type=float, default=1.0, help="the log odds that the strict gate wants")
    parser.add_argument("--lenient", type=float, default=-1.0, help="those that the lenient gate wants")
    parser.add_argument("--out", type=Path, help="where the weights are written")
    given = parser.parse_args()
    names = given.only or sorted(path.name for path in given.sets.iterdir() if (path / "corpus.jsonl").is_file())
    sets = {name: read_set(given.sets / name, "dev") for name in names}
    pairs = [tuple(pair.split(":")) for pair in given.foreign] or [
        (names[(i + step) % len(names)], name) for i, name in enumerate(names) for step in (1, 2)
    ]
    asked: dict[Pair, list[Asked]] = {}
    for name in names:
        sources = [name, *(source for source, target in pairs if target == name)]
        answers = ask(sets[name], [(source, sets[source]) for source in sources], given.questions)
        asked |= {(source, name): questions for source, questions in answers.items() if questions}
        print(json.dumps({"asked": name, "of": sources}), flush=True)
    weights, intercept = fit(asked)
    made: dict[str, Any] = {
        "intercept": round(intercept, 4),
        "weights": dict(zip(_NAMES, (round(float(weight), 4) for weight in weights), strict=True)),
        "strict": given.strict,
        "lenient": given.lenient,
        "left_out": report(asked, given.strict),
    }
    print(json.dumps(made, indent=2))
    if given.out:
        given.out.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


_NAMES = (
    "above_background",
    "above_nearest_background",
    "wording",
    "above_dense_leg",
    "above_sparse_leg",
    "wording_x_above_background",
)
"""In the order of `features`."""


if __name__ == "__main__":
    main()
