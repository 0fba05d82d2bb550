"""Reads ruled tables. The text inside a grid of lines is read cell by cell, and one segment takes the table's place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ingest.parse.page.reading_order import lines_of
from ingest.parse.page.segments import Segment, Table, joined
from ingest.parse.pdf.drawn_lines import Grid
from ingest.parse.pdf.drawn_lines import Line as Ruling
from ingest.parse.tables.elements import table_parts

_NEAR = 3.0
_FILLED = 0.25
"""If a smaller fraction of the cells holds text, the grid is a chart and not a table."""
_LONG_CELL = 600
"""If one cell has more characters than this, and more than half of those in the grid, the grid is a frame around a
page.
"""

Cells = dict[tuple[int, int], list[Segment]]


def with_tables(segments: Sequence[Segment], grids: Sequence[Grid]) -> list[Segment]:
    """Returns the segments. For each ruled table, one segment whose text is Markdown replaces the
    segments inside it.
    """
    rest = list(segments)
    for grid in grids:
        left, top, right, bottom = grid.columns[0], grid.rows[0], grid.columns[-1], grid.rows[-1]
        inside = [
            segment
            for segment in rest
            if left <= (segment.x0 + segment.x1) / 2 <= right and top <= (segment.y0 + segment.y1) / 2 <= bottom
        ]
        if rows := _table(grid, inside):
            # Segments are compared by identity, because two of them may have the same text.
            taken = {id(segment) for segment in inside}
            rest = [segment for segment in rest if id(segment) not in taken]
            sizes = sorted(segment.size for segment in inside)
            parts = table_parts(rows)
            table = Table(rows[: parts.stop], list(pairwise(grid.columns)), True, _has_bold_head(grid, inside))
            table = replace(table, above=tuple(parts.above), first=parts.first, below=tuple(parts.below))
            rest.append(Segment(parts.text, left, top, right, bottom, sizes[len(sizes) // 2], table=table))
    return rest


def rows_inside(grid: Grid, inside: Sequence[Segment]) -> list[list[str]]:
    """Returns the rows of a grid with the text of these segments in its cells."""
    owner = _owners(grid)
    return _all_rows(grid, _merged(grid, inside, owner), owner)


def _table(grid: Grid, inside: Sequence[Segment]) -> list[list[str]]:
    """Returns the rows of a table. Returns none if the lines are only a frame, a chart or a drawing."""
    owner = _owners(grid)
    merged = _merged(grid, inside, owner)
    lengths = [sum(len(segment.text) for segment in held) for held in merged.values()]
    if not lengths or len(merged) < max(3, _FILLED * len(set(owner.values()))):
        return []
    if max(lengths) > _LONG_CELL and max(lengths) * 2 > sum(lengths):
        return []
    right = _right_edges(grid, owner)
    if any(_is_list(held, right[place] - grid.columns[place[1]]) for place, held in merged.items()):
        return []
    if len({row for row, _ in merged}) < 2 or len({column for _, column in merged}) < 2:
        return []
    return _all_rows(grid, merged, owner)


def _all_rows(grid: Grid, merged: Cells, owner: dict[tuple[int, int], tuple[int, int]]) -> list[list[str]]:
    return [row for number in range(len(grid.rows) - 1) for row in _rows(grid, number, merged, owner)]


def _has_bold_head(grid: Grid, inside: Sequence[Segment]) -> bool:
    """Returns True if the text in the first row is bold, and the text below is not."""
    head = [segment.bold for segment in inside if (segment.y0 + segment.y1) / 2 < grid.rows[1]]
    below = [segment.bold for segment in inside if (segment.y0 + segment.y1) / 2 >= grid.rows[1]]
    return bool(head) and all(head) and sum(below) * 2 <= len(below)


def _merged(grid: Grid, inside: Sequence[Segment], owner: dict[tuple[int, int], tuple[int, int]]) -> Cells:
    """Returns the segments of each cell. Those of merged cells are collected in the first cell of each."""
    cells: Cells = {}
    for segment in inside:
        column = bisect_right(grid.columns, (segment.x0 + segment.x1) / 2) - 1
        row = bisect_right(grid.rows, (segment.y0 + segment.y1) / 2) - 1
        place = min(max(row, 0), len(grid.rows) - 2), min(max(column, 0), len(grid.columns) - 2)
        cells.setdefault(place, []).append(segment)
    merged: Cells = {}
    for place, held in cells.items():
        merged.setdefault(owner[place], []).extend(held)
    return merged


def _owners(grid: Grid) -> dict[tuple[int, int], tuple[int, int]]:
    """Returns, for each place, the first cell of its merged cell. Two cells are merged if no line is drawn between
    them.
    """
    owner: dict[tuple[int, int], tuple[int, int]] = {}
    for row in range(len(grid.rows) - 1):
        middle = (grid.rows[row] + grid.rows[row + 1]) / 2
        for column in range(len(grid.columns) - 1):
            centre = (grid.columns[column] + grid.columns[column + 1]) / 2
            place = (row, column)
            # The owners of the cells to the left and above are already known.
            if column and not _drawn(grid.rulings.down, grid.columns[column], middle):
                owner[place] = owner[row, column - 1]
            elif row and not _drawn(grid.rulings.across, grid.rows[row], centre):
                owner[place] = owner[row - 1, column]
            else:
                owner[place] = place
    return owner


def _right_edges(grid: Grid, owner: dict[tuple[int, int], tuple[int, int]]) -> dict[tuple[int, int], float]:
    """Returns the x coordinate of the right edge of each merged cell, by the place at which it begins."""
    # The places of a row come from left to right, so the last one of a cell counts.
    return {first: grid.columns[column + 1] for (row, column), first in owner.items() if row == first[0]}


def _drawn(lines: Sequence[Ruling], at: float, through: float) -> bool:
    """Returns True if a line at `at` covers the position `through`."""
    return any(abs(line.at - at) <= _NEAR and line.start <= through <= line.stop for line in lines)


def _rows(grid: Grid, row: int, merged: Cells, owner: dict[tuple[int, int], tuple[int, int]]) -> list[list[str]]:
    """Returns one ruled row as table rows. It is several rows if only the columns are ruled, so that each line of text
    is a row.
    """
    columns = range(len(grid.columns) - 1)
    owners = [owner[row, column] for column in columns]
    if len(set(owners)) == 1:  # one cell over the whole width, whose text is written once
        begins = owners[0][0] == row
        return [[_joined(merged.get(owners[0], ())), *[""] * (len(columns) - 1)]] if begins else []
    own = {owners[column]: merged.get(owners[column], []) for column in columns}
    lines = lines_of([segment for held in own.values() for segment in held])
    if len(set(owners)) == len(columns) and len(lines) > 2 and not _wrapped(grid, own, len(lines)):
        split = []
        for line in lines:
            held = {place: [segment for segment in line if segment in cell] for place, cell in own.items()}
            split.append([_joined(held[owners[column]]) for column in columns])
        return split
    return [[_joined(merged.get(owners[column], ())) for column in columns]]


def _wrapped(grid: Grid, own: Cells, lines: int) -> bool:
    """Returns True if the lines in these cells are wrapped text. Either more than a third of them continue the line
    above, or at most half of the cells have nearly all of the lines.
    """
    running = pairs = several = 0
    for (_, column), held in own.items():
        stacked = lines_of(held)
        several += len(stacked) * 5 >= lines * 4
        width = grid.columns[column + 1] - grid.columns[column]
        for above, below in pairwise(stacked):
            pairs += 1
            running += runs_on(above, below, width)
    return several * 2 < len(own) + 1 or running * 3 > pairs


def _is_list(held: Sequence[Segment], width: float) -> bool:
    """Returns True if a cell holds separate lines and not wrapped text. It is then a frame around a list or another
    table.
    """
    if len(held) < 5:
        return False
    lines = lines_of(held)
    pairs = list(pairwise(lines))
    side_by_side = sum(len(line) > 1 for line in lines)
    running = sum(runs_on(above, below, width) for above, below in pairs)
    return len(lines) > 4 and running * 3 < len(pairs) and side_by_side * 2 > len(lines)


def runs_on(above: Sequence[Segment], below: Sequence[Segment], width: float) -> bool:
    """Returns True if the lower of two lines in a cell of this width continues the upper one, because its first word
    did not fit there.

    A line that begins with a digit is a separate value.
    """
    text, used = below[0].text, above[-1].x1 - above[0].x0
    if text[0].isdecimal() or (text[0] in "+-–−." and text[1:2].isdecimal()) or len(text) < 2 < len(above[0].text) < 6:
        return False
    # `letter` is the mean width of a letter. `word` is the number of letters of the first word, and a Han
    # character is a word by itself. The word did not fit if it would have ended within two letters of the right edge.
    letter = (below[0].x1 - below[0].x0) / max(len(text), 1)
    word = 1 if text[0] > "\u2e80" else len(text.split()[0])
    return used + (word + 1) * letter > width - 2 * letter


def _joined(segments: Sequence[Segment]) -> str:
    text = ""
    for line in lines_of(segments):
        text = joined(text, " ".join(segment.text for segment in line))
    return text
