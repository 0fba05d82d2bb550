"""Leaves out the pages with a table of contents, so that no section is found there instead of where it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate, chain

from ingest.parse.contents_pages import Places, bare, contents_in, is_heading, next_place, places_of
from ingest.parse.page.reading_order import Line, lines_of
from ingest.parse.page.segments import Segment
from ingest.parse.pdf.text_layer import Part

_DOTS = ("...", "···", "…", ". . .", "．．", "・・", "‥", "___", "—", "--")
_FEW = 2
_TWICE = 2


def drop_contents(pages: Mapping[int, Sequence[Part]]) -> None:
    """Remove the lines of tables of contents, and their headings, from the parts of the pages. The keys of `pages` are
    page numbers from 1. A document that has nothing else keeps them.
    """
    every = [part for parts in pages.values() for part in parts if not part.is_slanted]

    @cache
    def titles() -> Counter[str]:
        return Counter(bare(s.text) for parts in pages.values() for part in parts for s in part.segments)

    @cache
    def lines_in() -> tuple[dict[int, int], Places]:
        """Returns the number of the first line of each part, and the places of all lines."""
        found = [[_text(line) for line in lines_of(part.segments)] for part in every]
        firsts = accumulate(map(len, found), initial=0)
        return dict(zip(map(id, every), firsts, strict=False)), places_of(chain.from_iterable(found))

    dropped: set[int] = set()
    is_open = False
    for parts in pages.values():
        was_open, is_open = is_open, False
        for part in parts:
            if part.is_slanted or not (was_open or _may_have(part.segments)):
                continue
            lines = lines_of(part.segments)
            texts = [_text(line) for line in lines]
            # What stands before a number is not elsewhere because it stands here: names before their phone numbers.
            here = Counter(bare(s.text) for line in lines for s in line[:-1])

            def is_elsewhere(title: str, here: Counter[str] = here) -> bool:
                return titles()[bare(title)] > here[bare(title)]

            def below(number: int, part: Part = part, lines: Sequence[Line] = lines) -> int:
                if titles()[bare(lines[number][-1].text)] < _TWICE:
                    return -1
                firsts, places = lines_in()
                return next_place(places, _text(lines[number]), firsts[id(part)] + number)

            for start, stop in contents_in(texts, len(pages), was_open, is_elsewhere, below):
                # A line may have its number joined with its first text, so segments are known by their place.
                top, bottom = min(s.y0 for s in lines[start]), max(s.y1 for s in lines[stop - 1])
                dropped.update(id(s) for s in part.segments if top <= (s.y0 + s.y1) / 2 <= bottom)
                is_open = is_open or stop >= len(lines) - 1
    parts_left = [part for parts in pages.values() for part in parts]
    if dropped and any(part.pictures or any(id(s) not in dropped for s in part.segments) for part in parts_left):
        for part in parts_left:
            part.segments = [segment for segment in part.segments if id(segment) not in dropped]


def _may_have(segments: Sequence[Segment]) -> bool:
    """Returns True if a page has a heading of a table of contents, dots before numbers, or a column of numbers."""
    ends = [segment for segment in segments if segment.text[-1:].isdecimal()]
    alone = sum(segment.text.isdecimal() for segment in ends)
    if alone > _FEW or any(is_heading(segment.text) for segment in segments):
        return True
    return sum(any(dots in segment.text for dots in _DOTS) for segment in ends) > _FEW


def _text(line: Line) -> str:
    """Returns the text of a line, with a tab before a last segment that is apart from the others."""
    *before, last = line
    return "\t".join(filter(None, (" ".join(segment.text for segment in before), last.text)))
