"""Questions of sets in the BEIR layout, with the units that answer them, and windows that do not.

A set whose questions come with short answers tells the sentence: the one of the right document that has the answer, and
most of the question's words beside it. Otherwise the window of the right document that has most words of question and
answer counts as a whole. Windows that do not answer come from the same document, from passages of the set that the
shipped embedder finds nearest, and from those of the other sets.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from api.cli.evaluation_set import CorpusSource
from assistant.terms import terms
from benchmarks.reading.office import Example
from ingest.embedding import DenseEmbedder
from ingest.language import fold, sentences
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings

_WINDOW_CHARS = 240
_NEAREST = 10
_SHORT_ANSWER = 60
_MARKS = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class _Window:
    document: str
    heading: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    answers: tuple[str, ...]
    documents: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReadingSet:
    """A set, cut into windows, with a vector of each window and of each question."""

    name: str
    windows: tuple[_Window, ...]
    questions: tuple[_Question, ...]
    window_vectors: np.ndarray
    question_vectors: np.ndarray


def read(folder: Path, dense: DenseEmbedder) -> ReadingSet:
    """Reads a set and embeds it. Some 30 ms of processor time a passage."""
    windows = tuple(_windows(folder))
    questions = tuple(_questions(folder))
    return ReadingSet(
        folder.name,
        windows,
        questions,
        dense.embed_documents([f"{each.heading}\n{''.join(each.units)}" for each in windows]),
        np.array([dense.embed_query(each.text) for each in questions]),
    )


def examples(sets: Sequence[ReadingSet], chance: random.Random) -> Iterator[Example]:
    """Yields the examples of one epoch: what answers each question, and two or three windows that do not."""
    for one in sets:
        by_document: dict[str, list[_Window]] = {}
        for window in one.windows:
            by_document.setdefault(window.document, []).append(window)
        for number, question in enumerate(one.questions):
            own = [window for document in sorted(question.documents) for window in by_document.get(document, ())]
            answered = _answered(question, own)
            if answered is not None:
                window, places = answered
                yield _example(question, window, places)
                others = [other for other in own if other is not window and not _says(other, question)]
                if others and chance.random() < 0.3:
                    yield _example(question, chance.choice(others), ())
            near = [one.windows[at] for at in _nearest(one.window_vectors, one.question_vectors[number])]
            near = [each for each in near if each.document not in question.documents and not _says(each, question)]
            if near:
                yield _example(question, chance.choice(near), ())
            other = chance.choice(sets)
            if other is not one:
                yield _example(
                    question,
                    other.windows[chance.choice(_nearest(other.window_vectors, one.question_vectors[number]))],
                    (),
                )


def _windows(folder: Path) -> Iterator[_Window]:
    settings = IngestSettings()
    for reference in CorpusSource(folder).references():
        document = parse(reference, settings)
        group: list[str] = []
        for start, end in sentences(fold(document.text)):
            group.append(fold(document.text)[start:end])
            if sum(map(len, group)) > _WINDOW_CHARS:
                yield _Window(reference.uri, fold(document.title), tuple(group))
                group = []
        if group:
            yield _Window(reference.uri, fold(document.title), tuple(group))


def _questions(folder: Path) -> Iterator[_Question]:
    judged: dict[str, set[str]] = {}
    for line in (folder / "qrels" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            judged.setdefault(query, set()).add(document)
    for name in ("queries.jsonl", "unanswerable.jsonl"):
        if (folder / name).is_file():
            for row in map(json.loads, (folder / name).read_text(encoding="utf-8").splitlines()):
                answers = tuple(map(fold, row.get("answers", ())))
                yield _Question(fold(row["text"]), answers, frozenset(judged.get(row["_id"], ())))


def _answered(question: _Question, own: Sequence[_Window]) -> tuple[_Window, tuple[int, ...]] | None:
    """Returns the window that answers and the places of its units that do, or None if that is not known."""
    if not own:
        return None
    if not question.answers or max(map(len, question.answers)) > _SHORT_ANSWER:
        wanted = set(terms(" ".join([question.text, *question.answers])))
        best = max(own, key=lambda window: len(wanted & set(terms("\n".join(window.units)))))
        return best, tuple(range(len(best.units)))
    wanted = set(terms(question.text))
    found = [
        (len(wanted & set(terms(unit))), window, place)
        for window in own
        for place, unit in enumerate(window.units)
        if any(_plain(answer) and _plain(answer) in _plain(unit) for answer in question.answers)
    ]
    if not found:
        return None
    _, window, place = max(found, key=lambda each: each[0])
    return window, (place,)


def _says(window: _Window, question: _Question) -> bool:
    text = _plain("".join(window.units))
    return any(len(answer) > 1 and _plain(answer) in text for answer in question.answers)


def _nearest(vectors: np.ndarray, question: np.ndarray) -> list[int]:
    nearest: list[int] = np.argsort(-(vectors @ question))[:_NEAREST].tolist()
    return nearest


def _plain(text: str) -> str:
    return _MARKS.sub("", text.lower())


def _example(question: _Question, window: _Window, places: tuple[int, ...]) -> Example:
    return Example(question.text, window.heading, window.units, places)
