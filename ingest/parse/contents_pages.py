"""Finds the lines of a table of contents. They name every section and say nothing about it, so they are no text.

A line is given with a tab before its page number, if a wide gap is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_HEADING = re.compile(
    r"(?:[图圖表附插]{0,2}(?:格|件)?目[录錄次]|(?:table of |list of )?(?:contents|figures|tables)|"
    r"inhalt(?:sverzeichnis)?|sommaire)[:：]?",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"[(（]?(?:第)?(?:(\d{1,3}-)?(?P<digits>\d{1,4})|(?P<roman>[ivxlc]{1,7}))页?[)）]?$", re.IGNORECASE
)
_LONGEST_NUMBER = 12
_LEADERS = " \t\u3000.·…．・‥_-—─。•"
_NUMBERED = re.compile(
    r"\d{1,2}(?:\.\d{1,2}){0,4}[.、\s\u3000]|第[一二三四五六七八九十百零\d]{1,5}[章节節编編篇部]|[一二三四五六七八九十]{1,3}、|"
    r"(?:chapter|section|part|appendix|annex)\b|附[录錄件]",
    re.IGNORECASE,
)
_LONGEST_TITLE = 150
_LEAST = 3
_LEAST_APART = 4
_MANY = 0.8


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a table of contents. `is_led` is True if dots lead to the number of the page."""

    title: str
    page: int
    is_led: bool


def contents_in(
    lines: Sequence[str], pages: int, is_open: bool, is_elsewhere: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    """Yields the first line of each table of contents, which may be its heading, and the line after its last one.

    `pages` is the number of pages of the document, or 0 if it has none. `is_open` is True if a table of contents may go
    on from the page before. `is_elsewhere` tells if a title is also a line of its own.
    """
    entries = [_entry(line) for line in lines]
    for start, stop in _runs(lines, entries):
        found = [entry for entry in entries[start:stop] if entry]
        heading = next((place for place in range(start - 1, max(start - 3, -1), -1) if is_heading(lines[place])), None)
        is_stated = heading is not None or (is_open and not any(line.strip() for line in lines[:start]))
        if _is_contents(found, is_stated, pages, is_elsewhere):
            yield (start if heading is None else heading), stop


def is_heading(line: str) -> bool:
    """Returns True for what stands above a table of contents: `目 录`, `Contents`."""
    return len(line) < 40 and _HEADING.fullmatch("".join(line.split()) if line > "\u2e80" else line.strip()) is not None


def _entry(line: str) -> _Entry | None:
    text = line.strip()
    if len(text) < 4 or len(text) > _LONGEST_TITLE * 3:
        return None
    found = _NUMBER.search(text, max(len(text) - _LONGEST_NUMBER, 1))
    if found is None:
        return None
    head = text[: found.start()]
    title = head.rstrip(_LEADERS)
    gap = head[len(title) :]
    dots = sum(3 if mark == "…" else mark not in " \t\u3000" for mark in gap)
    is_apart = "\t" in gap or "   " in gap or "\u3000\u3000" in gap
    if not title or len(title) > _LONGEST_TITLE or not any(map(str.isalpha, title)) or not (dots > 2 or is_apart):
        return None
    page = int(found["digits"]) if found["digits"] else -1
    return _Entry(title.strip(), page, dots > 2)


def _runs(lines: Sequence[str], entries: Sequence[_Entry | None]) -> Iterator[tuple[int, int]]:
    """Yields the first line and the line after the last of entries that follow each other. A line without a number may
    be between two of them, such as the first line of a long title.
    """
    start = last = -1
    between = 0
    for place, entry in enumerate(entries):
        if entry:
            if start < 0:
                start = place
            last, between = place, 0
        elif start >= 0 and lines[place].strip():
            between += 1
            if between > 1:
                yield start, last + 1
                start = -1
    if start >= 0:
        yield start, last + 1


def _is_contents(found: Sequence[_Entry], is_stated: bool, pages: int, is_elsewhere: Callable[[str], bool]) -> bool:
    numbers = [entry.page for entry in found if entry.page > 0]
    rising = sum(below >= above for above, below in pairwise(numbers)) >= _MANY * (len(numbers) - 1)
    if not rising:
        return False
    is_led = sum(entry.is_led for entry in found) * 2 > len(found)
    if is_stated and is_led:
        return len(found) > 1
    numbered = sum(_NUMBERED.match(entry.title) is not None for entry in found) * 2 >= len(found)
    if is_stated or is_led:
        may_be = numbered or max(numbers, default=0) <= pages or _are_elsewhere(found, is_elsewhere)
        return len(found) >= (2 if is_stated else _LEAST) and may_be
    return len(found) >= _LEAST_APART and _are_elsewhere(found, is_elsewhere)


def _are_elsewhere(found: Sequence[_Entry], is_elsewhere: Callable[[str], bool]) -> bool:
    return sum(is_elsewhere(entry.title) for entry in found) * 2 > len(found)
