"""Splits a document's elements into passages: by structure, and also by tokens if an element is too long.

    elements ──► sections (headings, slides, sheets) ──► pieces that fit ──► neighbours packed together ──► passages

A heading is not repeated in the text if the heading path of the following element contains it. The path is embedded
together with the text (`Chunk.heading`) and shown with it. The time is linear in the length of the document.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ingest.document import Box, Element, Language, ParsedDocument, Passage
from ingest.language import detect, sentences
from ingest.settings import MINILM, IngestSettings

# If a change gives other passages for some document, raise the splitter's version in `ingest/shaping.py`. Otherwise
# documents that are already in an index are not cut again.
CountTokens = Callable[[Sequence[str]], list[int]]

_SPECIAL_TOKENS = 6
"""What a model puts before and after a passage: its marks, and a prompt such as `passage: `."""
_CHARS_PER_TOKEN = 12
"""A text is counted as at least one token per this many characters. A tokenizer may make a single token of a kilobyte
of base64.
"""
_BATCH_TEXTS = 1024
_SPARSE_ONLY_FACTOR = 4
"""Passages without a dense vector are not bound by the model's window, and BM25 finds larger ones better. On
rageval-zh, long documents, the MRR is 0.988 with 1024 tokens and 0.961 with 256 (before numbers and pairs counted).
"""
_CHINESE_FACTOR, _CHINESE_MOST = 2, 512
"""The shipped model sees 512 tokens. Chinese is found better in whole paragraphs, English in smaller passages."""
_SAMPLE_CHARS = 4096
_SEPARATORS = ("\n\n", "\n", "。", "！", "？", "；", ". ", "! ", "? ", "; ", "，", "、", ", ", " ")
"""A sentence that is too long is cut at these separators. The best one comes first."""
_TABLE_RULE = re.compile(r"\|[\s:|-]++")
_LINE = re.compile(r"^[^\S\n]*+\S[^\n]*+", re.MULTILINE)
_HEAD_LINES = 20
"""So many lines of a table are looked at for the end of its header. Its title may stand above it."""
_MAX_HEADERS = 3
_RANGE = re.compile(r"([A-Z]+)(\d+):([A-Z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of one element that fits into a passage. It gives characters of the document, and a prefix to put before
    them.
    """

    element: Element
    section: int
    start: int
    end: int
    tokens: int
    prefix: str = ""
    cells: str | None = None


class _Span(NamedTuple):
    """The characters from `start` to `end` of one element's text, and their tokens. It is a tuple because a text may
    have a million spans.
    """

    start: int
    end: int
    tokens: int


def split(document: ParsedDocument, settings: IngestSettings, count_tokens: CountTokens) -> list[Passage]:
    """Returns the passages of a document in reading order. With its headings, none is longer than
    `settings.chunk_tokens`, or what `_sizes` says for some languages.

    A passage's text is `document.text[start:end]`. If a table was cut, every part of it repeats the table's header.
    `count_tokens` returns the number of tokens of each text, as the embedder counts them.
    """
    cutter = _Cutter(settings, count_tokens)
    body = _sections(document)
    limits = _limits(document.title, [element for _, element in body], settings, cutter)
    weights = cutter.weigh([element.text for _, element in body])
    passages: list[Passage] = []
    pending: list[_Piece] = []
    held = 0  # the number of tokens in `pending`
    for (section, element), limit, tokens in zip(body, limits, weights, strict=True):
        for piece in cutter.pieces(element, section, tokens, limit):
            if pending and (held + piece.tokens > limit or not _belong(pending[-1], piece)):
                passages.append(_passage(document, pending))
                pending, held = [], 0
            pending.append(piece)
            held += piece.tokens
    if pending:
        passages.append(_passage(document, pending))
    return passages


def _sections(document: ParsedDocument) -> list[tuple[int, Element]]:
    """Returns the elements that become text, each with the number of its section. Every heading opens a new section."""
    numbered: list[tuple[int, Element]] = []
    section = 0
    for element in document.elements:
        section += element.kind in ("title", "heading")
        numbered.append((section, element))
    kept: list[tuple[int, Element]] = []
    following: tuple[str, ...] = ()
    for section, element in reversed(numbered):
        if kept and _is_stated(element, following, document.title):
            continue
        kept.append((section, element))
        following = element.location.heading_path
    return kept[::-1]


def _is_stated(element: Element, following: tuple[str, ...], title: str) -> bool:
    """Returns True if the heading path of the following element contains this heading, or if it is the document's
    title.
    """
    if element.kind not in ("title", "heading"):
        return False
    text = " ".join(element.text.split())
    path = (*element.location.heading_path, text)
    return following[: len(path)] == path or (element.kind == "title" and text == title)


def _limits(title: str, elements: Sequence[Element], settings: IngestSettings, cutter: _Cutter) -> list[int]:
    """Returns how many tokens of each element's own text fit beside its headings. The headings get at most half."""
    sizes = _sizes(settings)
    paths = list(dict.fromkeys(element.location.heading_path for element in elements))
    headings = dict(zip(paths, cutter.weigh([" › ".join((title, *path)) for path in paths]), strict=True))
    limits = []
    for element in elements:
        whole = sizes.get(detect(element.text), settings.chunk_tokens) - _SPECIAL_TOKENS
        limits.append(max(whole // 2, whole - headings[element.location.heading_path]))
    return limits


def _sizes(settings: IngestSettings) -> dict[Language, int]:
    """Returns how many tokens a passage may have, for the languages where that is not `chunk_tokens`."""
    if settings.embedding_languages is not None:
        covered = settings.embedding_languages
    elif settings.embedding_url is None and settings.embedding_model in (None, MINILM):
        covered = ("en",) if settings.embedding_model == MINILM else ("zh", "en")
    else:
        return {}
    tokens = settings.chunk_tokens
    sizes: dict[Language, int] = {
        language: _SPARSE_ONLY_FACTOR * tokens for language in ("zh", "other") if language not in covered
    }
    if settings.embedding_model is None and "zh" in covered:
        sizes["zh"] = max(tokens, min(_CHINESE_FACTOR * tokens, _CHINESE_MOST))
    return sizes


def _belong(last: _Piece, piece: _Piece) -> bool:
    """Returns True if two successive pieces may be in one passage."""
    if piece.prefix or last.prefix or last.section != piece.section:
        return False
    ours, theirs = last.element.location, piece.element.location
    if (ours.heading_path, ours.slide, ours.sheet) != (theirs.heading_path, theirs.slide, theirs.sheet):
        return False
    return piece.start >= last.end and not piece.cells and not last.cells


def _passage(document: ParsedDocument, pieces: Sequence[_Piece]) -> Passage:
    first, last = pieces[0], pieces[-1]
    text = first.prefix + document.text[first.start : last.end]
    location = replace(
        first.element.location,
        start=first.start,
        end=last.end,
        cells=first.cells,
        boxes=tuple(box for piece in pieces for box in _boxes(piece)),
    )
    return Passage(text, detect(text), location)


def _boxes(piece: _Piece) -> Iterator[Box]:
    """Yields one box per page, around the part of the element that the piece covers.

    If an element has a box for each line, the boxes are divided like its text, in proportion to the characters.
    """
    location = piece.element.location
    count, length = len(location.boxes), max(1, location.end - location.start)
    first = (piece.start - location.start) * count // length
    last = -((location.start - piece.end) * count // length)
    pages: dict[int, Box] = {}
    for box in location.boxes[first:last]:
        seen = pages.get(box.page, box)
        pages[box.page] = Box(
            box.page, min(seen.x0, box.x0), min(seen.y0, box.y0), max(seen.x1, box.x1), max(seen.y1, box.y1)
        )
    yield from pages.values()


class _Cutter:
    """Cuts elements that are too long. Tables are cut between rows, code between lines, and all other elements at
    sentence ends.
    """

    def __init__(self, settings: IngestSettings, count_tokens: CountTokens) -> None:
        self._count_tokens = count_tokens
        self._overlap = settings.chunk_overlap_tokens
        self._longest = _SPARSE_ONLY_FACTOR * settings.chunk_tokens

    def weigh(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text. For a very long text, which is cut anyway, it returns the lowest
        number possible.
        """
        weights = [len(text) // _CHARS_PER_TOKEN for text in texts]
        counted = [i for i, weight in enumerate(weights) if weight <= self._longest]
        for start in range(0, len(counted), _BATCH_TEXTS):
            batch = counted[start : start + _BATCH_TEXTS]
            for i, count in zip(batch, self._count_tokens([texts[i] for i in batch]), strict=True):
                weights[i] = max(weights[i], count)
        return weights

    def pieces(self, element: Element, section: int, tokens: int, limit: int) -> Iterator[_Piece]:
        """Yields the element in parts of at most `limit` tokens. It is one part if it fits."""
        location = element.location
        if tokens <= limit:
            yield _Piece(element, section, location.start, location.end, tokens, cells=location.cells)
        elif element.kind == "table":
            yield from self._rows(element, section, limit)
        else:
            spans = self._lines(element.text) if element.kind == "code" else sentences(element.text)
            for span in self._pack(self._shortened(element.text, spans, limit), limit, self._overlap):
                yield _Piece(element, section, location.start + span.start, location.start + span.end, span.tokens)

    def _rows(self, table: Element, section: int, limit: int) -> Iterator[_Piece]:
        """Yields parts of a table. Each part has as many rows as fit, under a repeated header. The header is not
        repeated if it would take more than half of the passage.
        """
        lines = self._lines(table.text)
        if not lines:
            return
        rules = (number for number, line in enumerate(lines[:_HEAD_LINES]) if _is_rule(table.text[slice(*line)]))
        head = next(rules, 0) + 1
        header = table.text[: lines[head - 1][1]]
        [weight] = self.weigh([header])
        if weight > limit // 2:
            head, header, weight = 0, "", 0
        rows = self._shortened(table.text, lines[head:], limit - weight)
        ends = [end for _, end in lines]
        base = table.location.start
        for number, span in enumerate(self._pack(rows, limit - weight, 0)):
            # The first part already begins with the header. The other parts get a copy of it.
            start = 0 if number == 0 else span.start
            first, last = bisect_right(ends, start), bisect_left(ends, span.end)
            yield _Piece(
                table,
                section,
                base + start,
                base + span.end,
                weight + span.tokens,
                prefix=f"{header}\n" if number and header else "",
                cells=_narrowed(table.location.cells, len(lines), head, header, (first, last)),
            )

    def _shortened(self, text: str, spans: Sequence[tuple[int, int]], limit: int) -> list[_Span]:
        """Returns the spans with their tokens. A span over the limit is cut at the best separators in it."""
        short: list[_Span] = []
        weights = self.weigh([text[start:end] for start, end in spans])
        for (start, end), tokens in zip(spans, weights, strict=True):
            if tokens <= limit:
                short.append(_Span(start, end, tokens))
            else:
                short.extend(self._torn(text, start, end, tokens, limit))
        return short

    def _torn(self, text: str, start: int, end: int, tokens: int, limit: int) -> list[_Span]:
        """Cut one very long sentence by length in characters. Its tokens are assumed to be of about the same length.

        Parts that are still too long are cut again. To count the tokens at every candidate would take quadratic time.
        """
        if end - start > _SAMPLE_CHARS:  # for a very long sentence, `tokens` is only a lower bound
            [sampled] = self._count_tokens([text[start : start + _SAMPLE_CHARS]])
            tokens = max(tokens, (end - start) * sampled // _SAMPLE_CHARS)
        size = max(1, (end - start) * limit * 9 // (tokens * 10))
        return self._shortened(text, list(_cut(text, start, end, size)), limit)

    @staticmethod
    def _pack(spans: Sequence[_Span], limit: int, overlap: int) -> Iterator[_Span]:
        """Join neighbouring spans into as few parts as possible. The parts are of about the same size, so that the last
        one is not very short.
        """
        total = sum(span.tokens for span in spans)
        target = total / max(1, -(-total // limit))
        part: list[_Span] = []
        held = fresh = 0
        for span in spans:
            if fresh and (held + span.tokens > limit or held + span.tokens / 2 > target):
                yield _Span(part[0].start, part[-1].end, held)
                part, fresh = _tail(part, min(overlap, limit - span.tokens)), 0
                held = sum(kept.tokens for kept in part)
            part.append(span)
            held += span.tokens
            fresh += 1
        if part:
            yield _Span(part[0].start, part[-1].end, held)

    @staticmethod
    def _lines(text: str) -> list[tuple[int, int]]:
        return [match.span() for match in _LINE.finditer(text)]


def _cut(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yields parts of at most `size` characters, without white space around them. Each part ends at the best separator
    in its second half, so the time is linear in the length of the text.
    """
    while start < end:
        if text[start].isspace():
            start += 1
            continue
        stop = end if end - start <= size else _separated(text, start + size // 2, start + size)
        part = text[start:stop].rstrip()
        yield start, start + len(part)
        start = stop


def _separated(text: str, low: int, high: int) -> int:
    """Returns the position after the last occurrence of the best separator between `low` and `high`. Returns `high` if
    there is no separator.
    """
    for separator in _SEPARATORS:
        if (found := text.rfind(separator, low, high)) >= 0:
            return found + len(separator)
    return high


def _tail(spans: Sequence[_Span], tokens: int) -> list[_Span]:
    """Returns the last spans that together have at most `tokens` tokens. The first span is never among them."""
    tail: list[_Span] = []
    for span in reversed(spans[1:]):
        tokens -= span.tokens
        if tokens < 0:
            break
        tail.insert(0, span)
    return tail


def _is_rule(line: str) -> bool:
    """Returns True for the line below the header of a table. An empty header is no rule."""
    return "-" in line and _TABLE_RULE.fullmatch(line) is not None


def _narrowed(cells: str | None, lines: int, head: int, header: str, part: tuple[int, int]) -> str | None:
    """Returns the A1 range of the table lines from the first of a part to its last. Returns `cells` unchanged unless
    each line of the table is one row of `cells`. Only a header may have several rows, and then it has a dot, or none.
    """
    match = _RANGE.fullmatch(cells or "")
    if match is None:
        return cells
    top = int(match[2])
    headers = int(match[4]) - top + 1 - (lines - head)
    several = _MAX_HEADERS if "·" in header else 1
    if not (1 <= headers <= several if header.strip("|-: \n") else headers == 0):
        return cells
    rows = [top + (headers + line - head if line >= head else 0) for line in part]
    return f"{match[1]}{rows[0]}:{match[3]}{rows[1]}"
