"""Sums, means and rounding."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, ROUND_UP, Decimal

from ingest.parse.sheets.formulas.ranges import Argument, Function, Range, numeral, ranged, single, whole
from ingest.parse.sheets.formulas.values import FormulaError, UncomputableError, as_number, as_truth, is_number

_MAX_PLACES = 30


def _numbers(arguments: Sequence[Argument]) -> list[float]:
    """Returns the numbers: those in ranges, where texts do not count, and all arguments beside them."""
    found: list[float] = []
    for argument in arguments:
        if isinstance(argument, Range):
            found.extend(argument.numbers())
        else:
            found.append(as_number(argument))
    return found


def _some(arguments: Sequence[Argument], least: int = 1) -> list[float]:
    numbers = _numbers(arguments)
    if len(numbers) < least:
        raise FormulaError("#DIV/0!")
    return numbers


def _truths(arguments: Sequence[Argument]) -> list[bool]:
    found: list[bool] = []
    for argument in arguments:
        if isinstance(argument, Range):
            found.extend(bool(value) for value in argument if not isinstance(value, str))
        else:
            found.append(as_truth(argument))
    if not found:
        raise FormulaError("#VALUE!")
    return found


def _count_filled(arguments: Sequence[Argument]) -> float:
    return sum(len(argument.cells) if isinstance(argument, Range) else 1 for argument in arguments)


def _count_numbers(arguments: Sequence[Argument]) -> float:
    return len(_numbers([argument for argument in arguments if isinstance(argument, Range) or is_number(argument)]))


def _count_blank(arguments: Sequence[Argument]) -> float:
    cells = ranged(arguments[0])
    return cells.height * cells.width - sum(1 for value in cells if value != "")


def _rounded(how: str) -> Function:
    def rounded(arguments: Sequence[Argument]) -> float:
        number, places = numeral(arguments[0]), numeral(arguments[1]) if len(arguments) > 1 else 0
        if len(arguments) > 2 or abs(places) > _MAX_PLACES:
            raise UncomputableError("places to round to")
        return _to_unit(number, Decimal(1).scaleb(-int(places)), how)

    return rounded


def _to_unit(number: float, unit: Decimal, how: str) -> float:
    if not unit:
        return 0
    return float((Decimal(f"{number:.15g}") / unit).to_integral_value(how) * unit)


def _to_multiple(how: str) -> Function:
    """Returns CEILING or FLOOR: to a multiple of the second argument, away from zero if both are negative."""

    def rounded(arguments: Sequence[Argument]) -> float:
        number, unit = numeral(arguments[0]), numeral(arguments[1]) if len(arguments) > 1 else 1
        if number > 0 > unit:
            raise FormulaError("#NUM!")
        return _to_unit(number, Decimal(f"{unit:.15g}"), how)

    return rounded


def _modulo(arguments: Sequence[Argument]) -> float:
    number, divisor = map(numeral, arguments)
    if not divisor:
        raise FormulaError("#DIV/0!")
    exact, by = Decimal(f"{number:.15g}"), Decimal(f"{divisor:.15g}")
    return float(exact - by * (exact / by).to_integral_value(ROUND_FLOOR))


def _ranked(arguments: Sequence[Argument]) -> float:
    number, cells = numeral(arguments[0]), ranged(arguments[1])
    ascending = len(arguments) > 2 and as_truth(single(arguments[2]))
    numbers = cells.sorted_numbers
    place = bisect_left(numbers, number)
    if place == len(numbers) or numbers[place] != number:
        raise FormulaError("#N/A")
    return place + 1 if ascending else len(numbers) - bisect_right(numbers, number) + 1


def _nth(largest: bool) -> Function:
    def nth(arguments: Sequence[Argument]) -> float:
        numbers, place = ranged(arguments[0]).sorted_numbers, whole(arguments[1])
        if not 1 <= place <= len(numbers):
            raise FormulaError("#NUM!")
        return numbers[-place if largest else place - 1]

    return nth


def _one(function: Callable[[float], float]) -> Function:
    def applied(arguments: Sequence[Argument]) -> float:
        if len(arguments) != 1:
            raise UncomputableError("arguments")
        return function(numeral(arguments[0]))

    return applied


def _logarithm(arguments: Sequence[Argument]) -> float:
    return math.log(numeral(arguments[0]), numeral(arguments[1]) if len(arguments) > 1 else 10)


def _power(arguments: Sequence[Argument]) -> float:
    return math.pow(numeral(arguments[0]), numeral(arguments[1]))


def _quotient(arguments: Sequence[Argument]) -> float:
    return math.trunc(numeral(arguments[0]) / numeral(arguments[1]))


ARITHMETIC: dict[str, Function] = {
    "SUM": lambda arguments: math.fsum(_numbers(arguments)),
    "PRODUCT": lambda arguments: math.prod(_numbers(arguments)),
    "AVERAGE": lambda arguments: math.fsum(numbers := _some(arguments)) / len(numbers),
    "MIN": lambda arguments: min(_numbers(arguments), default=0),
    "MAX": lambda arguments: max(_numbers(arguments), default=0),
    "MEDIAN": lambda arguments: statistics.median(_some(arguments)),
    "STDEV": lambda arguments: statistics.stdev(_some(arguments, 2)),
    "STDEVP": lambda arguments: statistics.pstdev(_some(arguments)),
    "VAR": lambda arguments: statistics.variance(_some(arguments, 2)),
    "VARP": lambda arguments: statistics.pvariance(_some(arguments)),
    "COUNT": _count_numbers,
    "COUNTA": _count_filled,
    "COUNTBLANK": _count_blank,
    "ROUND": _rounded(ROUND_HALF_UP),
    "ROUNDUP": _rounded(ROUND_UP),
    "ROUNDDOWN": _rounded(ROUND_DOWN),
    "TRUNC": _rounded(ROUND_DOWN),
    "CEILING": _to_multiple(ROUND_CEILING),
    "FLOOR": _to_multiple(ROUND_FLOOR),
    "MROUND": _to_multiple(ROUND_HALF_UP),
    "INT": _one(math.floor),
    "ABS": _one(abs),
    "SIGN": _one(lambda value: (value > 0) - (value < 0)),
    "SQRT": _one(math.sqrt),
    "EXP": _one(math.exp),
    "LN": _one(math.log),
    "LOG10": _one(math.log10),
    "LOG": _logarithm,
    "POWER": _power,
    "QUOTIENT": _quotient,
    "MOD": _modulo,
    "PI": lambda arguments: math.pi,
    "RANK": _ranked,
    "LARGE": _nth(largest=True),
    "SMALL": _nth(largest=False),
    "AND": lambda arguments: all(_truths(arguments)),
    "OR": lambda arguments: any(_truths(arguments)),
    "XOR": lambda arguments: sum(_truths(arguments)) % 2 == 1,
    "N": lambda arguments: as_number(value) if not isinstance(value := single(arguments[0]), str) else 0,
    "NOT": lambda arguments: not as_truth(single(arguments[0])),
    "TRUE": lambda arguments: True,
    "FALSE": lambda arguments: False,
}
ARITHMETIC |= {"STDEV.S": ARITHMETIC["STDEV"], "STDEV.P": ARITHMETIC["STDEVP"], "RANK.EQ": ARITHMETIC["RANK"]}

SUBTOTALS = ("AVERAGE", "COUNT", "COUNTA", "MAX", "MIN", "PRODUCT", "STDEV", "STDEVP", "SUM", "VAR", "VARP")
"""What SUBTOTAL computes, by its first argument, which counts from 1. Beside hidden rows, 100 more is given."""
