"""The ranges that a text states, so that a number of the question finds its row: `满三年不满五年` for 4 years.

A cell is read like a sentence. These are ranges: `1-3 年`, `over 10 years`, `≤ 500`, `5,000 元以下`, `June to August`,
`7:00–21:00`. A number alone is a range of one value. Quantities are compared in the smallest unit of their kind, so
18 months are in `满一年不满三年`. Citations use another reader (`assistant.checking`), which must not excuse a wrong
figure. Here a range that is read wrongly only gives a worse order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from assistant.figures import measures
from assistant.terms import HAN_NUMBER, han_value
from ingest.embedding.spoken import as_written
from ingest.language import fold

_INFINITY = float("inf")
_SMALLEST = {
    "year": ("month", 12), "week": ("day", 7), "hour": ("minute", 60),
    "kg": ("g", 1000), "t": ("g", 1_000_000), "km": ("m", 1000), "litre": ("ml", 1000), "gb": ("mb", 1024),
}  # fmt: skip
_MORE_UNITS = {
    "kg": "公斤|千克|kg|kilos?|kilograms?", "g": "克|g|grams?", "t": "吨|t|tonn?es?|tons?",
    "km": "公里|千米|km|kilomet(?:er|re)s?", "m": "米|m|met(?:er|re)s?",
    "litre": "升|l|lit(?:er|re)s?", "ml": "毫升|ml", "gb": "gb", "mb": "mb",
    "degree": "度|℃|°c|°|degrees?", "watt": "瓦|w|watts?", "score": "分(?!钟)|points?", "pound": "英镑|pounds?",
    "piece": "[台件份张套本箱]|pieces?|pcs|copies|units|items?|boxes",
}  # fmt: skip
_UNIT = re.compile(
    r"\s?(?:" + "|".join(
        f"(?P<{name}>" + "|".join(word + (r"\b" if word[-1].isascii() and word[-1] not in ")]°" else "")
        for word in words.split("|")) + ")" for name, words in _MORE_UNITS.items()
    ) + ")"
)  # fmt: skip
_COUNTED = re.compile(r"\s?个?([\u4e00-\u9fff])(?<![以及至到和与或的之不起])")
"""Matches the character after a number if no unit is known: what is counted, as in 八节."""
_HEADER_UNIT = re.compile(r"[(（/]\s?([^()（）/]{1,8}?)\s?[)）]?\s?\Z")
"""Matches the unit in the header of a column: 司龄（年）."""

_NUMBER = rf"(?:\d{{1,2}}|{HAN_NUMBER.pattern.removesuffix('+')}{{1,3}})"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?:{'|'.join(_MONTHS)})(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\b\.?"
_DATE = re.compile(
    rf"(?P<han_month>(?<!\d){_NUMBER})\s?月(?:\s?(?P<han_day>{_NUMBER})\s?[日号])?"
    r"|(?<!\d)\d{4}[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)"
    rf"|(?:(?<!\d)(?P<before>\d{{1,2}})(?:st|nd|rd|th)?\s)?\b(?P<name>{_MONTH})(?:\s(?P<after>\d{{1,2}})(?:st|nd|rd|th)?\b)?"
)
_CLOCK = re.compile(
    rf"(?<![\d:])(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?![\d:])(?P<half>\s?[ap]\.?m)?"
    rf"|(?<!\d)(?P<bare>\d{{1,2}})\s?(?P<bare_half>[ap]\.?m\b)"
    rf"|(?P<part>凌晨|早上|上午|中午|下午|晚上|夜里)?\s?(?P<han>{_NUMBER})\s?点(?P<thirty>半)?"
)

_AROUND, _BETWEEN = 18, 14
"""So many characters beside a number, and between two, are searched for the words of a range."""
_BEFORE = [
    (re.compile(rf"(?:{words})\s?\Z"), side)
    for side, words in {
        "to, with": r"不[得能应可]?(?:超过|高于|大于|多于)|至多|最多|≤|<="
        r"|\bup to|\bat most|\b(?:no|not) more than|\bwithin",
        "from, with": r"(?<![不未])满|≥|>=|不[得能应可]?(?:少于|低于|小于)|至少|最少"
        r"|\bat least|\b(?:no|not) less than|\bfrom",
        "from": r"超过|大于|高于|多于|>|\bover|\bmore than|\babove|\bafter|\blonger than|\bexceeding",
        "to": r"不满|未满|不足|小于|低于|少于|不到|<|\bless than|\bunder|\bfewer than|\bbelow|\bbefore",
    }.items()
]
_AFTER = [
    (re.compile(rf"\s?(?:{words})"), side)
    for side, words in {
        "from, with": r"(?:\(含\))?及?以上|起|以后|之后|\+|(?:or|and) (?:more|above|over|up|longer|later)",
        "to, with": r"(?:\(含\))?及?以下|以内|之内|(?:or|and) (?:less|fewer|below|under|earlier)",
    }.items()
]
_WITHOUT = re.compile(r"[^|。]{0,4}不含")
_JOIN = re.compile(r"\s?(?:[-–—~至到]|to|through|till|until)\s?")
_AND = re.compile(r"\s?(?:and|和|与)\s?")
_BETWEEN_WORD = re.compile(r"(?:\bbetween|介于|在)\s?\Z")
_PARTED = re.compile(r"[。;|\n]")
_HALF_YEAR = re.compile(r"([一二两三四五六七八九])年半|半年")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the smallest unit of its kind. The unit is empty if none is known. `written` is the number as the
    text has it, with its unit.
    """

    value: float
    unit: str
    worded: bool = False
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of quantities. `low_in` and `high_in` say if its ends belong to it."""

    low: float
    high: float
    unit: str
    low_in: bool = True
    high_in: bool = True

    def holds(self, quantity: Quantity) -> bool:
        """Returns True if the quantity is in the range. Units must agree. A range without a unit takes any, but a
        single value does not.
        """
        if self.unit != quantity.unit and (self.low == self.high or (self.unit and quantity.unit)):
            return False
        above = self.low < quantity.value or (self.low_in and self.low == quantity.value)
        below = quantity.value < self.high or (self.high_in and self.high == quantity.value)
        return above and below

    def is_like(self, quantity: Quantity) -> bool:
        """Returns True if the range is one of such quantities, whether or not it holds this one."""
        return self.unit == quantity.unit if self.unit else self.low < self.high

    def looseness(self, quantity: Quantity) -> float:
        """Returns how far the range goes beyond a quantity in it. Of several rows the tightest is meant: of 满一年 and
        满三年 the second, for 4 years.
        """
        if self.high - self.low < _INFINITY:
            return self.high - self.low
        return min(quantity.value - self.low, self.high - quantity.value)


@dataclass(frozen=True, slots=True)
class _Mark:
    value: float
    unit: str
    start: int
    end: int
    worded: bool


def quantities(question: str) -> tuple[Quantity, ...]:
    """Returns the quantities that a question states. A one in words is none beside another number (四年 … 一年能休
    几天), and neither is the number in a name such as LX-24.
    """
    plain = _HALF_YEAR.sub(
        lambda half: f"{12 * int(han_value(half[1])) + 6 if half[1] else 6}个月", as_written(fold(question).lower())
    )
    marks = [mark for mark in _marks(plain) if not _is_no_quantity(plain, mark)]
    others = [mark for mark in marks if not (mark.worded and mark.value == 1)]
    return tuple(_quantity(mark, plain[mark.start : mark.end]) for mark in others or marks)


def without_quantities(question: str) -> tuple[str, str]:
    """Returns a folded question without its numbers that have a unit, and these. A row is found by its range, and other
    texts with the same number may speak of anything.
    """
    plain = as_written(fold(question))
    kept, counted, end = [], [], 0
    for mark in _marks(plain.lower()):
        if mark.unit.isascii() and mark.unit and mark.start >= end:
            kept.append(plain[end : mark.start])
            counted.append(plain[mark.start : mark.end])
            end = mark.end
    return " ".join([*kept, plain[end:]]), " ".join(counted)


def intervals(text: str, header: str = "") -> tuple[Interval, ...]:
    """Returns the ranges that a sentence or a cell states, and its single numbers. `header` is the column's."""
    plain = as_written(fold(text).lower())
    marks = list(_marks(plain))
    if unit := _unit_of_header(header):
        marks = [mark if mark.unit else _Mark(mark.value, unit, mark.start, mark.end, mark.worded) for mark in marks]
    return tuple(_intervals(plain, marks))


def _intervals(text: str, marks: Sequence[_Mark]) -> Iterator[Interval]:
    sides = [_side(text, mark) for mark in marks]
    joined: set[int] = set()
    for place, (first, second) in enumerate(pairwise(marks)):
        if place in joined or not _agree(first, second) or first.value >= second.value:
            continue
        low, high, between = sides[place], sides[place + 1], text[first.end : second.start]
        spans = len(between) <= _BETWEEN and not _PARTED.search(between)
        ranged = _JOIN.fullmatch(between) or (
            _AND.fullmatch(between) and _BETWEEN_WORD.search(text[max(0, first.start - _AROUND) : first.start])
        )
        if ranged or (spans and low.startswith("from") and high.startswith("to")):
            joined |= {place, place + 1}
            yield _interval(first.value, second.value, second.unit or first.unit, low != "from", high != "to")
    for place, mark in enumerate(marks):
        if place in joined:
            continue
        if sides[place].startswith("from"):
            yield _interval(mark.value, _INFINITY, mark.unit, sides[place] != "from", False)
        elif sides[place].startswith("to"):
            yield _interval(-_INFINITY, mark.value, mark.unit, False, sides[place] != "to")
        else:
            yield _interval(mark.value, mark.value, mark.unit, True, True)


def _side(text: str, mark: _Mark) -> str:
    """Returns on which side of the number the range is: `from` or `to`, and if the number is in it. It may be empty."""
    before, after = text[max(0, mark.start - _AROUND) : mark.start], text[mark.end : mark.end + _AROUND]
    side = next((side for pattern, side in _BEFORE if pattern.search(before)), "")
    side = side or next((side for pattern, side in _AFTER if pattern.match(after)), "")
    return side.partition(",")[0] if side and _WITHOUT.match(after) else side


def _marks(text: str) -> Iterator[_Mark]:
    """Yields the numbers of a folded text with their units: dates and times of day first, then all others."""
    found: list[_Mark] = []

    def blanked(match: re.Match[str], read: Callable[[re.Match[str]], tuple[str, float]]) -> str:
        unit, value = read(match)
        if not unit:
            return match[0]
        found.append(_Mark(value, unit, match.start(), match.end(), False))
        return " " * len(match[0])

    text = _CLOCK.sub(lambda match: blanked(match, _clock), text)
    text = _DATE.sub(lambda match: blanked(match, _date), text)
    for figure in measures(text):
        try:
            value = float(figure.value)
        except ValueError:
            continue
        unit, end = figure.unit, figure.end
        if not unit and (more := _UNIT.match(text, end) or _COUNTED.match(text, end)):
            unit, end = more.lastgroup or more[1], more.end()
        found.append(_Mark(value, unit, figure.start, end, figure.worded))
    yield from sorted(found, key=lambda mark: mark.start)


def _clock(match: re.Match[str]) -> tuple[str, float]:
    hours = match["hour"] or match["bare"] or match["han"]
    hour = int(hours) if hours.isdigit() else int(han_value(hours))
    afternoon = "p" in (match["half"] or match["bare_half"] or "") or match["part"] in ("下午", "晚上", "夜里")
    minutes = int(match["minute"] or 0) or (30 if match["thirty"] else 0)
    return "clock", 60 * (hour + 12 if afternoon and hour < 12 else hour) + minutes


def _date(match: re.Match[str]) -> tuple[str, float]:
    """Returns the unit `date` and the day of a year in which each month has 31 days, or the month alone."""
    if match["name"]:
        month, day = _MONTHS.index(match["name"][:3]) + 1, match["before"] or match["after"]
        if day is None and match["name"] == "may":
            return "", 0.0
    else:
        month, day = _whole(match["han_month"] or match["month"]), match["han_day"] or match["day"]
    return ("date", 31.0 * month + _whole(day)) if day else ("month of the year", float(month))


def _whole(number: str) -> int:
    return int(number) if number.isdigit() else int(han_value(number))


def _agree(first: _Mark, second: _Mark) -> bool:
    return first.unit == second.unit or not first.unit or not second.unit


def _unit_of_header(header: str) -> str:
    found = _HEADER_UNIT.search(fold(header).lower())
    marks = list(_marks(f"2 {found[1]}")) if found else []
    return marks[0].unit if marks else ""


def _is_no_quantity(text: str, mark: _Mark) -> bool:
    """Returns True for a number in words that counts nothing known (一定), and for the number of a name (LX-24)."""
    before = text[max(0, mark.start - 1) : mark.start]
    known = mark.unit != "" and mark.unit.isascii()
    if mark.worded:
        return not mark.unit or (mark.value == 1 and not known)
    return not known and (before == "-" or (before.isascii() and before.isalnum()))


def _quantity(mark: _Mark, written: str) -> Quantity:
    smallest, times = _SMALLEST.get(mark.unit, (mark.unit, 1))
    return Quantity(mark.value * times, smallest, mark.worded, written.strip())


def _interval(low: float, high: float, unit: str, low_in: bool, high_in: bool) -> Interval:
    smallest, times = _SMALLEST.get(unit, (unit, 1))
    return Interval(low * times, high * times, smallest, low_in, high_in)
