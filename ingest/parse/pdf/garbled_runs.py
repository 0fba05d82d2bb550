"""Finds the few characters of a good page whose font does not tell what they are, and reads them by OCR, line by line.

While the page is cut into segments, `PLACE` stands for each of these characters, so that all others stay where they
are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.parse.page.segments import Floats, Segment
from ingest.parse.pdf.link_targets import is_drawn
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

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Garbled:
    """A segment with `PLACE` in its text, and the box of each run of them on the page as displayed. `turn` is the
    number of counter-clockwise quarter turns of its text.
    """

    segment: Segment
    boxes: list[Box]
    turn: int


def masked(
    codes: npt.NDArray[np.uint32], unknown: npt.NDArray[np.bool_], font_of: Callable[[int], str]
) -> npt.NDArray[np.uint32]:
    """Returns the codes of the characters of a page with `PLACE` for those in runs of `unknown` ones. `font_of` names
    the font of a character. If a font tells hardly any of its characters, what it says of the others is wrong, too.
    """
    places = np.flatnonzero(is_drawn(codes) | unknown)
    if not _runs(codes[places], unknown[places]):
        return codes
    names = [font_of(place) for place in places.tolist()]
    _, fonts = np.unique(names, return_inverse=True)
    # For each font, how many of its characters it does not tell.
    untold = np.bincount(fonts, weights=unknown[places]) >= _MOST * np.bincount(fonts)
    is_unknown = unknown[places] | untold[fonts]
    found = codes.copy()
    for start, stop in _runs(codes[places], is_unknown):
        found[places[start:stop]] = PLACE
    return found


def _runs(codes: npt.NDArray[np.uint32], unknown: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Returns the first index of each run of unknown characters, and the one after it."""
    return [
        (start, stop)
        for start, stop in _stretches(unknown)
        if stop - start >= _FEWEST and np.unique(codes[start:stop]).size >= _DIFFERENT
    ]


def _stretches(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def garbled_in(segments: Sequence[Segment], codes: npt.NDArray[np.uint32], boxes: Floats, turn: int) -> list[Garbled]:
    """Returns the segments that have masked characters. `codes` and `boxes` are those of the page, which the segments
    number.
    """
    found = []
    for segment in segments:
        if chr(PLACE) not in segment.text:
            continue
        places = np.arange(segment.first, segment.last + 1)
        drawn = places[is_drawn(codes[places])]
        runs = [boxes[drawn[start:stop]] for start, stop in _stretches(codes[drawn] == PLACE)]
        ends = [(*run[:, :2].min(axis=0).tolist(), *run[:, 2:].max(axis=0).tolist()) for run in runs]
        found.append(Garbled(segment, ends, turn))
    return found


def read_runs(
    garbled: Sequence[Garbled], read_line: Callable[[Pixels], str | None] | None, drawn: Callable[[Box], Pixels]
) -> int:
    """Put what `read_line` reads in the place of each run of masked characters. Returns how many runs are not read.

    `drawn` draws a part of the page. `read_line` returns None if it cannot read a line, and "" if there is nothing to
    see. Without it, all runs are left out.
    """
    left, lost = _MAX_RUNS, 0
    for each in garbled:
        texts: list[str] = []
        for box in each.boxes:
            text = None
            if read_line and left:
                left -= 1
                text = read_line(np.ascontiguousarray(np.rot90(drawn(box), -each.turn)))
            lost += text is None
            texts.append(text or "")
        following = iter(texts)
        said = _RUN.sub(lambda _, following=following: next(following, ""), each.segment.text)  # type: ignore[misc]
        each.segment.text = " ".join(said.split())
    return lost
