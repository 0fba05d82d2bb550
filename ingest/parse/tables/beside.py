"""Finds tables that stand beside each other, parted by blank columns, as people put them on one sheet or page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.parse.tables.labels import is_value
from ingest.parse.tables.markdown import Rows

_ATTRIBUTE = re.compile(
    r".*(?:地址|电话|手机|邮箱|传真|备注|说明|描述|金额|数量|单价|总价|总额|合计|小计|状态|价格|费用|比例|结果|意见|要求|原因|签字|签名|审核)"
    r"|(?:.* )?(?:phone|tel|e-?mail|address|notes?|remarks?|amount|total|price|cost|status)",
    re.I,
)
"""What heads a column that no table begins with."""


def tables_beside(block: Rows, gap: int | None = None) -> list[tuple[int, int]]:
    """Returns the columns of the tables of some rows, which are equally long. A blank column separates tables if what
    stands on each side is a table of its own, and as many as `gap` do in any case. Otherwise it is only spacing.
    """
    tables: list[tuple[int, int]] = []
    before = (0, 0)
    for start, stop in runs([any(row[column] for row in block) for column in range(len(block[0]))], gap=1):
        if tables and (gap is None or start - before[1] < gap) and not _are_two(block, before, (start, stop)):
            tables[-1] = tables[-1][0], stop
        else:
            tables.append((start, stop))
        before = start, stop
    return tables


def _are_two(block: Rows, before: tuple[int, int], behind: tuple[int, int]) -> bool:
    """Returns True if two groups of columns are two tables: the right one goes on below the left one, they begin with
    the same word, or the right one begins with a column of words, or of values as on the left, that tells its rows
    apart.
    """
    if min(before[1] - before[0], behind[1] - behind[0]) < 2:
        return False
    left, right = ([row[start:stop] for row in block] for start, stop in (before, behind))
    last = max(number for number, row in enumerate(left) if any(row))
    head = right[0][0]
    if any(map(any, right[last + 2 :])) or (head and head in left[0]):
        return True
    ours, keys = ([row[0] for row in rows[1:] if any(row)] for rows in (left, right))
    if not head or _ATTRIBUTE.fullmatch(head) or not keys or not all(keys) or len(set(keys)) < len(keys):
        return False
    return not any(map(is_value, keys)) or all(map(is_value, (*keys, *ours)))


def runs(filled: list[bool], gap: int) -> Iterator[tuple[int, int]]:
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
