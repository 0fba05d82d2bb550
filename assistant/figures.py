"""Finds the numbers of a text with their units, for the row of a table that fits the number of a question.

Citations use another reader (`assistant.checking.quantities`), which knows more units and compares them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.terms import ENGLISH_NUMBERS, FIGURE, HAN_NUMBER, han_value, scaled
from ingest.language import fold

_WORDS_OF_UNITS = {
    "day": "天 日 days? nights?",
    "year": "周年 周岁 年 岁 years? yrs?",
    "month": "月 months?",
    "week": "周 星期 礼拜 weeks?",
    "hour": "小时 钟头 hours? hrs?",
    "minute": "分钟 minutes? mins?",
    "second": "秒 seconds?",
    "percent": "% percent",
    "dollar": "美元 美金 usd dollars?",
    "euro": "欧元 eur euros?",
    "yuan": "元 块 人民币 cny rmb yuan",
    "time": "次 倍 times",
    "person": "人 people persons?",
}
_PREFIXES = {"usd": "dollar", "$": "dollar", "eur": "euro", "€": "euro", "百分之": "percent"} | dict.fromkeys(
    ("cny", "rmb", "人民币", "¥"), "yuan"
)
_UNITS = [(re.compile(word), unit) for unit, words in _WORDS_OF_UNITS.items() for word in words.split()]
_UNIT = "|".join(
    rf"{word}\b" if word.isascii() and word != "%" else word
    for words in _WORDS_OF_UNITS.values()
    for word in words.split()
)
_ENGLISH_NUMBER = "|".join(ENGLISH_NUMBERS)
_MEASURE = re.compile(
    rf"(?:(?P<prefix>{'|'.join(map(re.escape, _PREFIXES))})\s?+)?+"
    rf"(?:(?P<digits>{FIGURE.pattern})"
    rf"|(?P<han>(?<![几数第]){HAN_NUMBER.pattern}+)"
    rf"|\b(?P<english>{_ENGLISH_NUMBER})\b(?P<more>(?:[ -](?:and )?+(?:{_ENGLISH_NUMBER})\b)*+))"
    r"(?:[ \t-]?+(?:个?+(?:工作|自然|日历|完整|连续|交易)?+"
    r"|(?:(?:working|calendar|business|consecutive|natural|full|paid|annual|leave)[ ]){1,2}+)"
    rf"(?P<unit>{_UNIT}))?+"
)
"""Matches a number, and its unit if one of the known units stands beside it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in one form (`terms.figures`), its unit, and its place. The unit is empty if none is known."""

    value: str
    unit: str
    start: int
    end: int
    worded: bool = False


def measures(text: str) -> list[Figure]:
    """Returns the numbers of `text` in digits and in words, with their units. Places are those in the folded text."""
    found = []
    for match in _MEASURE.finditer(fold(text).lower()):
        if match["digits"] is not None:
            digits = FIGURE.fullmatch(match["digits"])
            value = scaled(*digits.groups("")) if digits else ""
        elif match["more"]:
            continue  # a number such as twenty-five is not read yet
        else:
            value = han_value(match["han"]) if match["han"] else ENGLISH_NUMBERS[match["english"]]
        unit = _PREFIXES.get(match["prefix"] or "") or _unit(match["unit"] or "")
        found.append(Figure(value, unit, match.start(), match.end(), match["digits"] is None))
    return found


def _unit(word: str) -> str:
    return next((unit for pattern, unit in _UNITS if pattern.fullmatch(word)), "")
