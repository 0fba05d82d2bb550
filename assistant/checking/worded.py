"""Figures that are often none: one year, half, twice, every month. They are wrong only beside another one.

A statement says `一年最多30天` of a passage that has no year in it, so such a figure need not stand there. It is
contradicted if the clause of the passage that fits the words of the statement's clause best has another figure of its
kind: `twice a week`, where the passage collects waste three times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from assistant.checking.passage import Passage
from assistant.checking.placing import fit, owned, weights_of
from assistant.checking.quantity import Quantity
from assistant.checking.segments import FIGURE, Segment
from assistant.terms import terms

_KINDS = frozenset(("minutes", "months", "percent", "times"))
_COUNTS = frozenset(("count", "times"))
_OFTEN = ("once", "twice")
_AT_A_TIME = ("一次", "一回")
"""Before something else these say `at a time`: 一次最多送5份."""
_PERIODS = tuple(
    (
        re.compile(rf"每个?(?:{han})(?![一二三四五六日天\d])|\b(?:a|an|per|each|every) (?:[a-z]+ and )?(?:{word})\b"),
        kind,
        value,
    )
    for kind, value, han, word in (
        ("minutes", "1", "分钟?", "minute"),
        ("minutes", "60", "小时", "hour"),
        ("minutes", "1440", "[天日晚]", "day|night"),
        ("minutes", "10080", "周|星期", "week"),
        ("months", "1", "月", "month|calendar month"),
        ("months", "3", "季度?", "quarter(?! of)"),
        ("months", "12", "年", "year"),
    )
)
_ADVERBS = {
    "hourly": ("minutes", "60"),
    "daily": ("minutes", "1440"),
    "weekly": ("minutes", "10080"),
    "monthly": ("months", "1"),
    "yearly": ("months", "12"),
    "annually": ("months", "12"),
    "annual": ("months", "12"),
}
_LENGTHS = {
    "minute": {("minutes", "1")},
    "hour": {("minutes", "60")},
    "day": {("minutes", "1440")},
    "week": {("minutes", "10080")},
    "month": {("months", "1"), ("minutes", "43200")},
    "year": {("months", "12"), ("minutes", "525600")},
}
_LENGTH = re.compile(
    rf"\b(?:within|after|for|in|of|than|until|before|over) (?:an?|one) (?:(?:full|whole|single) )?"
    rf"({'|'.join(_LENGTHS)})\b"
)
_ADVERB = re.compile(rf"\b({'|'.join(_ADVERBS)})\b( [a-z])?")
_COMPARED = 20
"""At most so many such figures of a statement are compared with the passages."""
_TOLD = 0.5
"""The clause of the passage must have this share of what the words of the statement's clause weigh."""


def contradicted(statement: Sequence[Segment], passages: Sequence[Passage]) -> bool:
    """Returns True if the passages have another figure in the place of one that is often none."""
    loose = ((figure, clause) for clause in statement for figure in _loose(clause))
    said = [figure for clause in statement for figure in clause.quantities]
    return any(_is_contradicted(figure, clause, said, passages) for figure, clause in islice(loose, _COMPARED))


def is_loose(figure: Quantity) -> bool:
    """Returns True for a figure in words that need not stand in the passage."""
    if not figure.worded:
        return False
    return (
        (figure.kinds == {"ordinal"} and (not figure.written.isdecimal() or int(figure.written) < 4))
        or figure.written in ("", "1")
        or (figure.written == "2" and figure.kinds <= _COUNTS)
    )


def _loose(clause: Segment) -> Iterator[Quantity]:
    for figure in clause.quantities:
        word = clause.text[figure.start : figure.end]
        generic = word.endswith("个") or (not figure.written and figure.kinds <= _COUNTS and word not in _OFTEN)
        if word in _AT_A_TIME and terms(clause.text[figure.end :]):
            continue
        if is_loose(figure) and not figure.kinds.isdisjoint(_KINDS) and not generic:
            yield figure
    yield from _periods(clause, stated=True)
    for found in _LENGTH.finditer(clause.text):
        yield Quantity(frozenset(_LENGTHS[found[1]]), "", found.start(), found.end(), worded=True)


def _periods(segment: Segment, *, stated: bool = False) -> Iterator[Quantity]:
    """Yields how often something is: every month, weekly. In a statement, `monthly rents` says nothing of the kind."""
    spans = [(figure.start, figure.end) for figure in segment.quantities]
    for pattern, kind, value in _PERIODS:
        for found in pattern.finditer(segment.text):
            if not any(start < found.end() and found.start() < end for start, end in spans):
                yield Quantity(frozenset([(kind, value)]), "", found.start(), found.end(), worded=True)
    for found in _ADVERB.finditer(segment.text):
        if not (stated and found[2]):
            yield Quantity(frozenset([_ADVERBS[found[1]]]), "", found.start(), found.end(1), worded=True)


def _is_contradicted(figure: Quantity, clause: Segment, said: Sequence[Quantity], passages: Sequence[Passage]) -> bool:
    if any(passage.agreeing(figure) for passage in passages):
        return False
    segments = [segment for passage in passages for segment in passage.segments]
    wide = _LENGTH.match(clause.text, figure.start) is not None
    if not wide and any(each.agrees(figure) for segment in segments for each in _periods(segment)):
        return False
    crossed = any(passage.crossed for passage in passages)
    rest = set(terms(f"{clause.text[: figure.start]} {clause.text[figure.end :]}"))
    words = {
        term: weight
        for term, weight in owned(clause, figure).items()
        if crossed or term in rest or term.startswith(FIGURE)
    }
    weights = weights_of(words, passages)
    if not weights:
        words = {term: weight for term, weight in clause.words.items() if not term.startswith(FIGURE)}
        weights = weights_of(words, passages)
    if not weights:
        return False
    fits = [(fit(weights, segment, crossed=crossed), segment) for segment in segments]
    best = max(found for found, _ in fits)
    if best < _TOLD * sum(weights.values()) * (len(words) / len(weights) if not crossed else 1.0):
        return False
    return all(
        any(
            _rivals(each, figure, said)
            for each in segments
            if each is segment or (wide and each.unit == segment.unit and not each.row)
        )
        for found, segment in fits
        if found >= best
    )


def _rivals(segment: Segment, figure: Quantity, said: Sequence[Quantity]) -> bool:
    rivals = (other for other in (*segment.quantities, *_periods(segment)) if other.rivals(figure))
    return any(not any(other.agrees(each) for each in said) for other in rivals)
