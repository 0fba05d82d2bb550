"""The windows of a passage that are read at once: its sentences and rows in order, each so short that it is cheap.

A long passage takes seconds to read, and its answer is in one place of it. So only the windows whose words fit best are
read (`reading`), and each is short.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.quoting.parts import Part, cells_of, parts_of
from assistant.reading.model import Window

_SIZE = 100
"""About so many tokens of a window belong to its units. Longer ones are hardly read better."""
_PER_CHARACTER = 0.28
_PER_WIDE_CHARACTER = 0.65
"""Tokens of a character. A wide one is Chinese."""
_REMEMBERED = 512
_HEADING_CHARS = 120


@dataclass(frozen=True, slots=True)
class Placed:
    """A window, and where its units stand in `parts_of` its passage."""

    window: Window
    places: tuple[int, ...]


@lru_cache(maxsize=_REMEMBERED)
def windows_of(title: str, path: tuple[str, ...], heading: str, text: str) -> tuple[Placed, ...]:
    """Returns the windows of a passage, in order. They are cached, because many questions find the same passages."""
    parts = parts_of(title, path, text)
    heading = heading[:_HEADING_CHARS]
    return tuple(
        Placed(Window(heading, tuple(_unit(parts[place]) for place in places)), places) for places in _groups(parts)
    )


def _groups(parts: Sequence[Part]) -> Iterator[tuple[int, ...]]:
    """Yields the places of parts that are read together. A list is read by its sentences, which are parts too."""
    group: list[int] = []
    size = 0.0
    for place, part in enumerate(parts):
        if part.kind == "list":
            continue
        length = _tokens(_unit(part))
        if group and size + length > _SIZE:
            yield tuple(group)
            group, size = [], 0.0
        group.append(place)
        size += length
    if group:
        yield tuple(group)


def _unit(part: Part) -> str:
    """Returns the text of a part as it is read. A row says which column each cell belongs to, as prose would. Without a
    header, the first of two cells names the other.
    """
    if part.kind == "row" and not part.header:
        cells = list(filter(None, cells_of(part.text)))
        return ("：" if len(cells) == 2 else "；").join(cells)
    if part.kind == "row":
        names, cells = cells_of(part.header), cells_of(part.text)
        names += [""] * (len(cells) - len(names))
        told = (f"{name}：{cell}" if name else cell for name, cell in zip(names, cells, strict=False) if cell)
        return "；".join(told)
    return f"{part.header} {part.text}" if part.header else part.text


def _tokens(text: str) -> float:
    wide = sum(character > "\u2e7f" for character in text)
    return wide * _PER_WIDE_CHARACTER + (len(text) - wide) * _PER_CHARACTER
