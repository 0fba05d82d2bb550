"""A quantity: what it may mean, and whether it agrees with another one or may be confused with it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

Reading = tuple[str, str]
"""A kind and a value: `("minutes", "30")`."""
Date = tuple[int | None, int | None, int | None]
"""Year, month and day, as far as they are named."""

_SPREAD = {"minutes": 300, "bytes": 2000, "grams": 2000}
"""Lengths of time that differ more are no rivals."""
_PLAIN = {"count", "times"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of a text. `readings` are its kinds and values. `written` is the number alone, or empty.

    `bare` is True if it has no unit, and `worded` if it is written in words. Places are those in the read text.
    """

    readings: frozenset[Reading]
    written: str
    start: int
    end: int
    bare: bool = False
    worded: bool = False
    date: Date | None = None

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(kind for kind, _ in self.readings)

    def agrees(self, other: Quantity) -> bool:
        """Returns True if this quantity of a passage may be the other one, of a statement, which may lack a unit."""
        if self.date and other.date:
            return _same_date(self.date, other.date)
        if self.readings & other.readings or self._is_day_of(other) or other._is_day_of(self):
            return True
        if self.bare != other.bare and _is_numbered(self, other):
            return True
        if not self.written or self.written != other.written:
            return (self.bare and other.is_year(self.written)) or (other.bare and self.is_year(other.written))
        if self.bare and self.worded:  # a passage's two trips are no two months
            return other.is_plain
        return self.bare or other.bare

    def rivals(self, other: Quantity) -> bool:
        """Returns True if both are of one kind and do not agree, so that a statement may confuse them."""
        if self.agrees(other):
            return False
        if self.date and other.date:
            return (self.date[1] is None) == (other.date[1] is None)
        if self.kinds & other.kinds:
            return all(_comparable(one, another) for one in self.readings for another in other.readings)
        return self.is_plain and other.is_plain and _is_year(self.written) == _is_year(other.written)

    @property
    def is_plain(self) -> bool:
        """Returns True for a number without a unit, or of things that are counted."""
        return bool(self.written) and (self.bare or not self.kinds.isdisjoint(_PLAIN))

    def is_year(self, written: str) -> bool:
        """Returns True if this is a date of the year that is written so."""
        return self.date is not None and str(self.date[0]) == written

    def _is_day_of(self, other: Quantity) -> bool:
        """Returns True if this is the day alone of the other date, or the month alone of a date without a day."""
        if other.date is None:
            return False
        _, month, day = other.date
        return (("month", str(month)) if day is None else ("monthday", str(day))) in self.readings


def _comparable(one: Reading, other: Reading) -> bool:
    """Returns False for two values of one kind that nobody confuses: 35 minutes and 8 weeks."""
    if one[0] != other[0] or one[0] not in _SPREAD:
        return True
    first, second = Fraction(one[1]), Fraction(other[1])
    return bool(first and second) and 1 / _SPREAD[one[0]] <= first / second <= _SPREAD[one[0]]


def _is_year(written: str) -> bool:
    return len(written) == 4 and written[:2] in ("19", "20")


def _same_date(one: Date, other: Date) -> bool:
    """Returns True if no part of two dates differs, and they share a day, a month, or a year alone."""
    pairs = [(mine, theirs) for mine, theirs in zip(one, other, strict=True) if mine is not None and theirs is not None]
    return bool(pairs) and all(mine == theirs for mine, theirs in pairs)


def _is_numbered(one: Quantity, other: Quantity) -> bool:
    """Returns True if one is a code with the number of the other: iso9001 and 9001. Short numbers are no names."""
    code, number = (one, other) if other.bare else (other, one)
    digits = number.written
    return len(digits) > 2 and any(kind == "code" and value.lstrip(_LETTERS) == digits for kind, value in code.readings)
