"""Reads the quantities of a text: numbers with their units, dates, times of day, ordinals and codes.

A quantity has one or more readings, each a kind and a value, because a text may mean either: `12日` is twelve days or
the twelfth day of a month. Two quantities agree if they share a reading. A number without a unit may have any.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from assistant.checking.neighbours import joined
from assistant.checking.quantity import Date, Quantity, Reading
from assistant.checking.spoken import in_digits
from assistant.checking.units import COUNTED, PATTERN, PREFIXES, Unit, unit_of
from assistant.terms import FIGURE, HAN_NUMBER, han_value, scaled
from ingest.embedding.spoken import as_written
from ingest.language import fold

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?+|feb(?:ruary)?+|mar(?:ch)?+|apr(?:il)?+|may|june?+|july?+|aug(?:ust)?+|sept?+(?:ember)?+"
    r"|oct(?:ober)?+|nov(?:ember)?+|dec(?:ember)?+)\b\.?+"
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HAN_WEEKDAYS = {day: place for place, day in enumerate("一二三四五六")} | {"日": 6, "天": 6}
_ONES = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ENGLISH = {word: place for place, word in enumerate(_ONES, start=1)}
_ENGLISH |= {word: 10 * place for place, word in enumerate(_TENS, start=2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_LATER = {f"{word}th": place for word, place in _ENGLISH.items() if 12 < place < 20}
_LATER |= {"eleventh": 11, "twelfth": 12} | {f"{word[:-1]}ieth": _ENGLISH[word] for word in _TENS}
_NUMBER_WORD = "|".join(sorted([*_ENGLISH, *_SCALES], key=len, reverse=True))
_HAN_DAY = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
_HAN_MINUTES = r"(?:[0-5]?\d|[二三四五]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_NTHS = {word: place for place, word in enumerate(_ORDINALS, start=1) if place > 2} | {"quarter": 4}
_PREFIX = "|".join(sorted(map(re.escape, PREFIXES), key=len, reverse=True))

_QUANTITY = re.compile(
    r"(?=[\d〇零一二两三四五六七八九十百千万半每第折周星礼凌早上中下晚夜新人台美港欧英$€£¥]|(?<![a-z])[a-z])(?:"
    rf"(?<![\d.-])(?P<iso>\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}})(?![\d.])"
    rf"|(?<!\d)(?P<han_year>\d{{4}}|[二一][〇零一二三四五六七八九]{{3}})年(?:度?(?P<year_month>{_HAN_DAY})月(?:"
    rf"(?P<year_day>{_HAN_DAY})[日号])?)?"
    rf"|(?<![\d.])(?P<han_month>{_HAN_DAY})月(?:(?P<han_day>{_HAN_DAY})[日号]|(?=[底初中末份]))"
    rf"|\b(?P<name>{_MONTH})\s(?P<after>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)(?:,?\s(?P<after_year>\d{{4}})\b)?"
    rf"|(?<![\d.,])(?P<before>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<its_month>{_MONTH})"
    rf"(?:,?\s?(?P<before_year>\d{{4}})\b)?"
    rf"|\b(?P<month_only>{_MONTH})\s(?P<only_year>\d{{4}})\b"
    rf"|(?P<month_alone>\b(?:january|february|april|june|july|august|september|october|november|december)\b"
    r"|(?<=\b(?:in|by|of)\s)(?:march|may)\b)"
    rf"|\bday\s(?P<day_number>[3-9]|\d{{2,3}}|{'|'.join(_ONES[2:])})\b"
    r"|(?<![\d:.])(?P<ratio>\d{1,4})\s?(?:比|[:：](?=\s?\d(?!\d)))\s?(?P<to_one>\d{1,4})(?![\d:])"
    rf"|(?P<part>凌晨|早上|上午|中午|下午|晚上|夜里)?\s?(?<![\d:])(?P<hour>\d{{1,2}})[:：](?P<minute>\d{{2}})(?![\d:])"
    rf"(?:\s?(?P<half>[ap])\.?m\b)?"
    rf"|(?P<bare_part>凌晨|早上|上午|中午|下午|晚上|夜里)?\s?(?<![\d.零一二两三四五六七八九十])(?P<oclock>{_HAN_DAY}|两)(?:点(?:(?![\d个心])"
    rf"|(?=\d{{1,2}}分(?![之钱])))|时(?![间长段候]))(?:(?P<thirty>半)|(?P<quarters>[一三])刻"
    rf"|零?(?P<minutes>{_HAN_MINUTES})分(?![之钱]))?"
    r"|(?<![\d:.])(?P<bare_hour>\d{1,2})\s?(?P<bare_half>[ap])\.?m\b"
    r"|(?:周|星期|礼拜)(?P<han_weekday>[一二三四五六日天])(?!次|个)"
    r"|\b(?P<weekday>monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b"
    r"|第?(?P<han_quarter>[一二三四1-4])季度|\bq(?P<quarter>[1-4])\b|\b(?P<named_quarter>first|second|third"
    r"|fourth)\squarter\b"
    r"|(?P<jiao>\d)角(?:(?P<fen>\d)分)?"
    rf"|(?<![第\d.])(?P<han_nth>{_HAN_DAY})分之(?P<han_nths>{_HAN_DAY})"
    rf"|\b(?P<some>{'|'.join(_ONES[1:9])})[ -](?P<nths>{'|'.join(list(_NTHS)[:-1])})s\b"
    rf"|\b(?:one|an?)[ -](?P<nth>{'|'.join(_NTHS)})(?= of (?!an hour|the year))"
    rf"|第[一二](?:天|年|日|次|个|公斤|千克|公里|小时|周|月|步)|第(?P<han_ordinal>\d{{1,4}}|{HAN_NUMBER.pattern})"
    rf"|\b(?P<named_ordinal>{'|'.join(_ORDINALS[2:])}|{'|'.join(_LATER)})\b"
    r"|(?<![\d.])(?P<ordinal>\d{1,3})(?:st|nd|rd|th)\b"
    r"|(?<![a-z0-9])(?P<code>(?!(?:usd|eur|gbp|cny|rmb|hkd|jpy|nt|hk|us)\d)[a-z]{1,8}-?\d[a-z0-9]*"
    r"(?:-[a-z0-9]+)*)(?!\.?[a-z0-9])"
    rf"|(?<![\d.])(?P<discount>[1-9]\d?|[一二三四五六七八九]{{1,2}})折"
    r"|(?P<three_quarters>\bthree[ -]quarters\b(?: of an hour\b)?)"
    r"|(?P<whole>全额|全价|全薪|全款|\bin full\b"
    r"|\b(?:full|whole|entire) (?:price|amount|fee|pay|salary|refund|cost|sum)"
    r"\b)"
    rf"|(?P<share>一半|折半|半数|\bhalf\b(?![ -](?:a|an|past|minute|hour|day)\b))"
    rf"|(?P<half_unit>半个?(?:小时|钟头|分钟|年|天|日|月))"
    rf"|\bhalf(?: an?|-)? ?(?P<half_word>minute|hour|day|week|month|year)\b"
    r"|(?P<quarter_unit>\b(?:a )?quarter of an hour\b)"
    rf"|\b(?:a )?(?P<minutes_word>quarter|half) (?P<past>to|past) (?P<past_hour>{'|'.join(_ONES[:12])})\b"
    r"|(?P<weekend>周末|\bweekends?\b)"
    r"|(?P<every>每季度?|每半年|\b(?:every|each|per) quarter\b(?! of)|\bquarterly\b|\b(?:every|each) half[ -]year\b)"
    r"|\b(?P<often>once|twice)\b"
    rf"|(?:(?P<prefix>{_PREFIX})\s?)?(?:(?P<digits>{FIGURE.pattern})|(?P<han>(?<![几数])"
    rf"(?!千[瓦克米卡]){HAN_NUMBER.pattern}+)"
    rf"|\b(?P<english>(?:{_NUMBER_WORD})\b(?:[ -](?:and )?(?:{_NUMBER_WORD})\b){{0,5}}))"
    rf"(?:[ \t-]{{0,2}}(?:个?(?:工作|自然|日历|完整|连续|交易|学)?"
    rf"|(?:(?:working|calendar|business|consecutive|full|paid|unpaid|free|whole|operating|more|extra|further"
    rf"|additional)[ ]"
    rf"|or[ ](?:more|less|fewer)[ ]){{1,2}})?(?P<unit>{PATTERN})(?P<and_half>半(?![价数年天个小日月]))?"
    rf"|(?P<counted>[ ]?[{COUNTED}]|(?=[ ][a-z]{{2,14}}(?<![uia])s\b(?<!less))))?)"
)
"""Matches one quantity. Every part is bounded or possessive, so the time is linear in the text."""
_WORDED: dict[str, frozenset[Reading]] = {
    "share": frozenset([("percent", "50")]),
    "whole": frozenset([("percent", "100")]),
    "quarter_unit": frozenset([("minutes", "15")]),
    "weekend": frozenset([("weekday", "5"), ("weekday", "6")]),
    "three_quarters": frozenset([("percent", "75"), ("minutes", "45")]),
}
"""What these groups are, whatever stands in them."""
_EVENING = ("下午", "晚上", "夜里")


def read_text(text: str) -> str:
    """Returns a text in the form in which its quantities are read, and in which their places are counted."""
    return in_digits(as_written(fold(text).lower()))


@lru_cache(maxsize=4096)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Returns the quantities of a text that `read_text` returned, in order. They are cached, because a clause is read
    for its figures, for its words and for its parts.
    """
    found = [quantity for match in _QUANTITY.finditer(text) if (quantity := _quantity(match)) is not None]
    return tuple(joined(text, found))


def _quantity(match: re.Match[str]) -> Quantity | None:
    start, end = match.span()
    if date := _date(match):
        year, month, _ = date
        written = str(year) if year is not None and month is None else ""
        return Quantity(frozenset([("date", str(date))]), written, start, end, date=date)
    if match["month_alone"]:
        date = (None, _month(match["month_alone"]), None)
        return Quantity(frozenset([("date", str(date)), ("month", str(date[1]))]), "", start, end, date=date)
    if match["day_number"]:
        number = match["day_number"]
        value = number if number.isdecimal() else str(_ENGLISH[number])
        return Quantity(frozenset([("ordinal", value)]), value, start, end)
    if named := _named(match):
        return Quantity(named, "", start, end)
    if match["named_ordinal"]:
        name = match["named_ordinal"]
        value = str(_LATER[name] if name in _LATER else _ORDINALS.index(name) + 1)
        return Quantity(frozenset([("ordinal", value)]), value, start, end, worded=True)
    if match["ordinal"] or match["han_ordinal"]:
        value = match["ordinal"] or _whole(match["han_ordinal"])
        readings = {("ordinal", value)} | ({("monthday", value)} if match["ordinal"] else set())
        return Quantity(frozenset(readings), value, start, end)
    if match["jiao"]:
        coins = Fraction(10 * int(match["jiao"]) + int(match["fen"] or 0), 100)
        return Quantity(frozenset([("yuan", str(coins))]), "", start, end)
    if match["nth"]:
        return Quantity(_share(1, _NTHS[match["nth"]]), "", start, end, worded=True)
    if match["nths"]:
        return Quantity(_share(_ENGLISH[match["some"]], _NTHS[match["nths"]]), "", start, end)
    if match["han_nth"]:
        return Quantity(_share(int(_whole(match["han_nths"])), int(_whole(match["han_nth"]))), "", start, end)
    if match["discount"]:
        value = _whole(match["discount"])
        kept = int(value) * (10 if len(value) == 1 else 1)
        return Quantity(frozenset([("percent", str(kept)), ("percent", str(100 - kept))]), "", start, end)
    if fixed := next((readings for name, readings in _WORDED.items() if match[name]), None):
        return Quantity(fixed, "", start, end, worded=True)
    if half := match["half_word"] or match["half_unit"]:
        word = half.removeprefix("半")
        unit = unit_of(word) or unit_of(f"个{word}")
        return Quantity(_readings("0.5", unit), "", start, end, worded=True)
    if match["every"]:
        months = "6" if "half" in match["every"] or "半" in match["every"] else "3"
        return Quantity(frozenset([("months", months)]), "", start, end, worded=True)
    if match["often"]:
        value = "1" if match["often"] == "once" else "2"
        return Quantity(frozenset([("times", value), ("count", value)]), "", start, end, worded=True)
    return _measured(match) if match["digits"] or match["han"] or match["english"] else None


def _share(parts: int, of: int) -> frozenset[Reading]:
    return frozenset([("percent", str(Fraction(100 * parts, of)))]) if of else frozenset()


def _measured(match: re.Match[str]) -> Quantity | None:
    worded = match["digits"] is None
    if not worded:
        parts = FIGURE.fullmatch(match["digits"])
        value = scaled(*parts.groups("")) if parts else ""
    else:
        value = han_value(match["han"]) if match["han"] else str(_english(match["english"]))
    unit = PREFIXES.get(match["prefix"] or "") or unit_of(match["unit"] or "")
    if match["prefix"] and match["unit"] in ("m", "mn", "bn"):  # $1.5m are no metres
        value = str(Fraction(value) * (10**9 if match["unit"] == "bn" else 10**6)) if _is_number(value) else value
    elif match["prefix"] and match["unit"] and match["unit"] != "元":
        unit = tuple(dict.fromkeys((*unit, *unit_of(match["unit"]))))
    if match["and_half"] and value.isdecimal():
        value = f"{value}.5"
    if match["counted"] is not None:
        kinds = ("count", "times") if match["counted"].strip() in ("", "个") else ("count",)  # 600 calls may be 600次
        unit = unit or tuple((kind, Fraction(1)) for kind in kinds)
    if worded and (value in ("", "0") or not (unit or (match["english"] and value != "1"))):
        return None
    return Quantity(_readings(value, unit), value, match.start(), match.end(), bare=not unit, worded=worded)


def _readings(value: str, unit: Unit) -> frozenset[Reading]:
    if not _is_number(value):
        return frozenset([("version", value)])
    return frozenset((kind, _value(value, factor)) for kind, factor in unit)


def _value(number: str, factor: Fraction) -> str:
    return str(Fraction(number) * factor)


def _is_number(value: str) -> bool:
    return len(value) <= 40 and re.fullmatch(r"\d+(?:\.\d+)?(?:/\d+)?", value) is not None


def _whole(number: str) -> str:
    return str(int(number)) if number.isdecimal() else han_value(number)


def _english(words: str) -> int:
    total = section = 0
    for word in re.split(r"[ -]+", words):
        if word in _SCALES:
            scale = _SCALES[word]
            section = (section or 1) * scale
            if scale > 100:
                total, section = total + section, 0
        elif word != "and":
            section += _ENGLISH[word]
    return total + section


def _date(match: re.Match[str]) -> Date | None:
    if match["iso"]:
        year, month, day = map(int, re.split(r"[-/.]", match["iso"]))
        return year, month, day
    if match["han_year"]:
        return int(_whole(match["han_year"])), _number(match["year_month"]), _number(match["year_day"])
    if match["han_month"]:
        return None, _number(match["han_month"]), _number(match["han_day"])
    if match["name"]:
        return _number(match["after_year"]), _month(match["name"]), int(match["after"])
    if match["its_month"]:
        return _number(match["before_year"]), _month(match["its_month"]), int(match["before"])
    if match["month_only"]:
        return int(match["only_year"]), _month(match["month_only"]), None
    return None


def _number(text: str | None) -> int | None:
    return int(_whole(text)) if text else None


def _month(name: str) -> int:
    return _MONTHS.index(name[:3]) + 1


def _named(match: re.Match[str]) -> frozenset[Reading]:
    """Returns the readings of a time of day, a day of the week, a quarter or a code. There may be none."""
    if match["ratio"]:
        return frozenset([("ratio", f"{match['ratio']}:{match['to_one']}")])
    if match["hour"]:
        found = _clock(match["hour"], match["minute"], match["part"], match["half"])
        return found if match["part"] or match["half"] else found | {("ratio", f"{match['hour']}:{match['minute']}")}
    if match["oclock"]:
        said, past = _whole(match["oclock"]), _minutes(match)
        morning = _clock(said, past, match["bare_part"], None)
        return morning if match["bare_part"] else morning | _clock(said, past, None, "p")  # 十点 at night
    if match["past_hour"]:
        hour, minutes = _ENGLISH[match["past_hour"]], 15 if match["minutes_word"] == "quarter" else 30
        hour, minutes = (hour, minutes) if match["past"] == "past" else ((hour + 10) % 12 + 1, 60 - minutes)
        return _clock(str(hour), str(minutes), None, None) | _clock(str(hour), str(minutes), None, "p")
    if match["bare_hour"]:
        return _clock(match["bare_hour"], "0", None, match["bare_half"])
    if match["han_weekday"]:
        return frozenset([("weekday", str(_HAN_WEEKDAYS[match["han_weekday"]]))])
    if match["weekday"]:
        return frozenset([("weekday", str(_WEEKDAYS.index(match["weekday"])))])
    if quarter := match["han_quarter"] or match["quarter"]:
        return frozenset([("quarter", _whole(quarter))])
    if match["named_quarter"]:
        return frozenset([("quarter", str(_ORDINALS.index(match["named_quarter"]) + 1))])
    if match["code"]:
        return frozenset([("code", match["code"].replace("-", ""))])
    return frozenset()


def _minutes(match: re.Match[str]) -> str:
    """Returns the minutes of 十点半, 十点一刻 and 十点零五分."""
    if match["quarters"]:
        return str(15 * int(_whole(match["quarters"])))
    return "30" if match["thirty"] else _whole(match["minutes"]) if match["minutes"] else "0"


def _clock(hour: str, minute: str, part: str | None, half: str | None) -> frozenset[Reading]:
    hours = int(hour)
    if hours < 12 and (half == "p" or part in _EVENING):
        hours += 12
    if hours == 12 and half == "a":
        hours = 0
    return frozenset([("clock", f"{hours}:{int(minute):02}")])
