"""Finds the tables of a sheet. Every contiguous region of a sheet is one table, with the cells that it covers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.document import Element, Location
from ingest.parse.tables.beside import runs, tables_beside
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.headers import values_of
from ingest.parse.tables.labels import heads_column, is_number, is_total, is_value
from ingest.parse.tables.markdown import Rows

_MAX_HEADER_ROWS = 3
_LOOKED_AT = 20
"""So many rows of a block tell whether it begins with a header."""
_NUMBER = re.compile(r"[-+(]?[\d.,\s]+[%)]?")
COLUMN_GAP = 2
"""This many blank columns separate two tables in any case."""
Region = tuple[int, int, int, int]
"""The first row and the row after the last, the first column and the column after the last."""


def sheet_elements(title: str, rows: Rows) -> Iterator[Element]:
    """Yields the name of a sheet, and the tables and paragraphs on it. The rows are equally long."""
    regions = list(_regions(rows))
    if regions:
        yield Element("heading", title, Location(sheet=title), level=1)
    for region in regions:
        yield from _region(title, rows, region)


def _region(title: str, rows: Rows, region: Region) -> Iterator[Element]:
    top, bottom, left, right = region
    cells = [row[left:right] for row in rows[top:bottom]]

    def place(first: int, stop: int) -> Location:
        return Location(sheet=title, cells=cell_range(top + first, top + stop, left, right))

    if all(len(values_of(row)) <= 1 for row in cells):
        text = "\n".join(value for row in cells for value in values_of(row))
        yield Element("paragraph", text, place(0, len(cells)))
    else:
        yield from table_elements(cells, place=place, may_be_two=False)


def _regions(rows: Rows) -> Iterator[Region]:
    """Yields the regions of a sheet. Blank rows separate blocks, and blank columns separate the tables of a block."""
    for top, bottom in _row_blocks(rows):
        block = rows[top:bottom]
        titles = next((number for number, row in enumerate(block) if len(values_of(row)) > 1), 0)
        tables = tables_beside(block[titles:], gap=COLUMN_GAP)
        if len(tables) == 1:
            used = [column for column in range(len(block[0])) if any(row[column] for row in block)]
            yield top, bottom, used[0], used[-1] + 1
            continue
        for number in range(titles):
            filled = [column for column, value in enumerate(block[number]) if value]
            if not any(left <= filled[0] and filled[-1] < right for left, right in tables):  # it stands across them
                yield top + number, top + number + 1, filled[0], filled[-1] + 1
                block[number] = [""] * len(block[number])
        for left, right in tables:
            for start, stop in _row_blocks([row[left:right] for row in block]):
                yield top + start, top + stop, left, right


def _row_blocks(rows: Rows) -> Iterator[tuple[int, int]]:
    """Yields the blocks of rows between blank rows. A single blank row parts no header, no row of sums and no rows like
    those above it from their table.
    """
    top = bottom = -1
    for start, stop in runs([any(row) for row in rows], gap=1):
        last = rows[max(top, bottom - _MAX_HEADER_ROWS - 1) : bottom]
        goes_on = start - bottom == 1 and (_is_header(last) or _belongs(last, rows[start]))
        if top >= 0 and not goes_on:
            yield top, bottom
            top = start
        top, bottom = (start if top < 0 else top), stop
    if top >= 0:
        yield top, bottom


def _is_header(rows: Rows) -> bool:
    """Returns True for a few rows of words without a number, if at least one row has more than two different values."""
    cells = [value for row in rows for value in row if value]
    several = any(len(values_of(row)) > 2 for row in rows)
    return len(rows) <= _MAX_HEADER_ROWS and several and not any(_NUMBER.fullmatch(value) for value in cells)


def _belongs(table: Rows, row: list[str]) -> bool:
    """Returns True for a row of sums under columns of a table, and for one that has words and values where the row
    above it has them. A header has words over the values.
    """
    said = values_of(row)
    if len(said) < 2 or not any(len(values_of(above)) > 1 for above in table):
        return False
    columns = [column for column, text in enumerate(row) if text]
    if is_total(said[0]):
        return all(any(above[column] for above in table) for column in columns)
    kinds, above = [list(map(is_value, each)) for each in (row, table[-1])]
    return any(kinds) and kinds == above and columns == [column for column, text in enumerate(table[-1]) if text]


def stacked(rows: Rows) -> Iterator[tuple[int, int]]:
    """Yields the first row and the one after the last of each table in a text file. In those, a blank row parts tables
    only if a header stands below it.
    """
    start = has_rows = 0
    for top, bottom in runs([any(row) for row in rows], gap=1):
        block = rows[top : min(bottom, top + _LOOKED_AT)]
        if has_rows > 1 and _begins_table(block):
            yield start, top
            start, has_rows = top, 0
        has_rows += sum(len(values_of(row)) > 1 for row in block)
    if has_rows or start < len(rows):
        yield start, len(rows)


def _begins_table(block: Rows) -> bool:
    """Returns True if the first row with several values is words over values, or as the names of columns are."""
    titles = next((number for number, row in enumerate(block) if len(values_of(row)) > 1), len(block))
    if titles + 1 >= len(block):
        return False
    head, *below = block[titles:]
    said = values_of(head)
    if any(map(is_number, said)) or is_total(said[0]) or any(text.endswith((":", "：")) for text in said):
        return False
    over_values = any(text and all(is_value(row[column]) for row in below) for column, text in enumerate(head))
    return over_values or sum(map(heads_column, said)) * 2 > len(said)


def cell_range(top: int, bottom: int, left: int, right: int) -> str:
    return f"{_letters(left + 1)}{top + 1}:{_letters(right)}{bottom}"


def _letters(column: int) -> str:
    """Returns the name of a column, counted from 1. Text files can have more columns than openpyxl has names for."""
    name = ""
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
