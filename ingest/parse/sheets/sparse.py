"""Holds the cells of a sheet that have content, and makes a small grid of them.

A colour in the last row, or a note far to the right, must not make a grid of a thousand million cells. Blank rows and
columns between contents are cut down to a few, which still part tables. Rows and columns that are hidden or struck
through are left out, so that the tables around them stay whole.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from ingest.document import Element
from ingest.parse.refusals import refuse
from ingest.parse.sheets.regions import cell_range
from ingest.parse.tables.markdown import Rows

_MAX_CELLS = 5_000_000
_KEPT_BLANK = 5
"""Rows or columns. Two tables are parted by fewer."""
_RANGE = re.compile(r"([A-Z]++)(\d++):([A-Z]++)(\d++)")

Merged = tuple[int, int, int, int]
"""The first row and the one after the last, the first column and the one after the last."""


@dataclass(slots=True)
class SparseSheet:
    """The contents of a sheet by row and column, which count from 0. Rows and columns that are left out are there, but
    not shown.
    """

    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[Merged] = field(default_factory=list)
    rows_left_out: set[int] = field(default_factory=set)
    columns_left_out: set[int] = field(default_factory=set)
    _struck: set[int] = field(default_factory=set)

    def add(self, row: int, column: int, text: str, struck: bool = False) -> None:
        """Add the text of a cell, unless all of it is struck through."""
        if struck:
            self._struck.add(row)
        else:
            self.cells[row, column] = text

    def grid(self, name: str) -> Grid:
        """Returns the grid. Raises `too_large` if it has, or its merged cells cover, more than 5 million cells."""
        filled = {row for row, _ in self.cells}
        rows = _kept(filled, self.rows_left_out | (self._struck - filled))
        columns = _kept({column for _, column in self.cells}, self.columns_left_out)
        if len(rows) * len(columns) > _MAX_CELLS:
            raise refuse("too_large", name, f"a sheet of {len(rows) * len(columns)} cells")
        grid = [[""] * len(columns) for _ in rows]
        places = {row: number for number, row in enumerate(rows)}
        across = {column: number for number, column in enumerate(columns)}
        for (row, column), text in self.cells.items():
            if row in places and column in across:
                grid[places[row]][across[column]] = text
        spread = 0
        for top, bottom, left, right in self.merged:
            text = self.cells.get((top, left), "")
            lines = grid[bisect_left(rows, top) : bisect_left(rows, bottom)] if text else []
            covered = range(bisect_left(columns, left), bisect_left(columns, right))
            spread += len(lines) * len(covered)
            if spread > _MAX_CELLS:
                raise refuse("too_large", name, f"merged cells that cover more than {_MAX_CELLS} cells")
            for line in lines:
                for number in covered:
                    line[number] = text
        return Grid(grid, rows, columns)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of texts, and which row and column of the sheet each one is."""

    texts: Rows
    rows: list[int]
    columns: list[int]

    def placed(self, elements: Iterable[Element]) -> Iterator[Element]:
        """Yields elements that were found in the grid with the cells of the sheet that they cover."""
        for element in elements:
            found = _RANGE.fullmatch(element.location.cells or "")
            if found is None:
                yield element
                continue
            left, right = (self.columns[_number(found[part]) - 1] for part in (1, 3))
            top, bottom = (self.rows[int(found[part]) - 1] for part in (2, 4))
            cells = cell_range(top, bottom + 1, left, right + 1)
            yield replace(element, location=replace(element.location, cells=cells))


def _number(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _kept(filled: set[int], left_out: set[int]) -> list[int]:
    """Returns the rows or columns of the grid: those with content, and a few of the blank ones before each."""
    kept: list[int] = []
    before = -1
    for place in sorted(filled - left_out):
        blank = (blank for blank in range(place - 1, before, -1) if blank not in left_out)
        kept.extend((*sorted(islice(blank, _KEPT_BLANK)), place))
        before = place
    return kept
