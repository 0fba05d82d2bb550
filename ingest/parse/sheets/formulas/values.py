"""What a cell of a workbook holds, with what Excel makes of texts, truth and empty cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TypeGuard

Scalar = float | str | bool | None
"""What a cell holds. None is an empty cell."""
LONGEST_TEXT = 32_767
"""In characters. A cell of Excel holds no more. Texts that double from cell to cell would fill the memory."""
ERRORS = ("#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!")

_NUMBER = re.compile(r"(?P<sign>[+-]?)[¥￥$€£]?\s*+(?P<digits>[\d,]*+\.?\d*+(?:[Ee][+-]?\d{1,3})?)\s*+(?P<percent>%?)")
_LONGEST_NUMBER = 40


class UncomputableError(Exception):
    """A formula that is not computed here, and why."""


class FormulaError(UncomputableError):
    """A formula whose value in Excel is an error such as #N/A. Its text is the only argument."""


def as_number(value: Scalar) -> float:
    """Returns a value as arithmetic takes it: nothing is 0, and a text of digits is their number. Raises FormulaError
    for other texts.
    """
    if value is None:
        return 0
    number = number_of(value) if isinstance(value, str) else float(value)
    if number is None:
        raise FormulaError("#VALUE!")
    if not math.isfinite(number):
        raise FormulaError("#NUM!")
    return number


def number_of(text: str) -> float | None:
    """Returns the number that a text is: `1,234.5`, `13%`, `¥5`. Returns None for another text."""
    match = _NUMBER.fullmatch(text.strip()) if len(text) <= _LONGEST_NUMBER else None
    if match is None:
        return None
    try:
        number = float(match["sign"] + match["digits"].replace(",", ""))
    except ValueError:
        return None
    return number / 100 if match["percent"] else number


def as_text(value: Scalar) -> str:
    """Returns a value as a text takes it in (`A1&"元"`)."""
    if isinstance(value, bool):
        return str(value).upper()
    return "" if value is None else value if isinstance(value, str) else f"{value + 0:.15g}".replace("e", "E")


def as_truth(value: Scalar) -> bool:
    """Returns a value as a condition takes it. The texts TRUE and FALSE are their meaning."""
    if isinstance(value, str) and value.upper() in ("TRUE", "FALSE"):
        return value.upper() == "TRUE"
    return bool(as_number(value))


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def order(value: Scalar) -> tuple[int, float | str]:
    """Returns what a value is compared by: numbers come before texts, and texts before truth. Case does not count."""
    if isinstance(value, bool):
        return 2, value
    return (1, value.casefold()) if isinstance(value, str) else (0, value or 0)


def joined(texts: Iterable[str], between: str = "") -> str:
    """Returns texts as one. Raises FormulaError if a cell could not hold it."""
    kept: list[str] = []
    length = -len(between)
    for text in texts:
        length += len(text) + len(between)
        if length > LONGEST_TEXT:
            raise FormulaError("#VALUE!")
        kept.append(text)
    return between.join(kept)
