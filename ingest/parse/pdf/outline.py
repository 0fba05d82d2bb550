"""Reads the outline of a PDF (its bookmarks). The outline names headings and their pages."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

_DEEPEST = 6
_MAX_ENTRIES = 20_000
_NUMBER = re.compile(
    r"(chapter|section|part|appendix) [\dIVXLC]++[.:]?|\d++(\.\d++)*+[.、]?"
    r"|第[一二三四五六七八九十百零\d]++[章节編编篇部条]",
    re.I,
)

Outline = dict[tuple[int, str], int]
"""Maps a page number and a bare text to a level from 1."""


def outline_of(document: Any) -> Outline:
    """Returns the headings that the outline of a pypdfium2 document names. A circular outline is followed once."""
    levels: Outline = {}
    for bookmark in islice(document.get_toc(max_depth=_DEEPEST), _MAX_ENTRIES):
        destination = bookmark.get_dest()
        page = destination.get_index() if destination else None
        if page is not None:
            levels.setdefault((page + 1, bare(bookmark.get_title())), bookmark.level + 1)
    return levels


def bare(text: str) -> str:
    """Returns text for comparison, without a leading number. Outlines often leave out the number that the heading has
    on its page.
    """
    text = " ".join(text.split())
    return "".join((_NUMBER.sub("", text, count=1) or text).split()).casefold()
