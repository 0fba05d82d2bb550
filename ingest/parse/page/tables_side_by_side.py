"""Parts unruled tables that stand beside each other with their rows on the same lines.

To a person they are two where a header is said again, or where the strip between them is clearly wider than those
between their columns. A wide strip alone is not enough, because a single table may have one, too: before its amounts,
for example. So the texts on the right must be able to stand without those on the left.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ingest.parse.page.reading_order import Line
from ingest.parse.page.tables_without_lines import cells_of, strips_of
from ingest.parse.tables.labels import is_value, names_row

_FEWEST = 2
"""The fewest columns of a table, and the fewest rows below its header."""
_WIDER, _MUCH_WIDER = 1.6, 2.5
"""How many times as wide as the widest strip between columns a gutter is: if words tell, too, and if they do not."""
_ALIKE = 0.75
"""Of three tables, both gutters have at least this fraction of the width of the wider one."""

Rows = list[list[str]]


def parted(lines: Sequence[Line]) -> list[list[Line]]:
    """Returns the lines of each of the tables that these lines of an unruled table are, from left to right."""
    strips = strips_of(lines)
    middles = [(left + right) / 2 for left, right in strips]
    rows = [[" ".join(segment.text for segment in cell) for cell in cells] for cells in cells_of(lines, middles)]
    places = _repeats(rows) or _gutters(rows, [right - left for left, right in strips])
    if not places:
        return [list(lines)]
    edges = [middles[place - 1] for place in places]
    sides: list[list[Line]] = [[] for _ in range(len(edges) + 1)]
    for cells in cells_of(lines, edges):
        for side, cell in zip(sides, cells, strict=True):
            if cell:
                side.append(cell)
    return sides


def _repeats(rows: Rows) -> list[int]:
    """Returns the columns at which the whole header is said again. There are at least two columns before each."""
    header = rows[0]
    for width in range(_FEWEST, len(header) // 2 + 1):
        count = len(header) // width
        if len(header) == width * count and header == header[:width] * count and len(set(header)) == width:
            return [width * number for number in range(1, count)] if all(header) else []
    return []


def _gutters(rows: Rows, widths: Sequence[float]) -> list[int]:
    """Returns the columns before which another table ends. `widths` are those of the strips between the columns."""
    if len(widths) < 2 * _FEWEST - 1 or not all(rows[0]):
        return []
    found = [place for place, width in enumerate(widths, 1) if width >= _ALIKE * max(widths)]
    bounds = list(pairwise([0, *found, len(widths) + 1]))
    if any(stop - start < _FEWEST for start, stop in bounds):
        return []
    gutter = min(widths[place - 1] for place in found)
    ratio = gutter / max(width for place, width in enumerate(widths, 1) if place not in found)
    tables = [[row[start:stop] for row in rows] for start, stop in bounds]
    if ratio < _WIDER or not all(_are_two(left, right, ratio) for left, right in pairwise(tables)):
        return []
    return found


def _are_two(left: Rows, right: Rows, ratio: float) -> bool:
    """Returns True if the texts on the right are a table of their own: its header begins as that on the left does or
    names what its rows are. Or both have a column of values, and they end at different rows or are far apart.
    """
    keys = [[row[0] for row in side[1:] if row[0]] for side in (left, right)]
    if min(map(len, keys)) < _FEWEST:
        return False
    if left[0][0] == right[0][0]:
        return True
    if sum(map(is_value, keys[1])) * 2 > len(keys[1]) or any(map(is_value, right[0])):
        return False
    if names_row(right[0][0]):
        return True
    is_apart = ratio >= _MUCH_WIDER and all(len(set(side)) == len(side) > _FEWEST for side in keys)
    return (is_apart or _last(left) != _last(right)) and _has_values(left) and _has_values(right)


def _last(rows: Rows) -> int:
    """Returns the number of the last row with a text."""
    return max(number for number, row in enumerate(rows) if any(row))


def _has_values(rows: Rows) -> bool:
    """Returns True if most texts of some column are values, and its header is none."""
    for header, *below in zip(*rows, strict=True):
        texts = [text for text in below if text]
        if texts and not is_value(header) and sum(map(is_value, texts)) * 2 > len(texts):
            return True
    return False
