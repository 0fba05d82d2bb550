"""Cite: the model's text streams through, its citation markers are normalised, and each is checked against its chunk.

A marker that names no evidence, or whose statement its chunk does not support, never reaches the reader.

The work is linear in the answer: what is held back, what counts as a statement and what is compared with a chunk are
all bounded, whatever a model or a document writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.events import Citation, Cited, Evidence, TextDelta
from assistant.terms import coverage, figures, is_han, numbers, terms, vocabulary
from ingest.language import sentences

# Possessive throughout: a list of numbers that is no marker must not be tried in every way it could be split.
_LABEL = r"(?:资料|来源|文档|文件|证据|引用|source|document|doc|evidence|ref|citation)?+"
_NUMBERS = rf"\^?+{_LABEL}\s*+[:：#]?+\s*+\d{{1,3}}+(?:\s*+[,，、;；]\s*+{_LABEL}\s*+\d{{1,3}}+){{0,40}}+"
_MARKER = re.compile(rf"[\[［【]\s*+{_NUMBERS}\s*+[\]］】]", re.IGNORECASE)
_UNFINISHED = re.compile(r"[\[［【][\s\^\w:：#,，、;；]{0,40}")
_OPENING = re.compile(r"(?<!\s)\s*+[\[［【]|(?<![ \t])[ \t]++\Z")
_BRACKET = re.compile(r"[\[［【]")
_CLAUSE_END = re.compile(r"[。！？!?；;\n\[［【]|\.(?=\s)")
_CLAUSE_CHARS = 300
_HELD_CHARS = 600
"""So much text is held back at the most: a run of markers or of blanks that is longer is dealt with as it is."""
_STATEMENT_CHARS = 2000
_TERMS = 500
"""So many terms of a statement or a question are compared with a chunk."""
_LIST_NUMBER = re.compile(r"^\s*(?:[-*•#]+\s*)?\d{1,2}[.、)）]\s*")

_SUPPORTED = 0.2
"""The share of a statement's content terms that its chunk must contain. Low on purpose: a paraphrase must pass,
and what has nothing to do with the chunk shares nearly nothing with it. Numbers have no such slack."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What an evidence's chunk contains, worked out once per answer."""

    evidence: Evidence
    terms: frozenset[str]
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of a chunk and what it contains, worked out when the chunk is first quoted."""

    text: str
    terms: frozenset[str]
    numbers: frozenset[str]


_NO_SENTENCE = _Sentence("", frozenset(), frozenset())


class Citer:
    """One answer's text on its way to the reader. Feed it deltas, then `finish`.

    `text` is what has been passed on so far, `citations` those that hold. Text is held back only while it may be
    an unfinished marker, or where a marker stands before the statement it belongs to.
    """

    def __init__(self, evidence: Sequence[Evidence], question: str) -> None:
        self.text = ""
        self.citations: list[Citation] = []
        self._sources = {item.number: _read(item) for item in evidence}
        self._asked = numbers(question)
        self._asked_terms = dict.fromkeys(_first_terms(question), 0.2)
        self._sentences: dict[int, list[_Sentence]] = {}
        self._buffer = ""
        self._clause = ""
        self._backticks = 0

    def is_plain(self, delta: str) -> bool:
        """Returns True if no marker can end in `delta`, so that feeding it compares nothing with any chunk."""
        return _BRACKET.search(self._buffer) is None and _BRACKET.search(delta) is None

    def feed(self, delta: str) -> Iterator[TextDelta | Cited]:
        """Events for what can be passed on now that `delta` has arrived."""
        for start in range(0, len(delta), _HELD_CHARS):
            self._buffer += delta[start : start + _HELD_CHARS]
            yield from self._drain(finishing=False)

    def finish(self) -> Iterator[TextDelta | Cited]:
        """Events for what was held back."""
        return self._drain(finishing=True)

    def _drain(self, *, finishing: bool) -> Iterator[TextDelta | Cited]:
        while self._buffer:
            opening = _OPENING.search(self._buffer)
            if opening is None or opening.start():
                yield self._pass_on(opening.start() if opening else len(self._buffer))
                continue
            held = not finishing and len(self._buffer) <= _HELD_CHARS
            start = len(self._buffer) - len(self._buffer.lstrip())
            group = self._group(start)
            if group == start and held and _UNFINISHED.fullmatch(self._buffer, start):
                return
            if start == len(self._buffer):
                if held:
                    return
                yield self._pass_on(start)
            elif group == start or self._in_code():
                yield self._pass_on(start + 1)
            else:
                rest = self._buffer[group:]
                if held and (not rest.strip(" \t") or _UNFINISHED.fullmatch(rest.lstrip(" \t"))):
                    return
                ahead = _CLAUSE_END.search(rest)
                complete = not held or ahead is not None or len(rest) > _CLAUSE_CHARS
                following = rest[: ahead.start() if ahead else _CLAUSE_CHARS]
                verdict = self._judge(self._buffer[start:group], following)
                if verdict is None and not complete:
                    return
                yield from self._mark(self._buffer[:start], verdict or [])
                self._buffer = self._buffer[group:]

    def _group(self, start: int) -> int:
        """Where the run of markers at `start` ends; `start` if there is none."""
        end = start
        while match := _MARKER.match(self._buffer, end if end == start else end + _spaces(self._buffer, end)):
            end = match.end()
        return end

    def _in_code(self) -> bool:
        return self._backticks % 2 == 1

    def _pass_on(self, length: int) -> TextDelta:
        piece, self._buffer = self._buffer[:length], self._buffer[length:]
        self._clause = (self._clause + piece)[-_STATEMENT_CHARS:]
        return self._say(piece)

    def _mark(self, space: str, supported: Sequence[tuple[_Source, str]]) -> Iterator[TextDelta | Cited]:
        """Write the markers that hold. Where none does, the space before them goes with them."""
        for source, statement in supported:
            marker = f"[{source.evidence.number}]"
            yield self._say(space + marker)
            space = ""
            end = len(self.text)
            quote = self._quote(source, statement)
            citation = Citation(source.evidence.number, source.evidence, quote, end - len(marker), end)
            self.citations.append(citation)
            yield Cited(citation)
        if "\n" in space:
            yield self._say(space)
        if supported:
            self._clause = ""

    def _say(self, text: str) -> TextDelta:
        self.text += text
        self._backticks += text.count("`")
        return TextDelta(text)

    def _judge(self, group: str, following: str) -> list[tuple[_Source, str]] | None:
        """The sources of a run of markers that support what stands before it, or else the clause after it.

        None when the text so far supports none of them, so that it may pay to wait for more.
        """
        named = dict.fromkeys(int(number) for number in re.findall(r"\d+", group))
        sources = [self._sources[number] for number in named if number in self._sources]
        if not sources:
            return []
        before = self._statement()
        for statement in (before, f"{before} {following}".strip()):
            stated = figures(_LIST_NUMBER.sub("", statement)) - self._asked
            if stated.issubset(frozenset().union(*(source.numbers for source in sources))):
                held = [(source, statement) for source in sources if _supports(source, statement)]
                if held:
                    return held
        return None

    def _statement(self) -> str:
        """The sentence that ends here, or its part since the last marker; the whole answer where it has no words."""
        spans = sentences(self._clause)
        for start, end in reversed(spans):
            if terms(self._clause[start:end]):
                return self._clause[start:end]
        return self.text[-_STATEMENT_CHARS:] if self.citations else ""

    def _quote(self, source: _Source, statement: str) -> str:
        """The sentence of the chunk, as it stands there, that supports the statement best."""
        number = source.evidence.number
        if number not in self._sentences:
            self._sentences[number] = list(_read_sentences(source.evidence.hit.chunk.text))
        wanted = self._asked_terms | dict.fromkeys(_first_terms(statement), 1.0)
        values = figures(statement)
        return max(
            self._sentences[number],
            key=lambda sentence: coverage(wanted, sentence.terms) + 0.2 * len(values & sentence.numbers),
            default=_NO_SENTENCE,
        ).text


def _read_sentences(text: str) -> Iterator[_Sentence]:
    for start, end in sentences(text):
        yield _Sentence(text[start:end], vocabulary(text[start:end]), frozenset(numbers(text[start:end])))


def _first_terms(text: str) -> list[str]:
    return terms(text)[:_TERMS]


def _read(item: Evidence) -> _Source:
    chunk = item.hit.chunk
    text = f"{chunk.heading}\n{chunk.text}"
    return _Source(item, vocabulary(text), frozenset(numbers(text)))


def _supports(source: _Source, statement: str) -> bool:
    """Whether the chunk shares enough words with the statement.

    Across languages words cannot tell: there only the numbers, checked before, and at least some words are asked.
    """
    stated = dict.fromkeys(_first_terms(statement), 1.0)
    if not stated:
        return False
    if _is_chinese(stated) != _is_chinese(source.terms):
        return True
    return coverage(stated, source.terms) >= _SUPPORTED


def _is_chinese(words: Sequence[str] | frozenset[str] | dict[str, float]) -> bool:
    return 2 * sum(map(is_han, words)) > len(words)


def _spaces(text: str, start: int) -> int:
    rest = text[start:]
    return len(rest) - len(rest.lstrip(" \t"))
