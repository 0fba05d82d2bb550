"""What numbers mean, as words, so that one meaning is one term however it is written.

    三千五百元, 叁仟伍佰元整, 3500元, 3 500 元        n3500
    1.28 万元, 1万2千8, 12,800                        n12800
    2.7 million, $2.7M, 270 万                       n2700000
    卅七天, 三十七天, 37天, thirty-seven days         n37 and a term for the duration
    三分之二, 2/3                                     n2d3
    0512-6288 1200, (0512)62881200                   n051262881200, and n62881200
    第三十八条, 第 38 条, Article 38, §38              n38 and a term for the clause
    一个半月, 1.5 个月                                a term for the duration
    3.2.1, 03/05/2024                               n3d2d1, n03d05d2024: only as written

Dates and times are read by `ingest.embedding.dates`. Everything here takes folded text (`ingest.language.fold`) without
thousands separators, and linear time. Most expressions begin with a digit, and look behind it only then: so the
interpreter passes over other text quickly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, pairwise

from ingest.embedding.dates import dates

_COUNTED_BY = (
    r" ?(?:[年月日天号周条章节款元倍次级楼层折%]|小时|分钟|星期|个(?:月|工作日|自然日|小时|星期|半月|半小时)|分之|季度"
    r"|点(?=[半整钟零一二三四五\d]))"
)
"""What follows a numeral of one character if it is a number. 一 alone is part of too many words."""
_HAN_DIGIT = "[零〇一二三四五六七八九十百千万亿两]"
_NUMERAL = re.compile(rf"{_HAN_DIGIT}(?:{_HAN_DIGIT}++|(?<=第.)|(?<=分之.)|(?={_COUNTED_BY}))")
_FORMAL = re.compile(r"[壹贰叁肆伍陆柒捌玖](?:[零壹贰叁肆伍陆柒捌玖]{0,2}[拾佰仟万亿]++)++[壹贰叁肆伍陆柒捌玖]?+")
"""Matches a number as receipts write it. One such character alone is part of a name."""
_USUAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
_DIGITS = {"〇": 0, "两": 2} | {character: value for value, character in enumerate("零一二三四五六七八九")}
_MANY_TENS = {"廿": "二十", "卅": "三十", "卌": "四十"}
_SHORT_TENS = re.compile("[廿卅卌]")
_TENS = {"十": 10, "百": 100, "千": 1000}
_SCALES = {"千": 1000, "万": 10_000, "亿": 100_000_000}
_LONGEST_NUMERAL = 20
_SHORTEST_ROW = 3
"""So many digits in a row (二〇二四) are a number. 一二 and 三三 are words."""

_SCALED = re.compile(
    r"(\d(?<![\d.]\d)\d{0,8}+)(?:\.(\d{1,4}+))? ?"
    r"([千万亿]|(?:thousand|million|billion|mn|bn|k|m|b)(?![a-z\d]))"
)
_PLACES = {"千": 3, "万": 4, "亿": 8, "thousand": 3, "million": 6, "billion": 9, "mn": 6, "bn": 9}
_PLACES |= {"k": 3, "m": 6, "b": 9}
_COMPOUND = re.compile(r"\d(?<![\d.]\d)\d{0,5}+(?:亿|千?万|千)(?:\d{1,4}+(?:[千百十]?万|[千百])){1,3}+\d?+(?!\d)")
_STEP = re.compile(r"(\d++)(亿|[千百十]?万|[千百])?")
_STEPS = {"亿": 10**8, "千万": 10**7, "百万": 10**6, "十万": 10**5, "万": 10**4, "千": 1000, "百": 100}
_GROUPS = re.compile(r"\d(?<![\d.,-]\d)\d{0,2}+(?: \d{3}(?!\d)){1,3}+(?![.,]?\d| \d)")
_CURRENCY = re.compile(r"(?:[$\u20ac\u00a3\u00a5]|usd|eur|gbp|rmb|cny|hkd|人民币) ?\Z")
_UNIT = re.compile(r" ?(?:\.\d\d)? ?(?:元|美元|欧元|港元|日元|yuan\b|usd\b|eur\b|rmb\b|cny\b|\u20ac)")
_FRACTION = re.compile(r"(\d(?<!\d\d)\d?) ?分之 ?(\d{1,2})(?!\d)")
_GAP = r"[ \u00b7\u2010\u2012-\u2014-]"
_TELEPHONE = re.compile(
    rf"(1[3-9](?<!\d\d\d)\d{_GAP}?\d{{4}}{_GAP}?\d{{4}}|[48]00(?<!\d\d\d\d){_GAP}?\d{{3,4}}{_GAP}?\d{{3,4}})(?!\d)"
    rf"|(01\d(?<!\d\d\d\d)|02\d(?<!\d\d\d\d)|0[3-9]\d\d(?<!\d\d\d\d\d))\)?{_GAP}{{0,2}}(\d{{3,4}}){_GAP}?(\d{{4}})(?!\d)"
    rf"|(\d(?<!\d\d)(?<!\d{_GAP}\d)\d{{3}}) (\d{{4}})(?! ?\d)"
)
"""Matches the numbers of mobile and service telephones, and of others with and without their area, in China."""
_LIKE_TELEPHONE = re.compile(rf"\d(?:\)?{_GAP}{{0,2}}\d){{7}}")
"""Matches a part of each of them. It is found in a quarter of the time."""

_PARTED = re.compile(
    r"[Vv\d](?<![A-Za-z0-9][Vv\d])(?<![A-Za-z0-9][-/.][Vv\d])(?:(?<=\d)\d*+|\d++)(?:[-/.]\d++){1,5}+(?![A-Za-z0-9])"
)
_ISO_DATE = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}")
_LONG_NUMBER = 7
"""So many digits in groups (400-800-1234) are one number."""

_DAY = re.compile(r"n\d{8}")

_CLAUSE = re.compile(
    r"第 ?(\d{1,4}+) ?([条章节])"
    r"|(?:(?<![a-z0-9])(article|art|section|sec|clause|chapter)\.? |(\u00a7) ?)(\d{1,4}+)(?![a-z0-9])"
)
_ENGLISH_CLAUSE_MARKS = ("art", "sec", "clause", "chapter", "\u00a7")
_CHINESE_CLAUSE = re.compile(r"第 ?(\d{1,4}+) ?([条章节])")
"""The same in a text without these marks."""
_KINDS = {"条": "zzart", "article": "zzart", "art": "zzart", "clause": "zzart", "\u00a7": "zzart"}
_KINDS |= {"章": "zzchap", "chapter": "zzchap", "节": "zzsec", "section": "zzsec", "sec": "zzsec"}
"""No word begins with zz, so these terms are nothing else."""

_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_DECADES = {word: 10 * value for value, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty"), 2)}
_DECADES |= {"seventy": 70, "eighty": 80, "ninety": 90}
_COUNTED = {word: value for value, word in enumerate((*_ONES, *_TEENS), 1)} | _DECADES
_LASTING = (
    r"(?: ?(年|个月|天|日|个?(?:周|星期|小时|工作日)|分钟)"
    r"|[ -](?:working |calendar )?(year|month|day|week|hour|minute)s?\b)"
)
_WORDED = rf"(?:{'|'.join(_DECADES)})[ -](?:{'|'.join(_ONES)})|{'|'.join(_COUNTED)}"
_DURATION = re.compile(rf"(?<![a-z0-9.])(?<!月)(\d{{1,3}}+|{_WORDED}){_LASTING}")
_DIGIT_DURATION = re.compile(rf"(\d(?<![a-z0-9.]\d)(?<!月\d)\d{{0,2}}+){_LASTING}")
"""The same, in a text without the words of `_COUNTED`."""
_AND_A_HALF = re.compile(
    r"(\d(?<![\d.]\d)\d?)"
    r"(?:\.5 ?个?(年|月|天|周|星期|小时)|个半(月|周|星期|小时)|([年天])半|\.5 (year|month|day|week|hour)s?\b)"
)
_HALF = re.compile(r"半(?<![\d上下个]半)(个?月|年|个?小时|天)")
_HALVED = {"月": "zzmonth0d5", "年": "zzmonth6", "小时": "zzminute30", "天": "zzday0d5"}
_PARTS = {"year": ("month", 12), "hour": ("minute", 60)}
_UNITS = {"年": "year", "个月": "month", "天": "day", "日": "day", "工作日": "day", "周": "week", "星期": "week"}
_UNITS |= {"小时": "hour", "分钟": "minute", "月": "month"}


def meant_numbers(text: str) -> Iterator[str]:
    """Yields a word for everything that numbers of a text mean beyond the digits in it. A word may come again."""
    numerals: list[str] = []
    digits = _in_digits(text, numerals)
    lower = digits.lower()
    yield from numerals
    yield from chain(_durations(lower), dates(lower))
    if any(map(str.isdigit, digits)):
        yield from chain(_amounts(lower), _as_written(digits), _telephones(lower), _clauses(lower))


def times_in(text: str) -> list[str]:
    """Returns the words for the days, times, weekdays, quarters and halves of years that a text names."""
    return list(dates(_in_digits(text, []).lower()))


def days_in(text: str) -> list[str]:
    """Returns those that are days: with their year, and without it."""
    return [word for word in times_in(text) if word.startswith("zzmd") or _DAY.fullmatch(word)]


def in_usual_numerals(text: str) -> str:
    """Returns the text with the numerals of receipts, and 廿 and 卅, as they are usually written: 叁仟 is 三千."""
    usual = _FORMAL.sub(lambda formal: formal[0].translate(_USUAL), text)
    return _SHORT_TENS.sub(lambda tens: _MANY_TENS[tens[0]], usual)


def _in_digits(text: str, numerals: list[str]) -> str:
    """Returns the text with Chinese numerals in digits. Adds the words of these to `numerals`."""

    text = in_usual_numerals(text)

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


def _amounts(lower: str) -> Iterator[str]:
    """Yields 12800 for 1.28 万, 1万2千8百 and 12 800 元, and 2d3 for 2 of 3 parts."""
    for match in _SCALED.finditer(lower):
        whole, part, scale = match[1], match[2] or "", match[3]
        if (
            len(scale) == 1
            and scale.isascii()
            and not _CURRENCY.search(lower, max(0, match.start() - 5), match.start())
        ):
            continue
        value, rest = divmod(int(whole + part) * 10 ** _PLACES[scale], 10 ** len(part))
        if not rest:
            yield f"n{value}"
    for match in _COMPOUND.finditer(lower) if any(scale in lower for scale in "千万亿") else ():
        steps = [(int(digits), _STEPS.get(scale, 0)) for digits, scale in _STEP.findall(match[0])]
        steps[-1] = (steps[-1][0], steps[-1][1] or steps[-2][1] // 10)
        if all(upper > below for (_, upper), (_, below) in pairwise(steps)):
            yield f"n{sum(digits * scale for digits, scale in steps)}"
    for match in _GROUPS.finditer(lower) if " " in lower else ():
        start = match.start()
        if _UNIT.match(lower, match.end()) or _CURRENCY.search(lower, max(0, start - 5), start):
            yield "n" + match[0].replace(" ", "")
    for below, above in _FRACTION.findall(lower) if "分之" in lower else ():
        yield f"n{int(above)}d{int(below)}"


def _telephones(lower: str) -> Iterator[str]:
    """Yields the digits of telephone numbers that have something between them, and those without the area."""
    found = _TELEPHONE.findall(lower) if _LIKE_TELEPHONE.search(lower) else ()
    for whole, area, first, second, exchange, rest in found:
        if digits := "".join(filter(str.isdigit, whole)):
            if digits != whole:
                yield f"n{digits}"
        elif area:
            yield from (f"n{area}{first}{second}", f"n{first}{second}")
        else:
            yield f"n{exchange}{rest}"


def _as_written(text: str) -> Iterator[str]:
    """Yields one word for digits with points, strokes or hyphens between them."""
    for match in _PARTED.finditer(text) if any(mark in text for mark in "-/.") else ():
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


def _clauses(lower: str) -> Iterator[str]:
    pattern = _CLAUSE if any(mark in lower for mark in _ENGLISH_CLAUSE_MARKS) else _CHINESE_CLAUSE
    for match in pattern.finditer(lower):
        number, kind = (match[1], match[2]) if match[1] else (match[5], match[3] or match[4])
        yield f"{_KINDS[kind]}{int(number)}"
        if kind in ("section", "sec"):
            yield f"zzart{int(number)}"  # the Section of one law is the 条 of another


def _durations(lower: str) -> Iterator[str]:
    pattern = _DURATION if any(word in lower for word in _COUNTED) else _DIGIT_DURATION
    for number, unit, english in pattern.findall(lower):
        value = _counted(number)
        yield f"zz{english or _UNITS[unit if unit in _UNITS else unit.removeprefix('个')]}{value}"
        if not number.isdigit():
            yield f"n{value}"
    for number, *units in _AND_A_HALF.findall(lower) if "半" in lower or ".5" in lower else ():
        unit = next(filter(None, units))
        unit = _UNITS.get(unit, unit)
        yield f"zz{unit}{int(number)}d5"
        if unit in _PARTS:
            part, times = _PARTS[unit]
            yield f"zz{part}{int(number) * times + times // 2}"
    for unit in _HALF.findall(lower) if "半" in lower else ():
        yield _HALVED[unit.removeprefix("个")]


def _counted(number: str) -> int:
    return int(number) if number.isdigit() else sum(_COUNTED[word] for word in re.split("[ -]", number))
