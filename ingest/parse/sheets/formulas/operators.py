"""Operators, and what SUMPRODUCT makes of them: a value for each cell of the ranges beside them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

from ingest.parse.sheets.formulas.choices import CHOICES
from ingest.parse.sheets.formulas.functions import FUNCTIONS
from ingest.parse.sheets.formulas.nodes import PRECEDENCE
from ingest.parse.sheets.formulas.ranges import Argument, single
from ingest.parse.sheets.formulas.values import (
    FormulaError,
    Scalar,
    UncomputableError,
    as_number,
    as_text,
    is_number,
    order,
)

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow,
}  # fmt: skip
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip

_NOISE = 1e-15
"""A difference that is smaller, beside what it is taken from, is nothing."""

Grid = list[list[Scalar | UncomputableError]]
"""Rows of values. A cell may hold why it has none."""


def size(grids: list[Grid]) -> tuple[int, int]:
    return max(map(len, grids), default=1), max((len(grid[0]) for grid in grids), default=1)


def side_by_side(grids: list[Grid]) -> Iterator[list[Scalar | UncomputableError]]:
    """Yields the values that stand in the same place of each grid. A single row, or column, counts for all."""
    height, width = size(grids)
    if any(len(grid) not in (1, height) or len(grid[0]) not in (1, width) for grid in grids):
        raise UncomputableError("ranges of different sizes")
    for row in range(height):
        for column in range(width):
            yield [grid[row if len(grid) > 1 else 0][column if len(grid[0]) > 1 else 0] for grid in grids]


def product(values: list[Scalar | UncomputableError]) -> float:
    """Returns the product of values. Texts and truth are no numbers. In `(A2:A9="x")*B2:B9` truth is one already."""
    for value in values:
        if isinstance(value, UncomputableError):
            raise value
    return math.prod(value if is_number(value) else 0 for value in values)


def each(name: str, values: list[Scalar | UncomputableError]) -> Scalar | UncomputableError:
    """Returns the value of a function or an operator for one cell, or why it has none."""

    def given(value: Scalar | UncomputableError) -> Argument:
        if isinstance(value, UncomputableError):
            raise value
        return value

    try:
        if name in CHOICES:
            later = [lambda value=value: given(value) for value in values]
            return single(applied(name, CHOICES[name], later))
        arguments = [given(value) for value in values]
        if name in PRECEDENCE:
            return operated(name, [single(argument) for argument in arguments])
        return single(applied(name, FUNCTIONS[name], arguments))
    except UncomputableError as error:
        return error


def applied(name: str, function: Callable[[Any], Argument], arguments: Any) -> Argument:
    try:
        return function(arguments)
    except ZeroDivisionError as error:
        raise FormulaError("#DIV/0!") from error
    except (ArithmeticError, ValueError, IndexError, TypeError) as error:
        raise UncomputableError(f"arguments of {name}") from error


def operated(name: str, values: list[Scalar]) -> Scalar:
    if name == "&":
        return "".join(map(as_text, values))
    if name in _COMPARED:
        one, two = values
        # Beside a text, an empty cell is an empty text, and beside truth it is FALSE.
        one, two = _beside(one, two), _beside(two, one)
        return _COMPARED[name](_key(one), _key(two))
    numbers = [as_number(value) for value in values]
    if len(numbers) == 1:
        return -numbers[0] if name == "-" else numbers[0]
    try:
        result = _ARITHMETIC[name](*numbers)
    except ZeroDivisionError as error:
        raise FormulaError("#DIV/0!") from error
    except (ArithmeticError, ValueError) as error:
        raise FormulaError("#NUM!") from error
    if isinstance(result, complex):
        raise FormulaError("#NUM!")
    if name in "+-" and abs(result) < abs(numbers[0]) * _NOISE:
        return 0.0  # 0.3-0.1-0.2
    return result


def _key(value: Scalar) -> tuple[int, float | str]:
    """Returns what a value is compared by. Excel compares 15 digits of a number: 0.1+0.2 is 0.3."""
    return (0, float(f"{value:.15g}")) if isinstance(value, float) else order(value)


def _beside(value: Scalar, other: Scalar) -> Scalar:
    if value is not None:
        return value
    return "" if isinstance(other, str) else False if isinstance(other, bool) else 0
