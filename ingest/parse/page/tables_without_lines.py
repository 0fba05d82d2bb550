"""Finds tables without lines: rows of cells that leave the same vertical strips of the page free."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from ingest.parse.page.reading_order import Line, gaps
from ingest.parse.page.segments import Segment, Table, joined
from ingest.parse.page.tables_with_lines import runs_on

_WORDS = 8
_TIGHT = 0.35
"""The lines of one cell are closer together than this fraction of their height. Rows usually are not."""


def table_end(lines: Sequence[Line], at: int) -> int:
    """Returns the index of the line after the table that begins at line `at`. Returns `at` if no table begins there.

    A table has at least three lines. Most of them have several segments, and all leave the same strips free. A line of
    one segment belongs to the table if it continues a cell of the line above.
    """
    if len(lines[at]) < 2:
        return at
    stop = at + 1
    segments = list(lines[at])
    # `several` counts the lines of several segments. `full` counts the lines that do not continue a cell.
    several = full = 1
    while stop < len(lines):
        line = lines[stop]
        if any(segment.is_table for segment in line):
            break
        tall = max(segment.height for segment in line)
        if line[0].y0 - max(segment.y1 for segment in lines[stop - 1]) > 2.5 * tall:
            break
        if not gaps([*segments, *line], 0.4 * tall):
            break
        hanging = len(line) == 1 and _hangs(line[0], lines[stop - 1], segments)
        if len(line) == 1 and not hanging and stop + 1 < len(lines) and len(lines[stop + 1]) == 1:
            break
        several += len(line) > 1
        full += not hanging
        segments.extend(line)
        stop += 1
    while stop > at and len(lines[stop - 1]) < 2 and not _hangs(lines[stop - 1][0], lines[stop - 2], segments):
        stop -= 1
    return stop if stop - at >= 3 and several >= 2 and several * 3 >= full * 2 else at


def table_of(lines: Sequence[Line]) -> Table:
    """Returns the table in these lines. The lines of a wrapped cell are joined into one text."""
    # The middle of each strip separates two columns.
    edges = [(left + right) / 2 for left, right in strips_of(lines)]
    grid = cells_of(lines, edges)
    stacked = [[segment for cells in grid for segment in cells[number]] for number in range(len(edges) + 1)]
    columns = [(min(s.x0 for s in held), max(s.x1 for s in held)) for held in stacked]
    below = [segment.bold for line in lines[1:] for segment in line]
    bold = all(segment.bold for segment in lines[0]) and sum(below) * 2 <= len(below)
    return Table(_rows(lines, grid, columns), columns, False, bold)


def strips_of(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Returns the strips between the columns of a table, without those that part a header from its column: the left end
    of a header may stand before numbers that are set to the right.
    """
    segments = [segment for line in lines for segment in line]
    strips = gaps(segments, 0.4 * min(segment.height for segment in segments))
    grid = cells_of(lines, [(left + right) / 2 for left, right in strips])
    held = [{number for number, cells in enumerate(grid) if cells[column]} for column in range(len(strips) + 1)]
    kept: list[tuple[float, float]] = []
    for column, strip in enumerate(strips):
        pair = held[column], held[column + 1]
        if not any(one == {0} and 0 not in other and len(other) > 1 for one, other in (pair, pair[::-1])):
            kept.append(strip)
    return kept


def rows_between(lines: Sequence[Line], columns: Sequence[tuple[float, float]]) -> list[list[str]]:
    """Returns the rows of lines that belong to a table with these columns."""
    return _rows(lines, cells_of(lines, [(left + right) / 2 for (_, left), (right, _) in pairwise(columns)]), columns)


def cells_of(lines: Sequence[Line], edges: Sequence[float]) -> list[list[Line]]:
    """Returns the segments of each line, by the column in which they are. `edges` are the places between columns."""
    grid: list[list[Line]] = [[[] for _ in range(len(edges) + 1)] for _ in lines]
    for cells, line in zip(grid, lines, strict=True):
        for segment in line:
            cells[bisect_left(edges, (segment.x0 + segment.x1) / 2)].append(segment)
    return grid


def _rows(
    lines: Sequence[Line], grid: Sequence[Sequence[Line]], columns: Sequence[tuple[float, float]]
) -> list[list[str]]:
    begins = _begin(lines, grid, [right - left for left, right in columns]) if len(lines) > 1 else [True]
    rows: list[list[str]] = []
    for cells, begin in zip(grid, begins, strict=True):
        texts = [" ".join(segment.text for segment in cell) for cell in cells]
        if begin or not rows:
            rows.append(texts)
        else:
            rows[-1] = [joined(above, below) for above, below in zip(rows[-1], texts, strict=True)]
    return rows


def _hangs(segment: Segment, above: Line, segments: Sequence[Segment]) -> bool:
    """Returns True if a segment that is alone on its line continues a cell above it. The cell must not be in the first
    column.
    """
    if segment.x0 <= min(other.x0 for other in segments) + segment.size:
        return False
    over = any(min(other.x1, segment.x1) > max(other.x0, segment.x0) for other in above)
    return over and segment.y0 - max(other.y1 for other in above) < 0.6 * segment.height


def _begin(lines: Sequence[Line], grid: Sequence[Sequence[Line]], widths: Sequence[float]) -> list[bool]:
    """Returns, for each line, if it begins a row. If some gaps between lines are wider, they separate the rows. If not,
    a line with an empty first cell may continue the row above.
    """
    spaces = [max(min(s.y0 for s in line) - max(s.y1 for s in above), 0.0) for above, line in pairwise(lines)]
    tall = sorted(segment.height for line in lines for segment in line)[sum(map(len, lines)) // 2]
    # A gap is wide if it is nearer to the widest gap than to the narrowest.
    middle = (min(spaces) + max(spaces)) / 2
    wide = [space > middle for space in spaces]
    if max(spaces) - min(spaces) > 0.25 * tall and sum(wide) >= 2 and _wrapped(grid, wide, widths):
        return [True, *wide]
    begins = [True]
    for number, space in enumerate(spaces, 1):
        cells = grid[number]
        filled = [place for place, cell in enumerate(cells) if cell]
        continues = not cells[0] and (len(filled) == 1 or _runs_on(grid[number - 1], cells, widths))
        begins.append(not (space < _TIGHT * tall and continues))
    return begins


def _wrapped(grid: Sequence[Sequence[Line]], wide: Sequence[bool], widths: Sequence[float]) -> bool:
    """Returns True if at least nine in ten of the lines that are close together are wrapped text."""
    close = [number for number, apart in enumerate(wide) if not apart]
    return sum(_runs_on(grid[number], grid[number + 1], widths) for number in close) * 10 >= len(close) * 9


def _runs_on(above: Sequence[Line], below: Sequence[Line], widths: Sequence[float]) -> bool:
    """Returns True if every cell of the lower line continues the cell above it. Short cells prove nothing, because a
    column here is only as wide as its widest text.
    """
    return all(
        upper and len("".join(segment.text for segment in upper)) >= _WORDS and runs_on(upper, lower, width)
        for upper, lower, width in zip(above, below, widths, strict=True)
        if lower
    )
