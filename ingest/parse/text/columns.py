"""Tables in plain text whose columns are parted by tabs, or stand under each other with spaces between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from ingest.document import Element
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.markdown import Rows

_TABS = re.compile(r"\t+")
_SPACES = re.compile(r"(?:\t|\u3000{2}| {2})[ \t\u3000]*")
_LEAST_LINES = 3
_LEAST_BY_TABS, _LEAST_BY_SPACES = 2, 3
"""Two pieces with a gap between them are a line of a song as well as a row."""
_LONGEST_CELL = 60
_MARKS = re.compile(r"[^\w]*")


def with_tables(block: str) -> Iterator[str | Element]:
    """Yields the lines of a block as texts, and as elements of tables those that stand in columns: at least three lines
    one after the other, each with the same number of short cells.
    """
    lines = block.split("\n")
    cells = [_cells(line) for line in lines]
    start = 0
    plain: list[str] = []
    for count, members in groupby(cells, key=len):
        rows: Rows = list(members)
        if count and len(rows) >= _LEAST_LINES:
            yield from filter(None, ["\n".join(plain)])
            yield from table_elements(rows)
            plain = []
        else:
            plain.extend(lines[start : start + len(rows)])
        start += len(rows)
    yield from filter(None, ["\n".join(plain)])


def _cells(line: str) -> list[str]:
    """Returns the cells of a line, or none if it is no row of a table."""
    if not line.strip() or line[0] == "\t":
        return []  # what is set in by a tab belongs to the line above
    by_tabs = _TABS.split(line.strip())
    found = by_tabs if len(by_tabs) >= _LEAST_BY_TABS else _SPACES.split(line.strip())
    if len(found) < (_LEAST_BY_TABS if found is by_tabs else _LEAST_BY_SPACES):
        return []
    is_row = all(len(cell) <= _LONGEST_CELL for cell in found) and not all(map(_MARKS.fullmatch, found))
    return [cell.strip() for cell in found] if is_row else []
