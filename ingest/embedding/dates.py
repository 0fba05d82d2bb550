"""Dates, times of the day, weekdays and quarters as words, so that each is one term however it is written.

    2024-03-05, 2024年3月5日, 24.3.5, 5-Mar-2024, 20240305    n20240305, and its month and its day of the year
    下午2点半, 14:30, 2:30 pm                                  a term for the time
    星期三, 周三, 礼拜三, Wednesday                            a term for the weekday
    2026年第2季度, 2026Q2, 2Q26                                a term for the quarter, and one with its year
    上半年, first half                                         a term for the half of the year

Everything here takes folded text (`ingest.language.fold`) in small letters, with Chinese numerals in digits, and linear
time. Most expressions begin with a digit, and look behind it only then: so the interpreter passes over other text
quickly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:(?:,? |[-/])(\d{4})(?!\d))?"
_DIGIT_DATES = (
    (re.compile(r"(\d(?<![\d.]\d)\d{3}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2})(?!\d|\.\d| ?月)"), (1, 2, 3)),
    (re.compile(r"(\d(?<!\d\d)\d{3}) ?年 ?(\d{1,2}) ?月(?! ?\d)"), (1, 2, 0)),
    (re.compile(r"(\d(?<!\d\d)\d) ?年 ?(\d{1,2}) ?月 ?(\d{1,2}) ?[日号]"), (1, 2, 3)),
    (re.compile(r"(\d(?<!\d\d)(?<!年\d)(?<!年 \d)\d?) ?月 ?(\d{1,2}) ?[日号]"), (0, 1, 2)),
)
_NAMED_DATES = (
    (re.compile(rf"(?<![\d.]){_DAY}[ /-](?:of )?{_MONTH}{_YEAR}"), (3, 2, 1)),
    (re.compile(rf"\b{_MONTH} {_DAY}(?![\d.:]){_YEAR}"), (3, 1, 2)),
    (re.compile(rf"\b{_MONTH} (\d{{4}})(?!\d)"), (2, 1, 0)),
)
"""Dates, and the groups that are year, month and day."""
_PARTED = re.compile(r"(\d(?<![a-z\d./-]\d)\d?)([./-])(\d{1,2})\2(\d{4}|\d{1,2})(?![a-z\d]|[./-]\d)")
"""26.3.9 is a date of this century, and 15/03/2024 has no fifteenth month. 03/05/2024 is none, because nobody knows
which of the two is its month.
"""
_RUN = re.compile(r"(\d(?<![a-z\d./-]\d)\d{3})(\d\d)(\d\d)(?![a-z\d]|[./-]\d)")
_SHORT_YEARS = range(20, 40)
"""Of these, 26.3.9 is a date. Of others it is the number of a section or a version more often."""

_CLOCK = re.compile(
    r"(\d(?<!\d\d)(?<!\d[.:]\d)\d?)"
    r"(?:: ?(\d\d)(?!\d|:\d\d\d)| ?[点时](?:(半|整|钟|[1一]刻|[3三]刻)| ?(\d{1,2}) ?分?|(?=\W|\Z))|(?= ?[ap]\.?m\b))"
    r"(?: ?([ap])\.?m\b)?"
)
_PART_OF_DAY = re.compile(r"(?:(上午|早上|早晨|清晨|凌晨)|(中午|下午|傍晚|晚上|晚间|夜里|晚)) ?\Z")
_PAST = {"半": 30, "1刻": 15, "一刻": 15, "3刻": 45, "三刻": 45}

_WEEKDAY = re.compile(r"(?:周|星期|礼拜)([1-6一二三四五六日天])(?![次天回遍年个期报篇班岁\d])")
_WEEKDAYS = dict(zip("一二三四五六日123456天", (*range(1, 8), *range(1, 7), 7), strict=True))
_NAMED_WEEKDAY = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b")
_NAMED_WEEKDAYS = ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")

_QUARTER = re.compile(
    r"第 ?([1-4]) ?季|([1-4])(?<!\d\d)(?:季度|q(?![a-z]))|q(?<![a-z]q)([1-4])(?![a-z\d])"
    r"|(first|second|third|fourth|1st|2nd|3rd|4th)[ -]quarter"
)
_HALF = re.compile(r"([上下])半年|(first|second)[ -]half\b")
_PARTS_OF_YEARS = ((_QUARTER, ("季", "q"), "zzqu"), (_HALF, ("半年", "half"), "zzhy"))
"""What finds them, what is in each of them, and the beginning of their words."""
_YEAR_BEFORE = re.compile(r"(?<!\d)((?:20)?\d\d) ?年?度?的? ?-?\Z")
_YEAR_AFTER = re.compile(r"[ -]?(?:of |fy ?)?((?:20)?\d\d)(?![\d.,%])")
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "上": 1, "下": 2}


def dates(lower: str) -> Iterator[str]:
    """Yields a word for each date, time, weekday, quarter and half of a year. A word may come again."""
    yield from chain(_weekdays(lower), _parts_of_years(lower))
    if not any(map(str.isdigit, lower)):
        return
    named = _NAMED_DATES if any(month in lower for month in _MONTHS) else ()
    written = _DIGIT_DATES if "月" in lower else _DIGIT_DATES[:1]
    for pattern, places in (*written, *named):
        for match in pattern.finditer(lower):
            year, month, day = ((match[place] or "") if place else "" for place in places)
            yield from _words(year, month, day)
    yield from chain(_parted(lower), _times(lower))


def _words(year: str, month: str, day: str) -> Iterator[str]:
    number = _MONTHS.index(month[:3]) + 1 if month[:3] in _MONTHS else int(month)
    year = _full(year)
    if not 1 <= number <= 12 or (day and not 1 <= int(day) <= 31) or (year and not "1000" <= year < "2200"):
        return
    if year and day:
        yield f"n{year}{number:02}{int(day):02}"
    if year:
        yield f"zzym{year}{number:02}"
    if day:
        yield f"zzmd{number:02}{int(day):02}"


def _full(year: str) -> str:
    return f"20{year}" if len(year) == 2 else year


def _parted(lower: str) -> Iterator[str]:
    """Yields the words of dates that are digits only, in an order that is certain."""
    for first, _, second, last in _PARTED.findall(lower) if any(mark in lower for mark in "./-") else ():
        if len(last) == 4:
            if (int(first) > 12) != (int(second) > 12):
                day, month = sorted((first, second), key=int, reverse=True)
                yield from _words(last, month, day)
        elif int(first) in _SHORT_YEARS:
            yield from _words(first, second, last)
    for year, month, day in _RUN.findall(lower):
        if "1900" <= year < "2100":
            yield from (word for word in _words(year, month, day) if word.startswith("zz"))  # the rest is as written


def _times(lower: str) -> Iterator[str]:
    for match in _CLOCK.finditer(lower):
        hour, minute, past, more, half = match.groups()
        hours, minutes = int(hour), int(minute or more or _PAST.get(past or "", 0))
        said = _PART_OF_DAY.search(lower, max(0, match.start() - 3), match.start())
        is_early, is_late = (said[1], said[2]) if said else ("", "")
        if (is_late or half == "p") and hours < (11 if is_late == "中午" else 12):
            hours += 12
        elif (is_early or half == "a") and hours == 12:
            hours = 0
        if hours < 24 and minutes < 60:
            yield f"zztm{hours:02}{minutes:02}"


def _weekdays(lower: str) -> Iterator[str]:
    for day in _WEEKDAY.findall(lower):
        yield f"zzwd{_WEEKDAYS[day]}"
    for name in _NAMED_WEEKDAY.findall(lower) if "day" in lower else ():
        yield f"zzwd{_NAMED_WEEKDAYS.index(name) + 1}"


def _parts_of_years(lower: str) -> Iterator[str]:
    for pattern, marks, kind in _PARTS_OF_YEARS:
        for match in pattern.finditer(lower) if any(mark in lower for mark in marks) else ():
            said = match[match.lastindex or 0]
            number = _ORDINALS.get(said, said)
            yield f"{kind}{number}"
            before = _YEAR_BEFORE.search(lower, max(0, match.start() - 9), match.start())
            if year := before or _YEAR_AFTER.match(lower, match.end()):
                yield f"{kind}{_full(year[1])}n{number}"
