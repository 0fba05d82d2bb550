"""Leaves out the list of contents of a web page: links to the sections of the same page, by their names."""

from __future__ import annotations

import re
from typing import Any

from ingest.parse.contents_pages import is_heading

_LISTS = ("ul", "ol", "nav")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LEAST = 3
_NEARLY_ALL = 0.8
_NUMBER = re.compile(r"[\d.、()（）\s]+")
_BLOCKS_ABOVE = 3


def drop_contents(page: Any) -> None:
    """Empty each list of contents of a page, and its heading. Nearly all that such a list says is links to the page
    itself, and nearly all of these have the name of a heading.
    """
    sections = {_bare(heading.text_content()) for heading in page.iter(*_HEADINGS)} - {""}
    if len(sections) < _LEAST:
        return
    for listed in [each for each in page.iter(*_LISTS) if next(each.iterancestors(*_LISTS), None) is None]:
        links = list(listed.iter("a"))
        if len(links) < _LEAST or not all((link.get("href") or "").strip().startswith("#") for link in links):
            continue
        names = [link.text_content() for link in links]
        named = sum(_bare(name) in sections for name in names)
        words = sum(map(str.isalpha, listed.text_content()))
        linked = sum(map(str.isalpha, "".join(names)))
        if named >= _NEARLY_ALL * len(names) and linked >= _NEARLY_ALL * words:
            _clear_heading(listed)
            _clear(listed)


def _clear_heading(listed: Any) -> None:
    """Empty what stands right above a list, if it says that contents follow."""
    node = listed
    for _ in range(_BLOCKS_ABOVE):
        before = node.getprevious()
        if before is not None:
            if is_heading(before.text_content()):
                _clear(before)
            return
        node = node.getparent()
        if node is None or node.tag in ("body", "html"):
            return


def _clear(node: Any) -> None:
    node.clear(keep_tail=True)
    node.tag = "span"


def _bare(name: str) -> str:
    """Returns a name without its number. Some lists number what the sections do not, and some sections have a mark for
    linking to them.
    """
    text = " ".join(name.split()).rstrip("¶# ").casefold()
    return "".join(text[found.end() if (found := _NUMBER.match(text)) else 0 :].split())
