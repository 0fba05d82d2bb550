"""Reads the charts of an XLS workbook: titles, names of axes, and numbers as tables.

xlrd does not read them. Their records are those of [MS-XLS] 2.1.7.20.1. Numbers that come from cells are read there, as
the cells show them; those that come from elsewhere are stored with the chart.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from xlrd.formula import get_externsheet_local_range

from ingest.parse.office.charts import Chart, Points, caption_of, table_of
from ingest.parse.sheets.cells import shown
from ingest.parse.tables.markdown import Rows

_BEGIN, _END = 0x1033, 0x1034
_SERIES, _TEXT, _SCATTER, _PART_OF_SERIES = 0x1003, 0x1025, 0x101B, 0x104A
_LINK, _WORDS, _LABELS = 0x1051, 0x100D, 0x1027
_STORED, _NUMBER, _LABEL = 0x1065, 0x0203, 0x0204
_NAME, _VALUES, _PLACES = 0, 1, 2
"""What a link is for. `_STORED` numbers what follows in the same way."""
_TITLE, _AXES = 1, (3, 2, 7)
"""What a text of the chart labels."""
_OWN_FORMAT = 1
_AREA, _CELL = (0x3B, 0x5B, 0x7B), (0x3A, 0x5A, 0x7A)
_AROUND = {0x10: 1, 0x15: 1, 0x26: 7, 0x46: 7, 0x66: 7, 0x29: 3, 0x49: 3, 0x69: 3}
"""The marks between the areas of a reference, and their sizes."""
_MAX_POINTS = 200_000

TextOf = Callable[[int, int, int], str]
"""Returns what a cell shows: of the sheet with this number, in this row and column."""


@dataclass(frozen=True, slots=True)
class _Area:
    """Cells of a sheet, or of another workbook if `sheet` is negative."""

    sheet: int
    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(slots=True)
class _Series:
    """A series, as it is stated: its name, and for each purpose where the numbers are and their format."""

    name: str = ""
    areas: dict[int, list[_Area]] = field(default_factory=dict)
    formats: dict[int, int] = field(default_factory=dict)
    is_part: bool = False
    """True for a trend line, and for the bars of errors."""


@dataclass(slots=True)
class _Stated:
    """What the records of a chart state."""

    series: list[_Series] = field(default_factory=list)
    titles: dict[int, str] = field(default_factory=dict)
    stored: dict[tuple[int, int], dict[int, float | str]] = field(default_factory=lambda: defaultdict(dict))
    is_scattered: bool = False


class OldCharts:
    """Reads the charts of one workbook."""

    def __init__(self, book: Any, text_of: TextOf) -> None:
        self._book = book
        self._text_of = text_of
        self._left = _MAX_POINTS

    def chart(self, found: Iterable[tuple[int, bytes]], visible: frozenset[str]) -> Chart:
        """Returns what the records of a chart say. If all its numbers are on `visible` sheets, it has no tables.

        Raises ValueError and struct.error if the chart is damaged or too large.
        """
        stated = _stated(found, self._areas)
        names = self._book.sheet_names()
        places = [area for each in stated.series for areas in each.areas.values() for area in areas]
        sources = tuple(names[area.sheet] if 0 <= area.sheet < len(names) else "" for area in places)
        caption = caption_of(stated.titles.get(_TITLE, ""), (stated.titles.get(axis, "") for axis in _AXES))
        chart = Chart(caption, (), sources)
        return chart if chart.repeats(visible) else Chart(caption, tuple(self._tables(stated)), sources)

    def _tables(self, stated: _Stated) -> Iterator[Rows]:
        columns = [
            (
                each.name or next(iter(self._points(stated, number, _NAME).values()), ""),
                self._points(stated, number, _PLACES),
                self._points(stated, number, _VALUES),
            )
            for number, each in enumerate(stated.series)
            if not each.is_part
        ]
        along, upward = (stated.titles.get(axis, "") for axis in _AXES[:2])
        if stated.is_scattered:
            rows = [[name, x.get(at, str(at + 1)), y[at]] for name, x, y in columns for at in sorted(y)]
            if rows:
                yield [["", along or "X", upward or "Y"], *rows]
            return
        for _, members in groupby(columns, key=lambda column: column[1]):
            alike = list(members)
            yield from table_of(along, alike[0][1], [(name, values) for name, _, values in alike])

    def _points(self, stated: _Stated, number: int, purpose: int) -> Points:
        """Returns what a series shows at each place: as its cells show it, else as it is stored with the chart."""
        series = stated.series[number]
        cells = [
            text
            for area in series.areas.get(purpose, ())
            if area.sheet >= 0
            for row in range(area.first_row, area.last_row + 1)
            for column in range(area.first_column, area.last_column + 1)
            for text in (self._cell(area.sheet, row, column),)
        ]
        if any(cells):
            return {place: text for place, text in enumerate(cells) if text}
        kept = stated.stored.get((purpose, number), {})
        format_ = self._book.format_map.get(series.formats.get(purpose, 0))
        code = format_.format_str if format_ is not None else ""
        return {place: shown(value, code, bool(self._book.datemode)) for place, value in kept.items()}

    def _cell(self, sheet: int, row: int, column: int) -> str:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"charts of more than {_MAX_POINTS} numbers")
        return self._text_of(sheet, row, column)

    def _areas(self, formula: bytes) -> list[_Area]:
        """Returns the cells that a formula refers to."""
        found: list[_Area] = []
        place = 0
        while place < len(formula):
            kind = formula[place]
            if kind in _AREA:
                sheet, top, bottom, left, right = struct.unpack_from("<5H", formula, place + 1)
                found.append(_Area(self._sheet(sheet), top, bottom, left & 0xFF, right & 0xFF))
                place += 11
            elif kind in _CELL:
                sheet, row, column = struct.unpack_from("<3H", formula, place + 1)
                found.append(_Area(self._sheet(sheet), row, row, column & 0xFF, column & 0xFF))
                place += 7
            elif kind in _AROUND:
                place += _AROUND[kind]
            else:
                return found or [_Area(-1, 0, 0, 0, 0)]
        return found

    def _sheet(self, reference: int) -> int:
        """Returns the number of the sheet that a reference means. It is negative for another workbook."""
        try:
            first, last = get_externsheet_local_range(self._book, reference)
        except Exception:  # xlrd stops in many ways at what it does not know
            return -1
        return first if first == last else -1


def _stated(found: Iterable[tuple[int, bytes]], areas: Callable[[bytes], list[_Area]]) -> _Stated:
    """Returns what the records of a chart state."""
    stated, around, before = _Stated(), [0], 0
    words, labels, storing = "", 0, 0
    for kind, content in found:
        if kind == _BEGIN:
            around.append(before)
            words, labels = ("", 0) if before == _TEXT else (words, labels)
        elif kind == _END and len(around) > 1:
            if around.pop() == _TEXT and words:
                stated.titles.setdefault(labels, words)
        elif kind == _SERIES:
            stated.series.append(_Series())
        elif kind == _SCATTER:
            stated.is_scattered = True
        elif kind == _PART_OF_SERIES and stated.series:
            stated.series[-1].is_part = True
        elif kind == _LINK and around[-1] == _SERIES and stated.series:
            _link(stated.series[-1], content, areas)
        elif kind == _WORDS and around[-1] == _TEXT:
            words = _short_text(content)
        elif kind == _WORDS and around[-1] == _SERIES and stated.series:
            stated.series[-1].name = _short_text(content)
        elif kind == _LABELS and around[-1] == _TEXT:
            (labels,) = struct.unpack_from("<H", content)
        elif kind == _STORED:
            (storing,) = struct.unpack_from("<H", content)
        elif kind in (_NUMBER, _LABEL) and storing:
            row, column = struct.unpack_from("<HH", content)
            value = struct.unpack_from("<d", content, 6)[0] if kind == _NUMBER else _text(content, 6, 2)
            stated.stored[storing, column][row] = value
        before = kind
    return stated


def _link(series: _Series, content: bytes, areas: Callable[[bytes], list[_Area]]) -> None:
    """Note where the numbers of a series are, or its name."""
    purpose, _, flags, format_, size = struct.unpack_from("<BBHHH", content)
    if formula := content[8 : 8 + size]:
        series.areas[purpose] = areas(formula)
    if flags & _OWN_FORMAT:
        series.formats[purpose] = format_


def _short_text(content: bytes) -> str:
    return _text(content, 2, 1)


def _text(content: bytes, start: int, width: int) -> str:
    """Returns a text whose number of characters stands at `start` in so many bytes. A flag says how wide they are."""
    length = int.from_bytes(content[start : start + width], "little")
    is_wide = content[start + width : start + width + 1] == b"\1"
    letters = content[start + width + 1 :]
    text = letters[: 2 * length].decode("utf-16-le", "replace") if is_wide else letters[:length].decode("latin-1")
    return " ".join(text.split())
