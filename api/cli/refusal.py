"""`youju eval --refusal` measures which questions the gate refuses, and fits weights for it.

Questions are searched for and judged as the assistant does it, before a model is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from rich.markup import escape

from api.cli.evaluation_set import EvaluationSet, ingested, read_questions
from api.cli.output import console, notes
from api.settings import Settings, synonyms_file
from api.workspace import open_gate
from assistant.answer import Retrieves
from assistant.gate.fitted import FittedGate, rows_of
from assistant.gate.fitting import Asked, own_weights
from assistant.gate.weights import OwnWeights, Weights, shipped
from assistant.models.from_settings import open_model
from assistant.quoting.reading import open_reading
from assistant.retrieve import Retriever
from assistant.rewording.retriever import RewordingRetriever
from assistant.rewording.synonyms import Synonyms
from ingest.access import OPERATOR
from ingest.document import Hit
from ingest.errors import RequestError

NEAR_MISSES: Final = "unanswerable.jsonl"
"""Questions beside a set, about its documents, which they do not answer."""
_FIRST = 5
_FEWEST = 30
"""Fewer questions that the documents answer, or fewer others, do not say how the weights should be."""

Kind = Literal["own", "near_misses", "strangers"]
_OTHERS: Final[tuple[Kind, ...]] = ("near_misses", "strangers")
_NAMES: Final[Mapping[Kind, str]] = {
    "own": "own questions", "near_misses": "near misses", "strangers": "questions of strangers",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Judged:
    """A question, the half of its kind that it is in, and whether the gate in use refuses it."""

    kind: Kind
    half: int
    asked: Asked
    refused: bool

    @property
    def can_be_fitted_to(self) -> bool:
        """Whether the hits have vectors. Otherwise only words judge."""
        return any(self.asked.answers) if self.kind == "own" else bool(self.asked.rows)


def refusal(
    evaluation: EvaluationSet, strangers: Sequence[Path], settings: Settings, *, limit: int, fit: bool
) -> dict[str, Any]:
    """Returns what the gate of these settings refuses, and what weights refuse that are fitted to the other half of the
    questions. With `fit`, weights for all questions are written into the home.

    At most `limit` questions of each kind are asked. Raises RequestError (`no_stranger_questions`, `too_few_questions`,
    `evaluation_set_unreadable`) and the errors of the embedder.
    """
    others = _others(evaluation, strangers)
    reading = open_reading()
    gate = open_gate(settings, open_model(settings, hub=settings.hub, reading=reading), reading)
    with ingested(evaluation, settings) as (store, report):
        retriever = RewordingRetriever(
            Retriever(store.index, store.catalog, store.embedder), Synonyms(synonyms_file(settings))
        )
        asking = _Asking(retriever, gate, evaluation, settings.evidence_limit)
        questions: dict[Kind, dict[str, str]] = {"own": evaluation.queries, **others}
        total = sum(min(limit, len(each)) for each in questions.values())
        notes.print(f"{report.new} documents are in. Asking {total} questions.")
        judged = [each for kind, asked in questions.items() for each in asking.of(kind, asked, limit)]
        embedder = store.embedder.name
    enough = _count(judged, fitting=True)
    is_enough = min(enough["own"], sum(enough[kind] for kind in _OTHERS)) >= _FEWEST
    if fit and not is_enough:
        raise _too_few(enough)
    reading_name = gate.reading.name if gate.reading else None
    is_own = gate.own is not None and gate.own.misfit(embedder, reading_name) is None
    result: dict[str, Any] = {
        "documents": report.new,
        "embedder": embedder,
        "gate": gate.line,
        "reading": reading_name,
        "weights": "own" if is_own else "shipped",
        "asked": {"own": min(limit, len(evaluation.queries)), **{kind: _count(judged)[kind] for kind in _OTHERS}},
        "own_found": _count(judged)["own"],
        "refused": _count([each for each in judged if each.refused]),
        "refused_by_fitted": _count(_refused_by_fitted(judged, gate)) if is_enough else None,
        "written": None,
    }
    if fit:
        own = OwnWeights(embedder, reading_name, _fitted(judged, gate))
        measured = {name: result[name] for name in ("asked", "own_found", "refused", "refused_by_fitted")}
        result["written"] = str(own.write(settings.home, measured))
    return result


def print_refusal(result: dict[str, Any]) -> None:
    """Print the result of `refusal` in lines for people."""
    read = ", with the reading model" if result["reading"] else ""
    lines = {
        "documents": result["documents"],
        "embedder": result["embedder"],
        "gate": f"{result['gate']}{read}, {result['weights']} weights",
    }
    asked = result["asked"] | {"own": result["own_found"]}
    for kind, name in _NAMES.items():
        of_fitted = result["refused_by_fitted"]
        also = f"; {of_fitted[kind]} by weights that are fitted to the other half" if of_fitted else ""
        lines[name] = f"{result['refused'][kind]} of {asked[kind]} refused{also}"
    for label, value in lines.items():
        console.print(f"{label:>22}  {escape(str(value))}")
    missed = result["asked"]["own"] - result["own_found"]
    if missed:
        notes.print(f"{missed} own questions do not count: their document is not among the first {_FIRST} hits.")
    if result["refused_by_fitted"] is None:
        notes.print(f"Too few questions to fit weights to: it takes {_FEWEST} own ones and {_FEWEST} others.")
    if result["written"]:
        notes.print(f"{escape(result['written'])} is written. A server that runs uses it from its next start.")


def _others(evaluation: EvaluationSet, strangers: Sequence[Path]) -> dict[Kind, dict[str, str]]:
    near = evaluation.folder / NEAR_MISSES
    near_misses = read_questions(near) if near.exists() else {}
    asked = {
        f"{number} {query}": text
        for number, folder in enumerate(strangers)
        for query, text in read_questions(folder / "queries.jsonl").items()
    }
    if not near_misses and not asked:
        raise RequestError(
            "no_stranger_questions",
            "There is no question that the documents do not answer.",
            f"Put some into {near}, or name another set with --strangers FOLDER.",
        )
    return {"near_misses": near_misses, "strangers": asked}


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks questions of the set that was ingested, with the gate in use."""

    retriever: Retrieves
    gate: FittedGate
    evaluation: EvaluationSet
    evidence_limit: int

    def of(self, kind: Kind, questions: Mapping[str, str], limit: int) -> Iterator[_Judged]:
        """Yields the questions of a kind, at most `limit`. Own ones count if their document is among the first hits."""
        # The order of the digests is the same each time, and has nothing to do with what is asked.
        chosen = sorted(questions, key=lambda query: hashlib.sha256(query.encode()).digest())[:limit]
        for number, query in enumerate(chosen):
            found = self.retriever.retrieve(questions[query], reader=OPERATOR, limit=2 * self.evidence_limit)
            relevant = self.evaluation.relevant.get(query, {}) if kind == "own" else {}
            if kind == "own" and not any(relevant.get(hit.chunk.uri, 0) > 0 for hit in found.hits[:_FIRST]):
                continue
            rows = rows_of(found.query, found.hits, self.gate.reading)
            asked = Asked([values for _, values in rows], [self._answers(hit, relevant) for hit, _ in rows])
            refused = not self.gate(found.query, found.hits, embedder=found.embedder)
            yield _Judged(kind, number % 2, asked, refused)

    def _answers(self, hit: Hit, relevant: Mapping[str, int]) -> bool:
        if self.gate.reading is not None:
            return bool(relevant)  # the hit that reads best stands for the question, whichever it is
        return relevant.get(hit.chunk.uri, 0) > 0


def _count(judged: Sequence[_Judged], *, fitting: bool = False) -> dict[Kind, int]:
    return {
        kind: sum(each.kind == kind and (each.can_be_fitted_to or not fitting) for each in judged) for kind in _NAMES
    }


def _fitted(judged: Sequence[_Judged], gate: FittedGate) -> Weights:
    kinds = [[each.asked for each in judged if each.kind == kind and each.can_be_fitted_to] for kind in _NAMES]
    own, *others = kinds
    return own_weights(own, [kind for kind in others if kind], shipped(with_reading=gate.reading is not None))


def _refused_by_fitted(judged: Sequence[_Judged], gate: FittedGate) -> list[_Judged]:
    """Returns the questions that are refused by weights which were fitted to the other half of all questions."""
    refused: list[_Judged] = []
    for half in (0, 1):
        weights = _fitted([each for each in judged if each.half != half], gate)
        for each in judged:
            if each.half == half and _is_refused(each, weights, gate):
                refused.append(each)
    return refused


def _is_refused(judged: _Judged, weights: Weights, gate: FittedGate) -> bool:
    if not judged.asked.rows or gate.threshold == 0:
        return judged.refused
    return weights.likelihood(judged.asked.rows, gate.line) < gate.threshold


def _too_few(enough: Mapping[Kind, int]) -> RequestError:
    others = sum(enough[kind] for kind in _OTHERS)
    return RequestError(
        "too_few_questions",
        f"{enough['own']} questions whose document is found, and {others} others, are too few to fit weights to.",
        f"It takes {_FEWEST} of each, with passages that have vectors: bring more, or raise --questions.",
    )
