"""The steps by which people work out figures: a sum, a difference, a product, a share, a length of time.

Each step says which words it needs, in the clause of the figure that is worked out (`said`) or else where the passage
has the figure that the statement does not name (`there`): `together`, `each`, `the rest`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from types import MappingProxyType

from assistant.checking.quantity import Date, Quantity
from assistant.checking.segments import Segment

_HENCE = (
    r"也就是|即|因此|所以|相当于|等于|折合|算下来|\b(?:so|thus|therefore|hence|which (?:is|means|makes)|that is|i\.?e\b"
    r"|equals|works out|results?)\b"
)
HENCE = re.compile(_HENCE)
ADDED = re.compile(
    rf"{_HENCE}|共|都|合计|总计|总额|加起来|合起来|一起|[两三四]者|算上|连同|延长到|含"
    r"|\b(?:totals?|totall?ing|altogether|together|in all|sums?|combined|both|includ\w+|add(?:s|ed) up|comes? to)\b"
)
TAKEN = re.compile(
    rf"{_HENCE}|相差|差额|便宜|贵|剩|余|扣除|除去|不含|不算|多出|省|比[^,，]{{1,12}}[多少高低长短早晚]|缩短|[多少]了|历时|提前"
    r"|推迟|(?:增加|减少|提高|降低|延长)了?"
    r"|\b(?:less|fewer|more|higher|lower|longer|shorter|cheaper|earlier|later) than\b"
    r"|\b(?:difference|remain\w*|the rest|left|still|excluding|without|net of|minus|not counting|sav(?:es?|ing))\b"
    r"|\b(?:rais\w+|ris\w+|rose|increas\w+|gr[eo]w\w*|fell|fall\w*|drop\w*|decreas\w+|reduc\w+|lower\w*|cut|up|down)"
    r" by\b"
)
RELATES = re.compile(
    r"比[^,，。]{1,12}[多少高低长短早晚]|其余|余下|剩余|±|允差|其他"
    r"|\b(?:less|fewer|more|higher|lower|longer|shorter|cheaper) than\b|\b(?:the rest|the remainder|tolerance)\b"
)
RATE = re.compile(r"每|单价|/|按|费|价|标准|\b(?:per|each|every|a|an|price|rate|apiece|fee|charge)\b|@")
EACH = re.compile(r"每|平均|人均|均|合|折|\b(?:per|each|every|average|apiece)\b|\ban? (?:day|month|year|head|person)\b")
_OFF = re.compile(r"减|扣|折|优惠|便宜|省|剩|余|\b(?:off|less|discount|reduc\w+|cheaper|minus|remain\w*|net)\b")
_ON = re.compile(
    r"加|涨|增|含|上浮|另|\b(?:plus|includ\w+|increas\w+|more|surcharge|rais\w+|ris\w+|add\w*|with|extra)\b"
)
_REST = re.compile(r"剩|余|其他|便宜|优惠|省|减|扣|折|\b(?:rest|remain\w*|other|off|cheaper|discount|left|balance)\b")
_TOLERANCE = re.compile(r"±|允差|\btolerance\b")
_NO_MEASURE = frozenset(
    ("code", "version", "ordinal", "weekday", "monthday", "month", "quarter", "date", "clock", "ratio")
)
_OFTEN_SMALL = frozenset(("", "minutes", "months", "count", "times", "percent", "degrees", "inches", "multiple"))
"""Kinds whose figures are small round numbers, which are products of others by chance."""
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_FRACTION = re.compile(r"\d{1,20}(?:\.\d{1,20}|/\d{1,20})?")
_ROUNDED = 2
"""With more digits than these, a share of something may be rounded at its last one."""
_ROUGH = Fraction(1, 20)
_MONTHS = 12
_MINUTES_A_DAY = 1440


Values = MappingProxyType[str, Fraction]
"""The values of a figure by their kinds."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A figure from which others may be worked out. It is `named` if the statement or the question has it, and `given`
    if nothing but the step confirms it.
    """

    figure: Quantity
    segment: Segment
    named: bool
    given: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step: the value that it gives, the one that is stated, and the words that it needs, if any."""

    name: str
    value: Fraction
    wanted: Fraction
    uses: tuple[Operand, ...]
    said: re.Pattern[str] | None = None
    there: re.Pattern[str] | None = None
    exact: bool = True


def precision(figure: Quantity, wanted: Fraction) -> Fraction:
    """Returns half of the last place that a figure states, at most a twentieth of it: 37,500 may be 37,520."""
    number = _number(figure)
    if not number:
        return Fraction(0)
    whole, _, fraction = figure.written.partition(".")
    place = Fraction(1, 10 ** len(fraction)) if fraction else Fraction(10 ** (len(whole) - len(whole.rstrip("0"))))
    return min(place / 2 * (wanted / number), wanted * _ROUGH)


def is_reckoned(figure: Quantity) -> bool:
    """Returns True if a figure may be worked out. Codes, ordinals and days of the week are not."""
    return bool(measures(figure)) or figure.date is not None or bool(_clocks(figure))


def steps(figure: Quantity, one: Operand, other: Operand) -> Iterator[Step]:
    """Yields the steps that lead from two figures to a figure of this kind, whatever they give.

    A product needs one figure that is named, and a share two: others are too many not to fit by chance.
    """
    first, second = measures(one.figure), measures(other.figure)
    uses = (one, other)
    if not (one.named or other.named) and _TOLERANCE.search(one.segment.text):
        first, second = _with_unit(first, second), _with_unit(second, first)
    for kind, wanted in measures(figure).items():
        if kind in first and kind in second:
            total = first[kind] + second[kind]
            yield Step("sum", total, wanted, uses, ADDED)
            if not (one.named and other.named):
                yield Step("sum", total, wanted, uses, None, RELATES)
            yield Step("difference", abs(first[kind] - second[kind]), wanted, uses, TAKEN, RELATES)
        if one.named or other.named:
            yield from _products(figure, kind, wanted, one, other)
            yield from _products(figure, kind, wanted, other, one)
        if kind == "percent" and one.named and other.named:
            yield from _shares(wanted, uses)
    yield from _spans(figure, uses)


def rests(figure: Quantity, operands: Sequence[Operand]) -> Iterator[Step]:
    """Yields what is left of a whole: the remaining 60 % where 40 % are paid."""
    wanted = measures(figure).get("percent")
    for each in operands if wanted is not None else ():
        value = measures(each.figure).get("percent")
        if wanted is not None and value is not None and value != 50:
            yield Step("rest", 100 - value, wanted, (each,), _REST)


def sums(figure: Quantity, operands: Sequence[Operand]) -> Iterator[Step]:
    """Yields what the figures of a row, a column or a sentence make, and what a total leaves beside the others."""
    groups = [list(group) for _, group in groupby(operands, key=lambda each: each.segment.unit)]
    heads = dict.fromkeys(each.segment.head for each in operands if each.segment.head)
    groups += [[each for each in operands if each.segment.head == head] for head in heads]
    for kind, wanted in measures(figure).items():
        for group in groups if kind else ():
            uses = tuple(each for each in group if kind in measures(each.figure))
            numbers = [measures(each.figure)[kind] for each in uses]
            if len(numbers) > 2:
                total = sum(numbers, Fraction(0))
                yield Step("list", total, wanted, uses, ADDED)
                yield Step("list", 2 * max(numbers) - total, wanted, uses, TAKEN, RELATES)


@lru_cache(maxsize=1024)
def measures(figure: Quantity) -> Values:
    """Returns the values of a figure by their kinds. That of a number without a unit, or of a count, is empty."""
    found = {kind: Fraction(value) for kind, value in figure.readings if kind not in _NO_MEASURE and _is_number(value)}
    number = _number(figure)
    if figure.bare and number is not None:
        found[""] = number
    elif "count" in found:
        found[""] = found["count"]
    return MappingProxyType(found)


def _products(figure: Quantity, kind: str, wanted: Fraction, one: Operand, thing: Operand) -> Iterator[Step]:
    """Yields what so many of one figure make, or a share of it, or what one has if so many share it."""
    mine, its, number = measures(one.figure), measures(thing.figure), _number(thing.figure)
    if kind not in mine or kind in its or kind == "percent":
        return
    uses, value, digits = (one, thing), mine[kind], len(figure.written.replace(".", "").strip("0"))
    if "percent" in its:
        if kind not in _OFTEN_SMALL:
            share = its["percent"] / 100
            exact = digits <= _ROUNDED
            yield Step("percent", value * share, wanted, uses, None if thing.named else HENCE, exact=exact)
            yield Step("percent", value * (1 - share), wanted, uses, _OFF, exact=exact)
            yield Step("percent", value * (1 + share), wanted, uses, _ON, exact=exact)
        return
    if not number or number <= 1 or thing.figure.date:
        return
    specific = digits > 1
    if thing.named and (kind not in _OFTEN_SMALL or (kind in ("minutes", "count") and specific)):
        words = (ADDED, None) if kind in _OFTEN_SMALL else (EACH, RATE)
        yield Step("product", value * number, wanted, uses, *words)
    if kind not in _OFTEN_SMALL and (specific or (one.named and thing.named)):
        yield Step("quotient", value / number, wanted, uses, EACH, exact=False)


def _shares(wanted: Fraction, uses: tuple[Operand, Operand]) -> Iterator[Step]:
    first, second = (measures(each.figure) for each in uses)
    for kind in first:
        low, high = sorted((first[kind], second.get(kind, first[kind])))
        if kind != "percent" and low and low != high:
            for part, whole in ((low, high), (high - low, high), (high - low, low)):
                yield Step("share", part / whole * 100, wanted, uses, exact=False)


def _spans(figure: Quantity, uses: tuple[Operand, Operand]) -> Iterator[Step]:
    """Yields how long it is from one time to another, and when something ends that begins then and lasts so long."""
    one, other = (each.figure for each in uses)
    wanted = measures(figure).get("minutes")
    if wanted is not None and uses[0].segment is uses[1].segment:
        for first in _clocks(one):
            for second in _clocks(other):
                yield Step("span", Fraction(abs(first - second)), wanted, uses)
        days = _days_between(one.date, other.date) if one.date and other.date else None
        if days is not None:
            yield Step("span", Fraction(days * _MINUTES_A_DAY), wanted, uses)
    for start, length in ((one, other), (other, one)):
        months, minutes = (measures(length).get(kind) for kind in ("months", "minutes"))
        year = start.date[0] if start.date else None
        if months and year:
            if figure.date and start.date and figure.date[0] and figure.date[1] and start.date[1]:
                yield Step("span", _month_of(start.date) + months, _month_of(figure.date), uses)
            elif (ends := _year(figure)) is not None:
                yield Step("span", Fraction(year) + months / _MONTHS, Fraction(ends), uses)
        for begun in _clocks(start) if minutes else ():
            for ended in _clocks(figure):
                yield Step("span", begun + (minutes or Fraction(0)), Fraction(ended), uses, ADDED)


def _with_unit(values: Values, others: Values) -> Values:
    """Returns a bare value as one in the units of another: 0.42 % ± 0.03."""
    if values.keys() != {""}:
        return values
    return MappingProxyType(dict.fromkeys(others, values[""]))


def _year(figure: Quantity) -> int | None:
    if figure.date:
        return figure.date[0] if figure.date[1] is None else None
    return int(figure.written) if figure.bare and len(figure.written) == 4 and figure.written.isdecimal() else None


def _month_of(date: Date) -> Fraction:
    return Fraction((date[0] or 0) * _MONTHS + (date[1] or 1))


def _number(figure: Quantity) -> Fraction | None:
    return Fraction(figure.written) if _is_number(figure.written) else None


def _is_number(value: str) -> bool:
    return _FRACTION.fullmatch(value) is not None


def _clocks(figure: Quantity) -> list[int]:
    found = (_CLOCK.fullmatch(value) for kind, value in figure.readings if kind == "clock")
    return [60 * int(each[1]) + int(each[2]) for each in found if each]


def _days_between(one: Date, other: Date) -> int | None:
    year = one[0] or other[0] or 2001
    try:
        first, second = (datetime.date(date[0] or year, date[1] or 0, date[2] or 0) for date in (one, other))
    except ValueError:
        return None
    return abs((first - second).days)
