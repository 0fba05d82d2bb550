"""Finds the characters that a page shows and that would vanish from its text: their font tells a code that is no
character. OCR can read them, or they are counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.parse.page.segments import HYPHEN, Floats
from ingest.parse.pdf.link_targets import is_drawn

REPLACED = 0xFFFD
"""The code that stands for a character that is not known. It is seen in the text."""
_BLANKS = (9, 10, 13)
_DPI, _MAX_SIDE = 100, 3000
_EDGE = 0.2
"""This fraction of a box on each side may have a part of its neighbours, or a line below the text."""
_LEAST_CONTRAST = 48

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


def shown(page: Any, boxes: Floats) -> Mask:
    """Returns a mask of the boxes of a pypdfium2 page, as displayed, in which something is to be seen."""
    scale = min(_DPI / 72, _MAX_SIDE / max(*page.get_size(), 1.0))
    pixels = page.render(scale=scale, grayscale=True, draw_annots=False, may_draw_forms=False).to_numpy()
    pixels = pixels.reshape(pixels.shape[:2])
    sides = boxes[:, 2:] - boxes[:, :2]
    low = np.floor((boxes[:, :2] + _EDGE * sides) * scale).astype(np.int64)
    high = np.ceil((boxes[:, 2:] - _EDGE * sides) * scale).astype(np.int64)
    seen = np.zeros(len(boxes), dtype=np.bool_)
    for place, ((left, top), (right, bottom)) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        inside = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        seen[place] = inside.size > 0 and int(inside.max()) - int(inside.min()) >= _LEAST_CONTRAST
    return seen
