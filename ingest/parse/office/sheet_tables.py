"""Finds the tables of a sheet. Every contiguous region of a sheet is one table, with the cells that it covers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.document import Element, Location
from ingest.parse.tables_markdown import Rows, markdown

_MAX_HEADER_ROWS = 3
_NUMBER = re.compile(r"[-+(]?[\d.,\s]+[%)]?")
_COLUMN_GAP = 2
"""This many blank columns separate two tables. A single blank column is often only spacing."""


def sheet_elements(title: str, rows: Rows) -> Iterator[Element]:
    regions = list(_regions(rows))
    if regions:
        yield Element("heading", title, Location(sheet=title), level=1)
    for top, bottom, left, right in regions:
        cells = [row[left:right] for row in rows[top:bottom]]
        # A single value over the whole width is a caption above the table. It is not the table's header.
        while len(cells) > 1 and len(_values(cells[0])) == 1 and any(len(_values(row)) > 1 for row in cells):
            where = Location(sheet=title, cells=cell_range(top, top + 1, left, right))
            yield Element("caption", _values(cells[0])[0], where)
            cells, top = cells[1:], top + 1
        where = Location(sheet=title, cells=cell_range(top, bottom, left, right))
        if all(len(_values(row)) <= 1 for row in cells):
            yield Element("paragraph", "\n".join(value for row in cells for value in _values(row)), where)
        else:
            yield Element("table", markdown(cells), where)


def _values(row: list[str]) -> list[str]:
    """Returns the different values of a row, in order."""
    return list(dict.fromkeys(value for value in row if value))


def _regions(rows: Rows) -> Iterator[tuple[int, int, int, int]]:
    """Yields regions as half-open ranges. Blank rows separate blocks. A block is cut where two or more blank columns
    follow each other.
    """
    for top, bottom in _row_blocks(rows):
        block = rows[top:bottom]
        filled = [any(row[column] for row in block) for column in range(len(block[0]))]
        for left, right in _runs(filled, gap=_COLUMN_GAP):
            used = [bool(any(row[left:right])) for row in block]
            first, last = used.index(True), len(used) - used[::-1].index(True)
            yield top + first, top + last, left, right


def _row_blocks(rows: Rows) -> Iterator[tuple[int, int]]:
    """Yields the blocks of rows between blank rows. If a single blank row follows a header, the header stays with its
    table.
    """
    top = bottom = -1
    for start, stop in _runs([any(row) for row in rows], gap=1):
        if top >= 0 and (start - bottom > 1 or not _is_header(rows[top:bottom])):
            yield top, bottom
            top = start
        top, bottom = (start if top < 0 else top), stop
    if top >= 0:
        yield top, bottom


def _is_header(rows: Rows) -> bool:
    """Returns True for a few rows of words without a number, if at least one row has more than two different values."""
    cells = [value for row in rows for value in row if value]
    several = any(len(_values(row)) > 2 for row in rows)
    return len(rows) <= _MAX_HEADER_ROWS and several and not any(_NUMBER.fullmatch(value) for value in cells)


def _runs(filled: list[bool], gap: int) -> Iterator[tuple[int, int]]:
    """Yields half-open runs of true values. At least `gap` false values separate two runs."""
    start = end = -1
    for index, value in enumerate(filled):
        if not value:
            continue
        if start >= 0 and index - end >= gap:
            yield start, end
            start = index
        start, end = (index if start < 0 else start), index + 1
    if start >= 0:
        yield start, end


def cell_range(top: int, bottom: int, left: int, right: int) -> str:
    return f"{_letters(left + 1)}{top + 1}:{_letters(right)}{bottom}"


def _letters(column: int) -> str:
    """Returns the name of a column, counted from 1. Text files can have more columns than openpyxl has names for."""
    name = ""
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
