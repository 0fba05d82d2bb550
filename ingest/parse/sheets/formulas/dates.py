"""Functions that count days. A date is a number of days since 1899-12-30, as in workbooks that count from 1900."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from ingest.parse.sheets.formulas.ranges import Argument, Function, Range, numeral, ranged, single, whole
from ingest.parse.sheets.formulas.values import FormulaError, UncomputableError, as_text, is_number

_FIRST = date(1899, 12, 30)
_LAST = 2_958_465
"""9999-12-31."""
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-|/(\d{1,2})/|年(\d{1,2})月)(\d{1,2})日?")
_LONGEST_DATE = 40
_MOST_WORKDAYS = 4_000
_BEFORE_THE_GAP = 60
"""Excel has a 29th of February in 1900. Days before it are one later than they count."""


def day_of(text: str) -> float | None:
    """Returns the number of a date written as a text (`2026-03-05`, `2026/3/5`, `2026年3月5日`), or None."""
    match = _DATE.fullmatch(text.strip()) if len(text) <= _LONGEST_DATE else None
    if match is None:
        return None
    try:
        return _number(date(int(match[1]), int(match[2] or match[3] or match[4]), int(match[5])))
    except ValueError:
        return None


def _number(day: date) -> float:
    count = (day - _FIRST).days
    return count if count > _BEFORE_THE_GAP else count - 1


def _day(value: Argument) -> date:
    """Returns the date of a number or of a text."""
    found = single(value)
    number = day_of(found) if isinstance(found, str) else None
    count = int(number if number is not None else numeral(found))
    if not 0 <= count <= _LAST:
        raise FormulaError("#NUM!")
    if count <= _BEFORE_THE_GAP:
        raise UncomputableError("a day before March 1900")
    return _FIRST + timedelta(days=count)


def _later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1900 <= year <= 9999:
        raise FormulaError("#NUM!")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _date(arguments: Sequence[Argument]) -> float:
    year, month, day = map(whole, arguments)
    year += 1900 if 0 <= year < 1900 else 0
    if abs(month) > 120_000 or abs(day) > _LAST:
        raise FormulaError("#NUM!")
    return _number(_later(date(year, 1, 1), month - 1) + timedelta(days=day - 1))


def _datedif(arguments: Sequence[Argument]) -> float:
    start, end = _day(arguments[0]), _day(arguments[1])
    if start > end:
        raise FormulaError("#NUM!")
    unit = as_text(single(arguments[2])).upper()
    months = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
    if unit in ("Y", "M", "YM"):
        return {"Y": months // 12, "M": months, "YM": months % 12}[unit]
    if unit == "D":
        return (end - start).days
    if unit == "MD":
        return (end - _later(start, months)).days
    if unit == "YD":
        return (end - _later(start, months // 12 * 12)).days
    raise FormulaError("#NUM!")


def _weekday(arguments: Sequence[Argument]) -> float:
    day, kind = _day(arguments[0]).weekday(), whole(arguments[1]) if len(arguments) > 1 else 1
    if kind == 3:
        return day
    first = {1: 6, 2: 0}.get(kind, kind - 11 if 11 <= kind <= 17 else None)
    if first is None:
        raise FormulaError("#NUM!")
    return (day - first) % 7 + 1


def _holidays(arguments: Sequence[Argument], place: int) -> set[date]:
    if len(arguments) <= place:
        return set()
    return {_day(value) for value in ranged(arguments[place])}


def _networkdays(arguments: Sequence[Argument]) -> float:
    start, end = sorted((_day(arguments[0]), _day(arguments[1])))
    days = (end - start).days + 1
    count = days // 7 * 5 + sum((start.weekday() + extra) % 7 < 5 for extra in range(days % 7))
    count -= sum(start <= day <= end and day.weekday() < 5 for day in _holidays(arguments, 2))
    return count if _day(arguments[0]) <= _day(arguments[1]) else -count


def _workday(arguments: Sequence[Argument]) -> float:
    day, count = _day(arguments[0]), whole(arguments[1])
    if abs(count) > _MOST_WORKDAYS:
        raise UncomputableError("many workdays")
    holidays = _holidays(arguments, 2)
    while count:
        day += timedelta(days=1 if count > 0 else -1)
        if day.weekday() < 5 and day not in holidays:
            count -= 1 if count > 0 else -1
    return _number(day)


def _second_of_day(value: Argument) -> int:
    return round(numeral(value) % 1 * 86_400) % 86_400


def _time(arguments: Sequence[Argument]) -> float:
    hours, minutes, seconds = map(whole, arguments)
    return (hours * 3600 + minutes * 60 + seconds) % 86_400 / 86_400


def _date_value(arguments: Sequence[Argument]) -> float:
    found = single(arguments[0])
    number = found if is_number(found) else day_of(as_text(found))
    if number is None:
        raise FormulaError("#VALUE!")
    return number


def _days(arguments: Sequence[Argument]) -> float:
    end, start = map(_day, arguments)
    return (end - start).days


def _end_of_month(arguments: Sequence[Argument]) -> float:
    month = _later(_day(arguments[0]), whole(arguments[1]))
    return _number(month.replace(day=monthrange(month.year, month.month)[1]))


def _in_one_range(function: Function) -> Function:
    """Returns the same function for an argument that may be a range of one cell."""
    return lambda arguments: function([
        single(value) if not isinstance(value, Range) or (value.height, value.width) == (1, 1) else value
        for value in arguments
    ])  # fmt: skip


DATES: dict[str, Function] = {
    name: _in_one_range(function)
    for name, function in {
        "DATE": _date,
        "DATEVALUE": _date_value,
        "YEAR": lambda arguments: _day(arguments[0]).year,
        "MONTH": lambda arguments: _day(arguments[0]).month,
        "DAY": lambda arguments: _day(arguments[0]).day,
        "EDATE": lambda arguments: _number(_later(_day(arguments[0]), whole(arguments[1]))),
        "EOMONTH": _end_of_month,
        "DATEDIF": _datedif,
        "DAYS": _days,
        "WEEKDAY": _weekday,
        "NETWORKDAYS": _networkdays,
        "WORKDAY": _workday,
        "TIME": _time,
        "HOUR": lambda arguments: _second_of_day(arguments[0]) // 3600,
        "MINUTE": lambda arguments: _second_of_day(arguments[0]) // 60 % 60,
        "SECOND": lambda arguments: _second_of_day(arguments[0]) % 60,
    }.items()
}
