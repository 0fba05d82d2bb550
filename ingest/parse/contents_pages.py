"""Finds the lines of a table of contents. They name every section and say nothing about it, so they are no text.

A line is given with a tab before its page number, if a wide gap is there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
_LEAST, _LEAST_GOING_ON = 3, 2
_LEAST_APART = 4
_MANY = 0.8
_BETWEEN = 2
"""Between two sections there is a line or more. The entries of another list that is there twice follow each other."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a table of contents. `is_led` is True if dots lead to the number of the page."""

    title: str
    page: int
    is_led: bool


def contents_in(
    lines: Sequence[str], pages: int, is_open: bool, is_elsewhere: Callable[[str], bool], below: Callable[[int], int]
) -> Iterator[tuple[int, int]]:
    """Yields the first line of each table of contents, which may be its heading, and the line after its last one.

    `pages` is the number of pages of the document, or 0 if it has none. `is_open` is True if a table of contents may go
    on from the page before. `is_elsewhere` tells if a title is also a line of its own. `below` gives the place in the
    document where a line of this number is next, or -1.
    """
    entries = [_entry(line) for line in lines]
    for start in _headings(lines, entries, is_open):
        if (stop := _end_of_titles(lines, start, below)) > start:
            yield max(start, 0), stop
    for start, stop in _runs(lines, entries):
        found = [entry for entry in entries[start:stop] if entry]
        heading = next((place for place in range(start - 1, max(start - 3, -1), -1) if is_heading(lines[place])), None)
        is_stated = heading is not None or (is_open and not any(line.strip() for line in lines[:start]))
        if _is_contents(found, is_stated, pages, is_elsewhere):
            yield (start if heading is None else heading), stop


Places = Mapping[str, Sequence[int]]
"""The numbers of the lines of a document, by their texts."""


def places_of(lines: Iterable[str]) -> Places:
    """Returns where each line is."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        found[bare(line)].append(number)
    return found


def next_place(places: Places, line: str, number: int) -> int:
    """Returns the number of the next line that is like one with this number, or -1."""
    found = places.get(bare(line), ())
    place = bisect_right(found, number)
    return found[place] if place < len(found) else -1


def bare(text: str) -> str:
    """Returns what two lines share if they are the same title."""
    return "".join(text.split()).casefold()


def is_heading(line: str) -> bool:
    """Returns True for what stands above a table of contents: `目 录`, `Contents`."""
    return len(line) < 40 and _HEADING.fullmatch("".join(line.split()) if line > "\u2e80" else line.strip()) is not None


def _headings(lines: Sequence[str], entries: Sequence[_Entry | None], is_open: bool) -> Iterator[int]:
    """Yields the headings of tables of contents without page numbers. It is -1 for one that goes on from the page
    before.
    """
    stated = (place for place, line in enumerate(lines) if is_heading(line))
    for place in (*((-1,) if is_open else ()), *stated):
        if not any(entries[place + 1 : place + 3]):
            yield place


def _end_of_titles(lines: Sequence[str], heading: int, below: Callable[[int], int]) -> int:
    """Returns the line after the titles that follow a heading, each of which is found again below, in the same order
    and with text between. Returns the heading if these are no table of contents.
    """
    found: list[int] = []
    last, missed, number = heading, 0, heading
    for number in range(heading + 1, len(lines)):
        text = lines[number].strip()
        if not text:
            continue
        place = below(number) if len(text) <= _LONGEST_TITLE and any(map(str.isalpha, text)) else -1
        if place < 0 or (found and place <= found[-1]):
            missed += 1
            if missed > 1:
                break
            continue
        found.append(place)
        last, missed = number, 0
    apart = sum(there - here >= _BETWEEN for here, there in pairwise(found))
    least = _LEAST if heading >= 0 else _LEAST_GOING_ON
    is_listed = len(found) >= max(least, _MANY * (last - heading)) and apart * 2 > len(found) - 1
    return last + 1 if is_listed else heading


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
