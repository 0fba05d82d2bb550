"""Removes running headers, footers, page numbers and watermarks: the texts that a page repeats from its neighbours."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.parse.page.reading_order import lines_of
from ingest.parse.page.segments import Segment
from ingest.parse.pdf.text_layer import Part

_EDGE = 0.12
"""Headers and footers are within this fraction of the page height, at the top and at the bottom."""
_OUTER_PAGES = 3
"""The first or last line of a page is a running line if it is on this many pages."""
_PART_OF_PAGES = 0.4
"""The fraction is below one half, because left and right pages may have different headers."""
_DASHES = "-–—~·|"
_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"m{0,3}(cm|cd|d?c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})", re.I)
_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_NUMBER = re.compile(
    r"[-–—~·|\s]*+(?:page|p\.|seite|pág(?:ina)?\.?|第)?\s*+(?P<number>\d{1,5}|[ivxlcdm]{1,8})(?:\s*+[页頁])?"
    r"(?P<rest>\s*+(?:/|of|von|de|共)\s*+(?P<total>\d{1,5})(?:\s*+[页頁])?)?[-–—~·|\s]*+",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Edge:
    """A segment near the top or bottom of its page. `is_outer` is True if it is in the line next to the edge and this
    line has at most three segments. `middle` is the middle of its height, as a fraction of the page height. `line` is
    the same for the segments of one line.
    """

    page: int
    segment: Segment
    middle: float
    is_outer: bool
    line: int

    @property
    def words(self) -> str:
        return _DIGITS.sub("#", self.segment.text)

    @property
    def height(self) -> int:
        return round(self.middle * 50)


def drop_running(pages: Mapping[int, Sequence[Part]], has_more: bool) -> None:
    """Remove running texts from the parts of the pages. The keys of `pages` are page numbers from 1. A document that
    has nothing else keeps them, unless it `has_more` than its text.

    Two texts are the same if only their digits differ, and these grow no faster than the pages, as in the rows of a
    table that goes on. A plain number is a page number if it grows with the pages.
    """
    edges = [edge for number, parts in pages.items() for part in parts for edge in _edges(number, part)]
    dropped = {id(segment) for segment in (*_numbers(edges, len(pages)), *_repeated(edges, len(pages)))}
    dropped |= {id(segment) for segment in _watermarks(pages)}
    every = [part for parts in pages.values() for part in parts]
    if not (has_more or any(part.pictures or any(id(s) not in dropped for s in part.segments) for part in every)):
        return
    if dropped:
        for part in every:
            part.segments = [segment for segment in part.segments if id(segment) not in dropped]


def _edges(page: int, part: Part) -> Iterator[_Edge]:
    if (part.turn and not part.is_scanned) or part.is_slanted:
        return
    tall = max(part.height, 1.0)
    for at_top in (True, False):
        near = [
            segment
            for segment in part.segments
            if ((segment.y0 + segment.y1) / 2 / tall < _EDGE) == at_top
            and (at_top or (segment.y0 + segment.y1) / 2 / tall > 1 - _EDGE)
        ]
        lines = lines_of(near)
        for number, line in enumerate(lines if at_top else reversed(lines)):
            for segment in line:
                yield _Edge(
                    page, segment, (segment.y0 + segment.y1) / 2 / tall, number == 0 and len(line) < 4, id(line[0])
                )


def _repeated(edges: Sequence[_Edge], count: int) -> Iterator[Segment]:
    """Yields texts at the same height on many pages, and texts that are the first or last line of some pages."""
    if count < _OUTER_PAGES:
        return
    needed = max(_OUTER_PAGES, math.ceil(count * _PART_OF_PAGES))
    rows = _rows(edges)
    lettered = [edge for edge in edges if edge.line not in rows and any(map(str.isalpha, edge.words))]
    places: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    outer: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for edge in lettered:
        places[edge.words, edge.height].add(edge.page)
        if edge.is_outer:
            outer[edge.words, edge.height].add(edge.page)

    def on(found: Mapping[tuple[str, int], set[int]], edge: _Edge) -> int:
        # A line between two heights may be rounded to either of them, so the neighbouring heights count too.
        return len(set[int]().union(*(found.get((edge.words, edge.height + step), set()) for step in (-1, 0, 1))))

    for edge in lettered:
        if on(places, edge) >= needed or (edge.is_outer and on(outer, edge) >= _OUTER_PAGES):
            yield edge.segment


def _rows(edges: Sequence[_Edge]) -> set[int]:
    """Returns the lines that are rows of a table: from page to page, a number in them mostly grows faster than the
    pages do. A line between two heights may be rounded to either of them.
    """
    alike: defaultdict[tuple[str, int, float], list[_Edge]] = defaultdict(list)
    for edge in edges:
        if _DIGITS.search(edge.segment.text):
            for shift in (0.0, 0.5):
                alike[edge.words, round(edge.middle * 50 + shift), shift].append(edge)
    rows: set[int] = set()
    for found in alike.values():
        steps = [_jumps(above, below) for above, below in pairwise(found) if above.page != below.page]
        if sum(steps) * 2 > len(steps):
            rows.update(edge.line for edge in found)
    return rows


def _jumps(above: _Edge, below: _Edge) -> bool:
    """Returns True if a number differs by more than the pages do."""
    pairs = zip(_DIGITS.findall(above.segment.text), _DIGITS.findall(below.segment.text), strict=True)
    return any(abs(int(one[-9:]) - int(other[-9:])) > abs(below.page - above.page) for one, other in pairs)


def _numbers(edges: Sequence[_Edge], count: int) -> Iterator[Segment]:
    """Yields page numbers: texts that are written as page numbers, and numbers in the outermost line that grow with the
    pages.
    """
    candidates: list[tuple[_Edge, int]] = []
    for edge in edges:
        match = _NUMBER.fullmatch(edge.segment.text) if len(edge.segment.text) < 30 else None
        value = _value(match["number"]) if match else None
        if match is None or value is None:
            continue
        if edge.is_outer and _says_so(match) and value <= 5 * count:
            yield edge.segment
        else:
            candidates.append((edge, value))
    offsets = Counter((value - edge.page, edge.height) for edge, value in candidates if edge.is_outer)
    for edge, value in candidates:
        alike = sum(offsets[value - edge.page, edge.height + step] for step in (-1, 0, 1))
        if edge.is_outer and alike >= min(max(2, count // 4), 3):
            yield edge.segment


def _says_so(match: re.Match[str]) -> bool:
    """Returns True if it is written as only page numbers are, such as "Page 3", "3 / 9" and "– 3 –". "-3" is just a
    number.
    """
    text = match.string.strip()
    return match["number"] != text and (text[0] in _DASHES) == (text[-1] in _DASHES)


def _value(number: str) -> int | None:
    if number.isdecimal():
        return int(number)
    if not _ROMAN.fullmatch(number):
        return None
    values = [_VALUES[letter] for letter in number.lower()]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _watermarks(pages: Mapping[int, Sequence[Part]]) -> Iterator[Segment]:
    """Yields slanted texts that are on several pages."""
    slanted = [
        (number, segment)
        for number, parts in pages.items()
        for part in parts
        if part.is_slanted
        for segment in part.segments
    ]
    places: defaultdict[str, set[int]] = defaultdict(set)
    for number, segment in slanted:
        places[segment.text].add(number)
    return (segment for _, segment in slanted if len(places[segment.text]) >= _OUTER_PAGES)
