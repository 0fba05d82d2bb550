"""Joins the parts of a table that goes on over the end of a page. Every part gets the header of the first one."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ingest.parse.page.layout import blocks_in
from ingest.parse.page.paragraphs import Block, captioned
from ingest.parse.page.reading_order import Line, lines_of
from ingest.parse.page.segments import Segment, Table, joined
from ingest.parse.page.tables_with_lines import rows_inside
from ingest.parse.page.tables_without_lines import rows_between
from ingest.parse.pdf.text_layer import Part
from ingest.parse.tables.elements import rows_below
from ingest.parse.tables.markdown import markdown

Placed = list[tuple[Part, Block]]
"""The blocks of one page in reading order, each with the part of the page that it is measured in."""

_EDGE = 0.12
_TOP, _BOTTOM = 0.35, 0.6
"""A table goes on from below the second to above the first of these fractions of the page height."""
_NEAR = 0.012
"""Two edges are at the same place if their distance is at most this fraction of the page width."""
_MOVED = 0.12
"""So far may the table of a left page be from that of a right page."""
_MAX_HEADERS = 3
_LABEL = 12
_LONG = 8
"""A cell with fewer characters than this is not long enough to be broken."""
_FINISHED = re.compile(r"[.!?。！？；;][\"'”’）)]?$")
_CONTINUED = re.compile(r"续表.{0,20}|.{0,40}[（(]续[^)）]{0,4}[)）]|.{0,60}\((?:continued|cont\.?)\)", re.IGNORECASE)
_RULE = re.compile(r"\|(?: --- \|)++")
_DIGITS = re.compile(r"\d+")


@dataclass(slots=True)
class _Open:
    """A table that reached the end of a page. `first` is the block where it began, and `last` the one where it ends.

    `columns` are in fractions of the page width.
    """

    first: Block
    last: Block
    columns: list[tuple[float, float]]
    turn: int


def placed_blocks(pages: Iterable[Sequence[Part]]) -> list[Placed]:
    """Returns the blocks of each page. A table that goes on has its header on every page."""
    placed = [[(part, block) for part in parts for block in blocks_in(part)] for parts in pages]
    opened: _Open | None = None
    for number, (above, here) in enumerate(pairwise(placed), 1):
        running = _running(above) & _running(here)
        opened = _opened(above, running, opened)
        start = next((place for place, found in enumerate(here) if not _is_between(found, running)), None)
        if opened and start is not None:
            placed[number][:] = _continued(opened, here, start)
    return [[(part, each) for part, block in page for each in captioned(block)] for page in placed]


def _running(placed: Placed) -> set[str]:
    """Returns the texts at the top and the bottom of a page. A text that the next page has there, too, runs through
    all pages.
    """
    return {
        _DIGITS.sub("#", block.text)
        for part, block in placed
        if block.table is None and not _EDGE * part.height < (block.y0 + block.y1) / 2 < (1 - _EDGE) * part.height
    }


def _is_between(found: tuple[Part, Block], running: set[str]) -> bool:
    """Returns True for what may stand between the parts of a table: running texts, and a note that it goes on."""
    _, block = found
    return block.table is None and (_DIGITS.sub("#", block.text) in running or bool(_CONTINUED.fullmatch(block.text)))


def _opened(placed: Placed, running: set[str], known: _Open | None) -> _Open | None:
    """Returns the table that reaches the end of a page. It is the `known` one if that went on over the whole page."""
    part, last = next((found for found in reversed(placed) if not _is_between(found, running)), (None, None))
    if part is None or last is None or last.table is None or last.y1 < _BOTTOM * part.height or part.is_slanted:
        return None
    if known and known.last is last:
        return known
    return _Open(last, last, _fractions(last.table, part), part.turn)


def _fractions(table: Table, part: Part) -> list[tuple[float, float]]:
    return [(left / part.width, right / part.width) for left, right in table.columns]


def _continued(opened: _Open, placed: Placed, start: int) -> Placed:
    """Returns the blocks of a page. If the block at `start` goes on with the open table, it begins with its header."""
    part, block = placed[start]
    if part.turn != opened.turn or part.is_slanted or block.y0 > _TOP * part.height:
        return placed
    header = _header(opened.first)
    if header is None:
        return placed
    if block.table is None or not _is_same(opened, block.table, part):
        rest, few = _alone(opened, part, block.y0)
        if few is None:
            return placed
        after = [(part, following) for following in blocks_in(rest) if following.y0 >= few.y0]
        others = [found for found in placed[start:] if found[0] is not part]
        placed, block = [*placed[:start], (part, few), *after, *others], few
    return placed if _takes_over(opened, block, header, part) else [*placed[:start], *placed[start + 1 :]]


def _is_same(opened: _Open, table: Table, part: Part) -> bool:
    """Returns True if a table has the columns of the open one."""
    assert opened.last.table is not None
    columns = _fractions(table, part)
    if len(columns) != len(opened.columns) or table.is_ruled != opened.last.table.is_ruled:
        return False
    if table.is_ruled:
        moved = columns[0][0] - opened.columns[0][0]
        ends = [abs(here[1] - there[1] - moved) for here, there in zip(columns, opened.columns, strict=True)]
        return abs(moved) <= _MOVED and max(ends) <= _NEAR
    both = [
        (min(here[0], there[0]), max(here[1], there[1])) for here, there in zip(columns, opened.columns, strict=True)
    ]
    apart = all(left[1] < right[0] for left, right in pairwise(both))
    return apart and all(map(_is_aligned, columns, opened.columns))


def _is_aligned(here: tuple[float, float], there: tuple[float, float]) -> bool:
    """Returns True if two texts are aligned to the left, to the right or at the middle."""
    left, right = here[0] - there[0], here[1] - there[1]
    return min(abs(left), abs(right), abs(left + right) / 2) <= _NEAR


def _alone(opened: _Open, part: Part, top: float) -> tuple[Part, Block | None]:
    """Returns the rows at the top of a page that are too few to be a table of their own, as a block. Also returns the
    part of the page without them.
    """
    columns = [(left * part.width, right * part.width) for left, right in opened.columns]
    below = [segment for segment in part.segments if segment.y1 > top]
    assert opened.last.table is not None
    if opened.last.table.is_ruled:
        rows, taken = _ruled_row(opened, part, below)
    else:
        lines = _fitting(lines_of(below), columns, part.width)
        rows, taken = rows_between(lines, columns) if lines else [], [segment for line in lines for segment in line]
    if not rows or not taken:
        return part, None
    left, right = min(segment.x0 for segment in taken), max(segment.x1 for segment in taken)
    ends = min(segment.y0 for segment in taken), max(segment.y1 for segment in taken)
    table = Table(rows, columns, opened.last.table.is_ruled)
    block = replace(opened.last, x0=left, y0=ends[0], x1=right, y1=ends[1], table=table, text=markdown(rows, headers=0))
    left_out = {id(segment) for segment in taken}
    return replace(part, segments=[segment for segment in part.segments if id(segment) not in left_out]), block


def _ruled_row(opened: _Open, part: Part, below: Sequence[Segment]) -> tuple[list[list[str]], list[Segment]]:
    """Returns the row in a grid of one row with the columns of the open table, and its segments."""
    for grid in part.grids:
        columns = list(pairwise(grid.columns))
        inside = [s for s in below if grid.rows[0] <= (s.y0 + s.y1) / 2 <= grid.rows[-1]]
        is_first = inside and min(s.y0 for s in inside) <= min(s.y0 for s in below)
        if len(grid.rows) == 2 and is_first and _is_same(opened, Table([], columns, True), part):
            return rows_inside(grid, inside), inside
    return [], []


def _fitting(lines: Sequence[Line], columns: Sequence[tuple[float, float]], width: float) -> list[Line]:
    """Returns the first lines that fit into these columns. The first one fills nearly all of them."""
    found: list[Line] = []
    edges = [(left + right) / 2 for (_, left), (right, _) in pairwise(columns)]
    for line in lines:
        places = [bisect_left(edges, (segment.x0 + segment.x1) / 2) for segment in line]
        needed = max(2, len(columns) - 1) if not found else 1 if line[0].x0 > columns[1][0] - 1 else 2
        if found and line[0].y0 - max(segment.y1 for segment in found[-1]) > 2 * line[0].height:
            break
        fits = all(
            _is_aligned(
                (segment.x0 / width, segment.x1 / width), (columns[place][0] / width, columns[place][1] / width)
            )
            and segment.x1 < ([*(left for left, _ in columns[1:]), math.inf])[place]
            for segment, place in zip(line, places, strict=True)
        )
        if not fits or len(set(places)) < max(needed, len(line)):
            break
        found.append(line)
    return found


def _header(block: Block) -> list[str] | None:
    """Returns the header of a table, with an empty text for each column without texts. Returns None if it has none."""
    assert block.table is not None
    lines = block.text.split("\n")
    rule = next((place for place, line in enumerate(lines) if _RULE.fullmatch(line)), 0)
    kept = _kept(block.table)
    cells = _cells(lines[rule - 1]) if rule else []
    if len(cells) != len(kept):
        return None
    header = [""] * len(block.table.columns)
    for column, cell in zip(kept, cells, strict=True):
        header[column] = cell.replace("\\|", "|")
    return header


def _kept(table: Table) -> list[int]:
    """Returns the columns that have texts. Markdown leaves out the others."""
    return [column for column in range(len(table.columns)) if any(row[column] for row in table.rows)]


def _cells(line: str) -> list[str]:
    return line.removeprefix("| ").removesuffix(" |").split(" | ")


def _takes_over(opened: _Open, block: Block, header: list[str], part: Part) -> bool:
    """Give a block the header of the open table, unless it is another table. Returns False if it has no rows besides
    what the page before has, too.
    """
    assert block.table is not None
    assert opened.first.table is not None
    assert opened.last.table is not None
    rows, first = block.table.rows, opened.first.table
    if all(line in first.above or _CONTINUED.fullmatch(line) for line in block.table.above):
        rows = rows[block.table.first :]
    repeated = _repeated(first.rows[first.first :], header, rows)
    if not rows or (
        not repeated and (_is_alike(header, rows[0]) or _has_own_header(opened, replace(block.table, rows=rows)))
    ):
        return True
    rows = rows[repeated:]
    if rows and _ends_with(opened.last, rows[0]):
        rows = rows[1:]
    rows, lines = rows_below([header, opened.last.table.rows[-1]], rows)
    below = (*lines, *block.table.below)
    if not rows and below:  # the notes alone came over the page
        block.text, block.kind, block.table = "\n".join(below), "paragraph", None
        return True
    block.table = replace(block.table, rows=rows, has_bold_head=False, above=(), first=0, below=below)
    block.text = markdown([header, *rows]) if any(header) else markdown(rows, headers=0)
    if rows:
        opened.last = block
    return bool(rows)


def _repeated(first: Sequence[Sequence[str]], header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Returns how many rows at the beginning of a part are the header again."""

    def same(one: Sequence[str], other: Sequence[str]) -> bool:
        return "".join("".join(one).split()) == "".join("".join(other).split())

    count = 0
    while count < min(_MAX_HEADERS, len(first), len(rows)) and same(first[count], rows[count]):
        count += 1
    return count or int(bool(rows) and same(header, rows[0]))


def _is_alike(header: Sequence[str], row: Sequence[str]) -> bool:
    """Returns True if at least half of a row is that of a header. It is a header, too, or another form of this kind."""
    alike = sum(bool(cell) and cell == other for cell, other in zip(row, header, strict=False))
    return alike * 2 >= len(header)


def _has_own_header(opened: _Open, table: Table) -> bool:
    """Returns True if a table with the columns of the open one is another one. Its first row is bold, or it alone has
    no digits where the rows below and those of the open table have some, and it has no value of the open table.
    """
    assert opened.last.table is not None
    if table.has_bold_head:
        return True
    first, below, above = table.rows[0], table.rows[1:], opened.last.table.rows[1:]
    if not below or not above or not all(first) or max(map(len, first)) > _LABEL or any(map(_DIGITS.search, first)):
        return False
    known = {(column, cell) for row in above for column, cell in enumerate(row)}
    columns = range(len(first))
    numbers = [column for column in columns if all(_DIGITS.search(row[column]) for row in below)]
    return bool(numbers) and not any((column, cell) in known for column, cell in enumerate(first))


def _ends_with(last: Block, row: Sequence[str]) -> bool:
    """Add a row to the last row of the page before, if its cells are the rest of those. Returns True if they are.

    A rest has no first cell. The cells above it are long, and no sentence ends there.
    """
    assert last.table is not None
    above = last.table.rows[-1]
    filled = [column for column, cell in enumerate(row) if cell]
    if row[0] or not filled or not all(len(above[c]) >= _LONG and not _FINISHED.search(above[c]) for c in filled):
        return False
    kept = _kept(last.table)
    head, _, line = last.text.rpartition("\n")
    cells = _cells(line)
    if len(cells) != len(kept) or not set(filled) <= set(kept):
        return False
    for column in filled:
        place = kept.index(column)
        cells[place] = joined(cells[place], row[column].replace("|", "\\|"))
        above[column] = joined(above[column], row[column])
    last.text = f"{head}\n| {' | '.join(cells)} |"
    return True
