"""Finds the characters that a page shows and that would vanish from its text: their font tells a code that is no
character. OCR can read them, or they are counted.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.parse.page.segments import HYPHEN, Floats
from ingest.parse.pdf.link_targets import is_drawn

REPLACED = 0xFFFD
"""The code that stands for a character that is not known. It is seen in the text."""
_BLANKS = (9, 10, 13)
_MAX_SIDE = 3000
_EDGE = 0.2
"""This fraction of a box on each side may have a part of its neighbours, or a line below the text."""
_LEAST_CONTRAST = 48
_NEAR = 0.01
"""In points."""

Mask = npt.NDArray[np.bool_]


def silent_in(codes: npt.NDArray[np.uint32], boxes: Floats, unmapped: Mask) -> Mask:
    """Returns a mask of the characters that may show something and have no code that can be read: 0, control
    characters, U+FFFD to U+FFFF, single halves of a surrogate pair, and blanks if they are `unmapped`.

    A font may give several codes to one shape. Then a single one that is a character is enough.
    """
    silent: Mask = (codes >= REPLACED) & (codes <= 0xFFFF) | (unmapped & (~is_drawn(codes) | (codes == HYPHEN)))
    silent |= (codes < 32) & (codes != HYPHEN) & ~np.isin(codes, _BLANKS) | (codes >= 0x7F) & (codes < 0xA0)
    half = (codes & 0xF800) == 0xD800
    if half.any():
        first, second = (codes & 0xFC00) == 0xD800, (codes & 0xFC00) == 0xDC00
        half[:-1] &= ~(first[:-1] & second[1:])
        half[1:] &= ~(first[:-1] & second[1:])
        silent |= half
    if silent.any():
        alike = np.append((boxes[1:] == boxes[:-1]).all(axis=1), False)
        told = ~silent & is_drawn(codes)
        silent[1:] &= ~(alike[:-1] & told[:-1])
        silent[:-1] &= ~(alike[:-1] & told[1:])
    return silent


def shown(page: Any, textpage: Any, places: npt.NDArray[np.intp], boxes: Floats) -> Mask:
    """Returns a mask of the characters at these places that draw something. `textpage` is that of pdfium, and `boxes`
    are theirs on the page as displayed.

    Nearly always their outlines tell. The page is drawn only for the others, because that takes long.
    """
    told = [_outlined(textpage, place) for place in places.tolist()]
    seen = np.array([bool(each) for each in told], dtype=np.bool_)
    unsure = np.array([each is None for each in told], dtype=np.bool_)
    if unsure.any():
        seen[unsure] = _drawn(page, boxes[unsure])
    return seen


def _outlined(textpage: Any, place: int) -> bool | None:
    """Returns True if a character has an outline that is drawn. Returns None if pdfium does not tell: for shapes that
    are drawings of their own (Type 3), and for text that is not level.
    """
    import pypdfium2.raw as pdfium

    item = pdfium.FPDFText_GetTextObject(textpage, place)
    matrix = pdfium.FS_MATRIX()
    if not item or not pdfium.FPDFText_GetMatrix(textpage, place, matrix) or abs(matrix.b) + abs(matrix.c) > 0:
        return None
    if pdfium.FPDFTextObj_GetTextRenderMode(item) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE:
        return False
    x, y, left, right, bottom, top = (ctypes.c_double() for _ in range(6))
    around = pdfium.FS_RECTF()
    pdfium.FPDFText_GetCharOrigin(textpage, place, x, y)
    pdfium.FPDFText_GetCharBox(textpage, place, left, right, bottom, top)
    pdfium.FPDFText_GetLooseCharBox(textpage, place, around)
    # pdfium gives a shape without an outline a box from its origin that is as wide as the step to the next one.
    apart = (left.value - x.value, bottom.value - y.value, right.value - around.right)
    if max(map(abs, apart)) > _NEAR:
        return True
    return False if pdfium.FPDFText_GetFontInfo(textpage, place, None, 0, None) > 1 else None


def _drawn(page: Any, boxes: Floats) -> Mask:
    """Returns a mask of the boxes of a page as displayed in which something is to be seen."""
    width, height = page.get_size()
    scale = min(1.0, _MAX_SIDE / max(width, height, 1.0))  # a pixel is a point
    x0, y0 = np.clip(np.floor(boxes[:, :2].min(axis=0)), 0, None).tolist()
    x1, y1 = np.minimum(np.ceil(boxes[:, 2:].max(axis=0)), (width, height)).tolist()
    if x0 >= x1 or y0 >= y1:
        return np.zeros(len(boxes), dtype=np.bool_)
    # Only the part of the page is drawn that the boxes are in.
    crop = (x0, height - y1, width - x1, y0)
    pixels = page.render(scale=scale, crop=crop, grayscale=True, draw_annots=False, may_draw_forms=False).to_numpy()
    pixels = pixels.reshape(pixels.shape[:2])
    sides = boxes[:, 2:] - boxes[:, :2]
    low = np.floor((boxes[:, :2] + _EDGE * sides - (x0, y0)) * scale).astype(np.int64)
    high = np.ceil((boxes[:, 2:] - _EDGE * sides - (x0, y0)) * scale).astype(np.int64)
    seen = np.zeros(len(boxes), dtype=np.bool_)
    for place, ((left, top), (right, bottom)) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        inside = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        seen[place] = inside.size > 0 and int(inside.max()) - int(inside.min()) >= _LEAST_CONTRAST
    return seen
