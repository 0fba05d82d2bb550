"""Quote: the sentence or the table row of a chunk that supports a statement, and its place in the document."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate

from assistant.terms import Wanted, figures, numbers, terms, vocabulary
from ingest.document import Box, Chunk, Location
from ingest.language import sentences

_QUESTION_WEIGHT = 0.2
_FIGURE_WEIGHT = 0.2
_TERMS = 500
"""At most so many terms of a statement are compared with a sentence."""
_RULE = re.compile(r"\|[\s:|-]*+")
_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_RANGE = re.compile(r"([A-Z]+)(\d+):([A-Z]+)(\d+)")
_LINE_HEIGHT = 0.02
"""The extra height that is marked above and below a quote, as a share of the page. It is about one line, because lines
are not filled evenly."""
_ROW_SHARE = 0.25
"""The extra height above and below a row of a table, as a share of a row."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A part of a chunk's text, from `start` to `end`, with its terms and its numbers.

    `row` counts the rows of the chunk's table from 0, with the header. It is None outside of tables.
    """

    text: str
    start: int
    end: int
    terms: frozenset[str]
    numbers: frozenset[str]
    row: int | None = None


class Quotes:
    """The parts of chunks that can be quoted: their sentences, and the whole rows of their tables."""

    def __init__(self, *chunks: Chunk) -> None:
        self._first = chunks[0]
        self._quotes = [(chunk, quote) for chunk in chunks for quote in _quotes_of(chunk.text)]

    @property
    def all_texts(self) -> tuple[str, ...]:
        """The texts of all quotes, in order."""
        return tuple(quote.text for _, quote in self._quotes)

    def best(self, statement: str, asked: Sequence[str]) -> tuple[str, Location, Chunk]:
        """Returns the text and the place of the quote that shares most with the statement, and the chunk that it is
        from. The terms that were `asked` count a little too.

        If the chunks have no words, the text is empty and the place is that of the first chunk.
        """
        wanted = dict.fromkeys(asked, _QUESTION_WEIGHT)
        wanted |= dict.fromkeys(terms(statement)[:_TERMS], 1.0)
        values = figures(statement)
        if not self._quotes:
            return "", self._first.location, self._first
        sought = Wanted(wanted)
        chunk, best = max(
            self._quotes,
            key=lambda pair: sought.coverage(pair[1].terms) + _FIGURE_WEIGHT * len(values & pair[1].numbers),
        )
        return best.text, location_of(chunk, best), chunk


@lru_cache(maxsize=64)
def _quotes_of(text: str) -> tuple[Quote, ...]:
    """Returns the quotes of a text. They are cached, because the same few chunks are cited in many answers."""
    return tuple(_quotes(text))


def _quotes(text: str) -> Iterator[Quote]:
    """Yields the sentences and the table rows of a text.

    A header with rows below it is no quote. Its words name the figures of each row, so they count with every row. The
    rule under a header is no row.
    """
    place = rows = prose = 0  # `prose` is where the prose begins that has not been read yet
    header: frozenset[str] = frozenset()
    lines = [*text.split("\n"), "", ""]
    for line, following, after in zip(lines, lines[1:], lines[2:], strict=False):
        if _is_row(line):
            yield from _prose(text, prose, place)
            prose = place + len(line) + 1
            heads = "-" in following and _RULE.fullmatch(following.strip()) and _is_row(after)
            if heads:
                header = vocabulary(line)
            elif not _RULE.fullmatch(line.strip()):
                start = place + len(line) - len(line.lstrip())
                yield _quote(text, start, start + len(line.strip()), header, rows)
            rows += not _RULE.fullmatch(line.strip())
        else:
            header = frozenset()
        place += len(line) + 1
    yield from _prose(text, prose, len(text))


def _is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def _prose(text: str, start: int, end: int) -> Iterator[Quote]:
    for first, last in sentences(text[start:end]):
        yield _quote(text, start + first, start + last)


def _quote(text: str, start: int, end: int, header: frozenset[str] = frozenset(), row: int | None = None) -> Quote:
    part = text[start:end]
    return Quote(part, start, end, vocabulary(part) | header, frozenset(numbers(part)), row)


def location_of(chunk: Chunk, quote: Quote) -> Location:
    """Returns the chunk's location, narrowed to the quote: its characters, its row, its page and its boxes.

    A chunk has one box for each page and paragraph. If there are as many boxes as paragraphs, the box of the quote's
    paragraph is used. Otherwise the boxes are treated as one column that the text fills evenly. A box is cut in
    proportion to the text, with about one line of extra height.
    """
    whole = chunk.location
    copied = max(0, len(chunk.text) - (whole.end - whole.start))  # the length of a header copied before table rows
    if quote.start < copied:
        return whole
    start = whole.start + quote.start - copied
    boxes = _boxes(chunk, quote)
    return replace(
        whole,
        start=start,
        end=min(whole.end, start + quote.end - quote.start),
        cells=_cells(chunk, quote, copied),
        page=boxes[0].page if boxes else whole.page,
        boxes=boxes,
    )


def _cells(chunk: Chunk, quote: Quote, copied: int) -> str | None:
    """Returns the range of the quote's row, if the chunk has as many table rows as its range. Otherwise returns the
    range of the chunk.
    """
    match = _RANGE.fullmatch(chunk.location.cells or "")
    rows = _rows(chunk.text[copied:])
    if match is None or quote.row is None or int(match[4]) - int(match[2]) + 1 != rows:
        return chunk.location.cells
    row = int(match[2]) + quote.row - _rows(chunk.text[:copied])
    return f"{match[1]}{row}:{match[3]}{row}"


def _rows(text: str) -> int:
    return sum(_is_row(line) and not _RULE.fullmatch(line.strip()) for line in text.split("\n"))


def _boxes(chunk: Chunk, quote: Quote) -> tuple[Box, ...]:
    boxes, text = chunk.location.boxes, chunk.text
    if not boxes:
        return ()
    breaks = [match.span() for match in _BLANK.finditer(text)]
    starts, ends = [0, *(end for _, end in breaks)], [*(start for start, _ in breaks), len(text)]
    if len(starts) == len(boxes):
        at = bisect_right(starts, quote.start) - 1
        return _cut([boxes[at]], *_share(text[starts[at] : ends[at]], quote, starts[at]))
    return _cut(boxes, *_share(text, quote, 0))


def _share(text: str, quote: Quote, before: int) -> tuple[float, float, float]:
    """Returns where the quote begins and ends, as shares of the text, and the extra height, as a share of the page.

    In a table the shares are counted in rows, because rows are about equally high, and they include the extra height.
    Elsewhere they are counted in characters.
    """
    rows = _rows(text)
    if quote.row is not None and rows and rows == len([line for line in text.split("\n") if _is_row(line)]) - 1:
        first = _rows(text[: quote.start - before])
        return (first - _ROW_SHARE) / rows, (first + 1 + _ROW_SHARE) / rows, 0.0
    length = max(1, len(text))
    return (quote.start - before) / length, (quote.end - before) / length, _LINE_HEIGHT


def _cut(boxes: Sequence[Box], first: float, last: float, spare: float) -> tuple[Box, ...]:
    """Returns the part of a column of boxes between two shares of its height, with `spare` added above and below."""
    edges = [0.0, *accumulate(box.y1 - box.y0 for box in boxes)]
    top, bottom = first * edges[-1] - spare, last * edges[-1] + spare
    parts = [
        replace(box, y0=box.y0 + max(0.0, top - above), y1=box.y1 - max(0.0, below - bottom))
        for box, above, below in zip(boxes, edges, edges[1:], strict=False)
        if below > top and above < bottom
    ]
    return tuple(parts) or tuple(boxes)
