"""Finds the straight lines drawn on a PDF page, and the grids that they form. The cells of such tables are certain.
Pictures are found on the same way through the objects of the page.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.parse.page.segments import Floats
from ingest.parse.pdf.painted_areas import PaintedAreas

_MAX_OBJECTS = 20_000
_MAX_LINES = 3_000
_MAX_PICTURES = 200
_LONG, _SHORT = 24.0, 10.0
"""In points. A picture with a smaller side has no words that a person could read."""
_MAX_COLUMNS = 80
_MAX_DEPTH = 3
_MAX_POINTS = 400
"""A path with more points than this is a drawing, not a table."""
_THIN = 3.0
"""A box that is at most this many points thick is a line."""
_SHORTEST = 6.0
_NEAR = 3.0
"""Lines whose distance is at most this many points touch."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line at `at`, from `start` to `stop`. For a horizontal line `at` is a height. For a vertical line it is the
    distance from the left.
    """

    at: float
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class Rulings:
    """The horizontal lines (`across`) and the vertical lines (`down`), in points of the page as displayed."""

    across: tuple[Line, ...] = ()
    down: tuple[Line, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.across or self.down)


@dataclass(frozen=True, slots=True)
class Grid:
    """A ruled table: the edges of its columns and rows, and the lines between them."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    rulings: Rulings

    def area(self) -> float:
        return (self.columns[-1] - self.columns[0]) * (self.rows[-1] - self.rows[0])


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn on a page, besides text: its straight lines, its pictures, and the areas that a pattern or a mask
    paints. They are boxes of shape (n, 4): left, top, right, bottom in the page's own coordinates. The `addresses` are
    those of the pictures in pdfium, which are valid while the page is open. If there are `more_pictures`, there are too
    many to look at them.
    """

    lines: Floats
    pictures: Floats
    painted: Floats
    addresses: list[int]
    more_pictures: bool


def drawn_on(page: Any) -> Drawn:
    """Returns what is drawn on a pypdfium2 page, besides text."""
    found = _Found([], [], [], PaintedAreas(page.pdf), [])
    _collect(page.raw, None, found, [_MAX_OBJECTS], 0)
    boxes = (found.lines, found.pictures, found.painted.boxes)
    lines, pictures, painted = (np.array(each, dtype=np.float64).reshape(-1, 4) for each in boxes)
    sides = [(x1 - x0, y0 - y1) for x0, y0, x1, y1 in found.left_out]
    more = any(max(side) >= _LONG and min(side) >= _SHORT for side in sides)
    return Drawn(lines, pictures, painted, found.addresses, more)


def sorted_into(boxes: Floats) -> Rulings:
    """Returns boxes as lines. The boxes have shape (n, 4) with x0, y0, x1, y1, and y grows downwards. Pieces of one
    line are joined.
    """
    lines: tuple[list[Line], list[Line]] = ([], [])
    for x0, y0, x1, y1 in boxes.tolist():
        if y1 - y0 <= x1 - x0:
            lines[0].append(Line((y0 + y1) / 2, x0, x1))
        else:
            lines[1].append(Line((x0 + x1) / 2, y0, y1))
    return Rulings(tuple(_merged(lines[0])), tuple(_merged(lines[1])))


def grids_of(rulings: Rulings) -> list[Grid]:
    """Returns the grids with at least two columns. The largest comes first. A grid of one row may be the end of a table
    on the page before.
    """
    grids = []
    for across, down in _touching(rulings):
        if len(across) < 2 or not down:
            continue
        xs = [line.at for line in down]
        ys = [line.at for line in across]
        # A table may have no outer sides. The ends of its horizontal lines are then the places of its sides.
        xs += [min(line.start for line in across), max(line.stop for line in across)]
        ys += [min(line.start for line in down), max(line.stop for line in down)]
        columns, rows = _snapped(xs), _snapped(ys)
        if 2 < len(columns) <= _MAX_COLUMNS and len(rows) > 1:
            grids.append(Grid(columns, rows, Rulings(tuple(across), tuple(down))))
    return sorted(grids, key=Grid.area, reverse=True)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found so far."""

    lines: list[tuple[float, float, float, float]]
    pictures: list[tuple[float, float, float, float]]
    addresses: list[int]
    painted: PaintedAreas
    left_out: list[tuple[float, float, float, float]]


def _collect(holder: Any, form: Any, found: _Found, counter: list[int], depth: int) -> None:
    """Visit the objects of a page, or of a form on it. The matrix `form` places the form on the page."""
    import pypdfium2.raw as pdfium

    get, get_inside, kind_of = _calls()
    counting = pdfium.FPDFFormObj_CountObjects if depth else pdfium.FPDFPage_CountObjects
    count = max(min(counting(holder), counter[0]), 0)
    counter[0] -= count
    handle = ctypes.cast(holder, ctypes.c_void_p).value
    items = list(map(get_inside if depth else get, repeat(handle), range(count)))
    for item, kind in zip(items, map(kind_of, items), strict=True):
        if kind in (pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING):
            shape = ctypes.cast(item, pdfium.FPDF_PAGEOBJECT)
            if (bounds := _bounds(shape)) is not None:
                found.painted.look_at(shape, bounds, _moved(bounds, form))
                if kind == pdfium.FPDF_PAGEOBJ_PATH and len(found.lines) <= _MAX_LINES:
                    found.lines.extend(_moved(box, form) for box in _lines_of(shape, bounds))
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE and (box := _bounds(ctypes.cast(item, pdfium.FPDF_PAGEOBJECT))):
            if len(found.pictures) < _MAX_PICTURES:
                found.pictures.append(_moved(box, form))
                found.addresses.append(item)
            else:
                found.left_out.append(_moved(box, form))
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            inner = ctypes.cast(item, pdfium.FPDF_PAGEOBJECT)
            _collect(inner, _times(_matrix(inner), form), found, counter, depth + 1)


@lru_cache(maxsize=1)
def _calls() -> tuple[Any, Any, Any]:
    """Returns three pdfium functions: object of a page, object of a form, and kind of an object. They take plain
    addresses, which is fast. Most objects on a page are text and are skipped.
    """
    import pypdfium2.raw as pdfium

    handle, place = ctypes.c_void_p, ctypes.c_ulong
    one = ctypes.PYFUNCTYPE(handle, handle, ctypes.c_int)
    inside = ctypes.PYFUNCTYPE(handle, handle, place)
    kind = ctypes.PYFUNCTYPE(ctypes.c_int, handle)
    return (
        one(ctypes.cast(pdfium.FPDFPage_GetObject, handle).value or 0),
        inside(ctypes.cast(pdfium.FPDFFormObj_GetObject, handle).value or 0),
        kind(ctypes.cast(pdfium.FPDFPageObj_GetType, handle).value or 0),
    )


def _bounds(item: Any) -> tuple[float, float, float, float] | None:
    """Returns the left, top, right and bottom of an object."""
    import pypdfium2.raw as pdfium

    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top):
        return None
    return left.value, top.value, right.value, bottom.value


def _lines_of(item: Any, box: tuple[float, float, float, float]) -> Iterator[tuple[float, float, float, float]]:
    """Yields the straight lines of one path object with these bounds as left, top, right, bottom."""
    import pypdfium2.raw as pdfium

    wide, tall = box[2] - box[0], box[1] - box[3]
    if max(wide, tall) < _SHORTEST:
        return
    if min(wide, tall) <= _THIN:
        yield box
        return
    count = pdfium.FPDFPath_CountSegments(item)
    if not 2 <= count <= _MAX_POINTS:
        return
    filled, stroked = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(item, filled, stroked)
    if (filled.value or stroked.value) and (stroked.value or count <= 6):
        yield from _sides(item, count, _matrix(item))


def _sides(item: Any, count: int, matrix: tuple[float, ...]) -> Iterator[tuple[float, float, float, float]]:
    import pypdfium2.raw as pdfium

    begin = last = (0.0, 0.0)
    x, y = ctypes.c_float(), ctypes.c_float()
    for place in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(item, place)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = _point(x.value, y.value, matrix)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        ends = [point]
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            begin, ends = point, []
        elif kind != pdfium.FPDF_SEGMENT_LINETO:
            ends = []
        if pdfium.FPDFPathSegment_GetClose(segment):
            ends.append(begin)
        for end in ends:
            wide, tall = abs(end[0] - last[0]), abs(end[1] - last[1])
            if min(wide, tall) <= 0.5 and max(wide, tall) >= _SHORTEST:
                yield min(last[0], end[0]), max(last[1], end[1]), max(last[0], end[0]), min(last[1], end[1])
            last = end
        last = point if not ends else last


def _matrix(item: Any) -> tuple[float, ...]:
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, matrix):
        return (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    return (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)


def _point(x: float, y: float, matrix: tuple[float, ...]) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _times(inner: tuple[float, ...], outer: tuple[float, ...] | None) -> tuple[float, ...]:
    """Returns the matrix that applies `inner` first and then `outer`."""
    if outer is None:
        return inner
    a, b, c, d, e, f = inner
    moved = _point(e, f, outer)
    return (
        outer[0] * a + outer[2] * b, outer[1] * a + outer[3] * b,
        outer[0] * c + outer[2] * d, outer[1] * c + outer[3] * d, *moved,
    )  # fmt: skip


def _moved(box: tuple[float, float, float, float], form: Any) -> tuple[float, float, float, float]:
    if form is None:
        return box
    (x0, y0), (x1, y1) = _point(box[0], box[1], form), _point(box[2], box[3], form)
    return min(x0, x1), max(y0, y1), max(x0, x1), min(y0, y1)


def _merged(lines: Sequence[Line]) -> Iterator[Line]:
    """Yields the lines. Lines at the same place that touch or overlap are joined."""
    rest = sorted(lines, key=lambda line: line.at)
    at = 0
    while at < len(rest):
        stop = at
        # Lines are at the same place if their distance is at most 1.5 points.
        while stop < len(rest) and rest[stop].at - rest[at].at <= 1.5:
            stop += 1
        group = sorted(rest[at:stop], key=lambda line: line.start)
        current = group[0]
        for line in group[1:]:
            if line.start <= current.stop + _NEAR:
                current = Line(current.at, current.start, max(current.stop, line.stop))
            else:
                yield current
                current = line
        yield current
        at = stop


def _touching(rulings: Rulings) -> Iterator[tuple[list[Line], list[Line]]]:
    """Yields groups of lines that cross or touch each other, directly or through others."""
    across, down = rulings.across, rulings.down
    if not across or not down:
        return
    rows = np.array([(line.at, line.start, line.stop) for line in across])[:, None, :]
    columns = np.array([(line.at, line.start, line.stop) for line in down])[None, :, :]
    # `touch[i, j]` is True if horizontal line i and vertical line j cross or touch.
    touch: npt.NDArray[np.bool_] = (
        (columns[..., 0] >= rows[..., 1] - _NEAR) & (columns[..., 0] <= rows[..., 2] + _NEAR)
        & (rows[..., 0] >= columns[..., 1] - _NEAR) & (rows[..., 0] <= columns[..., 2] + _NEAR)
    )  # fmt: skip
    left = set(range(len(across)))
    while left:
        first = left.pop()
        taken, columns_taken, fresh = {first}, set[int](), [first]
        # Go from the new horizontal lines to the vertical lines that touch them, and back, until none is new.
        while fresh:
            new = set(np.flatnonzero(touch[fresh].any(axis=0)).tolist()) - columns_taken
            columns_taken |= new
            fresh = sorted(set(np.flatnonzero(touch[:, sorted(new)].any(axis=1)).tolist()) - taken) if new else []
            taken.update(fresh)
        left -= taken
        yield [across[place] for place in sorted(taken)], [down[place] for place in sorted(columns_taken)]


def _snapped(places: Sequence[float]) -> tuple[float, ...]:
    """Returns the places in ascending order. Places that are closer together than touching lines become one."""
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] > _NEAR:
            kept.append(place)
    return tuple(kept)
