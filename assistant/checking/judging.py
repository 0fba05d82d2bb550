"""Judges a statement of an answer against the passages that it cites: its figures, its words, and its meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.checking.figures import borne_out, confirms
from assistant.checking.meaning import Meaning, Meant
from assistant.checking.passage import Passage
from assistant.checking.placing import Context, Nearer
from assistant.events import Evidence, Support
from assistant.links import addresses
from assistant.quote import Quotes
from assistant.terms import coverage, terms, vocabulary
from ingest.document import Language
from ingest.language import detect

_TERMS = 500
"""At most so many terms of a statement are compared with a chunk."""
_COPIED = 8
"""A statement with fewer characters may stand in a chunk by chance."""
_MEANINGS = 12
"""At most so many statements of an answer are compared by their meaning, each with one chunk."""
SUPPORTED = 0.2
"""The share of a statement's content terms that its chunk must contain. It is low on purpose: a paraphrase must pass,
and a statement about something else shares nearly no terms with the chunk. Numbers have no such tolerance."""


class Source:
    """The contents of an evidence's chunk. Its words are computed once per answer, the rest when it is first needed."""

    def __init__(self, evidence: Evidence) -> None:
        chunk = evidence.hit.chunk
        self.evidence = evidence
        self.number = evidence.number
        self._bare = "".join(chunk.text.split())
        self.terms = vocabulary(f"{chunk.heading}\n{chunk.text}")
        self.language = detect(chunk.text)
        self._quotes: Quotes | None = None
        self.passages = (Passage(chunk.heading, chunk.text), Passage(chunk.heading, chunk.text, crossed=True))
        self._addresses: frozenset[str] | None = None

    def holds(self, statement: str) -> bool:
        """Returns True if the statement is copied from the chunk, white space and its last mark aside."""
        copied = "".join(statement.split()).rstrip("。.!！；;")
        return len(copied) >= _COPIED and copied in self._bare

    def crosses(self, language: Language) -> bool:
        """Returns True if a statement in this language has no words in common with the chunk, for being in another."""
        return {language, self.language} == {"zh", "en"}

    @property
    def quotes(self) -> Quotes:
        if self._quotes is None:
            self._quotes = Quotes(*(self.evidence.parts or (self.evidence.hit.chunk,)))
        return self._quotes

    @property
    def addresses(self) -> frozenset[str]:
        if self._addresses is None:
            self._addresses = addresses(self.evidence.hit.chunk)
        return self._addresses


@dataclass(frozen=True, slots=True)
class Verdict:
    """A source that supports a statement, and how far that was checked."""

    source: Source
    statement: str
    support: Support


class Judge:
    """Judges the statements of one answer, which was asked for by `question`."""

    def __init__(self, question: str, meaning: Meaning | None) -> None:
        self._question = question
        self._meaning = meaning
        self._compared: dict[tuple[str, int], Meant] = {}
        self._clauses = 0

    def verdicts(self, statement: str, bare: str, sources: Sequence[Source]) -> list[Verdict]:
        """Returns the sources that support the statement. `bare` is the statement without the number of a list item."""
        if all(source.holds(bare) for source in sources):
            return [Verdict(source, statement, "checked") for source in sources]
        language = detect(bare)
        passages = [source.passages[source.crosses(language)] for source in sources]
        figures = borne_out(bare, self._question, passages, self._nearer(sources))
        if figures is None:
            return []
        judged = [(source, self._supports(source, statement, bare)) for source in sources]
        return [
            Verdict(source, statement, "checked" if words == figures == "checked" else "not_checkable")
            for source, words in judged
            if words
        ]

    def _supports(self, source: Source, statement: str, bare: str) -> Support | None:
        """Returns how far the statement was checked against the chunk's words, or None if they share too few.

        Words of two languages cannot be compared. There the meaning decides, and if it is not known, the statement is
        checked if the chunk has one of its figures.
        """
        words = dict.fromkeys(terms(statement)[:_TERMS], 1.0)
        if not words:
            return None
        if source.crosses(detect(bare)):
            meant = self._meant(source, bare)
            if meant == "unknown":
                return "checked" if confirms(bare, source.passages[1]) else "not_checkable"
            return "checked" if meant == "yes" else None
        return "checked" if coverage(words, source.terms) >= SUPPORTED else None

    def _nearer(self, sources: Sequence[Source]) -> Nearer | None:
        """Returns what compares the meaning of clauses. Only some statements of an answer are compared."""
        meaning = self._meaning
        if meaning is None or not sources:
            return None

        def nearer(said: Context, these: Sequence[Context], those: Sequence[Context]) -> float | None:
            self._clauses += 1
            if self._clauses > _MEANINGS:
                return None
            return meaning.nearer(said, these, those, sources[0].language)

        return nearer

    def _meant(self, source: Source, bare: str) -> Meant:
        """Returns if the chunk means what the statement says. Only some statements of an answer are compared."""
        key = (bare, source.number)
        if self._meaning is None or (key not in self._compared and len(self._compared) >= _MEANINGS):
            return "unknown"
        if key not in self._compared:
            self._compared[key] = self._meaning.says(bare, source.quotes.all_texts, source.language)
        return self._compared[key]
