"""Finds the few characters of a good page whose font does not tell what they are, and reads them by OCR, line by line.

While the page is cut into segments, `PLACE` stands for each of these characters, so that all others stay where they
are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.parse.page.segments import Floats, Segment
from ingest.parse.pdf.link_targets import is_drawn
from ingest.parse.pdf.text_directions import SLANTED
from ingest.parse.pictures.images import Pixels

PLACE = 0xFDD0
"""A code that Unicode gives to no character."""
_RUN = re.compile(rf"{chr(PLACE)}(?: ?{chr(PLACE)})*+")
_FEWEST, _DIFFERENT = 4, 3
"""Fewer characters in a row, or fewer different ones, are bullets, signs and dots before page numbers."""
_MOST = 0.7
"""A font that does not tell this fraction of its characters has no map for the others either."""
_MAX_RUNS = 100
"""So many are read on a page."""
_UPRIGHT_BOX = 1.2
"""Letters are taller than what the boxes around slanted ones tell, since most are not as wide as tall."""
_LOST = "\ufffd"

Box = tuple[float, float, float, float]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Strip:
    """Where a run of characters is: the middle of its line on the page as displayed, its length and height, and its
    angle in counter-clockwise degrees.
    """

    x: float
    y: float
    length: float
    height: float
    angle: float

    def box(self, room: float) -> Box:
        """Returns the upright box around it, with so much room on each side, in heights of it."""
        cos, sin = abs(math.cos(math.radians(self.angle))), abs(math.sin(math.radians(self.angle)))
        wide = (self.length * cos + self.height * sin) / 2 + room * self.height
        tall = (self.length * sin + self.height * cos) / 2 + room * self.height
        return self.x - wide, self.y - tall, self.x + wide, self.y + tall


@dataclass(frozen=True, slots=True)
class Garbled:
    """A segment with `PLACE` in its text, and where each run of them is."""

    segment: Segment
    strips: list[Strip]


def masked(
    codes: npt.NDArray[np.uint32], unknown: Mask, silent: Mask, font_of: Callable[[int], str]
) -> npt.NDArray[np.uint32]:
    """Returns the codes of the characters of a page with `PLACE` for those in runs of `unknown` ones, and for all that
    are `silent`. `font_of` names the font of a character. If a font tells hardly any of its characters, what it says of
    the others is wrong, too.
    """
    places = np.flatnonzero(is_drawn(codes) | unknown)
    is_unknown = unknown[places]
    runs = _runs(codes[places], is_unknown, silent[places])
    if any(stop - start >= _FEWEST for start, stop in runs):
        _, fonts = np.unique([font_of(place) for place in places.tolist()], return_inverse=True)
        # For each font, how many of its characters it does not tell.
        untold = np.bincount(fonts, weights=is_unknown) >= _MOST * np.bincount(fonts)
        runs = _runs(codes[places], is_unknown | untold[fonts], silent[places])
    if not runs:
        return codes
    found = codes.copy()
    for start, stop in runs:
        found[places[start:stop]] = PLACE
    return found


def kept_untold(codes: npt.NDArray[np.uint32], unknown: Mask) -> int:
    """Returns how many runs of `unknown` characters are left among the `codes` of a page, where they are words, numbers
    or parts of them. They stay as they are, and may be wrong. A single sign beside a blank is a bullet.
    """
    if not (unknown & (codes != PLACE)).any():
        return 0
    places = np.flatnonzero(is_drawn(codes) | unknown)
    left = unknown[places] & (codes[places] != PLACE)
    count = 0
    for start, stop in _stretches(left):
        text = "".join(map(_letter, codes[places[start:stop]].tolist()))
        beside = [place for place in (places[start] - 1, places[stop - 1] + 1) if 0 <= place < codes.size]
        is_inside = any(_letter(int(codes[place])).isalnum() for place in beside)
        count += any(map(str.isalnum, text)) and (is_inside or len(text) > 1)
    return count


def _letter(code: int) -> str:
    return chr(code) if 0 < code < 0xD800 or 0xE000 <= code < PLACE else ""


def _runs(codes: npt.NDArray[np.uint32], unknown: Mask, silent: Mask) -> list[tuple[int, int]]:
    """Returns the first index of each run of unknown characters, and the one after it."""
    return [
        (start, stop)
        for start, stop in _stretches(unknown)
        if silent[start:stop].any() or (stop - start >= _FEWEST and np.unique(codes[start:stop]).size >= _DIFFERENT)
    ]


def _stretches(mask: Mask) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def garbled_in(
    segments: Sequence[Segment],
    codes: npt.NDArray[np.uint32],
    boxes: Floats,
    turns: npt.NDArray[np.int64],
    angles: Floats,
) -> list[Garbled]:
    """Returns the segments that have masked characters. The other arguments are those of the characters of the page,
    which the segments number. `angles` are in quarter turns.
    """
    found = []
    for segment in segments:
        if chr(PLACE) not in segment.text:
            continue
        places = np.arange(segment.first, segment.last + 1)
        drawn = places[is_drawn(codes[places]) & (turns[places] == turns[segment.first])]
        runs = [drawn[start:stop] for start, stop in _stretches(codes[drawn] == PLACE)]
        turn = int(turns[segment.first])
        found.append(Garbled(segment, [_strip(boxes[run], turn, float(angles[run[0]])) for run in runs]))
    return found


def _strip(boxes: Floats, turn: int, angle: float) -> Strip:
    """Returns the line that characters with these upright boxes are on. `angle` counts only if they are slanted."""
    (x0, y0), (x1, y1) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
    middle, wide, tall = ((x0 + x1) / 2, (y0 + y1) / 2), x1 - x0, y1 - y0
    if turn != SLANTED:
        return Strip(*middle, *((tall, wide) if turn % 2 else (wide, tall)), angle=90.0 * turn)
    cos, sin = abs(math.cos(angle * math.pi / 2)), abs(math.sin(angle * math.pi / 2))
    # The sides of the upright box around a slanted letter are together as long as its own sides, times this.
    sides = (boxes[:, 2:] - boxes[:, :2]).sum(axis=1)
    height = _UPRIGHT_BOX * float(sides.max()) / (2 * (cos + sin))
    length = (wide - height * sin) / cos if cos > sin else (tall - height * cos) / sin
    return Strip(*middle, max(length, height), height, angle=90.0 * angle)


def read_runs(
    garbled: Sequence[Garbled], read_line: Callable[[Pixels], str | None], drawn: Callable[[Strip], Pixels]
) -> int:
    """Put what `read_line` reads in the place of each run of masked characters. Returns how many runs are not read.

    `drawn` draws a line of the page, level. `read_line` returns None if it cannot read a line, and "" if there is
    nothing to see. A run that is not read is left out. In a word or a number a sign stands for it.
    """
    left, lost = _MAX_RUNS, 0
    for each in garbled:
        texts = [read_line(drawn(strip)) for strip in each.strips[:left]]
        left -= len(texts)
        lost += len(each.strips) - len(texts) + texts.count(None)
        each.segment.text = _filled(each.segment.text, texts)
    return lost


def leave_out(garbled: Sequence[Garbled]) -> int:
    """Leave out each run of masked characters, as `read_runs` does. Returns how many they are."""
    for each in garbled:
        each.segment.text = _filled(each.segment.text, ())
    return sum(len(each.strips) for each in garbled)


def _filled(text: str, texts: Sequence[str | None]) -> str:
    """Returns a text with these texts in the place of its runs of masked characters."""
    following = iter(texts)

    def said(run: re.Match[str]) -> str:
        read = next(following, None)
        if read is not None:
            return read
        beside = text[max(run.start() - 1, 0) : run.start()] + text[run.end() : run.end() + 1]
        return _LOST if any(map(str.isalnum, beside)) else ""

    return " ".join(_RUN.sub(said, text).split())
