"""The conditions of SUMIF and COUNTIF (`">=60"`, `"北京*"`), and texts with wildcards."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ingest.parse.sheets.formulas.dates import day_of
from ingest.parse.sheets.formulas.ranges import Place, Range
from ingest.parse.sheets.formulas.values import Scalar, UncomputableError, is_number, number_of, order

_CONDITION = re.compile(r"(<=|>=|<>|=|<|>)?(.*)", re.DOTALL)
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
_LONGEST_PATTERN = 255
LETTERS_OF_A_CELL = 100
"""So many letters that are compared with a pattern count as one cell more."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A condition. `operand` is None where it is for empty cells."""

    sign: str
    operand: Scalar
    pattern: re.Pattern[str] | None

    def holds(self, value: Scalar) -> bool:
        """Returns True if a cell with this value counts."""
        if self.sign in ("=", "<>"):
            return self._is_equal(value) is (self.sign == "=")
        if isinstance(self.operand, str):
            return isinstance(value, str) and _COMPARED[self.sign](value.casefold(), self.operand.casefold())
        return is_number(value) and self.operand is not None and _COMPARED[self.sign](value, self.operand)

    def _is_equal(self, value: Scalar) -> bool:
        if self.operand is None:
            return value is None or (value == "" and self.sign == "=")
        if self.pattern is not None:
            return isinstance(value, str) and is_like(value, self.pattern)
        if is_number(self.operand) and isinstance(value, str):
            return number_of(value) == self.operand
        return value is not None and order(value) == order(self.operand)

    def places(self, cells: Range) -> Iterator[Place]:
        """Yields the places of cells that count, without the empty ones."""
        if self.sign == "=" and isinstance(self.operand, str) and self.pattern is None:
            yield from cells.equal.get(order(self.operand), ())
            return
        if self.sign == "=" and is_number(self.operand):
            yield from sorted([*cells.equal.get(order(self.operand), ()), *self._digits(cells)])
            return
        cells.spend(len(cells.cells))
        for place, value in cells.cells.items():
            if self.pattern is not None and isinstance(value, str):
                cells.spend(len(value) // LETTERS_OF_A_CELL)
            if not isinstance(value, UncomputableError) and self.holds(value):
                yield place

    def _digits(self, cells: Range) -> Iterator[Place]:
        """Yields the places of texts that are written as this number."""
        for text in {f"{self.operand:.15g}", f"{self.operand:.2f}", f"{self.operand:.1f}"}:
            if number_of(text) == self.operand:
                yield from cells.equal.get((1, text), ())


def criterion(value: Scalar) -> Criterion:
    """Returns the condition that a value of a formula is."""
    if not isinstance(value, str):
        return Criterion("=", value if value is not None else 0, None)
    match = _CONDITION.fullmatch(value)
    sign, text = (match[1], match[2]) if match is not None else (None, value)
    if not text:
        return Criterion(sign or "=", None, None)
    number = number_of(text)
    if number is None:
        number = day_of(text)
    if number is not None:
        return Criterion(sign or "=", number, None)
    if text.upper() in ("TRUE", "FALSE"):
        return Criterion(sign or "=", text.upper() == "TRUE", None)
    return Criterion(sign or "=", text, wildcards(text) if sign in (None, "=", "<>") else None)


@lru_cache(maxsize=1_000)
def wildcards(text: str) -> re.Pattern[str] | None:
    """Returns what matches a text with `*`, `?` or `~`, in small letters, or None if it has none. It never goes back
    behind a `*` once what follows it is found, so that no text takes long.
    """
    if not set(text) & set("*?~"):
        return None
    if len(text) > _LONGEST_PATTERN:
        raise UncomputableError("a long pattern")
    pieces = [""]
    for piece in re.findall(r"~[*?~]|.", text.casefold(), re.DOTALL):
        if piece == "*":
            pieces.append("")
        else:
            pieces[-1] += "." if piece == "?" else re.escape(piece[-1])
    first, *others = pieces
    if not others:
        return re.compile(first, re.DOTALL)
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece)
    return re.compile(f"{first}{between}.*{others[-1]}", re.DOTALL)


def is_like(text: str, pattern: re.Pattern[str]) -> bool:
    return pattern.fullmatch(text.casefold()) is not None
