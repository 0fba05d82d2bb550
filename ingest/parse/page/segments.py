"""Defines runs of text on a page. A PDF page, or the OCR of a picture, consists of them before it has any structure.

All coordinates are points (or pixels) of the page as it is displayed. The origin is at the top left, and y grows
downwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.parse.page.addresses import goes_on
from ingest.parse.page.hyphens import across

Floats = npt.NDArray[np.float64]

_HAN = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_HAN_EDGE = re.compile(rf"[{_HAN}，。、；：！？）】」』》“”]")
_RTL_FIRST, _RTL_LAST = 0x0590, 0x08FF
_NOTHING = "\x01"
"""No text contains this character, because characters below the space are read as blanks."""
HYPHEN = 0x02
"""The code that pdfium gives for a hyphen at the end of a line."""


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a table, row by row, and where its columns are: the left and the right edge of each.

    The edges of a table with lines are its lines. The edges of another are those of its texts. `above` are the lines of
    text in its first rows that are no part of it, and `first` is the number of the row after them. `below` are the
    lines that stood in its last rows and are not among the rows any more.
    """

    rows: list[list[str]]
    columns: list[tuple[float, float]]
    is_ruled: bool
    has_bold_head: bool = False
    above: tuple[str, ...] = ()
    first: int = 0
    below: tuple[str, ...] = ()


@dataclass(slots=True)
class Segment:
    """A run of characters on one line without a wide gap. `first` and `last` are indices of characters.

    If it has a `table`, the segment stands for this whole table, and its text is Markdown.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    font: str = ""
    first: int = -1
    last: int = -1
    table: Table | None = None

    @property
    def is_table(self) -> bool:
        return self.table is not None

    @property
    def height(self) -> float:
        return self.y1 - self.y0


def joined(left: str, right: str) -> str:
    """Returns two lines of one paragraph as one text. There is no space between Han characters, and none in a broken
    word or address.

    For a broken word, `hyphens.mended` decides later if the hyphen belongs to it.
    """
    if not left or not right:
        return left or right
    if (whole := across(left, right)) is not None:
        return whole
    if (_HAN_EDGE.match(left[-1]) and _HAN_EDGE.match(right[0])) or goes_on(left, right):
        return left + right
    return f"{left} {right}"


def segments_of(
    codes: npt.NDArray[np.uint32], boxes: Floats, width: float, height: float, cuts: Floats | None = None
) -> list[Segment]:
    """Cut the characters of a page into segments. The characters are in the order in which they were drawn.

    `codes` has shape (n,), and `boxes` has shape (n, 4) with x0, y0, x1, y1. Characters that were drawn twice are used
    once. Characters outside the page are left out. `size` is the height of the first character's box. `cuts` has shape
    (m, 3): the distance from the left, the top and the bottom of vertical lines. These lines separate cells, even if
    their texts are close together.
    """
    blank = _blank(codes)
    middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    inside = (middle_x >= 0) & (middle_x <= width) & (middle_y >= 0) & (middle_y <= height)
    keep = blank | (inside & ~_twice(codes, boxes, blank))
    index = np.flatnonzero(keep)
    codes, boxes, blank = codes[index], boxes[index], blank[index]
    drawn = np.flatnonzero(~blank)
    if not drawn.size:
        return []
    placed = boxes[drawn]
    ends, narrow = _breaks(codes[drawn], placed)
    if cuts is not None and cuts.size:
        ends = np.union1d(ends, _parted(placed, cuts))
    text = _text(codes, blank, drawn[:-1][narrow] + 1, drawn[1:][narrow])
    starts = np.concatenate(([0], ends + 1))
    stops = np.concatenate((ends, [drawn.size - 1]))
    low = np.minimum.reduceat(placed[:, :2], starts, axis=0).tolist()
    high = np.maximum.reduceat(placed[:, 2:], starts, axis=0).tolist()
    tall = (placed[starts, 3] - placed[starts, 1]).tolist()
    places = zip(drawn[starts].tolist(), drawn[stops].tolist(), low, high, tall, strict=True)
    found = []
    for start, stop, (x0, y0), (x1, y1), size in places:
        words = " ".join(text[start : stop + 1].replace(_NOTHING, "").split())
        if words:
            found.append(Segment(words, x0, y0, x1, y1, size, first=int(index[start]), last=int(index[stop])))
    return found


def letters_of(codes: npt.NDArray[np.uint32]) -> str:
    """Returns the text of characters in the order in which they were drawn, wherever they stand."""
    nothing = np.zeros(0, dtype=np.intp)
    return _text(codes, _blank(codes), nothing, nothing).replace(_NOTHING, "")


def _blank(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    blank: npt.NDArray[np.bool_] = (codes <= 32) & (codes != HYPHEN) | (codes == 0xA0) | (codes == 0x3000)
    return blank


def _parted(boxes: Floats, cuts: Floats) -> npt.NDArray[np.intp]:
    """Returns the indices of the characters after which a vertical line comes before the next character."""
    middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    at, top, bottom = cuts[:, 0, None], cuts[:, 1, None], cuts[:, 2, None]
    between = (middle_x[:-1] < at) & (middle_x[1:] > at) & (middle_y[:-1] > top) & (middle_y[:-1] < bottom)
    return np.flatnonzero(between.any(axis=0))


def _text(
    codes: npt.NDArray[np.uint32],
    blank: npt.NDArray[np.bool_],
    first: npt.NDArray[np.intp],
    after: npt.NDArray[np.intp],
) -> str:
    """Returns one letter for each code. A blank becomes a space. The codes from each place in `first` up to the one in
    `after` get a character that is dropped later. Two surrogate halves become one character at the place of the first.
    """
    letters = np.where(blank, 32, np.where(codes == HYPHEN, 45, codes)).astype(np.uint32)
    half = (letters & 0xF800) == 0xD800
    if half.any():
        pair = np.flatnonzero(((letters[:-1] & 0xFC00) == 0xD800) & ((letters[1:] & 0xFC00) == 0xDC00))
        whole = 0x10000 + ((letters[pair] & 0x3FF) << 10) + (letters[pair + 1] & 0x3FF)
        letters[half] = 0xFFFD
        letters[pair], letters[pair + 1] = whole, ord(_NOTHING)
    letters[letters > 0x10FFFF] = 0xFFFD
    for place in np.flatnonzero(first < after):  # between two Han characters that touch, a space has no meaning
        letters[first[place] : after[place]] = ord(_NOTHING)
    return letters.astype("<u4").tobytes().decode("utf-32-le")


def _twice(codes: npt.NDArray[np.uint32], boxes: Floats, blank: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Returns a mask of characters that lie on an earlier character with the same code. Some programs draw text twice
    to make it bold.
    """
    twice = np.zeros(codes.size, dtype=np.bool_)
    drawn = np.flatnonzero(~blank)
    if drawn.size < 2:
        return twice
    codes, boxes = codes[drawn], boxes[drawn]
    wide = np.maximum(boxes[:, 2] - boxes[:, 0], 0.1)
    tall = np.maximum(boxes[:, 3] - boxes[:, 1], 0.1)
    cell = max(float(np.partition(tall, tall.size // 2)[tall.size // 2]), 1.0)
    left = boxes[:, 0].copy()
    across = np.clip(left * 8, 0, 0xFFFF).astype(np.int64)
    for offset in (0.0, 0.5):
        # Neighbours in this order are compared. The second pass finds pairs that the rows of the first pass separate.
        row = np.clip(np.floor(boxes[:, 1] / cell + offset), 0, 0xFFFF).astype(np.int64)
        order = _sorted(codes.astype(np.int64) << 32 | row << 16 | across)
        here, there = order[1:], order[:-1]
        # First what most pairs fail: the same distance from the left.
        alike = np.flatnonzero(np.abs(left[here] - left[there]) < 0.4 * wide[here])
        here, there = here[alike], there[alike]
        same = (
            (codes[here] == codes[there])
            & (np.abs(left[here] - left[there]) < 0.4 * wide[there])
            & (np.abs(boxes[here, 1] - boxes[there, 1]) < 0.3 * tall[here])
            & (np.abs(tall[here] - tall[there]) < 0.2 * tall[here])
        )
        twice[drawn[np.maximum(here[same], there[same])]] = True
    return twice


def _sorted(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Returns the indices of the keys in their order. Equal keys keep theirs, for which a slower sort is needed."""
    order = np.argsort(keys)
    inorder = keys[order]
    return np.argsort(keys, kind="stable") if (inorder[1:] == inorder[:-1]).any() else order


def _breaks(codes: npt.NDArray[np.uint32], boxes: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Returns the indices of the characters after which a segment ends. Also returns a mask of the pairs of touching
    Han characters, between which a space has no meaning.
    """
    here, there = boxes[:-1], boxes[1:]
    tall = np.maximum(np.minimum(here[:, 3] - here[:, 1], there[:, 3] - there[:, 1]), 0.1)
    overlap = np.minimum(here[:, 3], there[:, 3]) - np.maximum(here[:, 1], there[:, 1])
    gap = np.maximum(there[:, 0] - here[:, 2], here[:, 0] - there[:, 2])
    right_to_left = (codes[1:] >= _RTL_FIRST) & (codes[1:] <= _RTL_LAST)
    back = (there[:, 0] < here[:, 0] - 0.6 * tall) & ~right_to_left
    ends = np.flatnonzero((overlap < 0.4 * tall) | (gap > 0.95 * tall) | back)
    han = (codes >= 0x2E80) & (codes <= 0xFFEF)
    return ends, han[:-1] & han[1:] & (gap < 0.5 * tall)
