"""Adds the targets of links to the text that they are on. Links to places inside the file are left alone."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.parse.links import with_target
from ingest.parse.page.segments import HYPHEN, Floats, Segment

_MAX_LINKS = 500
_MAX_BYTES = 4_000
_DRIVE = re.compile(r"^/([A-Za-z])/")
"""How PDF writes a drive of Windows."""


@dataclass(slots=True)
class Link:
    """A link and the characters that it is on. One that is broken at the end of a line has several rectangles."""

    target: str
    places: list[int]


def add_targets(
    page: Any, codes: npt.NDArray[np.uint32], boxes: Floats, segments: Sequence[Segment], displayed: Any
) -> None:
    """Add the targets of the links on a pypdfium2 page to the texts of its segments. `codes` and `boxes` are those of
    its characters, which the segments number. `displayed` turns boxes of the page into those of `boxes`.
    """
    links = _links(page, codes, boxes, displayed)
    if not links:
        return
    order = sorted(segments, key=lambda segment: segment.first)
    firsts = [segment.first for segment in order]
    # From the last link to the first, so that a text is changed behind the places that are still needed.
    for link in reversed(links):
        number = int(np.searchsorted(firsts, link.places[-1], side="right")) - 1
        if number >= 0 and link.places[-1] <= order[number].last:
            write_target(order[number], order[number].first, link, codes)


def write_target(segment: Segment, first: int, link: Link, codes: npt.NDArray[np.uint32]) -> None:
    """Write the target of a link into the text of the segment in which it ends, which begins with the character of the
    number `first`.
    """
    drawn = int(np.count_nonzero(is_drawn(codes[first : link.places[-1] + 1])))
    shown = "".join("-" if code == HYPHEN else chr(code) for code in codes[link.places] if code < 0xD800)
    segment.text = _with(segment.text, drawn, shown, link.target)


def _with(text: str, drawn: int, shown: str, target: str) -> str:
    """Returns a text with a target behind so many of its characters that are no blanks."""
    place = 0
    while place < len(text) and drawn:
        drawn -= not text[place].isspace()
        place += 1
    said = with_target(shown, target)
    return text[:place] + said[len(shown) :] + text[place:] if said.startswith(shown) else text


def _links(page: Any, codes: npt.NDArray[np.uint32], boxes: Floats, displayed: Any) -> list[Link]:
    """Returns the links with a target outside the file, in the order of their characters."""
    found: list[Link] = []
    stated = list(_stated(page))
    if not stated:
        return found
    middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    drawn = is_drawn(codes)
    rectangles = displayed(np.array([rectangle for rectangle, _ in stated]), page).tolist()
    for (x0, y0, x1, y1), (_, target) in zip(rectangles, stated, strict=True):
        inside = (middle_x >= x0) & (middle_x <= x1) & (middle_y >= y0) & (middle_y <= y1) & drawn
        places = np.flatnonzero(inside).tolist()
        if places:
            found.append(Link(target, places))
    return joined_links(found, codes)


def joined_links(found: list[Link], codes: npt.NDArray[np.uint32]) -> list[Link]:
    """Returns links in the order of their characters. One that is cut into several becomes one."""
    joined: list[Link] = []
    for link in sorted(found, key=lambda link: link.places[0]):
        # The rest of a link in the next line follows it without other text between them.
        if (
            joined
            and joined[-1].target == link.target
            and not is_drawn(codes[joined[-1].places[-1] + 1 : link.places[0]]).any()
        ):
            joined[-1].places.extend(link.places)
        else:
            joined.append(link)
    return joined


def is_drawn(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Returns a mask of the characters that are no blanks."""
    drawn: npt.NDArray[np.bool_] = ((codes > 32) | (codes == HYPHEN)) & (codes != 0xA0) & (codes != 0x3000)
    return drawn


def _stated(page: Any) -> Iterator[tuple[tuple[float, float, float, float], str]]:
    """Yields the rectangle of each link, as left, top, right, bottom in the page's own coordinates, and its target."""
    import pypdfium2.raw as pdfium

    place, link = ctypes.c_int(0), pdfium.FPDF_LINK()
    for _ in range(_MAX_LINKS):
        if not pdfium.FPDFLink_Enumerate(page.raw, place, link):
            return
        target = _target(page, link)
        rectangle = pdfium.FS_RECTF()
        if target and pdfium.FPDFLink_GetAnnotRect(link, rectangle):
            sides = (rectangle.left, rectangle.top, rectangle.right, rectangle.bottom)
            if np.isfinite(sides).all():
                left, right = sorted((sides[0], sides[2]))
                bottom, top = sorted((sides[1], sides[3]))
                yield (left, top, right, bottom), target


def _target(page: Any, link: Any) -> str:
    """Returns the address that a link leads to. Returns an empty text if it leads to a place inside the file."""
    import pypdfium2.raw as pdfium

    action = pdfium.FPDFLink_GetAction(link)
    kind = pdfium.FPDFAction_GetType(action) if action else None
    if kind == pdfium.PDFACTION_URI:
        return _told(lambda buffer, size: pdfium.FPDFAction_GetURIPath(page.pdf.raw, action, buffer, size))
    if kind in (pdfium.PDFACTION_REMOTEGOTO, pdfium.PDFACTION_LAUNCH):  # another file
        path = _told(lambda buffer, size: pdfium.FPDFAction_GetFilePath(action, buffer, size))
        return _DRIVE.sub(r"\1:/", path)
    return ""


def _told(ask: Callable[[Any, int], int]) -> str:
    """Returns a text that pdfium writes into a buffer. It is empty if it is too long."""
    size = ask(None, 0)
    if not 1 < size <= _MAX_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(buffer, size)
    return buffer.value.decode("utf-8", "replace")
