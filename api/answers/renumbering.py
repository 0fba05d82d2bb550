"""Numbers the sources of an answer in the order of their citations, for clients that expect this order.

A client of OpenAI's takes `[n]` for the n-th annotation. The evidence is numbered by relevance, and much of it is not
cited. So here the first cited source is `[1]` and the next one `[2]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.events import Citation, Cited, Event, Evidence, TextDelta

_MARKER = re.compile(r"\s*+\[\d++\]")


@dataclass(frozen=True, slots=True)
class Renumbered:
    """A citation with its new number. Its marker reaches from `start` to `end`, in characters of the new text."""

    number: int
    citation: Citation
    start: int
    end: int


class Renumbering:
    """The text of one answer while it streams.

    A marker is held back until its citation comes, which is the next event.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._held = ""
        self._read = 0

    def take(self, event: Event | None) -> str:
        """Returns the text that can be passed on after this event. `event` is None at the end."""
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
    """Returns the whole text and its citations: first one of each number, in the order of the numbers, then
    the others.
    """
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


def moved(place: int, citations: Iterable[Renumbered]) -> int:
    """Returns where a place of the answer's text is in the new text. Each marker before it may have become longer or
    shorter.
    """
    before = [each for each in citations if each.citation.end <= place]
    return place + sum(each.end - each.start - (each.citation.end - each.citation.start) for each in before)


def in_order(evidence: Sequence[Evidence], citations: Iterable[Renumbered]) -> list[Evidence]:
    """Returns the evidence by its new numbers: the cited evidence, then the rest."""
    numbers = {each.citation.number: each.number for each in citations}
    return sorted(evidence, key=lambda item: numbers.get(item.number, len(numbers) + item.number))
