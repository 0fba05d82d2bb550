"""Chooses the part of the evidence that answers, and a second one if it adds something or may answer instead."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby

from assistant.events import Evidence
from assistant.quoting.asked import Asked
from assistant.quoting.fitting_rows import fitting_rows
from assistant.quoting.intervals import Quantity
from assistant.quoting.parts import Part, parts_of, whole
from assistant.quoting.reading import PassageReading, ReadPassage
from assistant.quoting.times import NamedTimes
from ingest.document import Chunk
from ingest.embedding.codes import codes_in
from ingest.language import fold

_OWN, _AROUND = 0.6, 0.4
"""The weights of a part's own words, and of its words together with those above it."""
_LEAST_RANK = 0.4
"""The weight of a passage whose fused score is 0. That of the best passage is 1."""
_OTHER_LANGUAGE = 0.5
"""The weight of a passage in another language than that of the best passage."""
_BARE = 0.5
"""A line that may be a heading, or that only announces what follows, is hardly an answer."""
_OF_KIND, _NOT_OF_KIND = 1.25, 0.7
"""A part that has all kinds of answer that are asked for, and one that has none."""
_LOOSE = frozenset({"way"})
"""A kind that so many texts give that it decides nothing by itself."""
_FITS, _MISSES = 1.8, 0.4
"""The row whose range has the number of the question, and its neighbours in the same table."""
_OF_ANOTHER = 0.6
"""A row about another code that has the question's beside it."""
_OF_ANOTHER_TIME = 0.1
"""A part about another day than that of the question. It does not answer, however alike its other words are."""
_SAME_NUMBERS = 0.3
"""The gain of a part that has all the numbers of the question."""
_LIST_FOR_WAY, _LIST_OTHERWISE = 1.35, 0.7
"""A question how to do something is answered by the whole list. Others are answered by one item of it."""
_ELSEWHERE = 0.9
"""A part of another document has at least this share of the best score."""
_ALSO_ASKED = 0.6
"""A part with something else that the question asks for has at least this share."""
_NEWLY_COVERED = 0.2
"""A part with other words of the question adds at least this share of them."""
_ROWS = 8
_AS_GOOD = 0.97
"""A row with this share of the best score is as good. If most rows are, the question asks for the table, and gets at
most so many rows."""
_BY_READING = 0.5
_LEAST_READ, _MOST_READ = -8.0, 6.0
"""What a unit of the log odds that a part answers multiplies its score by is e to this power."""
_CERTAIN = 2.0
"""Log odds from which a part that was read answers for certain."""
_MAY_ANSWER = 0.35
"""Where the best part is not certain, another one with this share of its score may answer instead."""
_SAME = 0.6
"""Two parts say the same if they share so many of their terms."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A part that is quoted, with the number of its evidence. `more` are further rows of the table. `instead`: it may
    answer instead of the part before it, of which nobody can be certain.
    """

    number: int
    chunk: Chunk
    part: Part
    more: tuple[Part, ...] = ()
    instead: bool = False


@dataclass(slots=True)
class _Candidate:
    """A part with its score by words, and what reading it multiplies that by."""

    quoted: Quoted
    order: int
    words: float
    gives: frozenset[str]
    read: float = 1.0

    @property
    def score(self) -> float:
        return self.words * self.read


def choose(question: str, evidence: Sequence[Evidence], reading: PassageReading | None = None) -> list[Quoted]:
    """Returns one part, or two, the best one first. It returns none only without evidence.

    With `reading`, what a model read counts beside the words.
    """
    if not evidence:
        return []
    quoted = [found for item in evidence for found in _quoted(item)]
    if not quoted:
        chunk = evidence[0].hit.chunk
        return [Quoted(evidence[0].number, chunk, whole(chunk.title, chunk.text))]
    asked = Asked(question, [each.part for each in quoted])
    priors = _priors(question, evidence)
    candidates = []
    for order, each in enumerate(quoted):
        gives = asked.gives(each.part)
        candidates.append(_Candidate(each, order, priors[each.number] * _score(each.part, asked, gives), gives))
    if reading is not None:
        _weigh_by_reading(candidates, reading.read(question, [item.hit.chunk for item in evidence]))
    _weigh_ranges(candidates, asked.quantities)
    _weigh_codes(candidates, frozenset(codes_in(fold(question))))
    _weigh_times(candidates, NamedTimes(question))
    ranked = sorted(candidates, key=lambda each: (-each.score, each.order))
    best = _of_kind(ranked)
    first = _whole_table(best, candidates)
    others = [each for each in ranked if each is not best and not (first.more and _place(each) == _place(best))]
    second = next((each for each in others if _adds(each, best, asked)), None)
    if second is not None:
        return [first, second.quoted]
    other = next((each for each in others if _is_another(each, best)), None)
    if other is not None and reading is not None and _may_answer(other, best):
        return [first, replace(other.quoted, instead=True)]
    return [first]


def _quoted(item: Evidence) -> Iterator[Quoted]:
    chunk = item.hit.chunk
    parts = parts_of(chunk.title, chunk.location.heading_path, chunk.text)
    for part in parts:
        yield Quoted(item.number, chunk, part)


def _of_kind(ranked: Sequence[_Candidate]) -> _Candidate:
    """Returns the best part, or the best of the kind that is asked for if that is not far behind."""
    worth = [each for each in ranked if each.score >= _ALSO_ASKED * ranked[0].score]
    return next((each for each in worth if each.gives - _LOOSE), ranked[0])


def _whole_table(best: _Candidate, candidates: Sequence[_Candidate]) -> Quoted:
    """Returns the best part. If it is a row like most others of its table, returns the first rows of the table."""
    if best.quoted.part.kind != "row":
        return best.quoted
    rows = [each for each in candidates if _place(each) == _place(best)]
    alike = sum(each.words >= _AS_GOOD * best.words for each in rows)
    if alike < 3 or 2 * alike < len(rows):
        return best.quoted
    parts = [each.quoted.part for each in rows[:_ROWS]]
    return replace(best.quoted, part=parts[0], more=tuple(parts[1:]))


def _priors(question: str, evidence: Sequence[Evidence]) -> Mapping[int, float]:
    """Returns the weight of each passage: its fused score beside the best one, and less in another language than the
    best one's, because its words cannot be compared as well. A passage that alone has a code of the question loses
    nothing.
    """
    best = max(evidence, key=lambda item: item.hit.score).hit
    missing = set(codes_in(fold(question))) - _codes_of(best.chunk)
    shares = {item.number: item.hit.score / best.score if best.score > 0 else 1.0 for item in evidence}
    return {
        item.number: (_LEAST_RANK + (1 - _LEAST_RANK) * max(0.0, shares[item.number]))
        * (1.0 if _compares(item.hit.chunk, best.chunk, missing) else _OTHER_LANGUAGE)
        for item in evidence
    }


def _compares(chunk: Chunk, best: Chunk, missing: Set[str]) -> bool:
    return chunk.language == best.language or bool(missing & _codes_of(chunk))


def _codes_of(chunk: Chunk) -> set[str]:
    return set(codes_in(fold(f"{chunk.heading}\n{chunk.text}")))


def _score(part: Part, asked: Asked, gives: frozenset[str]) -> float:
    """Returns how well a part answers, by its words, its kind and its form. The floor keeps an order among parts that
    were found by meaning alone.
    """
    score = 0.05 + _OWN * asked.coverage(part, part.terms) + _AROUND * asked.coverage(part, part.around)
    if part.is_bare:
        score *= _BARE
    if asked.kinds:
        share = len(gives) / len(asked.kinds)
        score *= _NOT_OF_KIND + (_OF_KIND - _NOT_OF_KIND) * share
    if part.kind == "list":
        score *= _LIST_FOR_WAY if "way" in asked.kinds else _LIST_OTHERWISE
    if asked.stated and (gives or not asked.kinds):
        score *= 1 + _SAME_NUMBERS * len(asked.stated & part.numbers) / len(asked.stated)
    return score


def _weigh_by_reading(candidates: Sequence[_Candidate], read: Sequence[ReadPassage]) -> None:
    """Set what reading makes of each part. A list is as good as the best sentence in it, and what was not read is as
    good as the worst that was.
    """
    scores = [score for passage in read for score in passage.texts.values()]
    worst = max(min(scores, default=_LEAST_READ), _LEAST_READ)
    for each in candidates:
        part, texts = each.quoted.part, read[each.quoted.number - 1].texts
        score = texts.get(part.text)
        if score is None:
            score = max((score for text, score in texts.items() if text in part.text), default=worst)
        each.read = math.exp(_BY_READING * min(max(score, _LEAST_READ), _MOST_READ))


def _weigh_codes(candidates: Sequence[_Candidate], asked: Set[str]) -> None:
    """Lower the rows of a table that has a row with just the code that is asked for: CS-620P is not CS-620. Lower also,
    by less, the rows that have it beside a code of their own, if a row begins with it: a spare part fits the device.
    """
    rows = [each for each in candidates if each.quoted.part.kind == "row"]
    having = [each for each in rows if asked & set(codes_in(fold(each.quoted.part.text)))]
    others = [each for each in having if _first_code(each.quoted.part.text) not in asked]
    if len(others) < len(having):
        for each in others:
            each.words *= _OF_ANOTHER
    places = {_place(each) for each in having}
    for each in rows:
        if _place(each) in places and each not in having:
            each.words *= _MISSES


def _weigh_times(candidates: Sequence[_Candidate], asked: NamedTimes) -> None:
    """Lower the parts about another day, time or quarter than the question names, if a part is about that."""
    are_in = [asked.are_in(each.quoted.part.text) if asked else None for each in candidates]
    if True in are_in:
        for each, is_in in zip(candidates, are_in, strict=True):
            each.words *= _OF_ANOTHER_TIME if is_in is False else 1.0


def _first_code(text: str) -> str:
    folded = fold(text)
    lower = folded.lower()

    def place(code: str) -> int:
        at = lower.find(code[1:] if code[0] == "n" and code[1:2].isdigit() else code)
        return at if at >= 0 else len(lower)

    return min(codes_in(folded), key=place)


def _weigh_ranges(candidates: Sequence[_Candidate], stated: Sequence[Quantity]) -> None:
    """Raise the rows whose range has a number of the question, and lower the other rows of their table."""
    for _, group in groupby(candidates, key=lambda each: each.quoted.number):
        passage = list(group)
        parts = [each.quoted.part for each in passage]
        for quantity in stated:
            for place, fits in fitting_rows(parts, quantity).items():
                passage[place].words *= _FITS if fits else _MISSES


def _place(candidate: _Candidate) -> tuple[str, int]:
    return candidate.quoted.chunk.id, candidate.quoted.part.block


def _adds(other: _Candidate, best: _Candidate, asked: Asked) -> bool:
    """Returns True if a part says something that the best one does not: what the question also asks for, or what
    another document has.
    """
    first, second = best.quoted.part, other.quoted.part
    if not _is_another(other, best) or other.score < _ALSO_ASKED * best.score:
        return False
    if (asked.kinds - best.gives) & other.gives - _LOOSE:
        return True
    covered = asked.coverage(first, first.around)
    if asked.coverage(first, first.around | second.around) - covered >= _NEWLY_COVERED:
        return True
    if other.quoted.chunk.document_id == best.quoted.chunk.document_id or other.score < _ELSEWHERE * best.score:
        return False
    is_new = not second.numbers or bool(second.numbers - first.numbers - asked.stated)
    return is_new and other.gives >= best.gives and asked.coverage(second, second.around) >= covered


def _is_another(other: _Candidate, best: _Candidate) -> bool:
    """Returns True if a part is neither bare, nor part of the best one, nor says the same."""
    first, second = best.quoted.part, other.quoted.part
    if second.is_bare or first.text in second.text or second.text in f"{first.before}\n{first.text}":
        return False
    return first.kind == "row" or not _say_the_same(first, second)


def _may_answer(other: _Candidate, best: _Candidate) -> bool:
    """Returns True if a part may answer instead of the best one: what was read of that does not decide for it."""
    decided = best.read >= math.exp(_BY_READING * _CERTAIN) and best.read >= other.read
    return not decided and other.score >= _MAY_ANSWER * best.score


def _say_the_same(first: Part, second: Part) -> bool:
    return len(first.terms & second.terms) >= _SAME * min(len(first.terms), len(second.terms))
