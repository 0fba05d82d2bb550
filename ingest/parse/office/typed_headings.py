"""Finds the headings that were typed by hand: short lines that look other than the text, or carry the number of a
section. Every office format states its lines in the same way; `ingest.parse.page.headings` judges those of PDFs.

A look makes headings only if it does so throughout: most lines of that look could be headings and lead to a text. Lists
of short bold lines, forms and signatures are no headings. In doubt a line is text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_LARGER_POINTS = 1.0
_SMALLER = 0.95
_MAX_WIDTH = 80
"""The longest heading. A Chinese character is two wide."""
_TEXT_WIDTH = 40
"""A line of this width is text, whatever it looks like."""
_MAX_OPENING = 4
_MAX_TITLE_LINES = 2
_MAX_LEVEL = 6
_ENOUGH_STATED = 2
"""If so many headings are stated, the author uses styles, and a line that only looks like a heading is none."""
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff01-\uff60]")
_HAN = "(?:[一二三四五六七八九十百零〇]{1,5}|\\d{1,3})"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"第{_HAN}(?:部分|[编篇卷])|part\s++(?:[ivx]{{1,5}}|\d{{1,3}})\b",
        rf"第{_HAN}章|chapter\s++(?:[ivx]{{1,5}}|\d{{1,3}})\b|(?:附录|appendix)\s*+[a-z\d一二三四五六七八九十](?![a-z])",
        rf"第{_HAN}节|section\s++\d{{1,3}}\b",
        rf"第{_HAN}条|article\s++\d{{1,3}}\b",
        r"[一二三四五六七八九十]{1,3}[、.．]",
        r"[（(][一二三四五六七八九十]{1,3}[)）]",
        r"\d{1,2}(?:[.．、]\s*+(?=[^\W\d])|\s++(?=[^\W\d]))",
        r"\d{1,2}[.．]\d{1,2}[.．]?(?=\s*+[^\W\d])",
        r"\d{1,2}[.．]\d{1,2}[.．]\d{1,2}[.．]?(?=\s*+[^\W\d])",
        r"[（(]?\d{1,2}[)）]",
        r"(?:q|问题?)\s*+\d{0,3}[:：.、]",
    )
)
"""The numbers of sections, the outermost first: 第一部分, 第一章, 第一节, 第一条, 一、, （一）, 1., 1.1, 1.1.1, (1),
and those of questions.
"""
_FIRST_POINT = 7
"""The place of `1.` among the patterns, from 1. Numbers that Word counts are ranked like it."""
_ENDS_TEXT = ("。", "；", ";", ",", "，", "、", "!", "！", ".", "…")
_ENDS_SENTENCE = ("。", "；", ";", "!", "！", "?", "？", ".", "…")
_LABEL = re.compile(r"[^:：]{1,16}[:：]\s*+[^\s:：_]")
_NO_HEADING = re.compile(
    r"_{2,}|[\t\n。；…□☑☐√]|\.{4,}|(?:盖章|签[字章名]|signature)(?=[：:（()）栏]|\Z)"
    r"|\A(?:附?[图表]|table|figure|fig\.)\s*+\d|\A[\d\s./年月日-]++\Z",
    re.IGNORECASE,
)
"""What a heading does not have: a place to fill in, a column, a full sentence; and what is a signature, a caption or a
date.
"""

Role = Literal["text", "item", "heading", "title", "block"]
Look = tuple[float, bool, str | None, int]
"""Size, boldness, font and pattern of the number of the lines that belong together."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document. `role` says what the format states: an `item` of a list, a `heading` of a `level`, the
    `title` of the document, or a `block` such as a table. The rest is `text`. `counted` is the depth, from 0, at which
    the format numbers the line. `size` is in points.
    """

    text: str
    role: Role = "text"
    size: float = 0.0
    bold: bool = False
    font: str | None = None
    centred: bool = False
    counted: int | None = None
    level: int = 0


def typed_levels(lines: Sequence[Line]) -> dict[int, int]:
    """Returns the level of each line that is a heading although the format does not say so, by its place in `lines`.

    The levels begin below those of the stated headings. They follow the size of the letters, and then the patterns of
    the numbers.
    """
    stated = [line.level for line in lines if line.role == "heading"]
    if len(stated) >= _ENOUGH_STATED:
        return {}
    above = max(stated, default=1 if any(line.role == "title" for line in lines) else 0)
    return {place: min(above + level, _MAX_LEVEL) for place, level in _Judge(lines).levels().items()}


class _Judge:
    """Decides which lines of one document are headings. A candidate is a line that could be one by itself."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        letters: Counter[tuple[float, bool, str | None]] = Counter()
        for line in lines:
            if line.role in ("text", "item"):
                letters[line.size, line.bold, line.font] += len(line.text)
        self._size, self._bold, self._font = letters.most_common(1)[0][0] if letters else (0.0, False, None)
        self._numbers = [_number(line) for line in lines]
        self._looks = [(line.size, line.bold, line.font, self._numbers[place]) for place, line in enumerate(lines)]
        self._candidates = {place for place in range(len(lines)) if self._could_head(place)}

    def levels(self) -> dict[int, int]:
        """Returns the level of each heading by its place. The highest is 1."""
        leading = self._leading(self._candidates)
        title = self._title(leading)
        groups: defaultdict[Look, list[int]] = defaultdict(list)
        for place in sorted(leading - title):
            groups[self._looks[place]].append(place)
        alike = Counter(self._looks[place] for place in range(len(self._lines)) if place not in title)
        to_texts = Counter(self._looks[place] for place in self._leading(self._candidates, to_text=True))
        consistent = (places for look, places in groups.items() if self._agree(places, alike[look], to_texts[look]))
        ranks = self._ranks(self._leading({place for places in consistent for place in places}))
        return dict.fromkeys(title, 1) | {place: rank + bool(title) for place, rank in ranks.items()}

    def _is_larger(self, place: int) -> bool:
        return self._lines[place].size >= self._size + _LARGER_POINTS

    def _is_smaller(self, place: int) -> bool:
        return self._lines[place].size < self._size * _SMALLER

    def _stands_out(self, place: int) -> bool:
        line = self._lines[place]
        if self._is_larger(place) or self._is_smaller(place):
            return self._is_larger(place)
        return (line.bold and not self._bold) or (self._numbers[place] > 0 and line.font != self._font)

    def _could_head(self, place: int) -> bool:
        line, numbered = self._lines[place], self._numbers[place] > 0
        if line.role not in ("text", "item") or not _reads_as_heading(line.text):
            return False
        return self._stands_out(place) or (numbered and line.role == "text" and not self._is_smaller(place))

    def _leading(self, candidates: set[int], to_text: bool = False) -> set[int]:
        """Returns the candidates that lead to something, or to a text that is no short line. Only candidates of other
        looks may stand between. `between` has their looks; it is None where nothing follows.
        """
        leading: set[int] = set()
        between: set[Look] | None = None
        for place in range(len(self._lines) - 1, -1, -1):
            line = self._lines[place]
            if place in candidates:
                if between is not None and self._looks[place] not in between:
                    leading.add(place)
                if between is not None:
                    between.add(self._looks[place])
            elif line.role == "heading" or (self._stands_out(place) and not _is_text(line)):
                between = None
            elif _is_text(line) or (not to_text and not _NO_HEADING.search(line.text)):
                between = set()
        return leading

    def _title(self, leading: set[int]) -> set[int]:
        """Returns the lines with which the document begins and that are its title: larger than the text, or standing
        out in the middle of the page.
        """
        title: list[int] = []
        for place in range(min(_MAX_OPENING, len(self._lines))):
            line = self._lines[place]
            prominent = (self._is_larger(place) or line.centred) and line.role == "text"
            if place in self._candidates and prominent and not self._numbers[place]:
                title.append(place)
            elif title:
                break
        first = {place for place in title if self._looks[place] == self._looks[title[0]]}
        others = {self._looks[place] for place in leading - first}
        if len(first) > _MAX_TITLE_LINES or not leading & first or self._looks[title[0]] in others:
            return set()
        return first

    def _agree(self, places: list[int], alike: int, to_texts: int) -> bool:
        """Returns True if the lines at `places`, which look the same, are headings: nearly all lines that look `alike`
        lead to something, and enough of them to a text.
        """
        first, numbered = places[0], self._numbers[places[0]] > 0
        if not self._stands_out(first):  # it has nothing but its number
            return to_texts >= 2 and to_texts == self._numbers.count(self._numbers[first])
        if 3 * len(places) < 2 * alike or (len(places) < 2 and not numbered and not self._is_larger(first)):
            return False
        return to_texts >= 1 if numbered else 2 * to_texts >= len(places)

    def _ranks(self, places: set[int]) -> dict[int, int]:
        """Returns the rank of each heading. Larger letters come first. Among letters of one size the patterns of the
        numbers decide; headings without a number are above them if they come first.
        """
        sizes = {place: self._lines[place].size if self._is_larger(place) else self._size for place in places}
        unnumbered: dict[float, int] = {}
        for place in sorted(places):
            unnumbered.setdefault(sizes[place], 0 if self._numbers[place] == 0 else len(_PATTERNS) + 1)
        keys = {place: (-sizes[place], self._numbers[place] or unnumbered[sizes[place]]) for place in places}
        ranks = {key: rank for rank, key in enumerate(sorted(set(keys.values())), 1)}
        return {place: ranks[key] for place, key in keys.items()}


def _width(text: str) -> int:
    return len(text) + len(_WIDE.findall(text))


def _number(line: Line) -> int:
    """Returns which pattern the number of a line follows, counted from 1. Returns 0 if it has none."""
    for place, pattern in enumerate(_PATTERNS, 1):
        if pattern.match(line.text):
            return place
    return 0 if line.counted is None else min(_FIRST_POINT + line.counted, len(_PATTERNS))


def _reads_as_heading(text: str) -> bool:
    if len(text) > _MAX_WIDTH or _width(text) > _MAX_WIDTH or sum(letter.isalpha() for letter in text) < 2:
        return False
    if text.endswith(_ENDS_TEXT):
        return False
    number = next((found.end() for found in (pattern.match(text) for pattern in _PATTERNS) if found), 0)
    rest = text[number:].strip()
    return not _NO_HEADING.search(rest) and not _LABEL.match(rest)


def _is_text(line: Line) -> bool:
    """Returns True for what a heading may lead to."""
    if line.role in ("block", "item"):
        return True
    if line.role != "text":
        return False
    text = line.text[: 2 * _TEXT_WIDTH]
    return _width(text) >= _TEXT_WIDTH or line.text.endswith(_ENDS_SENTENCE) or _LABEL.match(text) is not None
