"""Reads the text layer of a PDF page. Characters and boxes from pdfium become segments that read from left to right."""

from __future__ import annotations

import ctypes
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.parse.page.segments import Floats, Segment, letters_of, segments_of
from ingest.parse.pdf.direct_calls import argument, direct
from ingest.parse.pdf.drawn_lines import Grid, Line, Rulings, drawn_on, grids_of, sorted_into
from ingest.parse.pdf.garbled_runs import Garbled, garbled_in, kept_untold, masked
from ingest.parse.pdf.garbled_text import spells_words
from ingest.parse.pdf.link_targets import add_targets, is_drawn
from ingest.parse.pdf.silent_characters import REPLACED, shown, silent_in
from ingest.parse.pdf.text_directions import SLANTED, turns_of

_BULK = 512
_SAMPLE = 1024
_MATRIX = (ctypes.c_float * 6)()
_NAME = ctypes.create_string_buffer(128)
_NAME_BYTES = ctypes.c_ulong(len(_NAME))
"""pdfium writes its results here, one at a time. So it must not be called from two threads at once."""
_BOLD_FONTS = ("bold", "black", "simhei", "heiti")

Styled = Callable[[Segment, npt.NDArray[np.intp]], Segment]
"""Adds size and font to a segment. The array has the place on the page of each character that it may be from."""


@dataclass(slots=True)
class Part:
    """The text of a page that reads in one direction. It is turned so that it reads from left to right.

    `turn` is the number of counter-clockwise quarter turns of the text on the page. Text with 1 reads upwards. `width`
    and `height` are those of the turned page, in points. They are in pixels if the page was scanned.
    """

    turn: int
    width: float
    height: float
    segments: list[Segment]
    grids: list[Grid] = field(default_factory=list)
    is_slanted: bool = False
    is_scanned: bool = False
    pictures: list[Picture] = field(default_factory=list)

    @property
    def has_headings(self) -> bool:
        """Returns True if the sizes of its letters are exact, and it is not just a note in the margin."""
        return self.turn == 0 and not self.is_slanted and not self.is_scanned

    def on_page(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """Returns a rectangle of this part as fractions of the page as it is displayed."""
        across, down = max(self.width, 1e-6), max(self.height, 1e-6)
        box = (x0 / across, y0 / down, x1 / across, y1 / down)
        # The part was turned clockwise `turn` times. With these further clockwise turns it is turned four times.
        for _ in range(-self.turn % 4):
            box = (1 - box[3], box[0], 1 - box[1], box[2])
        left, top, right, bottom = (round(min(max(value, 0.0), 1.0), 5) for value in box)
        return left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on a part of a page: where it is, and the text that was read in it."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: Part


@dataclass(frozen=True, slots=True)
class Layer:
    """The text layer of a page. It has one part for each direction in which there is text, and the upright part comes
    first.

    `unreadable` is the fraction of characters whose font does not tell which character they are. `pictures` has the
    boxes of the pictures on the page as displayed, of shape (n, 4), and `addresses` are those of the pictures in
    pdfium. `painted` has the boxes of what a pattern or a mask paints. `garbled` are the segments with runs of
    characters that their font does not tell. `untold` counts shorter ones, which stay as they are.
    If there are `more_pictures`, there were too many.
    """

    parts: list[Part]
    unreadable: float = 0.0
    pictures: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    addresses: list[int] = field(default_factory=list)
    painted: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    garbled: list[Garbled] = field(default_factory=list)
    untold: int = 0
    more_pictures: bool = False


def layer_of(page: Any) -> Layer:
    """Returns the text of a pypdfium2 page."""
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        drawn = drawn_on(page)
        pictures, painted = displayed(drawn.pictures, page), displayed(drawn.painted, page)
        if count <= 0:
            return Layer([], 0.0, pictures, drawn.addresses, painted, more_pictures=drawn.more_pictures)
        codes = _codes(textpage.raw, count)
        handle = argument(textpage.raw)
        boxes = displayed(_corners(handle, count), page)
        codes, unreadable, untold = _masked(page, textpage.raw, codes, boxes)
        turns, angles = turns_of(codes, boxes, page.get_rotation() // 90, partial(_angles, handle, count))
        styled = partial(_with_font, handle)
        parts = list(parts_of(codes, boxes, turns, displayed(drawn.lines, page), page.get_size(), styled))
        straight = [segment for part in parts if not part.is_slanted for segment in part.segments]
        add_targets(page, codes, boxes, straight, displayed)
        segments = [segment for part in parts for segment in part.segments] if unreadable else []
        garbled = garbled_in(segments, codes, boxes, turns, angles)
        return Layer(parts, unreadable, pictures, drawn.addresses, painted, garbled, untold, drawn.more_pictures)
    finally:
        textpage.close()


def _masked(
    page: Any, raw: Any, codes: npt.NDArray[np.uint32], boxes: Floats
) -> tuple[npt.NDArray[np.uint32], float, int]:
    """Returns the codes with a mark for those that the fonts do not tell, and the fraction of those. Also returns how
    many short runs of them are left as they are.
    """
    handle = argument(raw)
    unmapped = _unmapped(handle, codes.size)
    silent = silent_in(codes, boxes, unmapped)
    if silent.any():
        blank, replaced = silent.copy(), codes == REPLACED
        silent[silent] = shown(page, raw, np.flatnonzero(silent), boxes[silent])
        blank &= ~silent
        # If none of these is drawn, their font is not there, and the text tells more than the picture of the page.
        codes[blank if (silent & replaced).any() else blank & ~replaced] = ord(" ")
    shapes = "".join(chr(code) for code in codes[unmapped] if 0 < code < 0xD800)
    unknown = silent if spells_words(shapes) else (unmapped & is_drawn(codes)) | silent
    found = int(np.count_nonzero(unknown))
    if not found:
        return codes, 0.0, 0
    unreadable = found / int(np.count_nonzero((codes > 32) | unknown))
    marked = masked(codes, unknown, silent, lambda place: _font(handle, place)[0])
    return marked, unreadable, kept_untold(marked, unknown)


@lru_cache(maxsize=1)
def _calls() -> tuple[Any, Any, Any, Any]:
    """Returns four pdfium functions: the code, the box and the angle of one character, and if its font does not map it
    to a code. Most of the time for a page is spent on its characters.
    """
    import pypdfium2.raw as pdfium

    return (
        direct(pdfium.FPDFText_GetUnicode, ctypes.c_uint),
        direct(pdfium.FPDFText_GetLooseCharBox),
        direct(pdfium.FPDFText_GetCharAngle, ctypes.c_float),
        direct(pdfium.FPDFText_HasUnicodeMapError),
    )


@lru_cache(maxsize=1)
def _room() -> tuple[npt.NDArray[np.float32], list[Any]]:
    """Returns room for the boxes of some characters, and the argument for each. pdfium writes four floats for a box:
    left, top, right, bottom.
    """
    boxes = np.zeros((_BULK, 4), dtype=np.float32)
    return boxes, [argument(boxes.ctypes.data + place * boxes.strides[0]) for place in range(_BULK)]


def _corners(handle: Any, count: int) -> Floats:
    """Returns the corners of each character in the page's own coordinates, of shape (n, 4)."""
    _, box_of, *_ = _calls()
    boxes, places = _room()
    corners = np.empty((count, 4))
    for start in range(0, count, _BULK):
        length = min(_BULK, count - start)
        boxes[:length] = 0  # pdfium writes nothing for a character without a box
        deque(map(box_of, repeat(handle), range(start, start + length), places), maxlen=0)
        corners[start : start + length] = boxes[:length]
    return corners


def _unmapped(handle: Any, count: int) -> npt.NDArray[np.bool_]:
    """Returns a mask of the characters whose font does not map them to Unicode. If none of an even sample is such a
    character, the others are not asked.
    """
    *_, unmapped = _calls()
    if 1 in map(unmapped, repeat(handle), range(0, count, max(count // _SAMPLE, 1))):
        errors = np.fromiter(map(unmapped, repeat(handle), range(count)), dtype=np.int64, count=count)
        return np.equal(errors, 1)
    return np.zeros(count, dtype=np.bool_)


def _angles(handle: Any, count: int) -> Floats:
    """Returns the angle of every character in clockwise quarter turns."""
    _, _, angle_of, _ = _calls()
    return np.fromiter(map(angle_of, repeat(handle), range(count)), np.float64, count) / (math.pi / 2)


def _codes(raw: Any, count: int) -> npt.NDArray[np.uint32]:
    """Returns the code of every character. pdfium gives the text as a whole, but leaves out some characters and puts
    others in the wrong place. If this happens in a block, every character of the block is read separately.
    """
    import pypdfium2.raw as pdfium

    code_of, *_ = _calls()
    handle = argument(raw)
    codes = np.empty(count, dtype=np.uint32)
    buffer = np.zeros(_BULK + 1, dtype=np.uint16)
    place = buffer.ctypes.data_as(ctypes.POINTER(ctypes.c_ushort))
    for start in range(0, count, _BULK):
        length = min(_BULK, count - start)
        text = buffer[:length]
        whole = pdfium.FPDFText_GetText(raw, start, length, place) == length + 1
        if whole and not ((text & 0xF800) == 0xD800).any() and code_of(handle, start + length - 1) in (text[-1], 0, 2):
            codes[start : start + length] = text
            for odd in np.flatnonzero(text == 0xFFFE):
                codes[start + odd] = code_of(handle, start + int(odd))
        else:
            codes[start : start + length] = np.fromiter(
                map(code_of, repeat(handle), range(start, start + length)), dtype=np.uint32, count=length
            )
    return codes


def parts_of(
    codes: npt.NDArray[np.uint32],
    boxes: Floats,
    turns: npt.NDArray[np.int64],
    lines: Floats,
    size_of_page: tuple[float, float],
    styled: Styled,
) -> Iterator[Part]:
    """Yields the parts of a page from its characters: their codes, boxes (n, 4) and quarter turns. `lines` are the
    boxes of the straight lines on it. `styled` adds size and font to a segment.
    """
    width, height = size_of_page
    for turn in sorted(set(turns.tolist())):
        places = np.flatnonzero(turns == turn)
        if turn == SLANTED:
            yield Part(0, width, height, _slanted(codes, boxes, places), is_slanted=True)
            continue
        turned, size = _turned(boxes[places], turn, width, height)
        grids = _grids(sorted_into(_turned(lines, turn, width, height)[0]), turned) if len(lines) else []
        cuts = np.concatenate([_ends(grid.rulings.down) for grid in grids]) if grids else None
        found = segments_of(codes[places], turned, *size, cuts)
        segments = [styled(segment, places) for segment in found]
        if segments:
            yield Part(turn, *size, segments, grids)


def _grids(rulings: Rulings, boxes: Floats) -> list[Grid]:
    """Returns the ruled tables. Squared paper and shading are not tables, because their lines run through the letters
    in `boxes`.
    """
    found = []
    for grid in grids_of(rulings):
        columns = _ends(grid.rulings.down)
        at, top, bottom = columns[:, 0, None], columns[:, 1, None], columns[:, 2, None]
        quarter = (boxes[:, 2] - boxes[:, 0]) / 4
        middle = (boxes[:, 1] + boxes[:, 3]) / 2
        inside = (boxes[:, 0] > grid.columns[0]) & (boxes[:, 2] < grid.columns[-1])
        inside &= (middle > grid.rows[0]) & (middle < grid.rows[-1])
        # A line runs through a letter if it crosses the middle half of its box. In a table, this is the case for at
        # most one letter in 20.
        through = (boxes[:, 0] + quarter < at) & (at < boxes[:, 2] - quarter) & (top < middle) & (middle < bottom)
        if np.count_nonzero(through.any(axis=0) & inside) * 20 <= np.count_nonzero(inside):
            found.append(grid)
    return found


def _ends(lines: Sequence[Line]) -> Floats:
    return np.array([(line.at, line.start, line.stop) for line in lines])


def _turned(boxes: Floats, turn: int, width: float, height: float) -> tuple[Floats, tuple[float, float]]:
    """Returns the boxes of a page of this size after `turn` clockwise quarter turns, and the size
    of the turned page.
    """
    turned, size = boxes / (width, height, width, height), (width, height)
    for _ in range(turn):
        # A clockwise quarter turn moves the point (x, y) to (1 - y, x), in fractions of the page.
        turned = np.stack((1 - turned[:, 3], turned[:, 0], 1 - turned[:, 1], turned[:, 2]), axis=1)
        size = (size[1], size[0])
    return turned * (*size, *size), size


def _slanted(codes: npt.NDArray[np.uint32], boxes: Floats, places: npt.NDArray[np.intp]) -> list[Segment]:
    """Returns the slanted text at these places of a page, which is usually a watermark, in the order in which it was
    drawn. Each run of characters is one segment.
    """
    boxes = boxes[places]
    middle = np.stack(((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2), axis=1)
    tall = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
    far = np.linalg.norm(np.diff(middle, axis=0), axis=1) > 3 * tall[:-1]
    found = []
    for run in np.split(np.arange(places.size), np.flatnonzero(far) + 1):
        text = " ".join(letters_of(codes[places[run]]).split())
        if text:
            (x0, y0), (x1, y1) = boxes[run, :2].min(axis=0).tolist(), boxes[run, 2:].max(axis=0).tolist()
            first, last = int(places[run[0]]), int(places[run[-1]])
            found.append(Segment(text, x0, y0, x1, y1, float(tall[run[0]]), first=first, last=last))
    return found


def displayed(corners: Floats, page: Any) -> Floats:
    """Returns boxes as x0, y0, x1, y1 of the page as displayed. `corners` are left, top, right, bottom in the page's
    own coordinates.
    """
    if not len(corners):
        return np.zeros((0, 4))
    left, bottom, right, top = page.get_bbox()
    width, height = page.get_size()
    across, down = max(right - left, 1e-6), max(top - bottom, 1e-6)
    x, y = (corners[:, 0::2] - left) / across, (top - corners[:, 1::2]) / down
    for _ in range(page.get_rotation() // 90):
        # The page is turned clockwise, so each turn moves (x, y) to (1 - y, x).
        x, y = 1 - y[:, ::-1], x
    boxes = np.empty((len(corners), 4))
    boxes[:, 0::2], boxes[:, 1::2] = x * width, y * height
    return boxes


def _with_font(handle: Any, segment: Segment, places: npt.NDArray[np.intp]) -> Segment:
    """Returns the segment with the real size of its letters, their font, and if they are bold from the first to the
    last. It then numbers the characters of the page.

    `places` holds the index on the page of each character of the part.
    """
    size_of, matrix_of, *_ = _font_calls()
    first, last = int(places[segment.first]), int(places[segment.last])
    size = size_of(handle, first)
    if matrix_of(handle, first, _MATRIX):
        size *= math.hypot(_MATRIX[2], _MATRIX[3])
    font, bold = _font(handle, first)
    bold = bold and _font(handle, last)[1]
    segment.size = round(size * 2) / 2 if size > 1 else segment.size
    segment.bold, segment.font = bold, font
    segment.first, segment.last = first, last
    return segment


def _font(handle: Any, place: int) -> tuple[str, bool]:
    """Returns the name of a character's font in lower case, and True if it is bold."""
    *_, info_of, weight_of = _font_calls()
    info_of(handle, place, _NAME, _NAME_BYTES, None)
    font, is_bold = _named(_NAME.value)
    return font, is_bold or 600 <= weight_of(handle, place) <= 1000


@lru_cache(maxsize=256)
def _named(name: bytes) -> tuple[str, bool]:
    """Returns the name of a font in lower case, and True if it says that the font is bold."""
    font = name.decode("utf-8", "replace").lower()
    return font, any(word in font for word in _BOLD_FONTS)


@lru_cache(maxsize=1)
def _font_calls() -> tuple[Any, Any, Any, Any]:
    """Returns four pdfium functions: size, matrix, font and weight of one character."""
    import pypdfium2.raw as pdfium

    return (
        direct(pdfium.FPDFText_GetFontSize, ctypes.c_double),
        direct(pdfium.FPDFText_GetMatrix),
        direct(pdfium.FPDFText_GetFontInfo, ctypes.c_ulong),
        direct(pdfium.FPDFText_GetFontWeight),
    )
