"""Tells in which direction each character of a page reads: upright, by quarter turns, or slanted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ingest.parse.page.segments import Floats

SLANTED = 9
"""It is used in place of a number of quarter turns, for text at another angle."""
_SLANT = 0.1
"""Text is slanted if its angle differs from a quarter turn by more than this fraction of a quarter turn."""

Codes = npt.NDArray[np.uint32]


def turns_of(
    codes: Codes, boxes: Floats, rotation: int, angles_of: Callable[[], Floats]
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Returns the counter-clockwise quarter turns of every character, or `SLANTED`, and its angle in quarter turns.

    To ask pdfium for an angle costs as much as to ask for a box. So `angles_of` is called only if the page itself is
    rotated, by `rotation` quarter turns, or if the positions of many characters are unusual for upright text. It gives
    clockwise quarter turns.
    """
    turns = np.zeros(codes.size, dtype=np.int64)
    if not rotation and not _is_suspicious(boxes[codes > 32]):
        return turns, np.zeros(codes.size)
    angles = angles_of()
    turns = (-np.rint(angles).astype(np.int64) - rotation) % 4
    slanted = np.abs(angles - np.rint(angles)) > _SLANT
    turns[slanted] = SLANTED
    upright = np.flatnonzero((turns == 0) & (codes > 32))
    # In vertical Chinese and Japanese text the letters are upright. The lines run down, and follow each other from
    # right to left, like those of a text that is turned clockwise.
    down = _runs_down(codes[upright], boxes[upright])
    if np.count_nonzero(down) * 3 > upright.size:
        turns[upright[down]] = 3
    # Blanks that pdfium adds have no angle. They get that of the character before them.
    last: npt.NDArray[np.intp] = np.maximum.accumulate(np.where(codes <= 32, 0, np.arange(codes.size)))
    return turns[last], -angles[last] - rotation


def _is_suspicious(drawn: Floats) -> bool:
    """Returns True if many characters are above, below or left of the one before, or rise or fall steadily."""
    tall = np.maximum(drawn[:-1, 3] - drawn[:-1, 1], 1.0)
    # The step from each character to the next, in heights of the first one.
    right = np.diff((drawn[:, 0] + drawn[:, 2]) / 2) / tall
    down = np.diff((drawn[:, 1] + drawn[:, 3]) / 2) / tall
    stacked = (np.abs(right) < 0.3) & (np.abs(down) > 0.1) & (np.abs(down) < 2)
    steep = (np.abs(down) > 0.15) & (np.abs(down) < 2) & (np.abs(right) < 2)
    climbing = steep[:-1] & steep[1:] & (np.abs(np.diff(down)) < 0.2)
    backwards = (np.abs(down) < 0.3) & (right < -0.1) & (right > -1.5)
    return max(int(np.count_nonzero(odd)) for odd in (stacked, climbing, backwards)) >= max(4, len(drawn) // 100)


def _runs_down(codes: Codes, boxes: Floats) -> npt.NDArray[np.bool_]:
    """Returns a mask of the upright characters that are in a column of characters, each close below the one before."""
    tall = np.maximum(boxes[:-1, 3] - boxes[:-1, 1], 1.0)
    right = np.abs(np.diff((boxes[:, 0] + boxes[:, 2]) / 2)) / tall
    down = np.diff((boxes[:, 1] + boxes[:, 3]) / 2) / tall
    below = (right < 0.35) & (down > 0.4) & (down < 1.3) & (codes[:-1] > 0x7F) & (codes[1:] > 0x7F)
    column = np.zeros(codes.size, dtype=np.bool_)
    column[:-1] |= below
    column[1:] |= below
    return column
