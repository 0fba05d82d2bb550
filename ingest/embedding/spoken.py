"""Amounts as people say them, in the form in which documents write them.

    3万块, 3w 块, 30k, 30 grand         30000 元, 30000
    一万二, 1千5, 三百五                12000, 1500, 350
    三千多块, 两百块, 两块五              三千元, 两百元, 2.5元
    5 个点, 三成, 百分之五               5%, 30%

What may mean something else (3W bulb, 两百一天, 三成员) stays as it is. Everything here takes folded text
(`ingest.language.fold`), and linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ingest.embedding.numbers import numeral_value

_HAN = "零〇一二三四五六七八九十百千万亿两"
_ONES = "一二三四五六七八九"
_VALUES = dict(zip(_ONES + "十两", (*range(1, 11), 2), strict=True))
_ZEROS = {"百": 2, "千": 3, "万": 4, "亿": 8, "w": 4, "k": 3, "grand": 3, "thousand": 3, "million": 6}
_NEXT_LOWER = {"百": "十", "千": "百", "万": "千", "亿": "千万"}

_SAID = re.compile(r"[块百千万亿成]|元钱|个(?:百分)?点|\d ?(?:[kw]|grand|thousand|million)", re.IGNORECASE)
"""Matches what every form below has. Most texts have none of it."""
_VAGUE = re.compile(rf"(?<=[\d{_HAN}KWkw])[来多几](?=[块元])")
_HALF_IN_DIGITS = re.compile(rf"(?<![\d.])(\d{{1,6}}+)([百千万亿])([1-9])(?![\d.,{_HAN}])")
_SCALED = re.compile(
    r"(?<![\d.,A-Za-z/-])(\d{1,9}+)(?:\.(\d{1,4}+))?+ ?"
    r"(万(?!亿)|w(?= ?[块元]|左右|以[上下内])|k(?![a-z0-9])|grand\b|thousand\b|million\b)",
    re.IGNORECASE,
)
"""`w` is 万 only before a word of money: 3 W is a power."""
_HALF_IN_WORDS = re.compile(
    rf"(?<![第{_HAN}])([{_HAN}]{{1,12}}[百千万亿])"
    rf"(?:([{_ONES[1:]}])(?=\Z|一[个天晚次张月年]|[^{_HAN}\d.分之年月日号])|(一)(?=[块元]|\Z))"
)
"""Matches 三百五. A 一 at the end belongs to what follows more often: 两百一天."""
_COINS = re.compile(rf"(?<![\d.{_HAN}])(\d{{1,6}}+|[{_ONES}十两])块([1-9{_ONES}])(?![\d.{_HAN}]|[\u4e00-\u9fff])")
_MONEY = re.compile(rf"(?:(?<=[\d{_HAN}])|(?<=[\d{_HAN}] ))(?:[块元]钱|(?<!\A一)(?<![^{_HAN}]一)块(?![板砖屏玻]))")
"""Matches 块 as money. 一块 alone is `together` as often."""
_POINTS = re.compile(
    rf"(?<![第\d.{_HAN}])(\d{{1,3}}+(?:\.\d{{1,4}}+)?+|[{_ONES}两]|[{_ONES}]?十[{_ONES}]?) ?个(?:百分)?点(?![\d钟])"
)
_HUNDREDTHS = re.compile(rf"百分之([{_ONES}]?十[{_ONES}]?|[{_ONES}])(?![{_HAN}点])")
_TENTHS = re.compile(r"(?<!第)([二两三四五六七八九])成(?![了为立员本果分功品长交就年人绩])")


def as_written(text: str) -> str:
    """Returns a folded text with its spoken amounts as documents write them. The rest stays as it is."""
    if not _SAID.search(text):
        return text
    for form, written in _FORMS:
        text = form.sub(written, text)
    return text


def also_written(text: str) -> list[str]:
    """Returns other ways in which a document may write the amounts of a text (`as_written`): 30k, 百分之五."""
    thousands = [f"{whole}k" for whole in re.findall(r"(?<![\d.,])(\d{1,3}),?000(?![\d.,])", text)]
    return thousands + [f"百分之{_in_han(int(share))}" for share in re.findall(r"(?<![\d.])([1-9]\d?) ?%", text)]


def _half_in_digits(match: re.Match[str]) -> str:
    return match[1] + match[3] + "0" * (_ZEROS[match[2]] - 1)


def _scaled(match: re.Match[str]) -> str:
    """Returns the digits of a number that a word scales. It stays as it is if it would not be a whole number."""
    zeros, part = _ZEROS[match[3].lower()], (match[2] or "").rstrip("0")
    return f"{match[1]}{part.ljust(zeros, '0')} " if len(part) <= zeros else match[0]


def _half_in_words(match: re.Match[str]) -> str:
    value = numeral_value(match[1] + (match[2] or match[3]) + _NEXT_LOWER[match[1][-1]])
    return match[0] if value is None else str(value)


def _coins(match: re.Match[str]) -> str:
    return f"{_VALUES.get(match[1], match[1])}.{_VALUES.get(match[2], match[2])}元"


def _percent(match: re.Match[str]) -> str:
    tens, ten, ones = match[1].rpartition("十")
    if not ten:
        return f"{_VALUES.get(ones, ones)}%"
    return f"{10 * _VALUES.get(tens, 1) + _VALUES.get(ones, 0)}%"


def _tenths(match: re.Match[str]) -> str:
    return f"{_VALUES[match[1]]}0%"


def _in_han(number: int) -> str:
    tens, ones = divmod(number, 10)
    ten = ("" if tens == 1 else _ONES[tens - 1]) + "十" if tens else ""
    return ten + (_ONES[ones - 1] if ones else "")


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str] | str], ...] = (
    (_VAGUE, ""),
    (_HALF_IN_DIGITS, _half_in_digits),
    (_SCALED, _scaled),
    (_HALF_IN_WORDS, _half_in_words),
    (_COINS, _coins),
    (_MONEY, "元"),
    (_POINTS, _percent),
    (_HUNDREDTHS, _percent),
    (_TENTHS, _tenths),
)
