"""Tells if a page was scanned upside down or sideways, by the longest lines that OCR found on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ingest.parse.pictures.images import Pixels

_ASKED = 9
"""So many lines are asked."""
_TALL = 1.5
"""OCR turns a line that is this many times taller than wide by a quarter before it reads it."""
_SHORTEST = 4
"""Shorter lines look alike both ways up."""
_MOST = 0.7

Corners = npt.NDArray[np.float32]


def turn_of(pixels: Pixels, lines: Sequence[tuple[Corners, str]], is_upside_down: Callable[[Pixels], bool]) -> int:
    """Returns the number of counter-clockwise quarter turns of the text in a picture. It is 0 if it is not certain.

    `lines` are the corners and texts that were read there, and `is_upside_down` tells this of the picture of one line.
    """
    long = [_box(corners) for corners, text in lines if len(text) >= _SHORTEST]
    tall = [box for box in long if box[3] - box[1] > _TALL * (box[2] - box[0])]
    is_sideways = len(tall) > _MOST * len(long)
    asked = sorted(tall if is_sideways else long, key=_length, reverse=True)[:_ASKED]
    if not asked:
        return 0
    shown = (pixels[y0:y1, x0:x1] for x0, y0, x1, y1 in asked)
    over = sum(is_upside_down(np.rot90(line) if is_sideways else line) for line in shown)
    if is_sideways:
        return 1 if over * 2 > len(asked) else 3
    return 2 if over > _MOST * len(asked) else 0


def _box(corners: Corners) -> tuple[int, int, int, int]:
    (x0, y0), (x1, y1) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    return max(int(x0), 0), max(int(y0), 0), int(x1), int(y1)


def _length(box: tuple[int, int, int, int]) -> int:
    return max(box[2] - box[0], box[3] - box[1])
