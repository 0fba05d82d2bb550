"""The functions of spreadsheets that `formulas` can compute, with what Excel makes of texts, truth and empty cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import TypeGuard

Scalar = float | str | bool | None
"""What a cell holds. None is an empty cell."""
_Arguments = Sequence[Scalar | list[Scalar]]
"""A list is a range of cells."""
_MAX_PLACES = 30


class UncomputableError(Exception):
    """A formula that is not computed here, and why."""


def as_number(value: Scalar) -> float:
    """Returns a value as arithmetic takes it: nothing is 0, and a text of digits is their number."""
    if value is None:
        return 0
    try:
        number = float(value)
    except ValueError as error:
        raise UncomputableError("a text in the place of a number") from error
    if not math.isfinite(number):
        raise UncomputableError("a number without bounds")
    return number


def as_text(value: Scalar) -> str:
    """Returns a value as a text takes it in (`A1&"元"`)."""
    if isinstance(value, bool):
        return str(value).upper()
    return "" if value is None else value if isinstance(value, str) else f"{value:.15g}"


def _is_number(value: Scalar) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _numbers(arguments: _Arguments) -> list[float]:
    """Returns the numbers: those in ranges, where texts do not count, and all arguments beside them."""
    found: list[float] = []
    for argument in arguments:
        if isinstance(argument, list):
            found.extend(float(value) for value in argument if _is_number(value))
        else:
            found.append(as_number(argument))
    return found


def _average(arguments: _Arguments) -> float:
    numbers = _numbers(arguments)
    if not numbers:
        raise UncomputableError("an average of nothing")
    return math.fsum(numbers) / len(numbers)


def _count_filled(arguments: _Arguments) -> float:
    return sum(
        sum(value is not None for value in argument) if isinstance(argument, list) else 1 for argument in arguments
    )


def _count_numbers(arguments: _Arguments) -> float:
    return len(_numbers([argument for argument in arguments if not isinstance(argument, str)]))


def _single(arguments: _Arguments) -> list[Scalar]:
    """Returns the arguments of a function that takes no ranges. A range of one cell is that cell."""
    values = [argument[:1] if isinstance(argument, list) else [argument] for argument in arguments]
    if any(isinstance(argument, list) and len(argument) > 1 for argument in arguments):
        raise UncomputableError("a range in the place of a value")
    return [value[0] if value else None for value in values]


def _rounded(how: str) -> Callable[[_Arguments], float]:
    def rounded(arguments: _Arguments) -> float:
        number, *places = map(as_number, _single(arguments))
        if len(places) > 1 or any(abs(place) > _MAX_PLACES for place in places):
            raise UncomputableError("places to round to")
        unit = Decimal(1).scaleb(-int(places[0]) if places else 0)
        return float((Decimal(f"{number:.15g}") / unit).quantize(Decimal(1), how) * unit)

    return rounded


def _one(function: Callable[[float], float]) -> Callable[[_Arguments], float]:
    def applied(arguments: _Arguments) -> float:
        values = _single(arguments)
        if len(values) != 1:
            raise UncomputableError("arguments")
        return function(as_number(values[0]))

    return applied


def _words(arguments: _Arguments) -> str:
    """Returns the words of a HYPERLINK, which are its value."""
    return as_text(_single(arguments)[-1])


FUNCTIONS: dict[str, Callable[[_Arguments], Scalar]] = {
    "SUM": lambda arguments: math.fsum(_numbers(arguments)),
    "PRODUCT": lambda arguments: math.prod(_numbers(arguments)),
    "AVERAGE": _average,
    "MIN": lambda arguments: min(_numbers(arguments), default=0),
    "MAX": lambda arguments: max(_numbers(arguments), default=0),
    "COUNT": _count_numbers,
    "COUNTA": _count_filled,
    "ROUND": _rounded(ROUND_HALF_UP),
    "ROUNDUP": _rounded(ROUND_UP),
    "ROUNDDOWN": _rounded(ROUND_DOWN),
    "INT": _one(math.floor),
    "ABS": _one(abs),
    "AND": lambda arguments: all(_numbers(arguments)),
    "OR": lambda arguments: any(_numbers(arguments)),
    "NOT": _one(lambda value: not value),
    "CONCATENATE": lambda arguments: "".join(map(as_text, _single(arguments))),
    "HYPERLINK": _words,
}
