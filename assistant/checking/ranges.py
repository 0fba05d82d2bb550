"""The ranges that a clause states: 满三年不满五年, 3-5 年, 10 年以上, at most 30 days, between 5 and 10 years."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from assistant.checking.quantity import Quantity

_JOINS = re.compile(
    r"[^。；;|]{0,6}?(?:[-–—~至到]|以上|不满|未满|不足|小于|低于|\bto\b|less than|under|below|fewer than)[^。；;|]{0,6}"
)
_BETWEEN = re.compile(r"\bbetween[ ]\Z|介于\Z|在\Z")
_FROM_BEFORE = re.compile(
    r"(?:(?<![不未])满|(?<![不得能])超过|(?<![不超])过了?|大于|高于"
    r"|\bover|(?<!\bno )(?<!\bnot )\b(?:more|longer) than|\bafter|(?<!\bnot )\bexceeding|\babove)[ ]?\Z"
)
_FROM_AFTER = re.compile(r"\s?(?:\(含\))?(?:及?以上|起|or more|or above|and above|or over|and over|\+)")
_TO_BEFORE = re.compile(
    r"(?:不满|未满|不足|不到|小于|低于|不(?:得|能|可|应)?(?:超过|多于|高于|大于)|最多|至多|最高|最长"
    r"|\bless than|\bunder|\bfewer than|\bbelow|\bat most|\bup to|\bno more than|\bwithin"
    r"|\bmaximum of)[\u4e00-\u9fff]{0,2}[ ]?\Z"
)
_TO_AFTER = re.compile(r"\s?(?:及?以下|以内|之内|内|or less|or fewer|or below|or under|at most)")
_DUE = re.compile(
    r"(?:限额|上限|封顶|限于|\bcap(?:ped)? (?:at|of)|\blimit(?:ed)? (?:to|of|is)"
    r"|不(?:得|能|可|应)?(?:少于|低于|小于)|至少|最少|最低"
    r"|\bat least|\bno less than|\bminimum of)[\u4e00-\u9fff]{0,2}[ ]?\Z"
)
_BELOW = re.compile(r"(?:不满|未满|不足|小于|低于|不到|\bless than|\bunder|\bfewer than|\bbelow)[ ]?\Z")
_CONDITION_AFTER = re.compile(r"\s?(?:\(含\))?(?:及?以[上下]|or more|or less|and above|or over|and over)")
_AROUND = 12
"""So many characters before and after a figure are searched for words that begin or end a range."""


@dataclass(frozen=True, slots=True)
class Range:
    """A range of one kind, from `low` to `high`. An end that is None is open."""

    kind: str
    low: Fraction | None
    high: Fraction | None

    @property
    def closed(self) -> bool:
        return self.low is not None and self.high is not None

    def ends_with(self, quantity: Quantity) -> bool:
        """Returns True if the quantity is one of its ends."""
        return any(value in (self.low, self.high) for value in values(quantity, self.kind))

    def holds(self, quantity: Quantity) -> bool:
        """Returns True if the quantity is of this kind or of none, and lies within. If it has none, it holds counts."""
        plain = not self.kind and quantity.is_plain
        for value in (
            [Fraction(quantity.written)] if plain and _is_fraction(quantity.written) else values(quantity, self.kind)
        ):
            if (self.low is None or self.low <= value) and (self.high is None or value <= self.high):
                return True
        return False


def values(quantity: Quantity, kind: str) -> list[Fraction]:
    """Returns the values of a quantity as one of this kind."""
    found = [Fraction(value) for its, value in quantity.readings if its == kind and _is_fraction(value)]
    if not found and quantity.bare and _is_fraction(quantity.written):
        found = [Fraction(quantity.written)]
    return found


def ranges_of(text: str, found: tuple[Quantity, ...]) -> Iterator[Range]:
    """Yields the ranges in a clause with these quantities."""
    joined: set[int] = set()
    for place, (first, second) in enumerate(pairwise(found)):
        between, before = text[first.end : second.start], text[max(0, first.start - _AROUND) : first.start]
        if not (_JOINS.fullmatch(between) or (between.strip() in ("and", "和") and _BETWEEN.search(before))):
            continue
        for kind in second.kinds or ([""] if second.bare else []):
            for low in values(first, kind):
                for high in values(second, kind):
                    if low != high:
                        joined |= {place, place + 1}
                        yield Range(kind, min(low, high), max(low, high))
    for place, quantity in enumerate(found):
        before, after = text[max(0, quantity.start - _AROUND) : quantity.start], text[quantity.end :][:_AROUND]
        if place in joined or _DUE.search(before):
            continue
        for kind in quantity.kinds:
            for value in values(quantity, kind):
                if _TO_BEFORE.search(before) or _TO_AFTER.match(after):
                    yield Range(kind, None, value)
                elif _FROM_BEFORE.search(before) or _FROM_AFTER.match(after):
                    yield Range(kind, value, None)


def is_limit(text: str, quantity: Quantity) -> bool:
    """Returns True if the clause states the quantity as a limit, and not as a value that may lie within one."""
    before, after = text[max(0, quantity.start - _AROUND) : quantity.start], text[quantity.end :][:_AROUND]
    patterns = (_FROM_BEFORE, _TO_BEFORE, _DUE)
    return any(pattern.search(before) for pattern in patterns) or bool(
        _FROM_AFTER.match(after) or _TO_AFTER.match(after)
    )


def is_condition(text: str, quantity: Quantity) -> bool:
    """Returns True if the clause states the quantity as the end of an open range: below 99%, 满十年, 30 天以上."""
    before, after = text[max(0, quantity.start - _AROUND) : quantity.start], text[quantity.end :][:_AROUND]
    return bool(_FROM_BEFORE.search(before) or _BELOW.search(before) or _CONDITION_AFTER.match(after))


def _is_fraction(value: str) -> bool:
    return re.fullmatch(r"\d{1,40}(?:\.\d{1,40}|/\d{1,40})?", value) is not None
