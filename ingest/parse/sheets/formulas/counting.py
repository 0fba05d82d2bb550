"""SUMIFS, COUNTIFS and their family: what is in cells beside which others fulfil conditions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from ingest.parse.sheets.formulas.criteria import Criterion, criterion
from ingest.parse.sheets.formulas.ranges import Argument, Function, Place, Range, ranged, single
from ingest.parse.sheets.formulas.values import FormulaError, UncomputableError, is_number


def _conditions(arguments: Sequence[Argument]) -> list[tuple[Range, Criterion]]:
    if not arguments or len(arguments) % 2:
        raise UncomputableError("a range without a condition")
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    return [(ranged(cells), criterion(single(value))) for cells, value in pairs]


def _places(conditions: list[tuple[Range, Criterion]], summed: Range | None) -> Iterator[Place]:
    """Yields the places where all conditions hold, in `summed` too where the cells of conditions are empty."""
    first = next((pair for pair in conditions if not pair[1].holds(None)), None)
    if first is not None:
        places: Iterator[Place] = first[1].places(first[0])
    elif summed is not None:
        summed.spend(len(summed.cells))
        places = iter(summed.cells)
    else:
        raise UncomputableError("a count of empty cells")
    for place in places:
        if all(pair is first or _holds(pair, place) for pair in conditions):
            yield place


def _holds(pair: tuple[Range, Criterion], place: Place) -> bool:
    cells, condition = pair
    value = cells.cells.get(place)
    return not isinstance(value, UncomputableError) and condition.holds(value)


def _numbers(summed: Range, conditions: list[tuple[Range, Criterion]]) -> list[float]:
    values = (summed.cells.get(place) for place in _places(conditions, summed))
    found = []
    for value in values:
        if isinstance(value, UncomputableError):
            raise value
        if is_number(value):
            found.append(value)
    return found


def _if(arguments: Sequence[Argument]) -> list[float]:
    """Returns the numbers for SUMIF and AVERAGEIF, whose last argument is the range that is summed up."""
    summed = ranged(arguments[2] if len(arguments) > 2 else arguments[0])
    return _numbers(summed, _conditions(arguments[:2]))


def _ifs(arguments: Sequence[Argument]) -> list[float]:
    """Returns the numbers for SUMIFS and AVERAGEIFS, whose first argument is the range that is summed up."""
    summed, conditions = ranged(arguments[0]), _conditions(arguments[1:])
    if any((cells.height, cells.width) != (summed.height, summed.width) for cells, _ in conditions):
        raise FormulaError("#VALUE!")
    return _numbers(summed, conditions)


def _count(arguments: Sequence[Argument]) -> float:
    conditions = _conditions(arguments)
    if len(conditions) == 1 and conditions[0][1].holds(None):
        cells, condition = conditions[0]
        return cells.height * cells.width - len(cells.cells) + sum(1 for _ in condition.places(cells))
    return sum(1 for _ in _places(conditions, None))


def _mean(numbers: list[float]) -> float:
    if not numbers:
        raise FormulaError("#DIV/0!")
    return math.fsum(numbers) / len(numbers)


def _over(numbers: Callable[[Sequence[Argument]], list[float]], function: Callable[[list[float]], float]) -> Function:
    return lambda arguments: function(numbers(arguments))


COUNTING: dict[str, Function] = {
    "SUMIF": _over(_if, math.fsum),
    "SUMIFS": _over(_ifs, math.fsum),
    "AVERAGEIF": _over(_if, _mean),
    "AVERAGEIFS": _over(_ifs, _mean),
    "MAXIFS": _over(_ifs, lambda numbers: max(numbers, default=0)),
    "MINIFS": _over(_ifs, lambda numbers: min(numbers, default=0)),
    "COUNTIF": _count,
    "COUNTIFS": _count,
}
