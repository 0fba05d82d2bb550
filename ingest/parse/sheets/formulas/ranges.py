"""The cells of an area of a sheet. What is looked up in it again and again is found in constant time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise

from ingest.parse.sheets.formulas.values import (
    FormulaError,
    Scalar,
    UncomputableError,
    as_number,
    is_number,
    order,
)

Place = tuple[int, int]
"""A row and a column, which count from 0 at the upper left corner of the area."""


class Range:
    """Cells of an area by their places, without the empty ones. A cell may hold why it has no value. `spend` is told of
    each look at many cells, and raises UncomputableError when there were too many.
    """

    def __init__(
        self,
        cells: Mapping[Place, Scalar | UncomputableError],
        height: int,
        width: int,
        spend: Callable[[int], None],
        top: int = 1,
        left: int = 1,
    ) -> None:
        self.cells = cells
        self.height, self.width = height, width
        self.top, self.left = top, left
        self.spend = spend

    @property
    def is_one_cell(self) -> bool:
        return (self.height, self.width) == (1, 1)

    def at(self, row: int, column: int) -> Scalar:
        """Returns the value in a place. Raises FormulaError outside, and why the cell has no value if it has none."""
        if not (0 <= row < self.height and 0 <= column < self.width):
            raise FormulaError("#REF!")
        return _raised(self.cells.get((row, column)))

    def __iter__(self) -> Iterator[Scalar]:
        """Yields the values that are there, row by row."""
        self.spend(len(self.cells))
        return (_raised(value) for value in self.cells.values())

    def numbers(self) -> Iterator[float]:
        return (value for value in self if is_number(value))

    def part(self, row: int | None, column: int | None) -> Range:
        """Returns one row or one column, or all if both are None."""
        self.spend(len(self.cells))
        found = {
            (0 if row is not None else place[0], 0 if column is not None else place[1]): value
            for place, value in self.cells.items()
            if row in (None, place[0]) and column in (None, place[1])
        }
        height, width = 1 if row is not None else self.height, 1 if column is not None else self.width
        return Range(found, height, width, self.spend, self.top + (row or 0), self.left + (column or 0))

    def line(self, across: bool) -> Line:
        """Returns the first row, or the first column, to look values up in."""
        return self._first_row if across else self._first_column

    @cached_property
    def _first_row(self) -> Line:
        return Line([(column, value) for (row, column), value in self.cells.items() if row == 0], self.spend)

    @cached_property
    def _first_column(self) -> Line:
        return Line([(row, value) for (row, column), value in self.cells.items() if column == 0], self.spend)

    @cached_property
    def equal(self) -> Mapping[tuple[int, float | str], list[Place]]:
        """The places of each value, by what it is compared by. A text of digits is also at its number."""
        self.spend(len(self.cells))
        found: dict[tuple[int, float | str], list[Place]] = {}
        for place, value in self.cells.items():
            if not isinstance(value, UncomputableError):
                found.setdefault(order(value), []).append(place)
        return found

    @cached_property
    def sorted_numbers(self) -> list[float]:
        return sorted(self.numbers())


class Line:
    """A row or a column, in which values are looked up by their position."""

    def __init__(self, cells: list[tuple[int, Scalar | UncomputableError]], spend: Callable[[int], None]) -> None:
        spend(len(cells))
        self.cells = [(place, value) for place, value in cells if not isinstance(value, UncomputableError)]
        self._spend = spend
        self._places: dict[tuple[int, float | str], int] = {}
        for place, value in self.cells:
            self._places.setdefault(order(value), place)

    def exact(self, value: Scalar) -> int | None:
        """Returns the first position of a value, or None."""
        return self._places.get(order(value))

    def matching(self, holds: Callable[[str], bool]) -> int | None:
        """Returns the first position of a text for which this holds, or None."""
        self._spend(sum(1 + len(value) // 100 for _, value in self.cells if isinstance(value, str)))
        return next((place for place, value in self.cells if isinstance(value, str) and holds(value)), None)

    def at_most(self, value: Scalar) -> int | None:
        """Returns the position of the largest value that is not larger, in ascending ones, or None."""
        keys = self._ascending(order(value)[0])
        found = bisect_right(keys, order(value), key=lambda item: item[0])
        return keys[found - 1][1] if found else None

    def at_least(self, value: Scalar) -> int | None:
        """Returns the position of the smallest value that is not smaller, in ascending ones, or None."""
        keys = self._ascending(order(value)[0])
        found = bisect_left(keys, order(value), key=lambda item: item[0])
        return keys[found][1] if found < len(keys) else None

    def last_at_least(self, value: Scalar) -> int | None:
        """Returns the position of the smallest value that is not smaller, in descending ones, or None."""
        self._spend(len(self.cells))
        kept = [(order(cell), place) for place, cell in self.cells if order(cell)[0] == order(value)[0]]
        if any(one[0] < two[0] for one, two in pairwise(kept)):
            raise UncomputableError("values that do not descend")
        found = [place for key, place in kept if key >= order(value)]
        return found[-1] if found else None

    def _ascending(self, kind: int) -> list[tuple[tuple[int, float | str], int]]:
        """Returns the values of one kind with their positions. What is found among unsorted ones is up to chance."""
        kinds = self._kinds
        if kind not in kinds:
            kept = [(order(value), place) for place, value in self.cells if order(value)[0] == kind]
            self._spend(len(self.cells))
            kinds[kind] = kept if all(one[0] <= two[0] for one, two in pairwise(kept)) else None
        found = kinds[kind]
        if found is None:
            raise UncomputableError("values that do not ascend")
        return found

    @cached_property
    def _kinds(self) -> dict[int, list[tuple[tuple[int, float | str], int]] | None]:
        return {}


Argument = Scalar | Range
"""What a function is given. A range is several cells."""
Function = Callable[[Sequence[Argument]], Argument]


def single(value: Argument) -> Scalar:
    """Returns an argument that must be one value. A range of one cell is that cell."""
    if not isinstance(value, Range):
        return value
    if not value.is_one_cell:
        raise UncomputableError("a range in the place of a value")
    return value.at(0, 0)


def numeral(value: Argument) -> float:
    """Returns an argument that must be one number."""
    return as_number(single(value))


def whole(value: Argument) -> int:
    """Returns an argument that must be one number, without its fraction."""
    return int(numeral(value))


def ranged(value: Argument) -> Range:
    """Returns an argument that must be a range. A single value is a range of one cell."""
    if isinstance(value, Range):
        return value
    return Range({} if value is None else {(0, 0): value}, 1, 1, lambda count: None)


def _raised(value: Scalar | UncomputableError) -> Scalar:
    if isinstance(value, UncomputableError):
        raise value
    return value
