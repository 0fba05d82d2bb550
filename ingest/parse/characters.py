"""The text layer of a PDF page: characters and boxes out of pdfium, as segments that read from left to right."""

from __future__ import annotations

import ctypes
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.parse.segments import Floats, Segment, segments_of

_BOLD_FONTS = ("bold", "black", "simhei", "heiti")


@dataclass(slots=True)
class Part:
    """The text of a page that reads in one direction, turned so that it reads from left to right.

    `turn` counts the quarter turns, counter-clockwise, by which the text stands on the page: 1 reads upwards.
    `width` and `height` are those of the page as turned.
    """

    turn: int
    width: float
    height: float
    segments: list[Segment]

    def on_page(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """A rectangle of this part as fractions of the page as it is displayed."""
        across, down = max(self.width, 1e-6), max(self.height, 1e-6)
        box = (x0 / across, y0 / down, x1 / across, y1 / down)
        for _ in range(-self.turn % 4):
            box = (1 - box[3], box[0], 1 - box[1], box[2])
        left, top, right, bottom = (round(min(max(value, 0.0), 1.0), 5) for value in box)
        return left, top, right, bottom


def parts_of(page: Any) -> list[Part]:
    """The text of a pypdfium2 page: one part for each direction in which there is text, upright first."""
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        if count == 0:
            return []
        code_of, box_of = _calls()
        handle = ctypes.cast(textpage.raw, ctypes.c_void_p).value
        codes = np.fromiter(map(code_of, repeat(handle), range(count)), dtype=np.uint32, count=count)
        corners = np.zeros((count, 4), dtype=np.float32)  # an FS_RECTF is four floats: left, top, right, bottom
        places = range(corners.ctypes.data, corners.ctypes.data + corners.nbytes, corners.strides[0])
        deque(map(box_of, repeat(handle), range(count), places), maxlen=0)
        return list(_parts(page, textpage.raw, codes, _displayed(corners.astype(np.float64), page)))
    finally:
        textpage.close()


@lru_cache(maxsize=1)
def _calls() -> tuple[Any, Any]:
    """pdfium's code and box of one character, taking plain addresses: twice as fast as pypdfium2's prototypes,
    and characters are where the time of a page goes."""
    import pypdfium2.raw as pdfium

    handle, place, result = ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
    code_of = ctypes.cast(pdfium.FPDFText_GetUnicode, ctypes.c_void_p).value or 0
    box_of = ctypes.cast(pdfium.FPDFText_GetLooseCharBox, ctypes.c_void_p).value or 0
    return (
        ctypes.PYFUNCTYPE(ctypes.c_uint, handle, place)(code_of),
        ctypes.PYFUNCTYPE(ctypes.c_int, handle, place, result)(box_of),
    )


def _parts(page: Any, raw: Any, codes: npt.NDArray[np.uint32], boxes: Floats) -> Iterator[Part]:
    width, height = page.get_size()
    turns = _turns(raw, codes, boxes, page.get_rotation() // 90)
    for turn in sorted(set(turns.tolist())):
        places = np.flatnonzero(turns == turn)
        turned, size = boxes[places] / (width, height, width, height), (width, height)
        for _ in range(turn):
            turned = np.stack((1 - turned[:, 3], turned[:, 0], 1 - turned[:, 1], turned[:, 2]), axis=1)
            size = (size[1], size[0])
        found = segments_of(codes[places], turned * (*size, *size), *size)
        segments = [_with_font(raw, segment, places) for segment in found]
        if segments:
            yield Part(turn, *size, segments)


def _turns(raw: Any, codes: npt.NDArray[np.uint32], boxes: Floats, rotation: int) -> npt.NDArray[np.int64]:
    """Quarter turns of every character. Asking pdfium costs as much as a box, so it is asked only on suspicion:
    where many characters stand above or below the one before, or where the page itself is rotated."""
    import pypdfium2.raw as pdfium

    turns = np.zeros(codes.size, dtype=np.int64)
    drawn = boxes[codes > 32]
    middle_x, middle_y = (drawn[:, 0] + drawn[:, 2]) / 2, (drawn[:, 1] + drawn[:, 3]) / 2
    tall = np.maximum(drawn[:-1, 3] - drawn[:-1, 1], 1.0)
    climbs = (np.abs(np.diff(middle_x)) < 0.3 * tall) & (np.abs(np.diff(middle_y)) > 0.1 * tall)
    climbs &= np.abs(np.diff(middle_y)) < 2 * tall
    if not rotation and np.count_nonzero(climbs) < max(5, codes.size // 100):
        return turns
    quarter = math.pi / 2
    angles = [pdfium.FPDFText_GetCharAngle(raw, place) for place in range(codes.size)]
    turns = -np.rint(np.array(angles) / quarter).astype(np.int64)  # pdfium counts clockwise
    # Blanks that pdfium puts in have no angle of their own: they go with the character before.
    blank = codes <= 32
    last = np.maximum.accumulate(np.where(blank, 0, np.arange(codes.size)))
    return (turns[last] - rotation) % 4


def _displayed(corners: Floats, page: Any) -> Floats:
    """From left, top, right, bottom in the page's own coordinates to x0, y0, x1, y1 of the page as displayed."""
    left, bottom, right, top = page.get_bbox()
    width, height = page.get_size()
    across, down = max(right - left, 1e-6), max(top - bottom, 1e-6)
    x0, x1 = (corners[:, 0] - left) / across, (corners[:, 2] - left) / across
    y0, y1 = (top - corners[:, 1]) / down, (top - corners[:, 3]) / down
    for _ in range(page.get_rotation() // 90):
        x0, y0, x1, y1 = 1 - y1, x0, 1 - y0, x1
    return np.stack((x0 * width, y0 * height, x1 * width, y1 * height), axis=1)


def _with_font(raw: Any, segment: Segment, places: npt.NDArray[np.intp]) -> Segment:
    """The segment with the true size of its letters, their font, and whether they are bold from end to end.

    `places` gives the index on the page of each of the part's characters.
    """
    import pypdfium2.raw as pdfium

    first, last = int(places[segment.first]), int(places[segment.last])
    matrix = pdfium.FS_MATRIX()
    size = pdfium.FPDFText_GetFontSize(raw, first)
    if pdfium.FPDFText_GetMatrix(raw, first, matrix):
        size *= math.hypot(matrix.c, matrix.d)
    font, bold = _font(raw, first)
    bold = bold and _font(raw, last)[1]
    segment.size = round(size * 2) / 2 if size > 1 else segment.size
    segment.bold, segment.font = bold, font
    return segment


def _font(raw: Any, place: int) -> tuple[str, bool]:
    """The name of a character's font, in lower case, and whether it is a bold one."""
    import pypdfium2.raw as pdfium

    buffer = ctypes.create_string_buffer(128)
    pdfium.FPDFText_GetFontInfo(raw, place, buffer, 128, None)
    font = buffer.value.decode("utf-8", "replace").lower()
    weight = pdfium.FPDFText_GetFontWeight(raw, place)
    return font, 600 <= weight <= 1000 or any(word in font for word in _BOLD_FONTS)
