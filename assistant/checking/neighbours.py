"""Quantities that stand side by side and are one, or share what only one of them has.

5-10 years              two numbers of years
14 to 17 October        two days of October
1小时30分钟, 1 h 30 min   90 minutes
1亿2千万元               one amount
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from assistant.checking.quantity import Date, Quantity

_JOINS = re.compile(r"\s?(?:[-–—~至到]|to|and|或|和|及|until)\s?")
_ADDS = re.compile(r"[ ]?(?:and|又|零)?[ ]?")
_SUMMED = ("minutes", "months", "metres", "grams")
_DAYS = 31


def joined(text: str, found: Sequence[Quantity]) -> list[Quantity]:
    """Returns the quantities of a text, in order, with what they have from their neighbours."""
    left: list[Quantity] = []
    for quantity in found:
        between = text[left[-1].end : quantity.start] if left else ""
        if left and (one := _one(left[-1], quantity, text, between)) is not None:
            left[-1] = one
            continue
        if left and _JOINS.fullmatch(between):
            left[-1], quantity = _shared(left[-1], quantity)
        left.append(quantity)
    return left


def _one(first: Quantity, second: Quantity, text: str, between: str) -> Quantity | None:
    """Returns the one quantity that two are together, or None."""
    if not between and first.bare and text[first.end - 1] in "亿万" and _less(second.written, first.written):
        return _scaled(second, Fraction(first.written) + Fraction(second.written), first.start)
    if not _ADDS.fullmatch(between) or not (first.written and second.written):
        return None
    for kind in _SUMMED:
        larger, smaller = _value(first, kind), _value(second, kind)
        if larger and smaller and smaller < larger and larger / Fraction(first.written) > smaller:
            total = str(larger + smaller)
            return Quantity(frozenset([(kind, total)]), "", first.start, second.end, worded=first.worded)
    return None


def _shared(first: Quantity, second: Quantity) -> tuple[Quantity, Quantity]:
    """Returns two joined quantities. A bare one has the unit or the month of the other."""
    if first.bare and not first.worded and second.date and _is_day(first):
        return _dated(first, second.date), second
    if second.bare and not second.worded and first.date and _is_day(second):
        return first, _dated(second, first.date)
    if first.bare and not second.bare and first.written and (value := _number(first.written)) is not None:
        written = "" if first.worded else first.written  # two to six thousand: nobody means two
        if _factors(second):
            return replace(_scaled(second, value, first.start), end=first.end, written=written), second
    return first, second


def _is_day(quantity: Quantity) -> bool:
    return quantity.written.isdecimal() and 0 < int(quantity.written[:3]) <= _DAYS


def _dated(day: Quantity, other: Date) -> Quantity:
    if other[1] is None or other[2] is None:
        return day
    date = (other[0], other[1], int(day.written))
    return replace(day, readings=frozenset([("date", str(date))]), written="", bare=False, date=date)


def _scaled(quantity: Quantity, value: Fraction, start: int) -> Quantity:
    """Returns a quantity with the units of another one."""
    readings = frozenset((kind, str(value * factor)) for kind, factor in _factors(quantity))
    return replace(quantity, readings=readings, written=str(value), start=start)


def _factors(quantity: Quantity) -> list[tuple[str, Fraction]]:
    number = _number(quantity.written)
    if not number:
        return []
    readings = ((kind, _number(value)) for kind, value in quantity.readings)
    return [(kind, value / number) for kind, value in readings if value is not None]


def _value(quantity: Quantity, kind: str) -> Fraction | None:
    return next((_number(value) for its, value in quantity.readings if its == kind), None)


def _less(one: str, other: str) -> bool:
    smaller, larger = _number(one), _number(other)
    return smaller is not None and larger is not None and smaller < larger


def _number(written: str) -> Fraction | None:
    """Returns the value of a number, or None if it is a version or too long."""
    if len(written) > 40 or not re.fullmatch(r"\d+(?:\.\d+)?(?:/\d+)?", written):
        return None
    return Fraction(written)
