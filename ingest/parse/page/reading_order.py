"""Finds the reading order: the segments of a page become a sequence of regions. Columns follow each other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ingest.parse.page.segments import Segment
from ingest.parse.tables.labels import is_value

Line = list[Segment]
"""Segments of one line, from left to right."""

_MIN_COLUMN = 0.12
"""In a fraction of the page's width. Narrower parts are table cells or margin notes, and not columns of text."""
_MIN_LINES = 3
_FEW_VALUES, _MANY_VALUES = 0.3, 0.6
"""Rows begin with values if more than the second fraction of them do, and with words if less than the first do."""
_MARKER_ALONE = re.compile(r"[•●▪■◆◇○·–*\uf000-\uf0ff-]|\(?[0-9a-zA-Z]{1,2}[.)、）]|[0-9]+(\.[0-9]+)+\.?")


def reading_order(segments: Sequence[Segment], width: float) -> list[list[Line]]:
    """Returns the regions in reading order. Each is a list of lines from top to bottom. `width` is the width of the
    page.
    """
    if not segments:
        return []
    em = sorted(segment.size for segment in segments)[len(segments) // 2]
    return list(_regions(_bands(segments), width, max(em * 0.7, 1.0)))


def lines_of(segments: Sequence[Segment]) -> list[Line]:
    """Returns the segments as lines. Segments are on one line if they share more than half of the height of the
    smallest one.
    """
    if len(segments) < 2:
        return [[segment] for segment in segments]
    lines: list[Line] = []
    # `top` and `bottom` are the edges of the current line. `lowest` is the height of its smallest segment.
    top = bottom = lowest = 0.0
    for segment in sorted(segments, key=lambda segment: segment.y0 + segment.y1):
        y0, y1 = segment.y0, segment.y1
        if lines and min(bottom, y1) - max(top, y0) > 0.5 * min(y1 - y0, lowest):
            lines[-1].append(segment)
            top, bottom, lowest = min(top, y0), max(bottom, y1), min(lowest, y1 - y0)
        else:
            lines.append([segment])
            top, bottom, lowest = y0, y1, y1 - y0
    return [line if len(line) < 2 else _with_marker(sorted(line, key=lambda segment: segment.x0)) for line in lines]


def _with_marker(line: Line) -> Line:
    """Join a bullet or number with its item if there is a gap between them. It is not a column of its own."""
    if not _MARKER_ALONE.fullmatch(line[0].text) or line[1].x0 - line[0].x1 > 4 * line[1].size:
        return line
    first = replace(line[1], text=f"{line[0].text} {line[1].text}", x0=line[0].x0)
    return [first, *line[2:]]


def gaps(segments: Sequence[Segment], narrowest: float) -> list[tuple[float, float]]:
    """Returns the vertical strips between the first and the last segment that are free of segments. A strip is at least
    `narrowest` wide.
    """
    strips: list[tuple[float, float]] = []
    if len(segments) < 2:
        return strips
    # The right end of all segments so far. It is infinite before the first one, so no strip begins there.
    reached = math.inf
    for segment in sorted(segments, key=lambda segment: segment.x0):
        if segment.x0 - reached >= narrowest:
            strips.append((reached, segment.x0))
        reached = segment.x1 if math.isinf(reached) else max(reached, segment.x1)
    return strips


def _bands(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Returns groups of segments whose heights overlap, directly or through others. The groups are ordered from top to
    bottom.
    """
    bands: list[list[Segment]] = []
    reached = 0.0
    for segment in sorted(segments, key=lambda segment: segment.y0):
        # If lines are set tightly, a small overlap between them does not count.
        if bands and segment.y0 + 0.25 * segment.height < reached:
            bands[-1].append(segment)
        else:
            bands.append([segment])
            reached = 0.0
        reached = max(reached, segment.y1)
    return bands


def _regions(bands: list[list[Segment]], width: float, narrowest: float) -> Iterator[list[Line]]:
    """Go down the page. If a gutter runs through several bands, yield its columns one after the other."""
    plain: list[list[Segment]] = []
    at = 0
    while at < len(bands):
        # The gutter is free in all bands from `at` to the one before `stop`.
        stop, gutter = _gutter(bands, at, narrowest)
        columns = _columns(bands[at:stop], gutter, width)
        if gutter and not columns:
            stop, (gutter, columns) = at + 1, _beside_table(bands[at], narrowest, width)
        if gutter and columns:
            # Beside a picture in one column there is text only in the other column, so no gutter was found there. These
            # bands belong to the column if the strip of the gutter is free in them too.
            above = len(plain)
            while above and (narrowed := _narrowed(plain[above - 1], *gutter)):
                if narrowed[1] - narrowed[0] < narrowest:
                    break
                above, gutter = above - 1, narrowed
            beside = _columns(plain[above:] + bands[at:stop], gutter, width)
            above = above if beside else len(plain)
            if above:
                yield lines_of([segment for band in plain[:above] for segment in band])
            for column in beside or columns:
                yield from _regions(_bands(column), width, narrowest)
            plain, at = [], stop
        else:
            plain.append(bands[at])
            at += 1
    if plain:
        yield lines_of([segment for band in plain for segment in band])


def _beside_table(
    band: list[Segment], narrowest: float, width: float
) -> tuple[tuple[float, float] | None, tuple[list[Segment], list[Segment]] | None]:
    """Returns the strip between a ruled table and what stands beside it, and the segments on both sides. A strip
    between the columns of an unruled table may go on further down the page, and was tried before.
    """
    edges = {edge for segment in band if segment.is_table for edge in (segment.x0, segment.x1)}
    for strip in gaps(band, narrowest) if edges else ():
        if not edges.isdisjoint(strip) and (columns := _columns([band], strip, width)):
            return strip, columns
    return None, None


def _columns(
    bands: list[list[Segment]], gutter: tuple[float, float] | None, width: float
) -> tuple[list[Segment], list[Segment]] | None:
    """Returns the segments left and right of the gutter. Returns None if they are not both running text, or if they are
    the cells of one table.
    """
    if gutter is None:
        return None
    group = [segment for band in bands for segment in band]
    left = [segment for segment in group if segment.x1 <= gutter[0] + 0.01]
    right = [segment for segment in group if segment.x0 >= gutter[1] - 0.01]
    if not _is_text(left, width) or not _is_text(right, width) or _is_one_table(left, right):
        return None
    return left, right


def _is_one_table(left: list[Segment], right: list[Segment]) -> bool:
    """Returns True if the segments on both sides are the cells of one unruled table: rows that begin with words on the
    left, and with nothing but values on the right. A table of its own has words there, or numbers on both sides.
    """
    if any(segment.is_table for segment in (*left, *right)):
        return False
    values = []
    for lines in map(lines_of, (left, right)):
        rows = [line for line in lines if len(line) > 1]
        if len(rows) * 2 <= len(lines):
            return False
        # M8 and QX-35 are names, although they have digits.
        values.append(sum(is_value(row[0].text) and not row[0].text[0].isalpha() for row in rows) / len(rows))
    return values[0] < _FEW_VALUES and values[1] > _MANY_VALUES


def _gutter(bands: list[list[Segment]], at: int, narrowest: float) -> tuple[int, tuple[float, float] | None]:
    """Returns the strip that stays free for the most bands from `at` on, and the first band after them."""
    best: tuple[int, tuple[float, float] | None] = (at + 1, None)
    for strip in gaps(bands[at], narrowest):
        left, right = strip
        stop = at + 1
        while stop < len(bands):
            narrowed = _narrowed(bands[stop], left, right)
            if narrowed is None or narrowed[1] - narrowed[0] < narrowest:
                break
            left, right = narrowed
            stop += 1
        if best[1] is None or stop > best[0]:
            best = (stop, (left, right))
    return best


def _narrowed(band: list[Segment], left: float, right: float) -> tuple[float, float] | None:
    """Returns the part of a strip that the band leaves free. Returns None if a segment covers the whole width."""
    for segment in band:
        if segment.x0 >= right or segment.x1 <= left:
            continue
        if segment.x0 <= left and segment.x1 >= right:
            return None
        # Cut the strip on the side where less of its width is lost.
        if segment.x1 - left < right - segment.x0:
            left = segment.x1
        else:
            right = segment.x0
        if right <= left:
            return None
    return left, right


def _is_text(segments: list[Segment], width: float) -> bool:
    """Returns True if a part of the page is a column of running text. It has enough lines, and at least half of them
    fill it.
    """
    if not segments:
        return False
    across = max(segment.x1 for segment in segments) - min(segment.x0 for segment in segments)
    lines = lines_of(segments)
    full = sum(line[-1].x1 - line[0].x0 > 0.6 * across and len(line) <= 3 for line in lines)
    # Each table counts as `_MIN_LINES` lines.
    tables = sum(segment.is_table for segment in segments)
    return across > _MIN_COLUMN * width and len(lines) + _MIN_LINES * tables >= _MIN_LINES and full * 2 >= len(lines)
