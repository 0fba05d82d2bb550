"""What numbers mean, as words, so that one meaning is one term however it is written.

    三千五百元, 3500元                                n3500
    1.28 万元, 12,800                                n12800
    2024-03-05, 2024年3月5日, 5 March 2024            n20240305, and its month and its day of the year
    第三十八条, 第 38 条, Article 38, §38              n38 and a term for the clause
    三年, 3 年, three years                           n3 and a term for the duration
    3.2.1, 03/05/2024                               n3d2d1, n03d05d2024: only as written

Everything here takes folded text (`ingest.language.fold`) without thousands separators, and linear time. Most
expressions begin with a digit, and look behind it only then: so the interpreter passes over other text quickly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

_COUNTED_BY = r" ?(?:[年月日天号周条章节款元倍次级%]|小时|分钟|星期|个(?:月|工作日|自然日|小时|星期))"
"""What follows a numeral of one character if it is a number. 一 alone is part of too many words."""
_HAN_DIGIT = "[零〇一二三四五六七八九十百千万亿两]"
_NUMERAL = re.compile(rf"{_HAN_DIGIT}{{2,}}+|{_HAN_DIGIT}(?:(?<=第.)|(?={_COUNTED_BY}))")
_DIGITS = {"〇": 0, "两": 2} | {character: value for value, character in enumerate("零一二三四五六七八九")}
_TENS = {"十": 10, "百": 100, "千": 1000}
_SCALES = {"千": 1000, "万": 10_000, "亿": 100_000_000}
_LONGEST_NUMERAL = 20
_SHORTEST_ROW = 3
"""So many digits in a row (二〇二四) are a number. 一二 and 三三 are words."""

_SCALED = re.compile(r"(\d(?<![\d.]\d)\d{0,8}+)(?:\.(\d{1,4}+))? ?([千万亿])")
_PARTED = re.compile(
    r"[Vv\d](?<![A-Za-z0-9][Vv\d])(?<![A-Za-z0-9][-/.][Vv\d])(?:(?<=\d)\d*+|\d++)(?:[-/.]\d++){1,5}+(?![A-Za-z0-9])"
)
_ISO_DATE = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}")
_LONG_NUMBER = 7
"""So many digits in groups (400-800-1234) are one number."""

_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (\d{4})(?!\d))?"
_DIGIT_DATES = (
    (re.compile(r"(\d(?<![\d.]\d)\d{3}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2})(?!\d|\.\d| ?月)"), (1, 2, 3)),
    (re.compile(r"(\d(?<!\d\d)\d{3}) ?年 ?(\d{1,2}) ?月(?! ?\d)"), (1, 2, 0)),
    (re.compile(r"(\d(?<!\d\d)(?<!年\d)(?<!年 \d)\d?) ?月 ?(\d{1,2}) ?[日号]"), (0, 1, 2)),
)
_NAMED_DATES = (
    (re.compile(rf"(?<![\d.]){_DAY} (?:of )?{_MONTH}{_YEAR}"), (3, 2, 1)),
    (re.compile(rf"\b{_MONTH} {_DAY}(?![\d.:]){_YEAR}"), (3, 1, 2)),
    (re.compile(rf"\b{_MONTH} (\d{{4}})(?!\d)"), (2, 1, 0)),
)
"""Dates in small letters, and the groups that are year, month and day. 03/05/2024 is not among them, because nobody
knows which of the two is its month.
"""

_CLAUSE = re.compile(
    r"第 ?(\d{1,4}+) ?([条章节])"
    r"|(?:(?<![a-z0-9])(article|art|section|sec|clause|chapter)\.? |(\u00a7) ?)(\d{1,4}+)(?![a-z0-9])"
)
_CLAUSE_MARKS = ("第", "art", "sec", "clause", "chapter", "\u00a7")
_KINDS = {"条": "zzart", "article": "zzart", "art": "zzart", "clause": "zzart", "\u00a7": "zzart"}
_KINDS |= {"章": "zzchap", "chapter": "zzchap", "节": "zzsec", "section": "zzsec", "sec": "zzsec"}
"""No word begins with zz, so these terms are nothing else."""

_COUNTED = dict(
    zip(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        range(1, 13),
        strict=True,
    )
)
_COUNTED |= {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90}
_LASTING = (
    r"(?: ?(年|个月|天|日|个?(?:周|星期|小时|工作日)|分钟)"
    r"|[ -](?:working |calendar )?(year|month|day|week|hour|minute)s?\b)"
)
_DURATION = re.compile(rf"(?<![a-z0-9.])(?<!月)(\d{{1,3}}+|{'|'.join(_COUNTED)}){_LASTING}")
_DIGIT_DURATION = re.compile(rf"(\d(?<![a-z0-9.]\d)(?<!月\d)\d{{0,2}}+){_LASTING}")
"""The same, in a text without the words of `_COUNTED`."""
_UNITS = {"年": "year", "个月": "month", "天": "day", "日": "day", "工作日": "day", "周": "week", "星期": "week"}
_UNITS |= {"小时": "hour", "分钟": "minute"}


def meant_numbers(text: str) -> Iterator[str]:
    """Yields a word for everything that numbers of a text mean beyond the digits in it. A word may come again."""
    numerals: list[str] = []
    digits = _in_digits(text, numerals)
    lower = digits.lower()
    yield from numerals
    yield from _durations(lower)
    if any(map(str.isdigit, digits)):
        yield from chain(_amounts(digits), _as_written(digits), _dates(lower), _clauses(lower))


def _in_digits(text: str, numerals: list[str]) -> str:
    """Returns the text with Chinese numerals in digits. Adds the words of these to `numerals`."""

    def replaced(match: re.Match[str]) -> str:
        value = numeral_value(match[0])
        if value is None:
            return match[0]
        numerals.append(f"n{value}")
        return str(value)

    return _NUMERAL.sub(replaced, text)


def numeral_value(numeral: str) -> int | None:
    """Returns the number that a Chinese numeral is, or None if it is none (百万, 千千万万)."""
    if len(numeral) > _LONGEST_NUMERAL:
        return None
    if all(character in _DIGITS for character in numeral):
        if 1 < len(numeral) < _SHORTEST_ROW:
            return None
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total = section = 0
    digit: int | None = None
    for character in numeral:
        if character in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[character]
        elif character in _TENS:
            if digit is None and character != "十":
                return None
            section += _TENS[character] * (digit or 1)
            digit = None
        else:
            section += digit or 0
            if not section:
                return None
            total = (
                (total + section) * _SCALES[character] if character == "亿" else total + section * _SCALES[character]
            )
            section, digit = 0, None
    return total + section + (digit or 0)


def _amounts(text: str) -> Iterator[str]:
    """Yields 12800 for 1.28 万."""
    for whole, part, scale in _SCALED.findall(text) if any(scale in text for scale in _SCALES) else ():
        value, rest = divmod(int(whole + part) * _SCALES[scale], 10 ** len(part))
        if not rest:
            yield f"n{value}"


def _as_written(text: str) -> Iterator[str]:
    """Yields one word for digits with points, strokes or hyphens between them."""
    for match in _PARTED.finditer(text):
        written = match[0].lstrip("Vv")
        if _ISO_DATE.fullmatch(written):
            continue
        digits = re.split(r"[-/.]", written)
        if len(digits) == 2 and not digits[1].strip("0"):
            continue  # 1280.00 is 1280
        if "-" in written and sum(map(len, digits)) >= _LONG_NUMBER:
            yield "n" + "".join(digits)
        else:
            yield "n" + "d".join(digits)


def _dates(lower: str) -> Iterator[str]:
    named = _NAMED_DATES if any(month in lower for month in _MONTHS) else ()
    for pattern, places in (*(_DIGIT_DATES if "月" in lower else _DIGIT_DATES[:1]), *named):
        for match in pattern.finditer(lower):
            year, month, day = ((match[place] or "") if place else "" for place in places)
            number = _MONTHS.index(month[:3]) + 1 if month[:3] in _MONTHS else int(month)
            if not 1 <= number <= 12 or (day and not 1 <= int(day) <= 31) or (year and not "1000" <= year < "2200"):
                continue
            if year and day:
                yield f"n{year}{number:02}{int(day):02}"
            if year:
                yield f"zzym{year}{number:02}"
            if day:
                yield f"zzmd{number:02}{int(day):02}"


def _clauses(lower: str) -> Iterator[str]:
    for match in _CLAUSE.finditer(lower) if any(mark in lower for mark in _CLAUSE_MARKS) else ():
        number, kind = (match[1], match[2]) if match[1] else (match[5], match[3] or match[4])
        yield f"{_KINDS[kind]}{int(number)}"
        if kind in ("section", "sec"):
            yield f"zzart{int(number)}"  # the Section of one law is the 条 of another


def _durations(lower: str) -> Iterator[str]:
    pattern = _DURATION if any(word in lower for word in _COUNTED) else _DIGIT_DURATION
    for number, unit, english in pattern.findall(lower):
        value = _COUNTED.get(number) or int(number)
        yield f"zz{english or _UNITS[unit if unit in _UNITS else unit.removeprefix('个')]}{value}"
        if number in _COUNTED:
            yield f"n{value}"
