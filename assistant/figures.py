"""Finds the figures of a statement, with their units, and checks if a passage confirms them.

A figure that the passage lacks is not confirmed, even if the asker named it first. It is excused in two cases only. In
the first, the statement contrasts it with the passage's own figure for the same thing ("not 30 days but 15"). In the
second, the passage has a range that contains it (`满五年不满十年` for somebody's 8 years). Two figures are for the same
thing if they have the same unit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from assistant.events import Support
from assistant.terms import ENGLISH_NUMBERS, FIGURE, HAN_NUMBER, han_value, numbers, scaled
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

_SET_AGAINST = re.compile(
    r"不是|并非|而非|而是|不足|不到|超过|超出|超额|高于|低于|少于|多于|大于|小于|只有|仅|应为|应该是|实际|有误|不对|错误|上限"
    r"|最多|至多|以内|不能|不得|不可"
    r"|\bnot\b|n't\b|\bno\b|\binstead\b|\brather\b|\bonly\b|\bbut\b|\bexceed|\bmore than\b|\bless than\b|\bfewer\b"
    r"|\babove\b|\bbelow\b|\bwithin\b|\blimit|\bmaximum\b|\bat most\b|\bup to\b|\bactual|\bincorrect\b|\bwrong\b"
)
"""Matches the words that contrast one figure with another."""

_JOINS = re.compile(
    r"[^。；;|]{0,6}?(?:[-–—~至到]|以上|不满|未满|不足|小于|低于|\bto\b|less than|under|below|fewer than)[^。；;|]{0,6}"
)
_BETWEEN = re.compile(r"\bbetween[ ]\Z|介于\Z|在\Z")
_FROM_BEFORE = re.compile(
    r"(?:(?<![不未])满|(?<!不)超过|大于|\bover|\bmore than|\bafter|\blonger than|\bexceeding)[ ]?\Z"
)
_FROM_AFTER = re.compile(r"\s?(?:\(含\))?(?:及?以上|起|or more|and above|or over|and over|\+)")
_TO_BEFORE = re.compile(r"(?:不满|未满|不足|小于|(?<!不)低于|\bless than|\bunder|\bfewer than|\bbelow)[ ]?\Z")
_TO_AFTER = re.compile(r"\s?(?:及?以下|or less|or fewer)")
_AROUND = 12
"""So many characters before and after a figure are searched for words that begin or end a range."""
_COMPARED_DIGITS = 15
_EXCUSED = 20
"""At most so many figures of the asker are excused in one statement. With more, the statement is not confirmed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in one form (`terms.figures`), its unit, and its place. The unit is empty if none is known."""

    value: str
    unit: str
    start: int
    end: int
    worded: bool = False


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float
    unit: str
    beside: frozenset[str]
    """The numbers of the sentence that states the range."""

    @property
    def closed(self) -> bool:
        return float("-inf") < self.low and self.high < float("inf")


class Figures:
    """The figures of one passage: their units, and the ranges that they form. They are computed when first needed."""

    def __init__(self, heading: str, sentences: Sequence[str]) -> None:
        self._sentences = (heading, *sentences)
        self._units: dict[str, set[str]] | None = None
        self._ranges: list[_Range] | None = None

    @property
    def units(self) -> Mapping[str, Collection[str]]:
        """The numbers of the passage, each with its units there. An empty unit means that it may have any unit."""
        if self._units is None:
            units: dict[str, set[str]] = {}
            for sentence in self._sentences:
                measured = measures(sentence)
                for figure in measured:
                    units.setdefault(figure.value, set()).add(figure.unit)
                for value in numbers(sentence).difference(figure.value for figure in measured):
                    units.setdefault(value, set()).add("")
            self._units = units  # at the end, because other threads use the same passage
        return self._units

    @property
    def ranges(self) -> Sequence[_Range]:
        """The ranges that the passage states."""
        if self._ranges is None:
            self._ranges = [found for sentence in self._sentences for found in _ranges(sentence)]
        return self._ranges

    def has(self, figure: Figure) -> bool:
        """Returns True if the passage has this number with the same unit, or if one of the units is not known."""
        units = self.units.get(figure.value)
        return units is not None and (not figure.unit or figure.unit in units or "" in units)


@lru_cache(maxsize=64)
def figures_of(heading: str, sentences: tuple[str, ...]) -> Figures:
    """Returns the figures of one passage. They are cached, because the same few passages are cited in many answers."""
    return Figures(heading, sentences)


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


def stated(text: str) -> list[Figure]:
    """Returns the figures of a statement that a passage must confirm: all in digits, and those in words with a unit.

    Zero and one in words are left out. A one in words is often no figure: 一年一次, one day.
    """
    return [figure for figure in measures(text) if not figure.worded or (figure.unit and figure.value not in "01")]


def borne_out(statement: str, asked: Collection[str], passages: Sequence[Figures]) -> Support | None:
    """Returns how far the passages together confirm the figures of a statement, or None if they do not.

    `asked` are the numbers of the question. If the passages lack one of them, it may be excused as the head of this
    file says. The result is then `not_checkable`, unless its unit is known on both sides and the rest of the statement
    fits.
    """
    figures = stated(statement)
    missing = [figure for figure in figures if not any(passage.has(figure) for passage in passages)]
    if len(missing) > _EXCUSED or any(figure.value not in asked for figure in missing):
        return None
    own = [
        figure
        for figure in measures(statement)
        if figure not in missing and any(passage.has(figure) for passage in passages)
    ]
    excuses = [_excused(figure, own, statement, passages) for figure in missing]
    if None in excuses:
        return None
    return "not_checkable" if "not_checkable" in excuses else "checked"


def _excused(figure: Figure, own: Sequence[Figure], statement: str, passages: Sequence[Figures]) -> Support | None:
    set_against = _SET_AGAINST.search(fold(statement).lower()) is not None
    same = [other for other in own if other.unit == figure.unit != ""]
    if set_against and same:
        return "checked"
    others = {other.value for other in own}
    covering = [
        found
        for passage in passages
        for found in passage.ranges
        if found.unit in ("", figure.unit) and found.low <= _number(figure.value) <= found.high
    ]
    if any(found.closed and found.unit and others <= found.beside for found in covering):
        return "checked"
    unknown = set_against and any("" in (other.unit, figure.unit) for other in own)
    return "not_checkable" if covering or same or unknown else None


def _ranges(sentence: str) -> Iterator[_Range]:
    """Yields the ranges in a sentence: 满三年不满五年, 3-5 年, 10 年以上, between 5 and 10 years, over 3 years."""
    folded = fold(sentence).lower()
    found = measures(sentence)
    if not found:
        return
    beside = frozenset(numbers(sentence))
    joined: set[int] = set()
    for place, (first, second) in enumerate(pairwise(found)):
        low, high = _number(first.value), _number(second.value)
        between, before = folded[first.end : second.start], folded[max(0, first.start - _AROUND) : first.start]
        joins = _JOINS.fullmatch(between) or (between.strip() in ("and", "和") and _BETWEEN.search(before))
        if joins and low < high and (first.unit == second.unit or not first.unit):
            joined |= {place, place + 1}
            yield _Range(low, high, second.unit, beside)
    for place, figure in enumerate(found):
        if place in joined:
            continue
        before, after = folded[max(0, figure.start - _AROUND) : figure.start], folded[figure.end : figure.end + _AROUND]
        if _FROM_BEFORE.search(before) or _FROM_AFTER.match(after):
            yield _Range(_number(figure.value), float("inf"), figure.unit, beside)
        elif _TO_BEFORE.search(before) or _TO_AFTER.match(after):
            yield _Range(float("-inf"), _number(figure.value), figure.unit, beside)


def _number(value: str) -> float:
    """Returns the number for comparisons. A value that is too long or no number (a version) gives NaN, which is in no
    range.
    """
    try:
        return float(value) if len(value) <= _COMPARED_DIGITS else float("nan")
    except ValueError:
        return float("nan")


def _unit(word: str) -> str:
    return next((unit for pattern, unit in _UNITS if pattern.fullmatch(word)), "")
