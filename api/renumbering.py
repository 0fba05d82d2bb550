"""The numbers of an answer's sources in the order in which it cites them, for clients that know no other.

A client of OpenAI's takes `[n]` for the n-th annotation. The evidence is numbered by relevance, and much of it is not
cited: so here the first source that is cited is `[1]`, the next `[2]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.events import Citation, Cited, Event, Evidence, TextDelta

_MARKER = re.compile(r"\s*+\[\d++\]")


@dataclass(frozen=True, slots=True)
class Renumbered:
    """A citation under its new number, its marker from `start` to `end` of the new text."""

    number: int
    citation: Citation
    start: int
    end: int


class Renumbering:
    """One answer's text while it streams. A marker is held back until its citation has come, which is next."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._held = ""
        self._read = 0

    def take(self, event: Event | None) -> str:
        """The text that can be passed on now that this event has come; None for the end."""
        if isinstance(event, Cited):
            return self._marker(event.citation)
        said, self._held = self._held, ""
        if isinstance(event, TextDelta):
            self._read += len(event.text)
            if not _MARKER.fullmatch(event.text):
                return said + event.text
            self._held = event.text
        return said

    def _marker(self, citation: Citation) -> str:
        held, self._held = self._held, ""
        if not held or citation.end != self._read:
            return held
        number = self._numbers.setdefault(citation.number, len(self._numbers) + 1)
        return f"{held[: citation.start - citation.end]}[{number}]"


def renumbered(answer: str, citations: Iterable[Citation]) -> tuple[str, list[Renumbered]]:
    """The whole text and its citations: the first of each number in the order of the numbers, then the others."""
    numbers: dict[int, int] = {}
    pieces: list[str] = []
    firsts: list[Renumbered] = []
    others: list[Renumbered] = []
    read = length = 0
    for citation in sorted(citations, key=lambda each: each.start):
        found = firsts if citation.number not in numbers else others
        number = numbers.setdefault(citation.number, len(numbers) + 1)
        before, marker = answer[read : citation.start], f"[{number}]"
        pieces += [before, marker]
        start = length + len(before)
        read, length = citation.end, start + len(marker)
        found.append(Renumbered(number, citation, start, length))
    return "".join([*pieces, answer[read:]]), firsts + others


def in_order(evidence: Sequence[Evidence], citations: Iterable[Renumbered]) -> list[Evidence]:
    """The evidence by its new numbers: what is cited, then the rest."""
    numbers = {each.citation.number: each.number for each in citations}
    return sorted(evidence, key=lambda item: numbers.get(item.number, len(numbers) + item.number))
