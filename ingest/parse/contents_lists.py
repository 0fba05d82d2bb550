"""Leaves out lists of contents from documents without fixed pages: Word, OpenDocument, RTF, web pages, Markdown.

They name every section and say nothing about it. Their lines are found as those of PDF are (`page/contents.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from ingest.document import Element
from ingest.parse.contents_pages import Places, bare, contents_in, next_place, places_of

_LINES = frozenset({"title", "heading", "paragraph", "list_item", "caption"})
_NO_LINES = ("-", "-")
"""What a table or code is among the lines. No entry is there, and an entry may have only one such line before it."""


def without_contents(elements: Sequence[Element]) -> tuple[Element, ...]:
    """Returns the elements without lists of contents and their headings. A document of nothing else keeps them."""
    lines = [line for element in elements for line in _lines(element)]

    @cache
    def sections() -> Places:
        return places_of(lines)

    dropped: set[int] = set()
    for start, stop in contents_in(
        lines,
        0,
        False,
        lambda title: bare(title) in sections(),
        lambda number: next_place(sections(), lines[number], number),
    ):
        dropped.update(range(start, stop))
    kept = tuple(_kept(elements, dropped)) if dropped else ()
    return kept or tuple(elements)


def _lines(element: Element) -> Sequence[str]:
    return element.text.split("\n") if element.kind in _LINES else _NO_LINES


def _kept(elements: Sequence[Element], dropped: set[int]) -> Iterator[Element]:
    place = 0
    for element in elements:
        lines = _lines(element)
        left = [line for number, line in enumerate(lines, place) if number not in dropped]
        place += len(lines)
        if len(left) == len(lines):
            yield element
        elif any(map(str.strip, left)):
            yield replace(element, text="\n".join(left))
