"""Examples of one epoch: for each question what answers it, and what does not though it looks alike.

Windows that do not answer come from the same document, from those of the set that the shipped embedder finds nearest,
and from those of other sets. The documents of offices are short: a run of their units is shown, of a length that the
product shows, with the answer somewhere in it; for a third of their questions, and now and then for the others, a run
without it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.reading.prepared import Question, Subject, Window, plain

NEAREST = 10
_OWN_SHARE, _RUN_SHARE, _FOREIGN_SHARE, _HEADLESS_SHARE = 0.3, 0.4, 0.25, 0.15
_RUN = (30, 130)
"""Characters of a wide script in a run of units, at least and at most; letters count half."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question, a heading, the units of a window, and the places of those that answer: none if nothing does."""

    question: str
    heading: str
    units: tuple[str, ...]
    answers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Surrounded:
    """A subject, and for each of its questions the windows that the shipped embedder finds nearest, by subject: shape
    (questions, NEAREST). `whole` windows are shown as they are.
    """

    subject: Subject
    nearest: dict[str, np.ndarray]
    whole: bool


def epoch(
    subjects: Sequence[Surrounded], chance: random.Random, most: int, foreign: Sequence[Surrounded]
) -> Iterator[Example]:
    """Yields the examples of an epoch, with at most so many questions of a subject, drawn anew each time, and windows
    of foreign subjects.
    """
    for one in subjects:
        numbers = range(len(one.subject.questions))
        for number in chance.sample(numbers, min(most, len(numbers))):
            sample = _of_set if one.whole else _of_office
            yield from sample(one, number, chance)
            others = [other.subject for other in foreign if other is not one]
            if others and (one.whole or chance.random() < _FOREIGN_SHARE):
                other = chance.choice(others)
                window = other.windows[chance.choice(one.nearest[other.name][number])]
                if not _says(window, one.subject.questions[number]):
                    yield _shown(one.subject.questions[number], window, ())


def _of_set(one: Surrounded, number: int, chance: random.Random) -> Iterator[Example]:
    question, windows = one.subject.questions[number], one.subject.windows
    if question.answered is not None:
        answer, places = question.answered
        yield _shown(question, windows[answer], places)
        others = [at for at in question.own if at != answer and not _says(windows[at], question)]
        if others and chance.random() < _OWN_SHARE:
            yield _shown(question, windows[chance.choice(others)], ())
    near = [at for at in one.nearest[one.subject.name][number] if at not in question.own]
    near = [at for at in near if not _says(windows[at], question)]
    if near:
        yield _shown(question, windows[chance.choice(near)], ())


def _of_office(one: Surrounded, number: int, chance: random.Random) -> Iterator[Example]:
    question = one.subject.questions[number]
    window = one.subject.windows[question.own[0]]
    if chance.random() < _HEADLESS_SHARE:
        window = Window(window.document, "", window.units)
    size, last = chance.randint(*_RUN), len(window.units)
    if question.answered is None:
        first = chance.randrange(last)
        yield _run(question, window, *_grown(window, first, size, chance), ())
        return
    places = question.answered[1]
    yield _run(question, window, *_grown(window, chance.choice(places), size, chance), places)
    free = [at for at in range(last) if at not in places]
    if free and chance.random() < _RUN_SHARE:
        first, end = _grown(window, chance.choice(free), size, chance, frozenset(places))
        yield _run(question, window, first, end, ())


def _grown(
    window: Window, at: int, size: int, chance: random.Random, without: frozenset[int] = frozenset()
) -> tuple[int, int]:
    """Returns the bounds of a run of units around one, of about this size, that has none of `without`."""
    first, end = at, at + 1
    while sum(map(width, window.units[first:end])) < size:
        before = first > 0 and first - 1 not in without
        after = end < len(window.units) and end not in without
        if not (before or after):
            break
        if before and (not after or chance.random() < 0.5):
            first -= 1
        else:
            end += 1
    return first, end


def _run(question: Question, window: Window, first: int, end: int, places: Sequence[int]) -> Example:
    inside = tuple(place - first for place in places if first <= place < end)
    return Example(question.text, window.heading, window.units[first:end], inside)


def width(unit: str) -> float:
    """Returns the length of a text in characters of a wide script."""
    return sum(1 if letter > "\u2e7f" else 0.5 for letter in unit)


def _shown(question: Question, window: Window, places: tuple[int, ...]) -> Example:
    return Example(question.text, window.heading, window.units, places)


def _says(window: Window, question: Question) -> bool:
    text = plain("".join(window.units))
    return any(len(answer) > 1 and answer in text for answer in question.answers)
