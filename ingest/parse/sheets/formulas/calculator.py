"""Computes formulas of a workbook that a program has written without their values: `=B2*C2`, `=SUMIF(A:A,A2,D:D)`.

It knows the operators, and the functions that price lists and exports use (see `functions`). Everything else is not
computed, and neither is what depends on it or on itself.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ingest.parse.sheets.formulas.arithmetic import ARITHMETIC, SUBTOTALS
from ingest.parse.sheets.formulas.choices import CHOICES
from ingest.parse.sheets.formulas.dates import DATES
from ingest.parse.sheets.formulas.functions import FUNCTIONS, OF_EACH_CELL
from ingest.parse.sheets.formulas.nodes import PRECEDENCE, Area, Array, Call, Constant, Failure, Name, Node, parsed
from ingest.parse.sheets.formulas.operators import Grid, applied, each, operated, product, side_by_side, size
from ingest.parse.sheets.formulas.ranges import Argument, Range, single
from ingest.parse.sheets.formulas.values import (
    ERRORS,
    LONGEST_TEXT,
    FormulaError,
    Scalar,
    UncomputableError,
    as_number,
    as_text,
)

_MAX_VISITED = 6_000_000
"""How many cells the ranges of all formulas of a workbook may look at."""
_MAX_KEPT = 500_000
"""How many cells the kept ranges hold. Running totals have a range of their own in each row."""
_MOST_NAMES = 20
"""How many names may stand for each other."""
_OF_DAYS = frozenset({*DATES, "TEXT", "VALUE"})
"""Functions that count days from 1900. They are not computed where a workbook counts from 1904."""
_CHOOSING = frozenset({"IF", "IFS", "SWITCH", "CHOOSE", "IFERROR", "IFNA"})
_Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in a cell, beginning with its equals sign, and the text that is stored as its value, or None."""

    text: str
    stored: str | None = None


class Calculator:
    """Computes formulas of one workbook. `sheets` are its cells by their rows and columns, which count from 1, and
    `value` gives what is in one. `names` are the formulas of defined names in small letters, by their sheet, which is
    empty for the whole workbook. `is_left_out` tells whether SUBTOTAL leaves out a row of a sheet, by its first
    argument.
    """

    def __init__(
        self,
        sheets: Mapping[str, Mapping[tuple[int, int], Any]],
        value: Callable[[Any], object] = lambda cell: cell,
        names: Mapping[tuple[str, str], str] | None = None,
        is_left_out: Callable[[str, int, int], bool] = lambda sheet, row, kind: False,
        epoch_1904: bool = False,
    ) -> None:
        self._sheets = sheets
        self._value = value
        self._names = names or {}
        self._is_left_out = is_left_out
        self._unknown = _OF_DAYS if epoch_1904 else frozenset()
        self._known: dict[_Place, Scalar | UncomputableError] = {}
        self._ranges: dict[Area, Range] = {}
        self._totals: dict[tuple[str, Call], Argument] = {}
        self._rows: dict[str, dict[int, list[int]]] = {}
        self._visited = self._kept = 0

    def computed(self, sheet: str, row: int, column: int) -> Scalar:
        """Returns the value of the formula in a cell. Raises UncomputableError if it cannot be computed."""
        self._compute((sheet, row, column))
        found = self._at((sheet, row, column))
        if isinstance(found, UncomputableError):
            raise found
        return found

    def link(self, sheet: str, formula: Formula) -> tuple[str, str] | None:
        """Returns the words and the target of a formula that is a HYPERLINK, or chooses one, or None if it is none."""
        if "HYPERLINK" not in formula.text.upper():
            return None
        try:
            node = parsed(formula.text)
            for place in self._needed(node, sheet):
                self._compute(place)
            node = self._chosen(node, sheet)
            if not isinstance(node, Call) or node.name != "HYPERLINK" or not 1 <= len(node.arguments) <= 2:
                return None
            target, *words = (as_text(self._scalar(argument, sheet)) for argument in node.arguments)
        except UncomputableError:
            return None
        return (words or [target])[0], target

    def _chosen(self, node: Node, sheet: str) -> Node:
        """Returns what a formula gives that only chooses, such as IF: the last of its arguments that it looks at."""
        while isinstance(node, Call) and node.name in _CHOOSING:
            seen: list[Node] = []

            def later(argument: Node, seen: list[Node] = seen) -> Argument:
                seen.append(argument)
                return self._argument(argument, sheet)

            applied(node.name, CHOICES[node.name], [partial(later, argument) for argument in node.arguments])
            node = seen[-1]
        return node

    def _compute(self, start: _Place) -> None:
        """Compute a cell after those that it needs. The stack is a list, since thousands of cells may hang together."""
        stack = [start]
        begun: dict[_Place, Node] = {}
        while stack:
            place = stack[-1]
            content = self._content(place)
            if place in self._known or not isinstance(content, Formula):
                stack.pop()
                continue
            try:
                if place not in begun:
                    begun[place] = parsed(content.text)
                    missing = list(self._needed(begun[place], place[0]))
                    if any(found in begun for found in missing):
                        raise UncomputableError("it depends on itself")
                    if missing:
                        stack.extend(missing)
                        continue
                self._known[place] = _bounded(self._scalar(begun[place], place[0]))
            except UncomputableError as error:
                self._known[place] = error
            begun.pop(place, None)
            stack.pop()

    def _needed(self, node: Node, sheet: str, names: int = 0) -> Iterator[_Place]:
        """Yields the cells with formulas that are not computed yet and that a formula refers to."""
        if isinstance(node, Call):
            for argument in node.arguments:
                yield from self._needed(argument, sheet, names)
        elif isinstance(node, Name):
            if names > _MOST_NAMES:
                raise UncomputableError("a name that stands for itself")
            yield from self._needed(*self._named(node, sheet), names + 1)
        elif isinstance(node, Area) and (area := _absolute(node, sheet)) not in self._ranges:
            for place in self._places(area):
                if place not in self._known and isinstance(self._content(place), Formula):
                    yield place

    def _named(self, name: Name, sheet: str) -> tuple[Node, str]:
        """Returns what a name stands for, and the sheet that its references are on if they state none."""
        own = name.sheet or sheet
        for scope in (own, ""):
            if (text := self._names.get((scope, name.text))) is not None:
                return parsed(f"={text}"), own
        raise UncomputableError(f"the name {name.text}")

    def _places(self, area: Area) -> list[_Place]:
        """Returns the cells of an area that exist, row by row."""
        if area.sheet not in self._sheets:
            raise UncomputableError("no such sheet")
        if area.sheet not in self._rows:
            rows: dict[int, list[int]] = {}
            for row, column in sorted(self._sheets[area.sheet]):
                rows.setdefault(column, []).append(row)
            self._rows[area.sheet] = rows
        found: list[_Place] = []
        columns = self._rows[area.sheet]
        width = area.right - area.left + 1
        for column in columns if len(columns) < width else range(area.left, area.right + 1):
            rows_there = columns.get(column, []) if area.left <= column <= area.right else []
            start, end = bisect_left(rows_there, area.top), bisect_right(rows_there, area.bottom)
            self._spend(end - start + 1)
            found.extend((area.sheet, row, column) for row in rows_there[start:end])
        return sorted(found) if width > 1 else found

    def _spend(self, count: int) -> None:
        self._visited += count
        if self._visited > _MAX_VISITED:
            raise UncomputableError("too many cells")

    def _content(self, place: _Place) -> object:
        cell = self._sheets[place[0]].get(place[1:])
        return None if cell is None else self._value(cell)

    def _at(self, place: _Place) -> Scalar | UncomputableError:
        """Returns the value in a cell, or why it has none."""
        content = self._known.get(place, self._content(place))
        if isinstance(content, Formula):
            return UncomputableError("it depends on itself")
        if isinstance(content, str) and content in ERRORS:
            return FormulaError(content)
        if content is None or isinstance(content, (int, float, str, UncomputableError)):
            return content
        return UncomputableError("a value of another kind")

    def _range(self, area: Area) -> Range:
        if area not in self._ranges:
            cells = {
                (place[1] - area.top, place[2] - area.left): value
                for place in self._places(area)
                if (value := self._at(place)) is not None
            }
            height, width = area.bottom - area.top + 1, area.right - area.left + 1
            found = Range(cells, height, width, self._spend, area.top, area.left)
            self._kept += len(cells)
            if self._kept > _MAX_KEPT:
                return found
            self._ranges[area] = found
        return self._ranges[area]

    def _scalar(self, node: Node, sheet: str) -> Scalar:
        return single(self._argument(node, sheet))

    def _argument(self, node: Node, sheet: str, names: int = 0) -> Argument:
        """Returns the value of a node, which may be a range."""
        if isinstance(node, Constant):
            return node.value
        if isinstance(node, Array):
            return _constants(node, self._spend)
        if isinstance(node, Failure):
            raise FormulaError(node.code)
        if isinstance(node, Area):
            return self._range(_absolute(node, sheet))
        if isinstance(node, Name):
            if names > _MOST_NAMES:
                raise UncomputableError("a name that stands for itself")
            return self._argument(*self._named(node, sheet), names + 1)
        if not all(isinstance(argument, Area) for argument in node.arguments) or not node.arguments:
            return self._called(node, sheet)
        key = (sheet, node)  # SUM(B:B) is often in each row
        if key not in self._totals:
            self._totals[key] = self._called(node, sheet)
        return self._totals[key]

    def _called(self, node: Call, sheet: str) -> Argument:
        if node.name == "SUMPRODUCT":
            return self._sum_of_products(node, sheet)
        if node.name == "SUBTOTAL":
            return self._subtotal(node, sheet)
        if node.name in CHOICES:
            later = [lambda argument=argument: self._argument(argument, sheet) for argument in node.arguments]
            return applied(node.name, CHOICES[node.name], later)
        arguments = [self._argument(argument, sheet) for argument in node.arguments]
        if node.name in PRECEDENCE:
            return operated(node.name, [single(argument) for argument in arguments])
        if node.name not in FUNCTIONS or node.name in self._unknown:
            raise UncomputableError(f"the function {node.name}")
        return applied(node.name, FUNCTIONS[node.name], arguments)

    def _subtotal(self, node: Call, sheet: str) -> Argument:
        """Returns a total without the hidden rows and without the subtotals among the cells."""
        if len(node.arguments) < 2:
            raise UncomputableError("arguments of SUBTOTAL")
        kind = int(as_number(self._scalar(node.arguments[0], sheet)))
        if kind % 100 not in range(1, len(SUBTOTALS) + 1) or kind > 100 + len(SUBTOTALS):
            raise FormulaError("#VALUE!")
        kept: list[Argument] = []
        for argument in node.arguments[1:]:
            if not isinstance(argument, Area):
                raise UncomputableError("a subtotal of no cells")
            area = _absolute(argument, sheet)
            whole = self._range(area)
            self._spend(len(whole.cells))
            cells = {
                place: value
                for place, value in whole.cells.items()
                if not self._is_left_out(area.sheet, place[0] + area.top, kind)
                and not self._is_subtotal((area.sheet, place[0] + area.top, place[1] + area.left))
            }
            kept.append(Range(cells, whole.height, whole.width, self._spend))
        return applied("SUBTOTAL", ARITHMETIC[SUBTOTALS[kind % 100 - 1]], kept)

    def _is_subtotal(self, place: _Place) -> bool:
        content = self._content(place)
        return isinstance(content, Formula) and "SUBTOTAL(" in content.text.upper()

    def _sum_of_products(self, node: Call, sheet: str) -> Scalar:
        grids = [self._grid(argument, sheet) for argument in node.arguments]
        return math.fsum(map(product, side_by_side(grids)))

    def _grid(self, node: Node, sheet: str) -> Grid:
        """Returns the values of an expression for each cell of the ranges in it."""
        if isinstance(node, Area):
            return self._dense(_absolute(node, sheet))
        if isinstance(node, Array):
            return [list(row) for row in node.rows]
        if isinstance(node, Name):
            return self._grid(*self._named(node, sheet))
        if not isinstance(node, Call) or node.name not in OF_EACH_CELL:
            found = self._argument(node, sheet)
            return [[single(found)]]
        grids = [self._grid(argument, sheet) for argument in node.arguments]
        height, width = size(grids)
        self._spend(height * width)
        values = iter([each(node.name, arguments) for arguments in side_by_side(grids)])
        return [[next(values) for _ in range(width)] for _ in range(height)]

    def _dense(self, area: Area) -> Grid:
        """Returns the cells of an area down to the last row, and to the last column, that its sheet has."""
        cells = self._sheets.get(area.sheet, {})
        if area.sheet not in self._rows:
            self._places(area)
        bottom = min(area.bottom, max((rows[-1] for rows in self._rows[area.sheet].values()), default=area.top))
        right = min(area.right, max(self._rows[area.sheet], default=area.left)) if cells else area.left
        bottom, right = max(bottom, area.top), max(right, area.left)
        self._spend((bottom - area.top + 1) * (right - area.left + 1))
        found = self._range(area).cells
        return [
            [found.get((row, column)) for column in range(right - area.left + 1)]
            for row in range(bottom - area.top + 1)
        ]


def _constants(array: Array, spend: Callable[[int], None]) -> Range:
    cells = {(row, column): value for row, line in enumerate(array.rows) for column, value in enumerate(line)}
    return Range(cells, len(array.rows), len(array.rows[0]), spend)


def _absolute(area: Area, sheet: str) -> Area:
    return area if area.sheet else Area(sheet, area.top, area.bottom, area.left, area.right)


def _bounded(value: Scalar) -> Scalar:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise UncomputableError("a long text")
    return value if value is None or isinstance(value, (str, bool)) else as_number(value)
