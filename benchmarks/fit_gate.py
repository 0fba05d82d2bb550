"""Fits the weights of the gate (`assistant/gate/weights.json`), and reports on sets that they were not fitted to.

    python -m benchmarks.fit_gate SETS --out assistant/gate/weights.json

`SETS` holds folders in the BEIR layout. Each set is brought into a throw-away home, and two kinds of questions are
asked of it: its own, of which those count whose document is among the first five hits, and those of other sets, which
it cannot answer. Every hit gives one row: what `assistant.gate.fitted.rows_of` says of it, and whether it answers. The
weights are those of a logistic regression in which every pair of sets counts the same (`assistant.gate.fitting.fit`).
With `--reading`, a model reads the hits, and those that read best give the only rows.

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
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from api.cli.evaluation_set import CorpusSource, EvaluationSet, read_set
from api.settings import Settings
from assistant.gate.fitted import rows_of
from assistant.gate.fitting import Asked, fit
from assistant.gate.weights import Weights, shipped
from assistant.quoting.reading import PassageReading, open_reading
from assistant.retrieve import Retriever
from ingest.access import OPERATOR
from ingest.runs.pipeline import Ingestor
from ingest.store import Store

_JUDGED, _FIRST = 6, 5

Pair = tuple[str, str]
"""A set whose questions are asked, and the set of which they are asked."""


def ask(
    target: EvaluationSet,
    asked: Sequence[tuple[str, EvaluationSet]],
    count: int,
    reading: PassageReading | None,
) -> dict[str, list[Asked]]:
    """Brings one set into a home and asks up to `count` questions of each of the others."""
    with tempfile.TemporaryDirectory(prefix="youju-gate-") as home:
        settings = Settings(home=Path(home))
        with closing(Store.open(settings, command="benchmark")) as store:
            Ingestor(store, settings).run(CorpusSource(target.folder))
            retriever = Retriever(store.index, store.catalog, store.embedder)
            return {name: list(_asked(retriever, target, source, count, reading)) for name, source in asked}


def _asked(
    retriever: Retriever, target: EvaluationSet, source: EvaluationSet, count: int, reading: PassageReading | None
) -> Iterator[Asked]:
    chosen = sorted(source.queries)
    random.Random(0).shuffle(chosen)  # the same sample each time
    for query in chosen[:count]:
        text = source.queries[query]
        hits = retriever.retrieve(text, reader=OPERATOR, limit=_JUDGED).hits
        relevant = target.relevant.get(query, {}) if source is target else {}
        answers = {hit.chunk.id for hit in hits if relevant.get(hit.chunk.uri, 0) > 0}
        if source is target and not answers & {hit.chunk.id for hit in hits[:_FIRST]}:
            continue
        rows = rows_of(text, hits, reading)
        if rows:
            # The hit that reads best stands for its question, whichever it is.
            known = [bool(answers) if reading else hit.chunk.id in answers for hit, _ in rows]
            yield Asked([values for _, values in rows], known)


def fitted(asked: dict[Pair, list[Asked]], names: Sequence[str]) -> Weights:
    """Returns the weights for all pairs."""
    own = [questions for (source, target), questions in asked.items() if source == target]
    others = [questions for (source, target), questions in asked.items() if source != target]
    return fit(own, others, names=names)


def report(asked: dict[Pair, list[Asked]], names: Sequence[str], strict: float) -> dict[str, dict[str, float]]:
    """Returns the share of own questions that are refused, and of foreign questions, by weights fitted without them."""
    own: dict[str, float] = {}
    foreign: dict[str, float] = {}
    for (source, target), questions in asked.items():
        others = {pair: rows for pair, rows in asked.items() if not {source, target} & set(pair)}
        weights = fitted(others, names)
        refused = np.mean([question.logit(weights) < strict for question in questions])
        (own if source == target else foreign)[f"{source} > {target}"] = round(float(refused), 3)
    return {"own_refused": own, "foreign_refused": foreign}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", type=Path, help="a folder with sets in the BEIR layout")
    parser.add_argument("--only", nargs="*", help="names of the sets; all of the folder if left out")
    parser.add_argument("--foreign", nargs="*", default=[], metavar="A:B", help="pairs of sets")
    parser.add_argument("--questions", type=int, default=250, help="how many of each pair")
    parser.add_argument("--reading", action="store_true", help="fit the weights for hits that a model reads")
    parser.add_argument("--features", nargs="+", help="what is weighed; as in the shipped weights if left out")
    parser.add_argument("--strict", type=float, help="the log odds that the strict gate wants; as shipped if left out")
    parser.add_argument("--lenient", type=float, help="those that the lenient gate wants; as shipped if left out")
    parser.add_argument("--out", type=Path, help="the file whose weights are replaced")
    given = parser.parse_args()
    chosen = given.only or sorted(path.name for path in given.sets.iterdir() if (path / "corpus.jsonl").is_file())
    sets = {name: read_set(given.sets / name, "dev") for name in chosen}
    pairs = [tuple(pair.split(":")) for pair in given.foreign] or [
        (chosen[(i + step) % len(chosen)], name) for i, name in enumerate(chosen) for step in (1, 2)
    ]
    reading = open_reading() if given.reading else None
    asked: dict[Pair, list[Asked]] = {}
    for name in chosen:
        sources = [name, *(source for source, target in pairs if target == name)]
        answers = ask(sets[name], [(source, sets[source]) for source in sources], given.questions, reading)
        asked |= {(source, name): questions for source, questions in answers.items() if questions}
        print(json.dumps({"asked": name, "of": sources}), flush=True)
    before = shipped(with_reading=given.reading)
    names = given.features or list(before.weights)
    strict = before.strict if given.strict is None else given.strict
    lenient = before.lenient if given.lenient is None else given.lenient
    weights = replace(fitted(asked, names), strict=strict, lenient=lenient)
    made = stored(weights, report(asked, names, strict))
    print(json.dumps(made, indent=2))
    if given.out:
        kept = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {}
        kept["with_reading" if given.reading else "without_reading"] = made
        given.out.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def stored(weights: Weights, left_out: dict[str, Any]) -> dict[str, Any]:
    """Returns the weights as they are in the file, with the report."""
    return {
        "intercept": round(weights.intercept, 4),
        "weights": {name: round(weight, 4) for name, weight in weights.weights.items()},
        "strict": weights.strict,
        "lenient": weights.lenient,
        "left_out": left_out,
    }


if __name__ == "__main__":
    main()
