"""Questions of sets in the BEIR layout, and the units that answer them.

A set whose questions come with short answers tells the sentence: the one of the right document that has the answer, and
most of the question's words beside it. Otherwise the window of the right document that has most words of question and
answer counts as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from api.cli.evaluation_set import CorpusSource
from assistant.terms import terms
from benchmarks.reading.prepared import Question, Subject, Window, plain
from ingest.language import fold, sentences
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings

_WINDOW_CHARS = 240
_SHORT_ANSWER = 60


def read(folder: Path) -> Subject:
    """Reads a set: its windows in order, and its questions."""
    windows = tuple(_windows(folder))
    by_document: dict[str, list[int]] = {}
    for at, window in enumerate(windows):
        by_document.setdefault(window.document, []).append(at)
    words = [frozenset(terms("\n".join(window.units))) for window in windows]
    questions = []
    for text, answers, documents in _questions(folder):
        own = tuple(at for document in sorted(documents) for at in by_document.get(document, ()))
        answered = _answered(text, answers, [(at, windows[at], words[at]) for at in own])
        if answered is not None or not own:
            questions.append(Question(text, own, answered, tuple(map(plain, answers))))
    return Subject(folder.name, windows, tuple(questions))


def _windows(folder: Path) -> Iterator[Window]:
    settings = IngestSettings()
    for reference in CorpusSource(folder).references():
        document = parse(reference, settings)
        text, title = fold(document.text), fold(document.title)
        group: list[str] = []
        for start, end in sentences(text):
            group.append(text[start:end])
            if sum(map(len, group)) > _WINDOW_CHARS:
                yield Window(reference.uri, title, tuple(group))
                group = []
        if group:
            yield Window(reference.uri, title, tuple(group))


def _questions(folder: Path) -> Iterator[tuple[str, tuple[str, ...], frozenset[str]]]:
    """Yields questions, their short answers, and the documents that answer: none for those without an answer."""
    judged: dict[str, set[str]] = {}
    for line in (folder / "qrels" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            judged.setdefault(query, set()).add(document)
    for name in ("queries.jsonl", "unanswerable.jsonl"):
        if (folder / name).is_file():
            for row in map(json.loads, (folder / name).read_text(encoding="utf-8").splitlines()):
                answers = tuple(map(fold, row.get("answers", ())))
                yield fold(row["text"]), answers, frozenset(judged.get(row["_id"], ()))


def _answered(
    text: str, answers: Sequence[str], own: Sequence[tuple[int, Window, frozenset[str]]]
) -> tuple[int, tuple[int, ...]] | None:
    """Returns the window that answers and the places of its units that do, or None if that is not known."""
    if not own:
        return None
    if not answers or max(map(len, answers)) > _SHORT_ANSWER:
        wanted = set(terms(" ".join([text, *answers])))
        at, window, _ = max(own, key=lambda each: len(wanted & each[2]))
        return at, tuple(range(len(window.units)))
    wanted = set(terms(text))
    found = [
        (len(wanted & set(terms(unit))), at, place)
        for at, window, _ in own
        for place, unit in enumerate(window.units)
        if any(plain(answer) and plain(answer) in plain(unit) for answer in answers)
    ]
    if not found:
        return None
    _, at, place = max(found)
    return at, (place,)
