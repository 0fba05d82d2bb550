"""Times, lengths and coins as people say them, in the form in which documents write them.

    一个半小时, an hour and a half, two and a half years       1.5小时, 1.5 hours, 2.5 years
    三刻钟, 两三天, 一米八, 七成五, 两成半                       45分钟, 2-3天, 1.8米, 75%, 25%
    三毛钱, 三块五毛, 五分钱                                    0.3元, 3.5元, 0.05元
    at seven in the evening, at noon, eight o'clock, 7.30 pm  at 19:00, at 12:00, 8点, 7:30 pm
    two dozen, a fortnight, a decade                          24, 14 days, 10 years

`8点` stands for both eights, as 八点 does. What may mean something else (take two in the evening, five to twelve) stays
as it is. All of it takes folded text in small letters, after `ingest.embedding.spoken`, and linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from assistant.terms import han_value

_ONES = "一二三四五六七八九"
_SAID = re.compile(
    rf"个半|刻钟|[毛角]|分钱|零点|0%[半{_ONES}]|米[1-9{_ONES}]|[一二两三四五六七八][二三四五六七八九]"
    r"|\b(?:half|dozen|fortnight|decade|noon|midday|midnight|o'clock|at night|in the|an hour and)\b|\d [ap]\.?m\b"
)
"""Matches what every form below has. Most texts have none of it."""
_DIGITS: Mapping[str, int] = {"两": 2} | {digit: place for place, digit in enumerate(_ONES, start=1)}
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ENGLISH: Mapping[str, int] = {"a": 1, "an": 1} | {word: place for place, word in enumerate(_WORDS, start=1)}
_BEGINS = rf"(?<![\d.第零{_ONES}两十百千万])"
_NUMBER = rf"\d{{1,3}}|[{_ONES}两]?十[{_ONES}]?|[{_ONES}两]"
_COIN = rf"[1-9{_ONES}两]"
_WORD = rf"\d{{1,3}}|{'|'.join(_WORDS)}"
_AT = r"\b(at|by|before|after|until|till|from|to|between|around) "
_LASTS = "hour|day|week|month|year|minute|lit(?:re|er)|met(?:re|er)|kilo|mile"
_LATE = {"in the afternoon": 1, "in the evening": 4, "at night": 6}
"""Parts of the day after noon, each with the first hour that is said with it. At two at night it is early."""

_Form = tuple[re.Pattern[str], Callable[[re.Match[str]], str] | str]


def in_digits(text: str) -> str:
    """Returns a text with its spoken times, lengths and coins as documents write them. The rest stays as it is."""
    if _SAID.search(text):
        for form, written in _FORMS:
            text = form.sub(written, text)
    return text


def _value(number: str) -> int:
    if number.isdecimal():
        return int(number)
    return _ENGLISH.get(number) or int(han_value(number))


def _and_half(match: re.Match[str]) -> str:
    """Returns the figure, with the 个 that a month needs."""
    return f"{_value(match[1])}.5{'个' if match[0].endswith('半') else ''}"


def _lasting(match: re.Match[str]) -> str:
    return f"{_value(match[1])}.5 {match[2]}s"


def _coins(match: re.Match[str]) -> str:
    """Returns an amount in yuan. Its yuan, tenths and hundredths may each be missing."""
    parts = match.groupdict()
    yuan, tenths, hundredths = (parts.get(name) for name in ("yuan", "tenths", "hundredths"))
    cents = 100 * (_value(yuan) if yuan else 0)
    cents += sum(
        weight * (_DIGITS.get(coins) or int(coins)) for weight, coins in ((10, tenths), (1, hundredths)) if coins
    )
    return f"{cents / 100:g}元"


def _share(match: re.Match[str]) -> str:
    return f"{match[1]}{5 if match[2] == '半' else _DIGITS[match[2]]}%"


def _from_to(match: re.Match[str]) -> str:
    first, second = _DIGITS[match[1]], _DIGITS[match[2]]
    return f"{first}-{second}" if second == first + 1 else match[0]


def _length(match: re.Match[str]) -> str:
    return f"{_value(match[1])}.{_value(match[2])}米"


def _time(match: re.Match[str]) -> str:
    """Returns the time of day of an hour with its part of the day. It stays as it is if there is no such hour."""
    hour = _value(match[2])
    if not 0 < hour <= len(_WORDS):
        return match[0]
    late = _LATE.get(match[3], hour + 1) <= hour and (hour < 12 or match[3] == "in the afternoon")
    return f"{match[1]} {hour % 12 + 12 * late}:00"


def _either(match: re.Match[str]) -> str:
    return f"{_value(match[1])}点"


def _dozens(match: re.Match[str]) -> str:
    return "6" if match[1] == "half a" else str(12 * _value(match[1]))


_FORMS: tuple[_Form, ...] = (
    (re.compile(rf"{_BEGINS}({_NUMBER})个半(?=小时|钟头|月|星期|礼拜|学期|季度)"), _and_half),
    (re.compile(r"一刻钟"), "15分钟"),
    (re.compile(r"三刻钟"), "45分钟"),
    (re.compile(rf"([1-9])0%(半|[{_ONES}](?![{_ONES}十百千万个天年人次]))"), _share),
    (
        re.compile(rf"{_BEGINS}(?P<yuan>{_NUMBER})元(?P<tenths>{_COIN})[毛角](?:(?P<hundredths>{_COIN})分)?钱?"),
        _coins,
    ),
    (re.compile(rf"{_BEGINS}(?P<tenths>{_COIN})(?:毛|角(?=钱|{_COIN}分))(?:(?P<hundredths>{_COIN})分)?钱?"), _coins),
    (re.compile(rf"{_BEGINS}(?P<hundredths>{_COIN})分钱"), _coins),
    (
        re.compile(rf"{_BEGINS}([一二两三四五六七八])([二三四五六七八九])(?=个|天|年|周|次|人|小时|分钟|名|元)"),
        _from_to,
    ),
    (re.compile(rf"{_BEGINS}([1-9{_ONES}两])米([1-9{_ONES}])(?![\d.{_ONES}十百千万米个公])"), _length),
    (re.compile(r"零点(?=[至到前后以之起整，。、]|\Z)"), "0:00"),
    (re.compile(rf"{_AT}({_WORD})(?: o'clock)? (in the morning|{'|'.join(_LATE)})\b"), _time),
    (re.compile(rf"\b({_WORD}) o'clock\b"), _either),
    (re.compile(rf"{_AT}(?:12(?::00)? )?(?:noon|midday)\b"), r"\1 12:00"),
    (re.compile(rf"{_AT}(?:12(?::00)? )?midnight\b"), r"\1 0:00"),
    (re.compile(r"(?<![\d.:])(\d{1,2})\.([0-5]\d)(?= ?[ap]\.?m\b)"), r"\1:\2"),
    (re.compile(rf"\b({_WORD}) and a half(?= [a-z])"), _and_half),
    (re.compile(rf"\b({_WORD}|an?) ({_LASTS})s? and a half\b"), _lasting),
    (re.compile(rf"\ban hour and (?=(?:{_WORD}|fifteen|twenty|thirty|forty)\b)"), "1 hour and "),
    (re.compile(rf"\b({_WORD}|half a|a) dozen\b"), _dozens),
    (re.compile(r"\ba fortnight\b"), "14 days"),
    (re.compile(r"\ba decade\b"), "10 years"),
)
