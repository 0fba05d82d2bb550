"""Finds the areas of a PDF page that a pattern or a mask paints. Their words are in no text layer, as in a picture."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

_LONG, _SHORT = 24.0, 10.0
"""In points. A smaller area has no words that a person could read, and neither has a smaller piece of a pattern."""
_LONGEST = 5_000.0
_MAX_PATTERNS = 50
"""So many patterns are drawn for a page."""
_ALIKE = 0.1
"""Two places of a pattern are alike if they differ by less than this fraction of what it differs in itself."""
_OPAQUE = 255

Box = tuple[float, float, float, float]


class PaintedAreas:
    """The areas of one page that a pattern or a mask paints, as left, top, right, bottom in the page's coordinates."""

    def __init__(self, document: Any) -> None:
        """`document` is the pypdfium2 document of the page."""
        self._document = document
        self._left = _MAX_PATTERNS
        self.boxes: list[Box] = []

    def look_at(self, item: Any, bounds: Box, placed: Box) -> None:
        """Note an object of the page if it is one of them. `bounds` are its own, and it is `placed` on the page."""
        wide, tall = placed[2] - placed[0], placed[1] - placed[3]
        if max(wide, tall) < _LONG or min(wide, tall) < _SHORT:
            return
        own = max(bounds[2] - bounds[0], bounds[1] - bounds[3])
        if _is_masked(item) or (own <= _LONGEST and self._has_pattern(item)):
            self.boxes.append(placed)

    def _has_pattern(self, item: Any) -> bool:
        """Returns True for a pattern that may have words. Hatches, dots and grids repeat after a few points. pdfium
        draws one piece of a pattern, which is laid over the area again and again.
        """
        import pypdfium2.raw as pdfium

        if self._left <= 0:
            return False
        raw = pdfium.FPDFPageObj_GetRenderedFillPattern(self._document.raw, item)
        if not raw:
            return False
        self._left -= 1
        try:
            height, stride = pdfium.FPDFBitmap_GetHeight(raw), pdfium.FPDFBitmap_GetStride(raw)
            row = np.frombuffer(ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(raw), height * stride), dtype=np.uint8)
            pixels = row.reshape(height, -1, 4)[:, : pdfium.FPDFBitmap_GetWidth(raw)].astype(np.int16)
            if max(pixels.shape[:2]) < _LONG or min(pixels.shape[:2]) < _SHORT:
                return False
            return not _repeats(pixels) or not _repeats(pixels.swapaxes(0, 1))
        finally:
            pdfium.FPDFBitmap_Destroy(raw)


def _is_masked(item: Any) -> bool:
    """Returns True for an object with a soft mask. What is only transparent has another alpha."""
    import pypdfium2.raw as pdfium

    if not pdfium.FPDFPageObj_HasTransparency(item):
        return False
    red, green, blue, alpha = (ctypes.c_uint(_OPAQUE) for _ in range(4))
    for colour in (pdfium.FPDFPageObj_GetFillColor, pdfium.FPDFPageObj_GetStrokeColor):
        if colour(item, red, green, blue, alpha) and alpha.value != _OPAQUE:
            return False
    return True


def _repeats(pixels: npt.NDArray[np.int16]) -> bool:
    """Returns True if a drawing looks the same after a few rows. A pixel is a point."""
    usual = float(np.abs(pixels - pixels.mean(axis=(0, 1))).mean())
    steps = range(1, min(int(_LONG), len(pixels)))
    return usual < 1 or any(float(np.abs(pixels[step:] - pixels[:-step]).mean()) < _ALIKE * usual for step in steps)
