"""Whether a figure stands in a passage for what the statement says that it is of, and not for something else.

Every clause and cell of the passage with another figure of the same kind is a rival: the price of the other row. The
words of the statement's clause are compared with those of the figure and with those of its rivals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Mapping, Sequence

from assistant.checking.passage import Passage
from assistant.checking.quantities import quantities
from assistant.checking.quantity import Quantity
from assistant.checking.ranges import is_condition
from assistant.checking.segments import FIGURE, Segment, figure_terms

_PERIODS = {
    name: re.compile(rf"每个?(?:{han})|\b(?:a|an|per|each|every) (?:[a-z]+ and )?(?:{word})\b|\b(?:{adverb})\b")
    for name, han, word, adverb in (
        ("hour", "小时", "hour", "hourly"),
        ("day", "[天日晚]", "day|night", "daily|nightly"),
        ("week", "周|星期", "week", "weekly"),
        ("month", "月", "month|calendar month", "monthly"),
        ("quarter", "季度?", "quarter(?! of)", "quarterly"),
        ("year", "年", "year", "yearly|annual|annually"),
    )
}
_ENDS = {
    "from": re.compile(r"(?:由|从|自|而不是|而非)[ ]?\Z|\b(?:from|instead of|rather than)[ ]\Z"),
    "to": re.compile(r"(?:[减增降升提延推缩迟][\u4e00-\u9fff]?|人|元|%)[到至][ ]?\Z|(?<!up )\bto[ ]\Z"),
}
_REPLACES = re.compile(r"[ ]?(?:而不是|而非|instead of|rather than)")
_AROUND = 14
_PER = frozenset(("yuan", "twd", "dollar", "euro", "pound", "hkd", "yen", "percent"))
_NAMED, _FURTHER, _UNSURE = 2.0, 0.5, 0.5
_BEFORE, _APART, _ACROSS = 1.5, 1.5, 2.0
"""Words that a clause only goes on with, figures of sentences that do not stand side by side, and words that a
dictionary has translated say so many times less."""
_TABLED = 2.0
"""What names a row or a column says so many times more."""
DOUBTED, MISPLACED = 0.06, 0.12
"""From the first on, nothing can tell if a figure is in its place, and from the second on it is not. The scale is how
much better the words of its clause fit another figure of its kind, as a share of what they weigh. From
`benchmarks.citation_check`, on the documents that are for fitting."""
_CERTAIN = 9.0

_FROM, _TO, _PER_DEVIATION = 0.02, 0.6, 0.06
"""From the first to the second displacement, the meaning of the clauses counts too: so much for each deviation by which
a rival's clause is nearer."""
_CLAUSES = 12
"""At most so many clauses of rivals, and of the figure, are compared by meaning."""

Stated = tuple[Quantity, Segment]
"""A figure of a statement, and its clause."""
Context = tuple[str, str]
"""What a figure stands in, without the figure itself: its clause, and its sentence as far as that clause."""
Nearer = Callable[[Context, Sequence[Context], Sequence[Context]], float | None]
"""Returns how many deviations nearer the meaning of the last contexts is to the first one than that of the second ones,
or None if that is not known."""


def displacement(
    figure: Quantity,
    clause: Segment,
    own: Sequence[Stated],
    passages: Sequence[Passage],
    nearer: Nearer | None = None,
) -> float:
    """Returns how much better the words of a figure's clause fit another figure of its kind. 0 is not at all.

    `own` are the figures of the statement that the passages have. Where the words are in doubt, `nearer` is asked.
    """
    condition = is_condition(clause.text, figure)
    if condition and len(clause.quantities) > 1:  # below 99 % you get 10 %: the words are those of the 10 %
        return 0.0
    if not weights_of(owned(clause, figure), passages) and any(
        len(each.before) < len(clause.before) and other.agrees(figure) for other, each in own
    ):
        return 0.0  # two days (48 hours): the first one is compared
    placing = _Placing(figure, clause, own, passages)
    if placing.names_row():
        return 0.0
    if placing.other_end():
        return _CERTAIN
    if not placing.rivals and not placing.other_period():
        return 0.0
    if placing.other_period() or placing.in_other_row() or placing.in_named_column():
        return _CERTAIN
    found = max(placing.swapped(), placing.own_words())
    found = found if condition else max(found, placing.words_before() / _BEFORE)
    if nearer is None or placing.crossed or not _FROM <= found < _TO:
        return found
    gain = nearer(*placing.contexts())
    return found if gain is None else max(0.0, found + _PER_DEVIATION * gain)


def is_certain(found: float) -> bool:
    """Returns True if no meaning of the clauses would change that a figure is misplaced."""
    return found >= _TO


class _Placing:
    """A figure of a statement, the segments that hold it, and its rivals there."""

    def __init__(self, figure: Quantity, clause: Segment, own: Sequence[Stated], passages: Sequence[Passage]) -> None:
        found = [pair for passage in passages for pair in passage.found]
        held = [(other, segment) for other, segment in found if other.agrees(figure)]
        held = [pair for pair in held if _is_like(pair[0], figure)] or held
        in_cells = any(other.bare and segment.row for other, segment in held)
        self._figure = figure
        self._clause = clause
        self._own = own
        self._passages = passages
        self.crossed = any(passage.crossed for passage in passages)
        self._held = held
        self._holders = [segment for _, segment in held]
        self._surely = [segment for other, segment in held if segment.row or other.is_plain == figure.is_plain]
        self.rivals = [
            (other, segment)
            for other, segment in found
            if segment not in self._holders
            and (other.rivals(figure) or (in_cells and other.bare and segment.row and not other.agrees(figure)))
        ]
        if figure.bare and not self.rivals:  # 30,000 a year: of what the passage has it of
            self.rivals = [
                (other, segment)
                for other, segment in found
                if segment not in self._holders and any(other.rivals(each) for each, _ in held)
            ]

    def other_period(self) -> bool:
        """Returns True if the statement says the price of another period: a month's as a week's."""
        mine = periods(self._clause.text)
        if not mine or not self._figure.kinds & _PER or not self._holders:
            return False
        return all(mine.isdisjoint(periods(segment.text) or mine) for segment in self._holders)

    def names_row(self) -> bool:
        """Returns True if the figure is no figure but the name of a row."""
        return "code" in self._figure.kinds and all(segment.text == segment.name for segment in self._holders)

    def in_named_column(self) -> bool:
        """Returns True if the statement names the column of a rival by its whole header, and not the figure's own."""
        heads = {segment.head for segment in self._holders if segment.row and segment.text != segment.name}
        if not heads or any(not segment.row for segment in self._holders):
            return False
        alone = not any(other.rivals(self._figure) for other in quantities(self._clause.before))
        for text in (self._clause.text, self._clause.before if alone else ""):
            named = {title for passage in self._passages for title in passage.titles if title and title.lower() in text}
            named = {title for title in named if not any(title != other and title in other for other in named)}
            if named:
                units = {segment.unit for segment in self._holders}
                return (
                    named.isdisjoint(heads)
                    and len(named) == 1
                    and any(segment.unit in units and segment.head in named for _, segment in self.rivals)
                )
        return False

    def in_other_row(self) -> bool:
        """Returns True if the statement names another row than those with the figure, and that row has a rival."""
        clause = self._clause
        if all(segment.text == segment.name for segment in self._holders):
            return False
        rows = _named_rows(clause.text, self._passages) or _named_rows(clause.before, self._passages, last=True)
        if not rows or any(not segment.row or segment.unit in rows for segment in self._holders):
            return False
        return any(segment.unit in rows for _, segment in self.rivals)

    def other_end(self) -> bool:
        """Returns True if the statement says the figure to which something changes, or until which it lasts, as that
        from which it does, or the other way.
        """
        mine = _end(self._clause.text, self._figure)
        ends = {_end(segment.text, other) for other, segment in self._held}
        return bool(mine) and bool(ends) and "" not in ends and mine not in ends

    def contexts(self) -> tuple[Context, list[Context], list[Context]]:
        """Returns the contexts of the figure in the statement, in the passages, and of its rivals."""
        unsaid = [pair for pair in self.rivals if not any(pair[0].agrees(each) for each, _ in self._own)]
        return (
            _context(self._figure, self._clause),
            [_context(*pair) for pair in self._held[:_CLAUSES]],
            [_context(*pair) for pair in (unsaid or self.rivals)[:_CLAUSES]],
        )

    def swapped(self) -> float:
        """Returns how much better two clauses of the statement fit the passage with their figures exchanged."""
        best = 0.0
        for other, clause in self._own:
            if self._figure in clause.quantities or is_condition(clause.text, other):
                continue
            beside = [segment for rival, segment in self.rivals if rival.agrees(other)]
            if beside:
                mine, its = owned(self._clause, self._figure), owned(clause, other)
                gain = self._gain(mine, beside, self._holders) + self._gain(its, self._holders, beside)
                best = max(best, self._share(gain, mine))
        return best

    def own_words(self) -> float:
        """Returns how much better the clause's own words fit a figure that the statement does not have."""
        return self._better(owned(self._clause, self._figure))

    def words_before(self) -> float:
        """Returns the same for all words that the clause goes on with.

        Figures of this one's kind that were named before belong to something else.
        """
        alike = tuple(f"{FIGURE}{kind}:" for kind in self._figure.kinds) or tuple(figure_terms(self._figure))
        return self._better({term: w for term, w in self._clause.words.items() if not term.startswith(alike)})

    def _better(self, words: Mapping[str, float]) -> float:
        weights = weights_of(words, self._passages)
        unsaid = [segment for other, segment in self.rivals if not any(other.agrees(each) for each, _ in self._own)]
        if not (unsaid and self._holders and weights):
            return 0.0
        best = max(self._fit(weights, each) * (1.0 if each in self._surely else _UNSURE) for each in self._holders)
        places = {segment.unit + step for segment in self._holders for step in (-1, 0, 1)}
        gain = max((self._fit(weights, segment) - best) * self._weight(segment, places) for segment in unsaid)
        return self._share(gain, words)

    @staticmethod
    def _weight(segment: Segment, places: Container[int]) -> float:
        if segment.row:
            return _TABLED
        return 1.0 if segment.unit in places else 1 / _APART

    def _fit(self, weights: Mapping[str, float], segment: Segment) -> float:
        return fit(weights, segment, crossed=self.crossed)

    def _gain(self, words: Mapping[str, float], these: Sequence[Segment], those: Sequence[Segment]) -> float:
        weights = weights_of(words, self._passages)
        if not weights:
            return 0.0
        return max(self._fit(weights, each) for each in these) - max(self._fit(weights, each) for each in those)

    def _share(self, gain: float, words: Mapping[str, float]) -> float:
        """Returns a gain as a share of what all the words weigh, those that no passage has as if one segment had them.

        Across languages only the words count that a passage has.
        """
        weights = weights_of(words, self._passages)
        if self.crossed:
            return gain / (sum(weights.values()) or 1.0) / _ACROSS
        rarest = math.log(1 + max(len(passage.segments) for passage in self._passages))
        return gain / (sum(weights.get(term, weight * rarest) for term, weight in words.items()) or 1.0)


def _is_like(one: Quantity, other: Quantity) -> bool:
    """Returns True if two figures that agree have a unit in common, or none."""
    return bool(one.readings & other.readings) or (one.is_plain and other.is_plain) or bool(one.date and other.date)


def _context(figure: Quantity, segment: Segment) -> Context:
    clause = f"{segment.text[: figure.start]} … {segment.text[figure.end :]}".strip()
    if segment.row:
        cell = f"{segment.name} {segment.head} {clause}"
        return cell, cell
    return clause, f"{segment.before}{clause}"


def _end(text: str, figure: Quantity) -> str:
    """Returns `from` or `to` if the text says that something changes or lasts from or to the figure."""
    before = text[max(0, figure.start - _AROUND) : figure.start]
    if _REPLACES.match(text, figure.end):
        return "to"
    return next((name for name, pattern in _ENDS.items() if pattern.search(before)), "")


def fit(weights: Mapping[str, float], segment: Segment, *, crossed: bool) -> float:
    """Returns what a segment has of the terms. A row whose name has further terms is another row: Home Green."""
    found = sum(
        weight * segment.words.get(term, 0.0) * (_NAMED if term in segment.keys else 1.0)
        for term, weight in weights.items()
    )
    if segment.keys and not crossed and not segment.keys.isdisjoint(weights):
        found -= sum(weights.values()) / len(weights) * len(segment.keys.difference(weights)) * _FURTHER
    return found


def owned(clause: Segment, figure: Quantity) -> dict[str, float]:
    """Returns the terms of a clause itself, without those of the figure. A clause of figures alone has none."""
    itself = figure_terms(figure)
    found = {term: weight for term, weight in clause.words.items() if weight >= 1.0 and term not in itself}
    return found if any(not term.startswith(FIGURE) for term in found) else {}


def _named_rows(text: str, passages: Sequence[Passage], *, last: bool = False) -> set[int]:
    """Returns the rows that a text names, or the one that it names last. Home Green is not Home."""
    found = {
        name: (text.rfind(name), rows) for passage in passages for name, rows in passage.names.items() if name in text
    }
    kept = {name: place for name, place in found.items() if not any(name != other and name in other for other in found)}
    if last and kept:
        return max(kept.values(), key=lambda place: place[0])[1]
    return {row for _, rows in kept.values() for row in rows}


def periods(text: str) -> set[str]:
    """Returns the periods for which a price or a share is due: 每月, a week, yearly."""
    return {name for name, pattern in _PERIODS.items() if pattern.search(text)}


def weights_of(words: Mapping[str, float], passages: Sequence[Passage]) -> dict[str, float]:
    """Returns the terms that a passage has. Terms of few segments weigh more: they tell the segments apart."""
    weights: dict[str, float] = {}
    for term, weight in words.items():
        for passage in passages:
            if frequency := passage.frequencies.get(term):
                rarity = math.log(1 + len(passage.segments) / frequency)
                weights[term] = max(weights.get(term, 0.0), weight * rarity)
    return weights
