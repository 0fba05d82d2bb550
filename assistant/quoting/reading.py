"""Reads the passages of a question where their words fit best, for the gate and for the quotation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from assistant.quoting.asked import Asked
from assistant.quoting.fitting_rows import fitting_rows
from assistant.quoting.forms import form_shift
from assistant.quoting.parts import Part, parts_of
from assistant.quoting.windows import Placed, windows_of
from assistant.reading.model import ReadingModel, shipped
from ingest.document import Chunk

_WINDOWS = 6
"""So many windows are read for a question, some 700 tokens. Reading takes about half a millisecond a token."""
_EACH = 2
"""At most so many of one passage, unless there are fewer passages."""
_PER_RANK = 0.06
"""What a window loses for each place of its passage: the search has compared meaning too."""
_FITS = 0.3
"""What a window gains if a row of it is for a number of the question."""
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """What was read of a passage: the scores of its parts, in log odds (`ReadingModel`), by the text of the part."""

    texts: Mapping[str, float]

    @property
    def best(self) -> float:
        """Returns the best score, or -inf if nothing of the passage was read."""
        return max(self.texts.values(), default=-math.inf)


class PassageReading:
    """Reads passages with a model. Thread-safe. What was read for the last questions is kept."""

    def __init__(self, model: ReadingModel) -> None:
        self._model = model
        self._chosen = lru_cache(_REMEMBERED)(_choose)

    @property
    def name(self) -> str:
        """Returns the name of the model. Scores of different names are on different scales."""
        return self._model.name

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[ReadPassage]:
        """Returns what was read of each passage, the best passage first. It takes some 0.3 s of one processor."""
        passages = tuple((chunk.title, chunk.location.heading_path, chunk.heading, chunk.text) for chunk in chunks)
        chosen = self._chosen(question, passages)
        read = self._model.read(question, [placed.window for _, placed in chosen])
        scores: list[dict[str, float]] = [{} for _ in chunks]
        for (number, placed), units in zip(chosen, read, strict=True):
            parts = parts_of(*passages[number][:2], passages[number][3])
            scores[number] |= {
                parts[place].text: unit + form_shift(question, parts[place].folded)
                for place, unit in zip(placed.places, units, strict=True)
            }
        return [ReadPassage(each) for each in scores]


def open_reading() -> PassageReading | None:
    """Returns the reading with the shipped model, or None where the package of its weights is not installed. Loads
    nothing.
    """
    model = shipped()
    return None if model is None else PassageReading(model)


_Passage = tuple[str, tuple[str, ...], str, str]
"""Title, heading path, heading and text of a chunk: what its windows depend on."""


def _choose(question: str, passages: tuple[_Passage, ...]) -> list[tuple[int, Placed]]:
    """Returns the windows to read, each with the number of its passage: those whose words fit the question best."""
    parts = [parts_of(title, path, text) for title, path, _, text in passages]
    asked = Asked(question, [part for passage in parts for part in passage])
    ranked: list[tuple[float, int, Placed]] = []
    for number, passage in enumerate(passages):
        numbers = _numbers_of_rows(asked, parts[number])
        for placed in windows_of(*passage):
            fit = max(asked.coverage(part, part.around) for part in map(parts[number].__getitem__, placed.places))
            fits = _FITS if numbers.keys() & set(placed.places) else 0.0
            ranked.append((fit + fits - _PER_RANK * number, number, _with_numbers(placed, numbers)))
    ranked.sort(key=lambda each: -each[0])
    chosen: list[tuple[int, Placed]] = []
    for most in (_EACH, len(ranked)):
        for _, number, placed in ranked:
            taken = sum(other == number for other, _ in chosen)
            if len(chosen) < _WINDOWS and taken < most and (number, placed) not in chosen:
                chosen.append((number, placed))
    return chosen


def _numbers_of_rows(asked: Asked, parts: Sequence[Part]) -> Mapping[int, str]:
    """Returns the places of the rows whose range holds a number of the question, with the number as it is written.
    Where the numbers belong to different rows of a table (满三年不满五年), the question means none of them alone.
    """
    found = [
        (quantity.written, {place for place, fits in fitting_rows(parts, quantity).items() if fits})
        for quantity in asked.quantities
    ]

    def is_meant(place: int) -> bool:
        return all(place in rows or parts[place].block not in {parts[row].block for row in rows} for _, rows in found)

    return {
        place: written for written, rows in found for place in rows if parts[place].kind == "row" and is_meant(place)
    }


def _with_numbers(placed: Placed, numbers: Mapping[int, str]) -> Placed:
    """Returns a window whose rows say which number of the question is in their range: the model cannot compare
    numbers.
    """
    units = tuple(
        f"{unit}（{numbers[place]}）" if place in numbers else unit
        for place, unit in zip(placed.places, placed.window.units, strict=True)
    )
    return replace(placed, window=replace(placed.window, units=units))
