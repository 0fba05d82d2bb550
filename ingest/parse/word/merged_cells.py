"""Cuts cells of a Word table that are merged over many rows.

For each such cell, python-docx goes up through all rows to the first one, with one nested call for each row. A table of
a thousand rows ends in its RecursionError. For a shorter table, the time grows with the square of the number of rows.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LONGEST = 50
"""In rows. A longer merged cell is cut. The next cell begins with the same text."""
_MAX_REPEATED = 50_000_000
"""How many characters merged cells may repeat in one document. Every place that a merged cell covers gets its text."""


def part_merges(body: Any) -> None:
    """Cut the merged cells of all tables into cells of at most 50 rows. Each of them has the text of the whole cell,
    but not the tables in it. Raises ValueError if merged cells would repeat more than 50 million characters.
    """
    repeated = 0
    for table in body.iter(f"{_W}tbl"):
        merged: dict[int, _Merge] = {}
        for row in table.iterchildren(f"{_W}tr"):
            column = _number(row, f"{_W}trPr/{_W}gridBefore", 0)
            for cell in row.iterchildren(f"{_W}tc"):
                width = max(_number(cell, f"{_W}tcPr/{_W}gridSpan", 1), 1)
                repeated += _length(cell) * (width - 1) if width > 1 else 0
                repeated += _part(cell, column, merged) * width
                if repeated > _MAX_REPEATED:
                    raise ValueError("a table with too many merged cells")
                column += width


@dataclass(slots=True)
class _Merge:
    """The first cell of a merge, the number of rows so far, and the number of characters in it."""

    first: Any
    rows: int
    length: int


def _part(cell: Any, column: int, merged: dict[int, _Merge]) -> int:
    """Begin a new merged cell here if the merged cell in this column is too long.

    Returns how many characters this cell repeats from the cell above. `merged` holds the open merge of each column.
    """
    mark = cell.find(f"{_W}tcPr/{_W}vMerge")
    if mark is None:
        merged.pop(column, None)
        return 0
    if mark.get(f"{_W}val") == "restart":
        merged[column] = _Merge(cell, 1, _length(cell))
        return 0
    if (merge := merged.get(column)) is None:
        return 0
    merge.rows += 1
    if merge.rows > _LONGEST:
        cell[:] = [mark.getparent(), *(deepcopy(block) for block in merge.first if block.tag == f"{_W}p")]
        mark.set(f"{_W}val", "restart")
        merge.first, merge.rows = cell, 1
    return merge.length


def _length(cell: Any) -> int:
    return sum(len(text.text or "") for text in cell.iter(f"{_W}t"))


def _number(node: Any, path: str, otherwise: int) -> int:
    found = node.find(path)
    value = found.get(f"{_W}val", "") if found is not None else ""
    return int(value) if value.isdecimal() else otherwise
