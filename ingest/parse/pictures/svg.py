"""Reads SVG: its lines of text, with where they lead, its title, and the addresses of the pictures in it.

It reads an SVG file, and one that stands in a web page. There the names of tags are in lower case,
without a namespace.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from lxml import etree

from ingest.parse.links import says, shown_target, with_shown

_TEXTS = frozenset({"text", "foreignobject"})
_UNSEEN = frozenset({"title", "desc", "style", "script", "metadata"})
_MODELS = frozenset({"defs", "symbol"})
"""What is shown only where it is used."""
_IN_LINE = frozenset({
    "tspan", "textpath", "tref", "a", "b", "i", "u", "em", "strong", "span", "sub", "sup", "font", "code", "small",
})  # fmt: skip
"""Tags inside a text that begin no line."""
_PICTURE = ("data:image/", "data:application/octet-stream")
_LINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True, slots=True)
class Svg:
    """What an SVG shows. `title` is what a browser says of it when the mouse is over it."""

    lines: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    title: str = ""


def read_svg(root: Any, shown: Callable[[str], str] = shown_target) -> Svg:
    """Returns what an SVG shows. A piece of text with a height of its own is a line, and so is a block of HTML.
    `shown` gives what is said of the target of a link.
    """
    found = _Lines(shown)
    unseen = _UNSEEN if any(_name(node) == "use" for node in root.iter(etree.Element)) else _UNSEEN | _MODELS
    skipped: set[Any] = set()
    pictures: list[str] = []
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        name = _name(node)
        if event == "start":
            if node in skipped or name in unseen or _is_hidden(node):
                walk.skip_subtree()
                skipped.add(node)
                continue
            if name == "switch":
                skipped.update(list(node.iterchildren(etree.Element))[1:])  # what stands in for programs without HTML
            elif name in ("image", "img"):
                pictures.append(_address(node) or node.get("src", ""))
            found.open(node, name)
        elif event == "end" and node not in skipped:
            found.close(node, name)
        else:
            found.say(node.tail)
    title = next((each.text for each in root.iterchildren(etree.Element) if _name(each) == "title"), None)
    return Svg(found.texts(), tuple(filter(None, pictures)), " ".join((title or "").split()))


def data_of(address: str) -> bytes | None:
    """Returns the bytes that a `data:` address has in itself, or None if they are no picture."""
    head, _, body = address.partition(",")
    if not head.lower().startswith(_PICTURE):
        return None
    data = unquote_to_bytes(body)
    if not head.lower().endswith(";base64"):
        return data
    packed = b"".join(data.split()).rstrip(b"=")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4))
    except (binascii.Error, ValueError):
        return None


class _Lines:
    """The lines of text of an SVG while it is read."""

    def __init__(self, shown: Callable[[str], str]) -> None:
        self._shown = shown
        self._lines: list[list[str]] = [[]]
        self._inside = 0
        self._link: Any = None
        """The link that was opened last. Only the innermost of several says where it leads."""
        self._begin = (0, 0)

    def open(self, node: Any, name: str) -> None:
        is_text = name in _TEXTS
        self._inside += is_text
        if name == "a":
            self._link, self._begin = node, (len(self._lines) - 1, len(self._lines[-1]))
        if self._inside and (is_text or _begins_line(node, name)):
            self._lines.append([])
        self.say(node.text)

    def close(self, node: Any, name: str) -> None:
        if node is self._link:
            self._lead()
        self._inside -= name in _TEXTS
        if self._inside and name not in _IN_LINE and name not in _TEXTS:
            self._lines.append([])
        self.say(node.tail)

    def say(self, text: str | None) -> None:
        if self._inside and text:
            self._lines[-1].append(text)

    def texts(self) -> tuple[str, ...]:
        return tuple(text for pieces in self._lines if (text := _joined(pieces)))

    def _lead(self) -> None:
        """Say where the link that ends here leads: behind its words, or behind its title."""
        target = self._shown(_address(self._link))
        line, piece = self._begin
        pieces = [*self._lines[line][piece:], *(each for later in self._lines[line + 1 :] for each in later)]
        text = _joined(pieces)
        if target and text and not says(text, target):
            self._lines[-1].append(f" ({target})")
        elif target and not text and not self._inside:
            named = (each.text or "" for each in self._link.iterchildren(etree.Element) if _name(each) == "title")
            self._lines.append([with_shown(next(named, self._link.get("aria-label", "")), target)])


def _begins_line(node: Any, name: str) -> bool:
    if name not in _IN_LINE:
        return True
    return node.get("y") is not None or (node.get("x") is not None and node.get("dy") is not None)


def _is_hidden(node: Any) -> bool:
    style = "".join(node.get("style", "").split())
    return (
        node.get("display") == "none"
        or node.get("visibility") in ("hidden", "collapse")
        or "display:none" in style
        or "visibility:hidden" in style
    )


def _address(node: Any) -> str:
    return str(node.get("href") or node.get(_LINK) or node.get("xlink:href") or "").strip()


def _name(node: Any) -> str:
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""


def _joined(pieces: list[str]) -> str:
    return " ".join("".join(pieces).split())
