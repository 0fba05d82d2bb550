"""Writes what the pictures of a web page say into it: the words in them, and in tables the words that describe them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

WordsOf = Callable[[str], tuple[str, ...]]
"""Gives the paragraphs in the picture at an address, as the page states it."""

_IN_PLACE = ("td", "th", "li", "dt", "dd", "caption", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "button")
"""Words in one of these stay there: no paragraph may stand in its place."""
_LEFT_ALONE = ("nav", "header", "footer", "head", "template", "noscript")
_LEAST_SIDE = 20
"""In pixels. A picture that is shown smaller is an icon."""


def write_words(page: Any, words_of: WordsOf) -> None:
    """Write the words of each picture behind it. What is hidden must be gone already."""
    walk = etree.iterwalk(page, events=("start",), tag=etree.Element)
    shown = []
    for _, node in walk:
        if node.tag in _LEFT_ALONE:
            walk.skip_subtree()
        elif node.tag == "img" and not _is_small(node):
            shown.append(node)
    for image in shown:
        address = (image.get("src") or image.get("data-src") or "").strip()
        if address and (words := words_of(address)):
            insert_words(image, words)
        if address.startswith("data:"):
            image.set("src", "data:")  # no reader behind this one needs it, and it may be long


def write_descriptions(page: Any) -> None:
    """Write the words that describe each picture in a cell (`alt`) in its place. The reader of pages makes captions of
    the others, and looks at nothing but text in tables.
    """
    for image in page.xpath("//td//img[@alt] | //th//img[@alt]"):
        words = image.get("alt").strip()
        image.attrib.clear()
        image.tag = "span"
        image.text = f" {words} " if words else None


def insert_words(image: Any, words: tuple[str, ...]) -> None:
    """Write these paragraphs behind a picture. Where no paragraph may stand, they become text in its place."""
    if not words:
        return
    if next(image.iterancestors(*_IN_PLACE), None) is not None:
        span = etree.Element("span")
        span.text = f" {' '.join(words)} "
        image.addnext(span)
        return
    place = next(image.iterancestors("p"), image)
    for text in reversed(words):
        paragraph = etree.Element("p")
        paragraph.text = text
        place.addnext(paragraph)


def _is_small(image: Any) -> bool:
    return any(_pixels(image.get(side)) < _LEAST_SIDE for side in ("width", "height"))


def _pixels(stated: str | None) -> int:
    """Returns the length that a page states. What is not stated in pixels is long."""
    text = (stated or "").strip().removesuffix("px")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else _LEAST_SIDE
