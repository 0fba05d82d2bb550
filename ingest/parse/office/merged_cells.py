"""Cells of a Word table that are merged over many rows.

python-docx goes up from each of them through all rows to the first, one call deeper for each row: a table of a
thousand rows ends in its RecursionError, and a shorter one takes time that grows with the square of its rows.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LONGEST = 50
"""Rows. A merged cell that is longer begins again with the same words."""
_MAX_REPEATED = 50_000_000
"""Characters that merged cells repeat, in all of a document: every place that one covers gets its words."""


def part_merges(body: Any) -> None:
    """Part the merged cells of all tables into such of at most 50 rows. Each says what the whole one said, except for
    tables in it. Raises ValueError where merged cells would repeat more than 50 million characters."""
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
    """The cell that a merge began with, its rows so far, and the characters in it."""

    first: Any
    rows: int
    length: int


def _part(cell: Any, column: int, merged: dict[int, _Merge]) -> int:
    """Begin the merged cell that reaches down into this column again where it gets too long.

    Gives how many characters from above this cell repeats. `merged` has the merge that is open in each column.
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
