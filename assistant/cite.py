"""Cite: the model's text streams through, its citation markers are normalised, and each is checked against its chunk.

A marker that names no evidence, or whose statement its chunk does not support, never reaches the reader. Nor does an
image, a tag, or a link that does not stand in a chunk that is cited: they would make the reader's program fetch or open
what nobody vouches for.

The work is linear in the answer: what is held back, what counts as a statement and what is compared with a chunk are
all bounded, whatever a model or a document writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.code_spans import CodeSpans
from assistant.events import Citation, Cited, Evidence, Support, TextDelta
from assistant.figures import Figures, borne_out, stated
from assistant.links import (
    AUTOLINK,
    DROPPED_TAG,
    LINE_BREAK,
    LINK,
    TAG,
    UNFINISHED_LINK,
    UNFINISHED_TAG,
    addresses,
)
from assistant.quote import Quotes
from assistant.terms import coverage, is_han, numbers, terms, vocabulary
from ingest.language import sentences

# Possessive throughout: a list of numbers that is no marker must not be tried in every way it could be split.
_LABEL = r"(?:资料|来源|文档|文件|证据|引用|source|document|doc|evidence|ref|citation)?+"
_NUMBERS = rf"\^?+{_LABEL}\s*+[:：#]?+\s*+\d{{1,3}}+(?:\s*+[,，、;；]\s*+{_LABEL}\s*+\d{{1,3}}+){{0,40}}+"
_MARKER = re.compile(rf"[\[［【]\s*+{_NUMBERS}\s*+[\]］】]", re.IGNORECASE)
_UNFINISHED = re.compile(r"[\[［【][\s\^\w:：#,，、;；]{0,40}")
_OPENING = re.compile(r"(?<!\s)\s*+[\[［【<]|!(?=\[|\Z)|\](?=[(:]|\Z)|(?<![ \t])[ \t]++\Z")
"""Where a marker, a link, an image or a tag may begin, and the blanks before it, which go with a marker."""
_BRACKET = re.compile(r"[\[［【<]")
_TO_MARKER = re.compile(r"[^。！？!?；;\n\[［【]*+[。！？!?；;]?+[ \t]*+(?=[\[［【]|\Z)")
_CLAUSE_END = re.compile(r"[。！？!?；;\n\[［【]|\.(?=\s)")
_CLAUSE_CHARS = 300
_HELD_CHARS = 600
"""So much text is held back at the most: a run of markers or of blanks that is longer is dealt with as it is."""
_STATEMENT_CHARS = 2000
_BARE_MARKER = re.compile(r"\[\d+\]")
_LETTER = re.compile(r"[^\W\d]")
_JOINING = tuple("[]［【<!(\\`~")
"""What would become part of something else with what stands behind the text that was taken out."""
_MARKERS_BEGINNING = tuple("0123456789")
_MARKERS_END = re.compile(r"[\d\]］】]")
_IN_WAY = re.compile(r"[<`!\\]")
"""What the text of a link that is kept may not have: it would be read as something else."""
_TERMS = 500
"""So many terms of a statement or a question are compared with a chunk."""
_LIST_NUMBER = re.compile(r"^\s*(?:[-*•#]+\s*)?\d{1,2}[.、)）]\s*")

_SUPPORTED = 0.2
"""The share of a statement's content terms that its chunk must contain. Low on purpose: a paraphrase must pass,
and what has nothing to do with the chunk shares nearly nothing with it. Numbers have no such slack."""


class _Source:
    """What an evidence's chunk contains. The words are worked out once per answer, the rest when it is asked for."""

    def __init__(self, evidence: Evidence) -> None:
        chunk = evidence.hit.chunk
        self.evidence = evidence
        self.number = evidence.number
        self.terms = vocabulary(f"{chunk.heading}\n{chunk.text}")
        self.is_chinese = _is_chinese(self.terms)
        self._quotes: Quotes | None = None
        self._figures: Figures | None = None
        self._addresses: frozenset[str] | None = None

    @property
    def quotes(self) -> Quotes:
        if self._quotes is None:
            self._quotes = Quotes(self.evidence.hit.chunk)
        return self._quotes

    @property
    def figures(self) -> Figures:
        if self._figures is None:
            self._figures = Figures(self.evidence.hit.chunk.heading, self.quotes.all_texts)
        return self._figures

    @property
    def addresses(self) -> frozenset[str]:
        if self._addresses is None:
            self._addresses = addresses(self.evidence.hit.chunk)
        return self._addresses


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A source that supports a statement, and how far that was checked."""

    source: _Source
    statement: str
    support: Support


class Citer:
    """One answer's text on its way to the reader. Feed it deltas, then `finish`.

    `text` is what has been passed on so far, `citations` those that hold. Text is held back only while it may be
    an unfinished marker, link or tag, or where one stands before what decides about it.
    """

    def __init__(self, evidence: Sequence[Evidence], question: str) -> None:
        self.text = ""
        self.citations: list[Citation] = []
        self._sources = {item.number: _Source(item) for item in evidence}
        self._asked = numbers(question)
        self._asked_terms = terms(question)[:_TERMS]
        self._buffer = ""
        self._clause = ""
        self._code = CodeSpans()
        self._marked = -1  # where the text ended when the last marker was written
        self._seam = -1  # where it ended when something was taken out behind it

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
            yield from self._apart()
            opening = _OPENING.search(self._buffer)
            if opening is None or opening.start():
                yield self._pass_on(opening.start() if opening else len(self._buffer))
                continue
            steps = self._step(held=not finishing and len(self._buffer) <= _HELD_CHARS)
            if steps is None:
                return
            yield from (step for step in steps if step != TextDelta(""))

    def _apart(self) -> Iterator[TextDelta]:
        """A blank where the next character would make a link or a definition of a marker, or, with what was taken out
        before it, a marker that nobody has checked."""
        if self._seam == len(self.text) and _MARKERS_END.match(self._buffer) and self.text.endswith(_MARKERS_BEGINNING):
            yield self._say(" ")
        if self._marked != len(self.text) or self._buffer[0] not in "(:":
            return
        if self._buffer[0] == "(" or not _LETTER.search(_BARE_MARKER.sub("", self._code.line)):
            yield self._say(" ")

    def _step(self, *, held: bool) -> Iterator[TextDelta | Cited] | None:
        """Deal with what stands at the beginning of the buffer; None where more text must come first."""
        start = len(self._buffer) - len(self._buffer.lstrip())
        if line := self._buffer.rfind("\n", 0, start) + 1:  # the next line may be code, or no longer
            return iter([self._pass_on(line)])
        if start == len(self._buffer):
            return None if held else iter([self._pass_on(start)])
        coded = self._code.holds(self._buffer[start:], complete=not held)
        if coded is None:
            return None
        if coded:
            return iter([self._pass_on(start + 1)])
        if self._buffer[start] not in "[［【":
            return self._tag(start, held=held) if self._buffer[start] == "<" else self._mark_of_link(held=held)
        self._code.give_up()
        if self._buffer[start] == "[":
            if link := LINK.match(self._buffer, start):
                return self._link(start, link, held=held)
            if held and UNFINISHED_LINK.fullmatch(self._buffer, start):
                return None
        return self._markers(start, held=held)

    def _markers(self, start: int, *, held: bool) -> Iterator[TextDelta | Cited] | None:
        """A run of markers, with the verdict on it."""
        group = self._group(start)
        if group == start:
            if held and _UNFINISHED.fullmatch(self._buffer, start):
                return None
            return iter([self._pass_on(start + 1)])
        rest = self._buffer[group:]
        if held and (not rest.strip(" \t") or _UNFINISHED.fullmatch(rest.lstrip(" \t"))):
            return None
        ahead = _CLAUSE_END.search(rest)
        complete = not held or ahead is not None or len(rest) > _CLAUSE_CHARS
        following = rest[: ahead.start() if ahead else _CLAUSE_CHARS]
        verdicts = self._judge(self._buffer[start:group], self._clause, following)
        if verdicts is None and not complete:
            return None
        space, self._buffer = self._buffer[:start], rest
        return self._mark(space, verdicts or [])

    def _group(self, start: int) -> int:
        """Where the run of markers at `start` ends; `start` if there is none."""
        end = start
        while match := _MARKER.match(self._buffer, end if end == start else end + _spaces(self._buffer, end)):
            end = match.end()
        return end

    def _mark_of_link(self, *, held: bool) -> Iterator[TextDelta | Cited] | None:
        """An exclamation mark that may begin an image, or a bracket that may end what could be a link."""
        mark, following = self._buffer[0], self._buffer[1:]
        if not following:
            return None if held else iter([self._pass_on(1)])
        if mark == "]":
            return iter([self._pass_on(1), self._say(" ")])
        image = LINK.match(self._buffer, 1)
        if image is None:
            return None if held and UNFINISHED_LINK.fullmatch(self._buffer, 1) else iter([self._pass_on(1)])
        return self._only_label(0, image)

    def _link(self, start: int, link: re.Match[str], *, held: bool) -> Iterator[TextDelta | Cited] | None:
        """A link: as it is where its target stands in a cited chunk, else its text."""
        label, target = link["label"], link["target"]
        inert = self.text.endswith("!") or _IN_WAY.search(label) or not label.strip()
        keeps = (
            False if inert or _MARKER.fullmatch(f"[{label}]") else self._vouches(target, label, link.end(), held=held)
        )
        if keeps is None:
            return None
        return iter([self._pass_on(link.end())]) if keeps else self._only_label(start, link)

    def _only_label(self, start: int, link: re.Match[str]) -> Iterator[TextDelta | Cited]:
        """Put the text of a link, or of an image, in its place; a marker that was made a link is a marker."""
        label = link["label"]
        marker = f"[{label}]" if _MARKER.fullmatch(f"[{label}]") else ""
        kept = "!" if marker and self._buffer[start] == "!" else ""
        return self._replace(start, link.end(), kept + (marker or label))

    def _replace(self, start: int, end: int, text: str) -> Iterator[TextDelta | Cited]:
        """Put `text` in the place of a part of the buffer, where it cannot become part of what stands before it."""
        if not start and self.text.endswith(_JOINING):
            text = f" {text}"
        if not start and not text:
            self._seam = len(self.text)
        self._buffer = self._buffer[:start] + text + self._buffer[end:]
        return iter(())

    def _tag(self, start: int, *, held: bool) -> Iterator[TextDelta | Cited] | None:
        """A tag, which is dropped or shown as text, or an address in angle brackets."""
        if auto := AUTOLINK.match(self._buffer, start):
            keeps = self._vouches(auto[1], "", auto.end(), held=held)
            if keeps is None:
                return None
            if keeps:
                return iter([self._pass_on(auto.end())])
        if (line_break := LINE_BREAK.match(self._buffer, start)) and self._code.line.strip():
            return iter([self._pass_on(line_break.end())])
        if dropped := DROPPED_TAG.match(self._buffer, start):
            return self._replace(start, dropped.end(), "")
        if held and UNFINISHED_TAG.fullmatch(self._buffer, start):
            return None
        before = self._pass_on(start)
        return iter([before, self._write(1, "＜") if TAG.match(self._buffer) else self._pass_on(1)])

    def _vouches(self, target: str, label: str, end: int, *, held: bool) -> bool | None:
        """Whether a cited chunk has this address: one cited before, or one that the next marker cites for the
        statement that the link is in. None where that is not known yet."""
        holders = {number for number, source in self._sources.items() if target in source.addresses}
        if not holders or not holders.isdisjoint(citation.number for citation in self.citations):
            return bool(holders)
        rest = self._buffer[end:]
        ahead = _TO_MARKER.match(rest)
        if ahead is None:
            return False
        start = end + ahead.end()
        group = self._group(start)
        if held and (group == len(self._buffer) or _UNFINISHED.fullmatch(self._buffer, group)):
            return None
        if group == start:
            return False
        verdicts = self._judge(self._buffer[start:group], f"{self._clause} {label} {ahead[0]}", "")
        return any(verdict.source.number in holders for verdict in verdicts or ())

    def _pass_on(self, length: int) -> TextDelta:
        return self._write(length, self._buffer[:length])

    def _write(self, length: int, text: str) -> TextDelta:
        """Say `text` for the next `length` characters."""
        self._buffer = self._buffer[length:]
        self._clause = (self._clause + text)[-_STATEMENT_CHARS:]
        return self._say(text)

    def _mark(self, space: str, verdicts: Sequence[_Verdict]) -> Iterator[TextDelta | Cited]:
        """Write the markers that hold. Where none does, the space before them goes with them."""
        for verdict in verdicts:
            number = verdict.source.number
            marker = f"[{number}]"
            yield self._say(space + marker)
            space = ""
            end = self._marked = len(self.text)
            quote, location = verdict.source.quotes.best(verdict.statement, self._asked_terms)
            evidence = verdict.source.evidence
            citation = Citation(number, evidence, quote, end - len(marker), end, verdict.support, location)
            self.citations.append(citation)
            yield Cited(citation)
        if verdicts:
            self._clause = ""
        elif self.text.endswith(_JOINING):
            yield self._say(" ")
        else:
            self._seam = len(self.text)

    def _say(self, text: str) -> TextDelta:
        self.text += text
        self._code.write(text)
        return TextDelta(text)

    def _judge(self, group: str, clause: str, following: str) -> list[_Verdict] | None:
        """The sources of a run of markers that support what stands before it, or else the clause after it.

        None when the text so far supports none of them, so that it may pay to wait for more.
        """
        named = dict.fromkeys(int(number) for number in re.findall(r"\d+", group))
        sources = [self._sources[number] for number in named if number in self._sources]
        if not sources:
            return []
        before = self._statement(clause)
        for statement in (before, f"{before} {following}".strip()):
            bare = _LIST_NUMBER.sub("", statement)
            figures = borne_out(bare, self._asked, [source.figures for source in sources])
            if figures is None:
                continue
            judged = [(source, _supports(source, statement, bare)) for source in sources]
            held = [
                _Verdict(source, statement, "checked" if words == figures == "checked" else "not_checkable")
                for source, words in judged
                if words
            ]
            if held:
                return held
        return None

    def _statement(self, clause: str) -> str:
        """The sentence that ends here, or its part since the last marker; the whole answer where it has no words."""
        spans = sentences(clause)
        for start, end in reversed(spans):
            if terms(clause[start:end]):
                return clause[start:end]
        return self.text[-_STATEMENT_CHARS:] if self.citations else ""


def _supports(source: _Source, statement: str, bare: str) -> Support | None:
    """Whether the chunk shares enough words with the statement.

    Across languages words cannot tell: there a figure that the chunk has as well is what can be checked.
    """
    words = dict.fromkeys(terms(statement)[:_TERMS], 1.0)
    if not words:
        return None
    if _is_chinese(words) != source.is_chinese:
        return "checked" if any(source.figures.has(figure) for figure in stated(bare)) else "not_checkable"
    return "checked" if coverage(words, source.terms) >= _SUPPORTED else None


def _is_chinese(words: Sequence[str] | frozenset[str] | dict[str, float]) -> bool:
    return 2 * sum(map(is_han, words)) > len(words)


def _spaces(text: str, start: int) -> int:
    rest = text[start:]
    return len(rest) - len(rest.lstrip(" \t"))
