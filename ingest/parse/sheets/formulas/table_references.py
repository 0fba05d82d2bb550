"""References to tables of a workbook by their columns, written as references to cells: `Orders[Price]`, `[@Price]`.

ECMA-376, part 1, 18.5.1 describes the tables; [MS-XLSX] 2.2.2 the references.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_BEGIN = re.compile(
    r"\"(?:[^\"]|\"\")*+(?:\"|\Z)|'(?:[^']|'')*+(?:'!?|\Z)|(?P<name>(?<![\w.\\])[^\W\d][\w.\\]*+)?(?P<open>\[)"
)
"""Matches where a reference begins, and as a whole the texts and the names of sheets, in which none begins."""
_ESCAPED = re.compile(r"'(.)", re.DOTALL)
_THIS_ROW = "#this row"
_BROKEN = "#REF!"
_LONGEST = 8_192
"""Excel takes no longer formula."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its cells with the header and the totals, whose rows are counted, and the names of its columns."""

    name: str
    sheet: str
    top: int
    bottom: int
    left: int
    headers: int
    totals: int
    columns: tuple[str, ...]

    def cells(self, parts: list[str], columns: tuple[int, int], row: int) -> str | None:
        """Returns the reference to some parts of the table (`#totals`) and the columns from one to another. Returns
        None if `row` is meant and is not in the table.
        """
        data, last = self.top + self.headers, self.bottom - self.totals
        rows = {
            "#all": (self.top, self.bottom),
            "#headers": (self.top, data - 1),
            "#data": (data, last),
            "#totals": (last + 1, self.bottom),
            _THIS_ROW: (row, row),
        }
        if any(part not in rows for part in parts) or (_THIS_ROW in parts and not data <= row <= last):
            return None
        meant = [rows[part] for part in parts or ["#data"] if rows[part][0] <= rows[part][1]]
        if not meant:
            return _BROKEN
        top, bottom = min(meant)[0], max(stop for _, stop in meant)
        left, right = (_letters(self.left + column) for column in sorted(columns))
        name = self.sheet.replace("'", "''")
        return f"'{name}'!${left}${top}:${right}${bottom}"


class Tables:
    """The tables of a workbook."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = {table.name.casefold(): table for table in tables}
        self._known: dict[tuple[str, str, int, int], str] = {}

    def __bool__(self) -> bool:
        return bool(self._tables)

    @property
    def names(self) -> Iterator[tuple[str, str]]:
        """Yields the name of each table in small letters, and the reference to its data."""
        for name, table in self._tables.items():
            if (cells := table.cells([], (0, len(table.columns) - 1), 0)) is not None:
                yield name, cells

    def as_cells(self, formula: str, sheet: str, row: int = 0, column: int = 0) -> str:
        """Returns a formula with references to cells in place of those to tables. `row` and `column` are those of its
        cell and count from 1. A reference to what is not there stays as it is.
        """
        if len(formula) > _LONGEST:
            return formula
        key = formula, sheet, row, column
        if key not in self._known:
            self._known[key] = "".join(self._written(*key))
        return self._known[key]

    def _written(self, formula: str, sheet: str, row: int, column: int) -> Iterator[str]:
        place = 0
        while (found := _BEGIN.search(formula, place)) is not None:
            yield formula[place : found.start()]
            place = found.end()
            if found["open"]:
                place = _end(formula, found.end() - 1)
                table = self._table(found["name"], sheet, row, column)
                inside = formula[found.end() : place - 1]
                yield (_reference(table, inside, row) if table else None) or formula[found.start() : place]
            else:
                yield found[0]
        yield formula[place:]

    def _table(self, name: str | None, sheet: str, row: int, column: int) -> Table | None:
        """Returns the table with a name, or without one the table around a cell."""
        if name is not None:
            return self._tables.get(name.casefold())
        around = (
            table
            for table in self._tables.values()
            if table.sheet == sheet
            and table.top <= row <= table.bottom
            and table.left <= column < table.left + len(table.columns)
        )
        return next(around, None)


def _reference(table: Table, inside: str, row: int) -> str | None:
    """Returns the cells that the words in the brackets mean, or None if they are not known."""
    parts: list[str] = []
    named: list[str] = []
    if inside.startswith("@"):
        parts, inside = [_THIS_ROW], inside[1:]
    for before, word in _words(inside):
        if word.startswith("#"):
            parts.append(word.casefold())
        elif named and before != ":":
            return None
        else:
            named.append(_ESCAPED.sub(r"\1", word).casefold())
    columns = [column.casefold() for column in table.columns]
    if len(named) > 2 or not columns or any(name not in columns for name in named):
        return None
    numbers = [columns.index(name) for name in named] or [0, len(columns) - 1]
    return table.cells(parts, (numbers[0], numbers[-1]), row)


def _words(inside: str) -> Iterator[tuple[str, str]]:
    """Yields the names of parts and columns, one without brackets or each in its own, and what stands before each."""
    stated = inside.strip()
    if not stated.startswith("["):
        yield from ((("", stated),) if stated else ())
        return
    place = 0
    while (start := stated.find("[", place)) >= 0:
        before, place = stated[place:start].strip(), _end(stated, start)
        yield before, stated[start + 1 : place - 1].strip()


def _letters(column: int) -> str:
    """Returns the name of a column, whose number counts from 1."""
    name = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _end(text: str, start: int) -> int:
    """Returns the place behind the bracket that closes the one at `start`, or the end of the text."""
    depth, place = 0, start
    while place < len(text):
        letter = text[place]
        place += 2 if letter == "'" else 1
        depth += (letter == "[") - (letter == "]")
        if not depth:
            break
    return min(place, len(text))
