"""Writes dates, times and durations as a spreadsheet shows them: 46086 with `m/d/yy` is `3/5/26 (2026-03-05)`.

A date is a number of days, counted from 1899-12-31 or 1904-01-01, and its time is the fraction (ECMA-376, part 1,
18.17.4). The first calendar has a 29th of February in 1900 that never was. Where the shown form is short or could be
read in two ways, the date in its normal form stands behind it, since the search understands that one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Final

from ingest.parse.office.numerals import counted_number, spelled_digits

_DAY = 86_400
_PLACES_OF_NOISE = 4
"""A tenth of a millisecond. Where no time is shown, only what is nearer to midnight belongs to the next day."""
_ROC_EPOCH = 1911
_ERAS: Final = ((2019, 5, 1, "R令和"), (1989, 1, 8, "H平成"), (1926, 12, 25, "S昭和"), (1912, 7, 30, "T大正"),
                (1868, 1, 1, "M明治"))  # fmt: skip
"""The first days of the eras of Japan, and their letters and names."""
_CHINESE = frozenset({"804", "404", "c04", "1004", "1404", "zh-cn", "zh-hans", "zh-tw", "zh-hk"})
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CHINESE_MONTHS: Final = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_CHINESE_WEEKDAYS: Final = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a format: its kind, and how it is written."""

    kind: str
    text: str


_LONG_DATE = (
    Token("date", "yyyy"), Token("quoted", "年"), Token("date", "m"), Token("quoted", "月"), Token("date", "d"),
    Token("quoted", "日"),
)  # fmt: skip
_TIME = (Token("date", "h"), Token("literal", ":"), Token("date", "mm"), Token("literal", ":"), Token("date", "ss"))
_OF_THE_SYSTEM = {"f800": _LONG_DATE, "x-sysdate": _LONG_DATE, "f400": _TIME, "x-systime": _TIME}
"""Formats that Windows has in its settings, by what marks them: as in China."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """What a number of days is on the calendar and on the clock. `weekday` counts from Monday as 0."""

    year: int
    month: int
    day: int
    weekday: int
    seconds: Decimal
    """Since midnight."""


class DateFormat:
    """One section of a format that shows dates, times or durations."""

    def __init__(self, tokens: tuple[Token, ...], locale: str, numerals: int) -> None:
        self._chinese = locale[-4:].lstrip("0") in _CHINESE or locale in _CHINESE
        self._land = locale[-4:].lstrip("0")
        self._numerals = numerals
        tokens = _OF_THE_SYSTEM.get(locale, tokens)
        self._tokens = _with_minutes(tokens)
        self._half = any(token.kind == "half" for token in tokens)
        self._decimals = sum(token.kind == "decimal" for token in self._tokens)
        fields = [token.text for token in self._tokens if token.kind == "date"]
        counted = self._land in ("404", "411") and any(field[0] == "e" for field in fields)
        self._unclear = counted or _is_unclear(fields)
        timed = self._half or any(
            token.kind in ("elapsed", "minute") or (token.kind == "date" and token.text[0] in "hs")
            for token in self._tokens
        )
        self._places = self._decimals if timed else _PLACES_OF_NOISE
        self._has_days = any(token.kind == "date" and token.text[0] in "ymdaeg" for token in self._tokens)

    def shown(self, value: float, epoch_1904: bool, normal_form: bool) -> str | None:
        """Returns the date or duration, or None if the number is no date of these calendars."""
        exact = Decimal(f"{value:.15g}")
        if exact < 0:
            if self._has_days or not any(token.kind == "elapsed" for token in self._tokens):
                return None
            return f"-{self.shown(-value, epoch_1904, normal_form)}"
        seconds = (exact * _DAY).quantize(Decimal(1).scaleb(-self._places), ROUND_HALF_UP)
        moment = _moment(seconds, epoch_1904)
        if moment is None:
            return None
        text = "".join(self._written(token, moment, seconds) for token in self._tokens)
        text = " ".join(text.split())
        if normal_form and self._unclear and moment.day:
            return f"{text} ({moment.year:04}-{moment.month:02}-{moment.day:02})"
        return text

    def _written(self, token: Token, moment: _Moment, seconds: Decimal) -> str:
        if token.kind == "date":
            return self._numeral(self._field(token.text, moment), token.text)
        if token.kind == "elapsed":
            whole = int(seconds // {"h": 3600, "m": 60, "s": 1}[token.text[0]])
            return f"{whole:0{len(token.text)}}"
        if token.kind == "minute":
            return self._numeral(f"{int(moment.seconds) // 60 % 60:0{min(len(token.text), 2)}}", token.text)
        if token.kind == "decimal":
            return f"{moment.seconds % 1:.{self._decimals}f}"[1 + int(token.text)]
        if token.kind == "half":
            late = moment.seconds >= _DAY // 2
            if self._chinese or token.text == "上午/下午":
                return "下午" if late else "上午"
            return token.text.split("/")[late].upper()
        if token.kind == "space":
            return " "
        return "" if token.kind == "fill" else token.text

    def _field(self, letters: str, moment: _Moment) -> str:
        kind, count = letters[0], len(letters)
        if kind == "y":
            return f"{moment.year % 100:02}" if count < 3 else f"{moment.year:04}"
        if kind in "eg":
            return self._of_the_era(kind, count, moment)
        if kind == "m" and count >= 3:
            return self._month(moment.month, count)
        if kind == "a" or (kind == "d" and count >= 3):
            return self._weekday(kind, moment.weekday, count)
        number = {"m": moment.month, "d": moment.day, "s": int(moment.seconds) % 60}.get(kind)
        if number is None:
            number = int(moment.seconds) // 3600
            number = (number - 1) % 12 + 1 if self._half else number
        return f"{number:0{min(count, 2)}}"

    def _of_the_era(self, kind: str, count: int, moment: _Moment) -> str:
        """Returns the year as Taiwan (`[$-404]e`) or Japan (`[$-411]ge`) counts it, or the era's name. Everywhere else
        it is the year, and there is no name.
        """
        year, name = moment.year, ""
        if self._land == "404" and year > _ROC_EPOCH:
            year, name = year - _ROC_EPOCH, ("", "民國", "中華民國")[min(count, 3) - 1]
        elif self._land == "411":
            day = (moment.year, moment.month, moment.day)
            first, era = next(((start[0], title) for *start, title in _ERAS if tuple(start) <= day), (0, ""))
            year, name = (year - first + 1, (era[:1], era[1:2], era[1:])[min(count, 3) - 1]) if era else (year, "")
        if kind == "g":
            return name
        return f"{year:04}" if year == moment.year else f"{year:0{min(count, 2)}}"

    def _month(self, month: int, count: int) -> str:
        if self._chinese and count < 5:
            return f"{_CHINESE_MONTHS[month - 1]}月" if count == 4 else f"{month}月"
        return _MONTHS[month - 1][: {3: 3, 5: 1}.get(count)]

    def _weekday(self, kind: str, weekday: int, count: int) -> str:
        if kind == "a":
            return ("星期" if count == 4 else "") + _CHINESE_WEEKDAYS[weekday]
        if self._chinese:
            return ("周" if count == 3 else "星期") + _CHINESE_WEEKDAYS[weekday]
        return _WEEKDAYS[weekday][: 3 if count == 3 else None]

    def _numeral(self, text: str, letters: str) -> str:
        if not self._numerals or not text.isdecimal():
            return text
        if letters[0] in "ye" or self._numerals == 3:
            return spelled_digits(text, self._numerals)
        return counted_number(Decimal(text), self._numerals).removeprefix("一" if 10 <= int(text) < 20 else "")


def _with_minutes(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Returns the tokens with `m` told apart: a minute stands behind hours or before seconds. The digits behind the
    point of a second get their number.
    """
    found: list[Token] = []
    timed = [token for token in tokens if token.kind in ("date", "elapsed")]
    number = 0
    decimals = 0
    for token in tokens:
        text = token.text.lower() if token.kind == "date" else token.text
        if token.kind in ("date", "elapsed"):
            before = timed[number - 1].text[0].lower() if number else ""
            after = timed[number + 1].text[0].lower() if number + 1 < len(timed) else ""
            minute = token.kind == "date" and text[0] == "m" and len(text) < 3 and (before == "h" or after == "s")
            found.append(Token("minute" if minute else token.kind, text))
            number += 1
        elif token.kind == "digit":
            decimals += 1
            found.append(Token("decimal", str(decimals)))
        else:
            found.append(token)
    return tuple(found)


def _is_unclear(fields: list[str]) -> bool:
    """Returns True if these fields show a date of which a part is missing, or whose order is not certain."""
    shown = [
        field for field in fields if field[0] in "ye" or (field.strip("d") == "" and len(field) < 3) or field[0] == "m"
    ]
    kinds = "".join("y" if field[0] == "e" else field[0] for field in shown)
    if "m" not in kinds:
        return False
    full_year = any(field[0] == "e" or (field[0] == "y" and len(field) > 2) for field in shown)
    named = any(field[0] == "m" and len(field) >= 4 for field in shown)
    return not (full_year and (kinds in ("ymd", "ym") or named))


def _moment(seconds: Decimal, epoch_1904: bool) -> _Moment | None:
    days = int((seconds / _DAY).to_integral_value(ROUND_FLOOR))
    rest = seconds - days * _DAY
    if not epoch_1904 and days in (0, 60):
        return _Moment(1900, 1, 0, 5, rest) if days == 0 else _Moment(1900, 2, 29, 2, rest)
    first = date(1904, 1, 1) if epoch_1904 else date(1899, 12, 30 if days > 60 else 31)
    try:
        day = first + timedelta(days=days)
    except OverflowError:
        return None
    return _Moment(day.year, day.month, day.day, day.weekday(), rest)
