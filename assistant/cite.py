"""Cite: the model's text streams through, its citation markers are normalised, and each is checked against its chunk.

A marker never reaches the reader if it names no evidence, or if its chunk does not support the statement
(`assistant.checking`). Where no marker is left, the statement is reported as unsupported. An image or a
tag never reaches the reader, nor does a link whose address is in no cited chunk. They would make the reader's program
fetch or open an address that no document confirms.

The work is linear in the length of the answer. The text that is held back, the statement, and the terms that are
compared with a chunk are all bounded, whatever a model or a document writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assistant.checking.judging import Judge, Source, Verdict
from assistant.checking.meaning import Meaning
from assistant.code_spans import CodeSpans
from assistant.events import Citation, Cited, Evidence, TextDelta, Unsupported
from assistant.links import (
    AUTOLINK,
    BARE_ADDRESS,
    DROPPED_TAG,
    LINE_BREAK,
    LINK,
    OPENING,
    TAG,
    UNFINISHED_ADDRESS,
    UNFINISHED_LINK,
    UNFINISHED_TAG,
    paragraph_ahead,
    sentence_ahead,
    without_end,
)
from assistant.terms import terms
from ingest.language import detect, sentences

# A marker's quantifiers are possessive, so that a list of numbers that is no marker is not split in every way.
_LABEL = r"(?:资料|資料|来源|來源|文档|文件|证据|證據|引用|source|document|doc|evidence|ref|citation)?+"
_NUMBERS = rf"\^?+{_LABEL}\s*+[:：#]?+\s*+\d{{1,3}}+(?:\s*+[,，、;；]\s*+{_LABEL}\s*+\d{{1,3}}+){{0,40}}+"
_MARKER = re.compile(rf"[\[［【]\s*+{_NUMBERS}\s*+[\]］】]", re.IGNORECASE)
_UNFINISHED = re.compile(r"[\[［【][\s\^\w:：#,，、;；]{0,40}")
_BRACKET = re.compile(r"[\[［【<]")
_CLAUSE_END = re.compile(r"[。！？!?；;\n\[［【]|\.(?=\s)")
_ADDRESS_BEGINS = frozenset("hHfFwW")
_CLAUSE_CHARS = 300
_HELD_CHARS = 600
"""At most so many characters are held back. A longer run of markers or of blanks is handled as it is."""
_STATEMENT_CHARS = 2000
_BARE_MARKER = re.compile(r"\[\d+\]")
_LETTER = re.compile(r"[^\W\d]")
_JOINING = tuple("[]［【<!(\\`~")
"""A text that ends with one of these could form a link or a tag with the text after a part that was removed."""
_MARKERS_BEGINNING = tuple("0123456789")
_MARKERS_END = re.compile(r"[\d\]］】]")
_IN_WAY = re.compile(r"[<`!\\]")
"""The text of a link that is kept may have none of these: it would be read as something else."""
_TERMS = 500
"""At most so many terms of a question are compared with a chunk."""
_LIST_NUMBER = re.compile(r"^\s*(?:[-*•#]+\s*)?\d{1,2}[.、)）](?!\d)\s*")

Checked = TextDelta | Cited | Unsupported
"""What comes of a model's text once its markers are checked."""


class Citer:
    """Checks one answer's text on its way to the reader. Call `feed` with each delta, then `finish`.

    `text` is the text that has been passed on so far. `citations` are the citations that hold, and `unsupported` the
    statements of which no mark does. Text is held back only
    if it may be an unfinished marker, link or tag, or if the text that decides about one has not arrived yet.
    """

    def __init__(self, evidence: Sequence[Evidence], question: str, meaning: Meaning | None = None) -> None:
        """Without `meaning`, statements in another language than their passage are checked by their figures alone."""
        self.text = ""
        self.citations: list[Citation] = []
        self.unsupported: list[Unsupported] = []
        self._judge = Judge(question, meaning)
        self._sources = {item.number: Source(item) for item in evidence}
        self._asked_terms = terms(question)[:_TERMS]
        self._buffer = ""  # text that has arrived and has not been passed on
        self._clause = ""  # the end of the text that has been passed on since the last citation
        self._code = CodeSpans()
        self._marked = -1  # the length of `text` when the last marker was written
        self._seam = -1  # the length of `text` when a part behind it was removed

    @property
    def crosses(self) -> bool:
        """Returns True if a chunk is in another language than the answer so far, so that a check may take longer."""
        language = detect(self.text[-_CLAUSE_CHARS:] or self._buffer)
        return any(source.crosses(language) for source in self._sources.values())

    def is_plain(self, delta: str) -> bool:
        """Returns True if no marker can end in `delta`, so that feeding it compares nothing with any chunk."""
        return _BRACKET.search(self._buffer) is None and _BRACKET.search(delta) is None

    def feed(self, delta: str) -> Iterator[Checked]:
        """Yields the events for the text that can be passed on now that `delta` has arrived."""
        for start in range(0, len(delta), _HELD_CHARS):
            self._buffer += delta[start : start + _HELD_CHARS]
            yield from self._drain(finishing=False)

    def finish(self) -> Iterator[Checked]:
        """Returns the events for the text that was held back."""
        return self._drain(finishing=True)

    def _drain(self, *, finishing: bool) -> Iterator[Checked]:
        while self._buffer:
            yield from self._apart()
            opening = OPENING.search(self._buffer)
            # The text before the next opening is passed on first. `_step` then finds the opening at the beginning.
            if opening is None or opening.start():
                yield self._pass_on(opening.start() if opening else len(self._buffer))
                continue
            # `held`: more text may be waited for. Otherwise each step decides with the text that is there.
            steps = self._step(held=not finishing and len(self._buffer) <= _HELD_CHARS)
            if steps is None:
                return
            yield from (step for step in steps if step != TextDelta(""))

    def _apart(self) -> Iterator[TextDelta]:
        """Yields a blank where the text so far and the next character must be kept apart.

        After a marker, the next character could turn it into a link or a definition. Where a part was removed, the
        text before and after it could form a marker that nobody has checked.
        """
        if self._seam == len(self.text) and _MARKERS_END.match(self._buffer) and self.text.endswith(_MARKERS_BEGINNING):
            yield self._say(" ")
        if self._marked != len(self.text) or self._buffer[0] not in "(:":
            return
        if self._buffer[0] == "(" or not _LETTER.search(_BARE_MARKER.sub("", self._code.line)):
            yield self._say(" ")

    def _step(self, *, held: bool) -> Iterator[Checked] | None:
        """Handle the beginning of the buffer. Returns its events, or None if more text must arrive first."""
        start = len(self._buffer) - len(self._buffer.lstrip())
        if line := self._buffer.rfind("\n", 0, start) + 1:  # code may begin or end with the next line
            return iter([self._pass_on(line)])
        if start == len(self._buffer):
            return None if held else iter([self._pass_on(start)])
        coded = self._code.holds(self._buffer[start:], complete=not held)
        if coded is None:
            return None
        if coded:
            return iter([self._pass_on(start + 1)])
        if self._buffer[start] in _ADDRESS_BEGINS:
            return self._address(held=held)
        if self._buffer[start] not in "[［【":
            return self._tag(start, held=held) if self._buffer[start] == "<" else self._mark_of_link(held=held)
        self._code.give_up()
        if self._buffer[start] == "[":
            if link := LINK.match(self._buffer, start):
                return self._link(start, link, held=held)
            if held and UNFINISHED_LINK.fullmatch(self._buffer, start):
                return None
        return self._markers(start, held=held)

    def _markers(self, start: int, *, held: bool) -> Iterator[Checked] | None:
        """Handle a run of markers: judge it and write the markers that hold."""
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
        markers = self._buffer[start:group]
        verdicts = self._judged(markers, self._clause, following)
        if verdicts is None and not complete:
            return None
        space, self._buffer = self._buffer[:start], rest
        return self._mark(space, verdicts) if verdicts else self._drop(markers)

    def _group(self, start: int) -> int:
        """Returns the end of the run of markers at `start`, or `start` if there is none."""
        end = start
        while match := _MARKER.match(self._buffer, end if end == start else end + _spaces(self._buffer, end)):
            end = match.end()
        return end

    def _mark_of_link(self, *, held: bool) -> Iterator[Checked] | None:
        """Handle an exclamation mark that may begin an image, or a bracket that may end the text of a link."""
        mark, following = self._buffer[0], self._buffer[1:]
        if not following:
            return None if held else iter([self._pass_on(1)])
        if mark == "]":
            return iter([self._pass_on(1), self._say(" ")])
        image = LINK.match(self._buffer, 1)
        if image is None:
            return None if held and UNFINISHED_LINK.fullmatch(self._buffer, 1) else iter([self._pass_on(1)])
        return self._only_label(0, image)

    def _link(self, start: int, link: re.Match[str], *, held: bool) -> Iterator[Checked] | None:
        """Handle a link. If its target is in a cited chunk, the link stays. Otherwise only its text stays."""
        label, target = link["label"], link["target"]
        in_way = self.text.endswith("!") or _IN_WAY.search(label) or not label.strip()
        inert = bool(in_way or _MARKER.fullmatch(f"[{label}]"))
        ahead = sentence_ahead(self._buffer, link.end())
        keeps = False if inert else self._vouches(target, label, ahead, held=held)
        if keeps is None:
            return None
        return iter([self._pass_on(link.end())]) if keeps else self._only_label(start, link)

    def _only_label(self, start: int, link: re.Match[str]) -> Iterator[Checked]:
        """Replace a link or an image by its text. If the text in its brackets is a marker, the marker replaces it."""
        label = link["label"]
        marker = f"[{label}]" if _MARKER.fullmatch(f"[{label}]") else ""
        kept = "!" if marker and self._buffer[start] == "!" else ""
        return self._replace(start, link.end(), kept + (marker or label))

    def _replace(self, start: int, end: int, text: str) -> Iterator[Checked]:
        """Replace a part of the buffer by `text`. A blank keeps it apart from text before it that it could join."""
        if not start and self.text.endswith(_JOINING):
            text = f" {text}"
        if not start and not text:
            self._seam = len(self.text)
        self._buffer = self._buffer[:start] + text + self._buffer[end:]
        return iter(())

    def _tag(self, start: int, *, held: bool) -> Iterator[Checked] | None:
        """Handle an address in angle brackets, a line break, or a tag, which is dropped or shown as text."""
        if auto := AUTOLINK.match(self._buffer, start):
            keeps = self._vouches(auto[1], "", sentence_ahead(self._buffer, auto.end()), held=held)
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

    def _address(self, *, held: bool) -> Iterator[TextDelta | Cited] | None:
        """Handle a web address that stands in the text. If no cited chunk has it, a blank breaks it."""
        address = BARE_ADDRESS.match(self._buffer)
        if address is None:
            return None if held and UNFINISHED_ADDRESS.match(self._buffer) else iter([self._pass_on(1)])
        if held and address.end() == len(self._buffer):
            return None
        target = without_end(address[0])
        # A table, a list or a quotation has its one marker at its end.
        keeps = self._vouches(target, target, paragraph_ahead(self._buffer, len(target)), held=held)
        if keeps is None:
            return None
        if keeps:
            return iter([self._pass_on(len(target))])
        return iter([self._pass_on(address.end("scheme")), self._say(" ")])

    def _vouches(self, target: str, label: str, ahead: re.Match[str] | None, *, held: bool) -> bool | None:
        """Returns True if a cited chunk has this address, or None if this is not known yet.

        The chunk has been cited before, or the next marker cites it for the text up to there, `ahead`.
        """
        holders = {number for number, source in self._sources.items() if target in source.addresses}
        if not holders or not holders.isdisjoint(citation.number for citation in self.citations):
            return bool(holders)
        if ahead is None:
            return False
        start = ahead.end()
        group = self._group(start)
        if held and (group == len(self._buffer) or _UNFINISHED.fullmatch(self._buffer, group)):
            return None
        if group == start:
            return False
        verdicts = self._judged(self._buffer[start:group], f"{self._clause} {label} {ahead[0]}", "")
        return any(verdict.source.number in holders for verdict in verdicts or ())

    def _pass_on(self, length: int) -> TextDelta:
        return self._write(length, self._buffer[:length])

    def _write(self, length: int, text: str) -> TextDelta:
        """Pass on `text` in place of the next `length` characters of the buffer."""
        self._buffer = self._buffer[length:]
        self._clause = (self._clause + text)[-_STATEMENT_CHARS:]
        return self._say(text)

    def _mark(self, space: str, verdicts: Sequence[Verdict]) -> Iterator[Checked]:
        """Write the markers that hold."""
        for verdict in verdicts:
            number = verdict.source.number
            marker = f"[{number}]"
            yield self._say(space + marker)
            space = ""
            end = self._marked = len(self.text)
            quote, location, chunk = verdict.source.quotes.best(verdict.statement, self._asked_terms)
            evidence = verdict.source.evidence
            if evidence.parts:
                evidence = Evidence(number, replace(evidence.hit, chunk=chunk))
            citation = Citation(number, evidence, quote, end - len(marker), end, verdict.support, location)
            self.citations.append(citation)
            yield Cited(citation)
        self._clause = ""

    def _drop(self, markers: str) -> Iterator[Checked]:
        """Leave out a run of markers of which none holds, with the space before them, and say so."""
        end = len(self.text)
        statement = len(self._statement(self._clause))
        number = re.search(r"\d+", markers)
        if number is not None and statement:
            found = Unsupported(int(number[0]), max(0, end - statement), end)
            self.unsupported.append(found)
            yield found
        if self.text.endswith(_JOINING):
            yield self._say(" ")
        else:
            self._seam = len(self.text)

    def _say(self, text: str) -> TextDelta:
        self.text += text
        self._code.write(text)
        return TextDelta(text)

    def _judged(self, group: str, clause: str, following: str) -> list[Verdict] | None:
        """Returns the sources of a run of markers that support the statement before it. If none does, the clause after
        the run is added to the statement.

        Returns None if none of them supports that either. More text may then change the result.
        """
        named = dict.fromkeys(int(number) for number in re.findall(r"\d+", group))
        sources = [self._sources[number] for number in named if number in self._sources]
        if not sources:
            return []
        before = self._statement(clause)
        for statement in dict.fromkeys((before, f"{before} {following}".strip())):
            if held := self._judge.verdicts(statement, _LIST_NUMBER.sub("", statement), sources):
                return held
        return None

    def _statement(self, clause: str) -> str:
        """Returns the last sentence of `clause` that has content terms. If there is none, returns the end of the
        answer so far, or nothing if the answer has no citation yet.
        """
        spans = sentences(clause)
        for place in reversed(range(len(spans))):
            start, end = spans[place]
            if terms(clause[start:end]):
                while place and clause[spans[place - 1][1] - 1] in "；;":  # a semicolon ends no statement
                    place -= 1
                return clause[spans[place][0] : end]
        return self.text[-_STATEMENT_CHARS:] if self.citations else ""


def _spaces(text: str, start: int) -> int:
    rest = text[start:]
    return len(rest) - len(rest.lstrip(" \t"))
