"""Chooses the part of the evidence that answers, and a second one if it adds something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant.events import Evidence
from assistant.quoting.asked import Asked
from assistant.quoting.intervals import Quantity
from assistant.quoting.parts import Part, parts_of
from ingest.document import Chunk

_OWN, _AROUND = 0.6, 0.4
"""The weights of a part's own words, and of its words together with those above it."""
_LEAST_RANK = 0.6
"""The weight of a passage whose fused score is 0. That of the best passage is 1."""
_BARE = 0.5
"""A line that may be a heading, or that only announces what follows, is hardly an answer."""
_OF_KIND, _NOT_OF_KIND = 1.25, 0.85
_FITS, _MISSES = 1.8, 0.4
"""The row whose range has the number of the question, and its neighbours in the same table."""
_SAME_NUMBERS = 0.3
"""The gain of a part that has all the numbers of the question."""
_LIST_FOR_WAY, _LIST_OTHERWISE = 1.35, 0.7
"""A question how to do something is answered by the whole list. Others are answered by one item of it."""
_SECOND = 0.75
"""A part of another document has at least this share of the best score."""
_ALSO_ASKED = 0.45
"""A part with something else that the question asks for has at least this share."""
_NEWLY_COVERED = 0.15
_SAME = 0.6
"""Two parts say the same if they share so many of their terms."""

@dataclass(frozen=True, slots=True)
class Quoted:
    """A part that is quoted, with the number of its evidence."""

    number: int
    chunk: Chunk
    part: Part


@dataclass(slots=True)
class _Candidate:
    quoted: Quoted
    order: int
    score: float
    gives: frozenset[str]


def choose(question: str, evidence: Sequence[Evidence]) -> list[Quoted]:
    """Returns one part, or two, the best one first. It returns none only if the evidence has no text."""
    quoted = [found for item in evidence for found in _quoted(item)]
    if not quoted:
        return []
    asked = Asked(question, [each.part for each in quoted])
    priors = _priors(evidence)
    candidates = [
        _Candidate(each, order, priors[each.number] * _score(each.part, asked), asked.gives(each.part))
        for order, each in enumerate(quoted)
    ]
    _weigh_ranges(candidates, asked.quantities)
    ranked = sorted(candidates, key=lambda each: (-each.score, each.order))
    best = ranked[0]
    second = next((each for each in ranked[1:] if _adds(each, best, asked)), None)
    return [best.quoted] if second is None else [best.quoted, second.quoted]


def _quoted(item: Evidence) -> Iterator[Quoted]:
    chunk = item.hit.chunk
    parts = parts_of(chunk.title, chunk.location.heading_path, chunk.text)
    for part in parts:
        yield Quoted(item.number, chunk, part)


def _priors(evidence: Sequence[Evidence]) -> Mapping[int, float]:
    """Returns the weight of each passage: its fused score beside the best one."""
    best = max(item.hit.score for item in evidence)
    shares = {item.number: item.hit.score / best if best > 0 else 1.0 for item in evidence}
    import os
    P=float(os.environ.get('P','1')); L=float(os.environ.get('L','0.6'))
    return {number: L + (1 - L) * max(0.0, share) ** P for number, share in shares.items()}


def _score(part: Part, asked: Asked) -> float:
    """Returns how well a part answers, by its words, its kind and its form. The floor keeps an order among parts that
    were found by meaning alone.
    """
    score = 0.05 + _OWN * asked.coverage(part, part.terms) + _AROUND * asked.coverage(part, part.around)
    if part.is_bare:
        score *= _BARE
    if asked.kinds:
        share = len(asked.gives(part)) / len(asked.kinds)
        score *= _NOT_OF_KIND + (_OF_KIND - _NOT_OF_KIND) * share
    if part.kind == "list":
        score *= _LIST_FOR_WAY if "way" in asked.kinds else _LIST_OTHERWISE
    if asked.stated:
        score *= 1 + _SAME_NUMBERS * len(asked.stated & part.numbers) / len(asked.stated)
    return score


def _weigh_ranges(candidates: Sequence[_Candidate], stated: Sequence[Quantity]) -> None:
    """Raise the rows whose range has a number of the question, and lower the other rows of their table."""
    for quantity in stated:
        fitting: dict[tuple[str, int], float] = {}
        loosenesses = [_looseness(each.quoted.part, quantity) for each in candidates]
        for each, looseness in zip(candidates, loosenesses, strict=True):
            if looseness is not None:
                place = _place(each)
                fitting[place] = min(looseness, fitting.get(place, looseness))
        for each, looseness in zip(candidates, loosenesses, strict=True):
            tightest = fitting.get(_place(each))
            if tightest is not None and each.quoted.part.kind != "list":
                each.score *= _FITS if looseness == tightest else _MISSES if each.quoted.part.intervals else 1.0


def _looseness(part: Part, quantity: Quantity) -> float | None:
    fitting = [found.looseness(quantity) for found in part.intervals if found.holds(quantity)]
    return min(fitting, default=None)


def _place(candidate: _Candidate) -> tuple[str, int]:
    return candidate.quoted.chunk.id, candidate.quoted.part.block


def _adds(other: _Candidate, best: _Candidate, asked: Asked) -> bool:
    """Returns True if a part says something that the best one does not: what the question also asks for, or what
    another document has.
    """
    first, second = best.quoted.part, other.quoted.part
    if second.is_bare or second.text in (first.before, first.text) or first.text in second.text or second.text in first.text:
        return False
    shared = len(first.terms & second.terms)
    if other.quoted.chunk.id == best.quoted.chunk.id and first.kind == second.kind == "row" and first.block == second.block:
        shared -= len(first.terms & second.terms & frozenset())
    if shared >= _SAME * min(len(first.terms), len(second.terms)) and first.kind != "row":
        return False
    if other.score < _ALSO_ASKED * best.score:
        return False
    if asked.kinds - best.gives and (other.gives - best.gives):
        return True
    together = asked.coverage(first, first.around | second.around) - asked.coverage(first, first.around)
    if together >= _NEWLY_COVERED:
        return True
    new_numbers = bool(second.numbers - first.numbers - asked.stated) or not second.numbers
    elsewhere = other.quoted.chunk.document_id != best.quoted.chunk.document_id
    return elsewhere and other.score >= _SECOND * best.score and new_numbers and other.gives >= best.gives
