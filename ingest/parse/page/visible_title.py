"""Finds the title that a person sees on the first page of a PDF: the largest letters at its top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ingest.parse.links import without_targets
from ingest.parse.page.reading_order import Line, lines_of
from ingest.parse.page.segments import Segment, joined
from ingest.parse.pdf.text_layer import Part

_PAGES = 10
"""So many pages are looked at, to know the usual size of letters."""
_LARGER = 1.15
_ALIKE = 0.95
"""Letters of at least this fraction of the largest size are as large."""
_LOWEST = 0.6
"""A title begins above this fraction of the page height."""
_MOST_ABOVE = 150
"""More characters than this above the largest letters are text, and not a letterhead."""
_LONGEST = 120
_LINES_APART = 1.0
"""The lines of one title are at most this many heights apart."""
_MOST_ALIKE = 1
"""If more lines of the document are as large, they are headings of sections or pages."""
_NARROWEST = 0.25
"""A letter is on average at least this fraction of its size wide."""


def visible_title(pages: Sequence[Sequence[Part]]) -> str | None:
    """Returns the text in the largest letters in the upper part of the first page. Returns None if no letters there are
    larger than most of the text, or if text stands above it and headings elsewhere are as large.
    """
    height = next((part.height for part in pages[0] if part.has_headings), 0.0) if pages else 0.0
    seen = [[s for part in parts if part.has_headings for s in part.segments] for parts in pages[:_PAGES]]
    first = seen[0] if seen else []
    sizes: Counter[float] = Counter()
    for segments in seen:
        for segment in segments:
            sizes[segment.size] += len(segment.text)
    worded = [segment for segment in first if segment.y0 < _LOWEST * height and _has_words(segment)]
    if not worded or len(sizes) < 2:
        return None
    size = max(segment.size for segment in worded)
    usual = sizes.most_common(1)[0][0]
    if size < _LARGER * usual:
        return None
    lines = lines_of([segment for segment in first if _ALIKE * size <= segment.size <= size / _ALIKE])
    title = _first_of(lines)
    alike = len(lines) - len(title) + sum(_ALIKE * size <= s.size <= size / _ALIKE for rest in seen[1:] for s in rest)
    text = ""
    for line in title:
        text = joined(text, " ".join(segment.text for segment in line))
    text = without_targets(text)
    top = min(segment.y0 for segment in title[0])
    above = [segment for segment in first if segment.y1 <= top]
    begins = all(segment.size < usual for segment in above)
    is_alone = alike <= _MOST_ALIKE and sum(len(segment.text) for segment in above) <= _MOST_ABOVE
    return text if (begins or is_alone) and len(text) <= _LONGEST else None


def _has_words(segment: Segment) -> bool:
    """Returns True if a segment has words of its size. A single large letter begins a paragraph, alone or with the
    smaller letters after it. But one Han character may be a line of a title.
    """
    letters = [letter for letter in segment.text if letter.isalpha()]
    is_initial = segment.x1 - segment.x0 < _NARROWEST * segment.size * len(segment.text)
    return not is_initial and (len(letters) > 1 or any(letter > "\u2e80" for letter in letters))


def _first_of(lines: Sequence[Line]) -> list[Line]:
    """Returns the first line, and those that follow it closely."""
    title = [lines[0]]
    for line in lines[1:]:
        if line[0].y0 - max(segment.y1 for segment in title[-1]) > _LINES_APART * line[0].height:
            break
        title.append(line)
    return title
