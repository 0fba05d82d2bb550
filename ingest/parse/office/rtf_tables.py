"""Tables of rich text (RTF): each row states where its cells end, so a merged cell is one that ends further right."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ingest.parse.tables.markdown import Rows

_SAME = 60
"""In twips, of which 1440 are an inch. Edges that are not further apart are one: nobody sees the difference."""
_MAX_CELLS = 100_000
"""A table may grow to this many cells when its merged cells are written out. Otherwise its rows stay as they are."""


@dataclass(slots=True)
class RowLook:
    """What a row states of its cells. A row that states nothing has the look of the one before."""

    left: int = 0
    edges: list[int] = field(default_factory=list)
    goes_on: set[int] = field(default_factory=set)
    """The cells that are a part of the cell above."""
    widened: set[int] = field(default_factory=set)
    """The cells that are a part of the cell to their left."""
    is_header: bool = False

    def obey(self, word: bytes, value: int) -> None:
        """Apply a control word. The marks of a cell come before the word that says where it ends."""
        if word == b"trleft":
            self.left = value
        elif word == b"trhdr":
            self.is_header = True
        elif word == b"clvmrg":
            self.goes_on.add(len(self.edges))
        elif word == b"clmrg":
            self.widened.add(len(self.edges))
        elif word == b"cellx":
            self.edges.append(value)


def placed(rows: Rows, looks: Sequence[RowLook]) -> Rows:
    """Returns the rows with each text in every column that its cell covers. Rows whose look does not fit stay as they
    are, with all others of their table.
    """
    if not all(len(row) == len(look.edges) and _rises(look) for row, look in zip(rows, looks, strict=True)):
        return rows
    columns = _columns(looks)
    if len(columns) < 2 or len(rows) * len(columns) > max(_MAX_CELLS, 10 * sum(map(len, rows))):
        return rows
    written: Rows = []
    above: list[str] = []
    for row, look in zip(rows, looks, strict=True):
        cells = [""] * _column(columns, look.left)
        for number, text in enumerate(row):
            width = max(_column(columns, look.edges[number]) - len(cells), 0)
            if number in look.widened:
                text = cells[-1] if cells else ""
            if number in look.goes_on:
                cells.extend(above[len(cells) : len(cells) + width])
            else:
                cells.extend([text] * width)
        written.append(cells)
        above = cells
    return written


def headers(looks: Sequence[RowLook]) -> int | None:
    """Returns how many first rows are marked as header, or None if none is."""
    count = next((number for number, look in enumerate(looks) if not look.is_header), len(looks))
    return count or None


def _columns(looks: Sequence[RowLook]) -> list[int]:
    """Returns the edges of all rows from left to right, those that nobody tells apart once."""
    edges = sorted({edge for look in looks for edge in (look.left, *look.edges)})
    return [right for left, right in pairwise([-(1 << 31), *edges]) if right - left > _SAME]


def _column(columns: list[int], edge: int) -> int:
    """Returns the number of the column that ends at an edge."""
    return max(bisect_left(columns, edge + 1) - 1, 0)


def _rises(look: RowLook) -> bool:
    return all(right > left for left, right in pairwise([look.left, *look.edges]))
