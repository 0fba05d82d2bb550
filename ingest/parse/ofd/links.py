"""Where the objects on an OFD page lead when a reader clicks on them: an address, or a file attached to the document.
Links to places inside the document are left alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin

import numpy as np
import numpy.typing as npt

from ingest.parse.links import shown_target
from ingest.parse.page.segments import Floats, Segment
from ingest.parse.pdf.link_targets import Link, is_drawn, joined_links, write_target

Rectangle = tuple[float, float, float, float]

_LEADS_OUT = frozenset({"URI", "GotoA"})


class Action(NamedTuple):
    """An object that leads to a target: its box in points, and the characters that it draws, by their numbers."""

    target: str
    box: Rectangle
    first: int
    stop: int


def targets_of(node: Any, attached: Mapping[str, str]) -> Iterator[str]:
    """Yields where a click on an object leads outside its document. `attached` are the names of the attached files by
    their identities. A target is empty if it is not stated, or is not there.
    """
    for action in node.iterfind("{*}Actions/{*}Action"):
        if action.get("Event", "CLICK").upper() != "CLICK":
            continue
        for leading in action:
            kind = leading.tag.rpartition("}")[2] if isinstance(leading.tag, str) else ""
            if kind in _LEADS_OUT:
                yield attached.get(leading.get("AttachID", ""), "") if kind == "GotoA" else _address(leading)


class PageLinks:
    """The links of one page. Their targets are written behind the characters that they are on."""

    def __init__(self, actions: list[Action], codes: npt.NDArray[np.uint32], boxes: Floats) -> None:
        """`codes` and `boxes` are those of the characters on the page."""
        self._codes = codes
        found: list[Link] = []
        self._alone: list[str] = []
        drawn = is_drawn(codes)
        middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        for action in actions:
            if action.first < action.stop:
                places = (np.flatnonzero(drawn[action.first : action.stop]) + action.first).tolist()
            else:
                x0, y0, x1, y1 = action.box
                inside = (middle_x >= x0) & (middle_x <= x1) & (middle_y >= y0) & (middle_y <= y1)
                places = np.flatnonzero(inside & drawn).tolist()
            if places:
                found.append(Link(action.target, places))
            else:
                self._alone.append(action.target)
        self._links = sorted(joined_links(found, codes), key=lambda link: link.places[-1])
        self._lasts = [link.places[-1] for link in self._links]
        self._written: set[int] = set()

    def write(self, segment: Segment, first: int, last: int) -> None:
        """Write the targets of the links that end in a segment, which has the characters with these numbers."""
        # From the last link to the first, so that a text is changed behind the places that are still needed.
        for number in reversed(range(bisect_left(self._lasts, first), bisect_right(self._lasts, last))):
            self._written.add(number)
            write_target(segment, first, self._links[number], self._codes)

    def others(self) -> Iterator[str]:
        """Yields what is shown of the targets that stand behind no text: those of pictures, and of pages that are
        pictures.
        """
        unwritten = (link.target for number, link in enumerate(self._links) if number not in self._written)
        yield from filter(None, dict.fromkeys(map(shown_target, (*self._alone, *unwritten))))


def _address(node: Any) -> str:
    """Returns the address that an action states. A relative one may have a base."""
    stated, base = (str(node.get(name, "")).strip() for name in ("URI", "Base"))
    try:
        return urljoin(base, stated) if base and stated else stated
    except ValueError:
        return ""
