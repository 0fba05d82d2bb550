"""Functions that look a value up in a table."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.parse.sheets.formulas.criteria import is_like, wildcards
from ingest.parse.sheets.formulas.ranges import Argument, Function, Line, Range, ranged, single, whole
from ingest.parse.sheets.formulas.values import FormulaError, Scalar, UncomputableError, as_truth


def _exact(line: Line, value: Scalar) -> int | None:
    """Returns the first position of a value. A text may have wildcards."""
    pattern = wildcards(value) if isinstance(value, str) else None
    return line.exact(value) if pattern is None else line.matching(lambda text: is_like(text, pattern))


def _found(place: int | None) -> int:
    if place is None:
        raise FormulaError("#N/A")
    return place


def _looked_up(arguments: Sequence[Argument], across: bool) -> Argument:
    """Returns what VLOOKUP gives, or HLOOKUP, which looks `across`."""
    value, table, number = single(arguments[0]), ranged(arguments[1]), whole(arguments[2])
    if value is None:
        value = 0
    if number < 1:
        raise FormulaError("#VALUE!")
    near = as_truth(single(arguments[3])) if len(arguments) > 3 else True
    line = table.line(across)
    place = _found(line.at_most(value) if near else _exact(line, value))
    return table.at(number - 1, place) if across else table.at(place, number - 1)


def _lookup(arguments: Sequence[Argument]) -> Argument:
    value, table = single(arguments[0]), ranged(arguments[1])
    across = table.width > table.height
    place = _found(table.line(across).at_most(value))
    result = ranged(arguments[2]) if len(arguments) > 2 else table
    if len(arguments) > 2:
        return _nth(result, place)
    return table.at(table.height - 1, place) if across else table.at(place, table.width - 1)


def _nth(line: Range, place: int) -> Scalar:
    """Returns the value in a position of a row or a column."""
    return line.at(0, place) if line.height == 1 else line.at(place, 0)


def _match(arguments: Sequence[Argument]) -> float:
    value, cells = single(arguments[0]), ranged(arguments[1])
    if cells.width > 1 and cells.height > 1:
        raise FormulaError("#N/A")
    line = cells.line(cells.height == 1)
    kind = whole(arguments[2]) if len(arguments) > 2 else 1
    if kind == 0:
        return _found(_exact(line, value)) + 1
    return _found(line.at_most(value) if kind > 0 else line.last_at_least(value)) + 1


def _index(arguments: Sequence[Argument]) -> Argument:
    table, row = ranged(arguments[0]), whole(arguments[1])
    if len(arguments) > 2:
        column = whole(arguments[2])
    else:
        row, column = (1, row) if table.height == 1 else (row, 1 if table.width == 1 else 0)
    if row < 0 or column < 0:
        raise FormulaError("#VALUE!")
    if row > table.height or column > table.width:
        raise FormulaError("#REF!")
    if row and column:
        return table.at(row - 1, column - 1)
    return table.part(row - 1 if row else None, column - 1 if column else None)


def _xlookup(arguments: Sequence[Argument]) -> Argument:
    value, cells, result = single(arguments[0]), ranged(arguments[1]), ranged(arguments[2])
    across = cells.height == 1 and cells.width > 1
    place = _mode(cells.line(across), value, arguments, 4)
    if place is None:
        if len(arguments) > 3 and arguments[3] is not None:
            return arguments[3]
        raise FormulaError("#N/A")
    if (result.height if across else result.width) == 1:
        return _nth(result, place)
    return result.part(None, place) if across else result.part(place, None)


def _xmatch(arguments: Sequence[Argument]) -> float:
    cells = ranged(arguments[1])
    return _found(_mode(cells.line(cells.height == 1), single(arguments[0]), arguments, 2)) + 1


def _mode(line: Line, value: Scalar, arguments: Sequence[Argument], place: int) -> int | None:
    """Returns the position that XLOOKUP finds. Its modes are in the arguments from `place` on."""
    kind = whole(arguments[place]) if len(arguments) > place else 0
    order = whole(arguments[place + 1]) if len(arguments) > place + 1 else 1
    if order != 1:
        raise UncomputableError("another order of search")
    if kind == 2:
        return _exact(line, value)
    found = line.exact(value)
    if found is not None or kind == 0:
        return found
    return line.at_most(value) if kind < 0 else line.at_least(value)


def _place(arguments: Sequence[Argument], row: bool) -> float:
    if len(arguments) != 1 or not isinstance(arguments[0], Range):
        raise UncomputableError("the place of the formula itself")
    return arguments[0].top if row else arguments[0].left


LOOKUP: dict[str, Function] = {
    "VLOOKUP": lambda arguments: _looked_up(arguments, across=False),
    "HLOOKUP": lambda arguments: _looked_up(arguments, across=True),
    "LOOKUP": _lookup,
    "MATCH": _match,
    "INDEX": _index,
    "XLOOKUP": _xlookup,
    "XMATCH": _xmatch,
    "ROW": lambda arguments: _place(arguments, row=True),
    "COLUMN": lambda arguments: _place(arguments, row=False),
    "ROWS": lambda arguments: ranged(arguments[0]).height,
    "COLUMNS": lambda arguments: ranged(arguments[0]).width,
}
