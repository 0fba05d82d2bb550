"""Checks if passages confirm the figures of a statement, each for what the statement says that it is of.

A figure that the passages lack is not confirmed, even if the asker named it first. It is excused if the statement
denies it beside the passage's own figure ("not 30 days but 15"), and if the passage has a range that contains it
(`满五年不满十年` for somebody's 8 years). A figure that the passages have is misplaced if another figure of its kind
stands where the words of the statement are: the price of the other row.
"""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations

from assistant.checking.quantities import Date, Quantity, quantities, read_text
from assistant.checking.ranges import Range, is_condition, is_limit, ranges_of, values
from assistant.checking.segments import FIGURE, Segment, figure_terms, segments_of, statement_segments
from assistant.events import Support

_DENIED_BEFORE = re.compile(
    r"(?:不是|并非|而非|并不|没有|不会|而不|\bnot\b|n't\b|\bno\b|\binstead of\b|\brather than\b|\bnever\b)[^\d]{0,16}\Z"
)
_DENIED_AFTER = re.compile(
    r"[^\d]{0,10}?(?:不对|有误|错|不行|不能|不可|不符|不够|超|高于|低于|少于|多于|大于|小于|不足|不到|太"
    r"|\bis(?: not|n't)\b|\bexceed|\babove\b|\bbelow\b|\bover\b|\bunder\b|\bwrong\b|\bincorrect\b|\btoo\b|\bmore than\b"
    r"|\bless than\b|\bcannot\b|\bcan't\b|\bwithin\b|符合|够)"
)
_MENTIONED = re.compile(
    r"(?:您?问|您?说|提到|所说|提及|\basked?(?: about| for)?\b|\bmention(?:ed)?\b|\basking\b)[^\d]{0,12}\Z"
)
_DERIVED_BEFORE = re.compile(
    r"(?:共|合计|总计|总额|加起来|相差|差额|多出|(?<![最至不])[多少]了?|增加了?|减少了?|提高了?|降低了?|推迟了?|提前了?|延长了?|之间|\btotals?\b|\baltogether\b"
    r"|\bdifference\b|\bby\b|\bsum\b)(?!\w*[到至为])[^\d到至为]{0,6}\Z"
)
_DERIVED_AFTER = re.compile(r"[^\d]{0,12}?(?:in total|altogether|together|in all|more|less|later|earlier|的差)")
_PERIODS = {
    name: re.compile(rf"每个?(?:{han})|\b(?:a|an|per|each|every) (?:{word})\b|\b(?:{adverb})\b")
    for name, han, word, adverb in (
        ("hour", "小时", "hour", "hourly"),
        ("day", "[天日晚]", "day|night", "daily|nightly"),
        ("week", "周|星期", "week", "weekly"),
        ("month", "月", "month|calendar month", "monthly"),
        ("quarter", "季度?", "quarter", "quarterly"),
        ("year", "年", "year", "yearly|annual|annually"),
    )
}
_PER = frozenset(("yuan", "twd", "dollar", "euro", "pound", "hkd", "yen", "percent"))
_ROUNDS_BEFORE = re.compile(
    r"(?:约|大概|大约|近|将近|接近|不到|差不多|\babout|\baround|\broughly|\bnearly|\balmost|\bapproximately|\bjust (?:under|over))[ ]?\Z"
)
_ROUNDS_AFTER = re.compile(r"[ ]?(?:左右|上下|or so)")
_ROUNDED = Fraction(1, 20)
_COUNTS = {"count", "times"}
_EXCUSED = 20
"""At most so many figures of the asker are excused in one statement. With more, the statement is not confirmed."""
_COMPARED = 40
"""At most so many figures of a statement are compared with the passages."""
_NAMED, _FURTHER, _UNSURE = 2.0, 0.5, 0.5
_BEFORE = 1.5
"""The margin is so many times wider for words that the clause only goes on with."""
_SUMMED = 30
MISPLACED, MISPLACED_ACROSS = 0.1, 0.1
"""A figure is misplaced if the words of its clause fit another figure of its kind better by this share of their weight.
MISPLACED_ACROSS is the same across languages, where a dictionary translates the words.
From `benchmarks.citation_check`, on the half of the documents that is for fitting."""


@dataclass(frozen=True)
class Passage:
    """A passage as figures are looked for in it. What it says is read when it is first needed.

    It is `crossed` if the statement is in another language.
    """

    heading: str
    text: str
    crossed: bool = False

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        return segments_of(self.heading, self.text, self.crossed)

    @cached_property
    def found(self) -> tuple[tuple[Quantity, Segment], ...]:
        """Returns the quantities, each with its segment. The number of a table's rows is one too."""
        return tuple((quantity, segment) for segment in self.segments for quantity in segment.quantities)

    @cached_property
    def ranges(self) -> tuple[tuple[Range, Segment], ...]:
        return tuple(
            (each, segment) for segment in self.segments for each in ranges_of(segment.text, segment.quantities)
        )

    @cached_property
    def rows(self) -> int:
        """Returns the number of its tables' rows."""
        return len({segment.unit for segment in self.segments if segment.row})

    @cached_property
    def names(self) -> Mapping[str, set[int]]:
        """Returns the names of its tables' rows, each with the numbers of the rows."""
        found: dict[str, set[int]] = {}
        for segment in self.segments:
            if len(segment.name) > 1:
                found.setdefault(segment.name, set()).add(segment.unit)
        return found

    @cached_property
    def frequencies(self) -> Mapping[str, int]:
        """Returns for each term the number of segments that have it as their own."""
        return Counter(term for segment in self.segments for term, weight in segment.words.items() if weight >= 1.0)

    def agreeing(self, figure: Quantity) -> list[Segment]:
        """Returns the segments with this figure."""
        return [segment for quantity, segment in self.found if quantity.agrees(figure)]


def stated(statement: Sequence[Segment]) -> Iterator[tuple[Quantity, Segment]]:
    """Yields the figures of a statement that passages must confirm: all in digits, and those in words with a unit.

    One in words is left out, because it is often no figure: 一年一次, one day. So is half.
    """
    for segment in statement:
        for figure in segment.quantities:
            counts = figure.kinds <= _COUNTS
            if not figure.worded or figure.written not in ("", "1", "2") or (figure.written == "2" and not counts):
                if figure.worded and figure.kinds == {"ordinal"}:
                    continue
                yield figure, segment


def borne_out(statement: str, question: str, passages: Sequence[Passage]) -> Support | None:
    """Returns how far the passages together confirm the figures of a statement, or None if they do not."""
    crossed = any(passage.crossed for passage in passages)
    clauses = statement_segments(statement, crossed)
    figures = list(stated(clauses))[:_COMPARED]
    asked = quantities(read_text(question)) if figures else []
    own = [pair for pair in figures if any(passage.agreeing(pair[0]) for passage in passages)]
    missing = [pair for pair in figures if pair not in own]
    if len(missing) > _EXCUSED:
        return None
    supports: set[Support] = {"checked"}
    for figure, clause in missing:
        support = _excused(figure, clause, own, asked, passages)
        if support is None:
            return None
        supports.add(support)
    if any(_misplaced(figure, clause, own, passages) for figure, clause in own):
        return None
    return "not_checkable" if "not_checkable" in supports else "checked"


def confirms(statement: str, passage: Passage) -> bool:
    """Returns True if the passage has a figure of the statement."""
    return any(passage.agreeing(figure) for figure, _ in stated(statement_segments(statement)))


def _excused(
    figure: Quantity,
    clause: Segment,
    own: Sequence[tuple[Quantity, Segment]],
    asked: Sequence[Quantity],
    passages: Sequence[Passage],
) -> Support | None:
    if figure.worded and figure.kinds <= _COUNTS:
        return _counted(figure, passages)
    if _is_rounded(figure, clause, passages):
        return "not_checkable"
    if not any(figure.agrees(other) for other in asked):
        return _derived(figure, clause, passages)
    before, after = clause.text[: figure.start], clause.text[figure.end :]
    same = [other for other, _ in own if other.rivals(figure)]
    if same and (_DENIED_BEFORE.search(before) or _DENIED_AFTER.match(after)):
        return "checked"
    if same and _MENTIONED.search(before):
        return "not_checkable"
    return _within_range(figure, clause, own, passages)


def _is_rounded(figure: Quantity, clause: Segment, passages: Sequence[Passage]) -> bool:
    """Returns True if the statement says that it rounds, and the passage has a figure near to this one."""
    before, after = clause.text[: figure.start], clause.text[figure.end :]
    if not (_ROUNDS_BEFORE.search(before) or _ROUNDS_AFTER.match(after)):
        return False
    return any(
        abs(value - wanted) <= wanted * _ROUNDED
        for kind in figure.kinds
        for wanted in values(figure, kind)
        for passage in passages
        for other, _ in passage.found
        for value in values(other, kind)
    )


def _within_range(
    figure: Quantity, clause: Segment, own: Sequence[tuple[Quantity, Segment]], passages: Sequence[Passage]
) -> Support | None:
    """Returns how far a range of a passage excuses a figure. The statement's own figures must stand beside the range."""
    if is_limit(clause.text, figure):
        return None
    covering = [pair for passage in passages for pair in passage.ranges if pair[0].holds(figure)]
    supports = [
        "checked" if each.closed else "not_checkable"
        for each, segment in covering
        if own
        and not any(each.ends_with(other) for other, _ in own)
        and all(_stands_in(other, segment.unit, passages) for other, _ in own)
    ]
    if "checked" in supports:
        return "checked"
    return "not_checkable" if supports else None


def _stands_in(figure: Quantity, unit: int, passages: Sequence[Passage]) -> bool:
    return any(segment.unit == unit for passage in passages for segment in passage.agreeing(figure))


def _counted(figure: Quantity, passages: Sequence[Passage]) -> Support | None:
    """Returns how far a count in words holds that no passage has. Who sums up counts what stands there (三种情况), so it
    is wrong only beside another count of the passage.
    """
    if any(figure.written == str(passage.rows) for passage in passages):
        return "checked"
    rivals = [other for passage in passages for other, _ in passage.found if other.bare or other.kinds & _COUNTS]
    return None if rivals else "checked"


def _derived(figure: Quantity, clause: Segment, passages: Sequence[Passage]) -> Support | None:
    """Returns `not_checkable` if the figure is the sum or the difference of two of one sentence or row, and the
    statement says so.
    """
    if any(figure.written == str(passage.rows) and figure.kinds <= {"count"} for passage in passages):
        return "checked"
    before, after = clause.text[: figure.start], clause.text[figure.end :]
    if not (_DERIVED_BEFORE.search(before) or _DERIVED_AFTER.match(after)):
        return None
    for kind in figure.kinds:
        wanted = values(figure, kind)
        for passage in passages:
            for one, other in combinations(passage.found[:_SUMMED], 2):
                if one[1].unit != other[1].unit:
                    continue
                if kind == "minutes" and one[0].date and other[0].date:
                    days = _days_between(one[0].date, other[0].date)
                    if days is not None and Fraction(days * 1440) in wanted:
                        return "not_checkable"
                for first in values(one[0], kind):
                    for second in values(other[0], kind):
                        if first + second in wanted or abs(first - second) in wanted:
                            return "not_checkable"
    return None


def _days_between(one: Date, other: Date) -> int | None:
    year = one[0] or other[0] or 2001
    try:
        first, second = (datetime.date(date[0] or year, date[1] or 0, date[2] or 0) for date in (one, other))
    except ValueError:
        return None
    return abs((first - second).days)


def _misplaced(
    figure: Quantity, clause: Segment, own: Sequence[tuple[Quantity, Segment]], passages: Sequence[Passage]
) -> bool:
    """Returns True if the words of a figure's clause fit another figure of its kind better than those of this one.

    The clause's own words are compared first. Those that it goes on with may belong to the figures before it, so they
    are compared only with figures that the statement does not have.
    """
    condition = is_condition(clause.text, figure)
    if condition and len(clause.quantities) > 1:  # below 99 % you get 10 %: the words are those of the 10 %
        return False
    held = [(other, segment) for passage in passages for other, segment in passage.found if other.agrees(figure)]
    surely = [segment for other, segment in held if segment.row or other.is_plain == figure.is_plain]
    holders = [segment for _, segment in held]
    in_cells = any(other.bare and segment.row for other, segment in held)
    period = periods(clause.text)
    if period and figure.kinds & _PER and all(period.isdisjoint(periods(each.text) or period) for each in holders):
        return True
    rivals = [
        (other, segment)
        for passage in passages
        for other, segment in passage.found
        if segment not in holders
        and (other.rivals(figure) or (in_cells and other.bare and segment.row and not other.agrees(figure)))
    ]
    if _is_in_other_row(clause, holders, rivals, passages):
        return True
    if _is_swapped(figure, clause, holders, rivals, own, passages):
        return True
    unsaid = [segment for other, segment in rivals if not any(other.agrees(each) for each, _ in own)]
    # Figures of its own kind that were named before belong to something else.
    alike = tuple(f"{FIGURE}{kind}:" for kind in figure.kinds) or figure_terms(figure)
    words = {term: weight for term, weight in clause.words.items() if not term.startswith(tuple(alike))}
    owned = _owned(clause, figure)
    if _fits_better(owned, unsaid, holders, surely, passages, _margin(passages)):
        return True
    return not condition and _fits_better(words, unsaid, holders, surely, passages, _margin(passages) * _BEFORE)


def _is_in_other_row(
    clause: Segment,
    holders: Sequence[Segment],
    rivals: Sequence[tuple[Quantity, Segment]],
    passages: Sequence[Passage],
) -> bool:
    """Returns True if the statement names another row than those with the figure, and that row has a rival."""
    rows = _named_rows(clause.text, passages) or _named_rows(clause.before, passages, last=True)
    if not rows or any(not segment.row or segment.unit in rows for segment in holders):
        return False
    return any(segment.unit in rows for _, segment in rivals)


def _named_rows(text: str, passages: Sequence[Passage], *, last: bool = False) -> set[int]:
    """Returns the rows that a text names, or the one that it names last. Home Green is not Home."""
    found = {
        name: (text.rfind(name), rows)
        for passage in passages
        for name, rows in passage.names.items()
        if name in text
    }
    kept = {name: place for name, place in found.items() if not any(name != other and name in other for other in found)}
    if last and kept:
        return max(kept.values(), key=lambda place: place[0])[1]
    return {row for _, rows in kept.values() for row in rows}


def _is_swapped(
    figure: Quantity,
    clause: Segment,
    holders: Sequence[Segment],
    rivals: Sequence[tuple[Quantity, Segment]],
    own: Sequence[tuple[Quantity, Segment]],
    passages: Sequence[Passage],
) -> bool:
    """Returns True if two clauses of the statement fit the passage better with their figures exchanged."""
    for other, its_clause in own:
        if figure in its_clause.quantities or is_condition(its_clause.text, other):
            continue
        beside = [segment for rival, segment in rivals if rival.agrees(other)]
        if not beside:
            continue
        mine, its = _owned(clause, figure), _owned(its_clause, other)
        gain = _gain(mine, beside, holders, passages) + _gain(its, holders, beside, passages)
        if gain > _margin(passages) * _whole(mine, passages):
            return True
    return False


def _owned(clause: Segment, figure: Quantity) -> dict[str, float]:
    """Returns the terms of a clause itself, without those of the figure."""
    itself = figure_terms(figure)
    return {term: weight for term, weight in clause.words.items() if weight >= 1.0 and term not in itself}


def _gain(
    words: Mapping[str, float], rivals: Sequence[Segment], holders: Sequence[Segment], passages: Sequence[Passage]
) -> float:
    weights = _weights(words, passages)
    crossed = any(passage.crossed for passage in passages)
    if not weights:
        return 0.0
    return max(_fit(weights, segment, crossed) for segment in rivals) - max(
        _fit(weights, segment, crossed) for segment in holders
    )


def periods(text: str) -> set[str]:
    """Returns the periods for which a price or a share is due: 每月, a week, yearly."""
    return {name for name, pattern in _PERIODS.items() if pattern.search(text)}


def _fits_better(
    words: Mapping[str, float],
    rivals: Sequence[Segment],
    holders: Sequence[Segment],
    surely: Sequence[Segment],
    passages: Sequence[Passage],
    margin: float,
) -> bool:
    """Returns True if a rival fits the words better than every holder. A number without a unit holds half as surely."""
    weights = _weights(words, passages)
    crossed = any(passage.crossed for passage in passages)
    if not (rivals and holders and weights):
        return False
    best = max(_fit(weights, segment, crossed) * (1.0 if segment in surely else _UNSURE) for segment in holders)
    return max(_fit(weights, segment, crossed) for segment in rivals) - best > _margin(passages) * _whole(
        words, passages
    )


def _weights(words: Mapping[str, float], passages: Sequence[Passage]) -> dict[str, float]:
    """Returns the terms that a passage has. Terms of few segments weigh more: they tell the segments apart."""
    weights: dict[str, float] = {}
    for term, weight in words.items():
        for passage in passages:
            if frequency := passage.frequencies.get(term):
                rarity = math.log(1 + len(passage.segments) / frequency)
                weights[term] = max(weights.get(term, 0.0), weight * rarity)
    return weights


def _whole(words: Mapping[str, float], passages: Sequence[Passage]) -> float:
    """Returns what all these terms weigh, those that no passage has as if one segment had them."""
    weights = _weights(words, passages)
    if any(passage.crossed for passage in passages):
        return sum(weights.values())
    rarest = math.log(1 + max(len(passage.segments) for passage in passages))
    return sum(weights.get(term, weight * rarest) for term, weight in words.items())


def _margin(passages: Sequence[Passage]) -> float:
    return MISPLACED_ACROSS if any(passage.crossed for passage in passages) else MISPLACED


def _fit(weights: Mapping[str, float], segment: Segment, crossed: bool) -> float:
    """Returns what a segment has of the terms. A row whose name has further terms is another row: Home Green."""
    fit = sum(
        weight * segment.words.get(term, 0.0) * (_NAMED if term in segment.keys else 1.0)
        for term, weight in weights.items()
    )
    if segment.keys and not crossed and not segment.keys.isdisjoint(weights):
        fit -= sum(weights.values()) / len(weights) * len(segment.keys.difference(weights)) * _FURTHER
    return fit
