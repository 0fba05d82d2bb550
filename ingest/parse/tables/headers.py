"""Decides which rows of a table are its header, for every format.

A table is given as its texts. What a merged cell says stands in every place that it covers. A table of words over rows
of data has one header row, and so has a table of which nothing else is certain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.parse.tables.labels import (
    MAX_LABEL,
    first_number,
    heads_column,
    is_generic,
    is_label,
    is_number,
    is_value,
    ordinal,
    shape,
)
from ingest.parse.tables.units import are_units

Grid = Sequence[Sequence[str]]

MAX_HEADERS = 3
_LOOKED_AT = 60
"""So many rows are looked at. A statement of an account has up to 30 lines above its header."""
_MANY_ENDINGS = 6
_ENDS_SENTENCE = ("。", "？", "！", "；", "?", "!", ";")
_MAX_FORM = 8
"""The most columns of a form. Each label stands before its value, so a form has an even number of columns."""


@dataclass(frozen=True, slots=True)
class Structure:
    """How a table is built: `above` lines that are no part of it, then `headers` header rows, then its rows.

    In a form, each value stands to the right of its own label.
    """

    above: int = 0
    headers: int = 1
    is_form: bool = False


def structure(rows: Grid, stated: int | None = None) -> Structure:
    """Returns how a table is built. Its rows are not empty, and white space in its cells is single spaces.

    `stated` is how many first rows the format marks as header. It is None if the format marks none, although there may
    be a header.
    """
    seen = rows[:_LOOKED_AT]
    above = _single_values(seen)
    if stated == 0:
        return Structure(above, 0, _is_form(seen[above:]))
    if stated is not None and above < stated < max(len(rows), 2):
        marked = stated - above if stated - above <= MAX_HEADERS else 1
        return Structure(above, max(marked, _levels(seen[above:])))
    above = _lines_above(seen, above)
    table = seen[above:]
    headers, is_form = _inferred(table)
    if above and headers and len(table[0]) == 2 and any(map(is_number, table[0])):
        return Structure()  # what stands above is the header, and one column has no name
    return Structure(above, headers, is_form)


def _inferred(table: Grid) -> tuple[int, bool]:
    """Returns the number of header rows of a table that marks none, and if it is a form."""
    if len(table) > 1 and (not table[0][0] or is_generic(table[0][0])):
        return _levels(table), False
    if _is_form(table):
        return 0, True
    has_none = len(table) == 1 or _is_list(table) or _is_list_of_words(table) or _is_form_in_groups(table)
    return 0 if has_none else _levels(table), False


def values_of(row: Sequence[str]) -> list[str]:
    """Returns the different values of a row, in order."""
    return list(dict.fromkeys(value for value in row if value))


def pairs_of(row: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the labels of a row of a form, each with its value. A merged cell counts once."""
    cells = _unrepeated(row)
    padded = [*cells, ""] if len(cells) % 2 else cells
    return [pair for pair in zip(padded[::2], padded[1::2], strict=True) if any(pair)]


def _unrepeated(row: Sequence[str]) -> list[str]:
    """Returns the cells of a row, and what a merged cell repeats only once."""
    return [cell for number, cell in enumerate(row) if not (number and cell and cell == row[number - 1])]


def _single_values(rows: Grid) -> int:
    """Returns how many rows with one value each stand above the first row with several. What stands over nothing but
    values is their header, and so is the second of two cells.
    """
    above = next((number for number, row in enumerate(rows) if len(values_of(row)) > 1), 0)
    if any(len(row) == 2 and not row[0] for row in rows[:above]):
        return 0
    return above if any(not is_value(cell) for row in rows[above:] for cell in row if cell) else 0


def _lines_above(rows: Grid, above: int) -> int:
    """Returns how many lines stand above the header. It is the first row of words that is as wide as the rows below it,
    with values under the words. If there is none, only the rows with a single value count.
    """
    filled = [sum(map(bool, _unrepeated(row))) for row in rows]
    usual = max((width for width, count in Counter(filled[above:]).items() if count > 1), default=0)
    if usual < 3:
        return above
    for number in range(above, len(rows) - 1):
        narrow = filled[number] * 4 < usual * 3 or (filled[number] < usual and any(map(_tells, rows[number])))
        narrow = narrow or _are_pairs(rows[number])
        if not narrow or _levels(rows[number:]) > 1:
            words = not any(map(is_number, rows[number]))
            return number if number > above and words and _heads_values(rows[number:]) else above
    return above


def _tells(cell: str) -> bool:
    """Returns True for a cell that no header has: a value, or a label with a colon."""
    return is_number(cell) or "：" in cell or ":" in cell


def _are_pairs(row: Sequence[str]) -> bool:
    """Returns True for labels with colons that have their values beside them, as forms have them above their table."""
    said = values_of(row)
    return len(said) > 2 and len(said) % 2 == 0 and all(label.endswith((":", "：")) for label in said[::2])


def _heads_values(rows: Grid) -> bool:
    """Returns True if most cells of some column below the first row are values."""
    return any(_are_values(list(_below(rows, column))) for column in range(len(rows[0])))


def _below(rows: Grid, column: int) -> Iterator[str]:
    return (row[column] for row in rows[1:] if column < len(row) and row[column])


def _are_values(cells: Sequence[str]) -> bool:
    return bool(cells) and sum(map(is_value, cells)) * 5 >= len(cells) * 3


def _levels(rows: Grid) -> int:
    """Returns the number of header rows. A cell that is merged over several columns heads the cells below it."""
    levels = 1
    while levels < min(MAX_HEADERS, len(rows) - 1) and _goes_on(rows[levels - 1 :]):
        levels += 1
    return levels


def _goes_on(rows: Grid) -> bool:
    """Returns True if the second row is a header too: it names the columns that a cell of the first row covers."""
    width = max(len(rows[0]), len(rows[1]))
    upper, lower = ([*row, *[""] * (width - len(row))] for row in rows[:2])
    if are_units(lower, upper) and not any(map(_tells, upper)):
        return True
    covered = _covered(upper, lower)
    named = {lower[column] for column in covered}
    if min(len(values_of(upper)), len(named - {""})) < 2 or any(map(_tells, upper)):
        return False
    others = [column for column in range(width) if column not in covered]
    if any(upper[column] and upper[column] == lower[column] for column in others):
        return all(lower[column] in ("", upper[column]) for column in others)  # cells that are merged over both rows
    if any(map(is_value, lower)):
        return False
    if others and not any(lower[column] for column in others):
        return True
    return all(upper) and all(lower) and any(_are_values(list(_below(rows[1:], column))) for column in covered)


def _covered(upper: Sequence[str], lower: Sequence[str]) -> set[int]:
    """Returns the columns under a cell that covers several. Where merged cells are lost, as in CSV, it is followed by
    empty cells.
    """
    covered: set[int] = set()
    for column in range(1, len(upper)):
        repeated = upper[column] and upper[column] == upper[column - 1]
        if repeated or (not upper[column] and lower[column] and (upper[column - 1] or column - 1 in covered)):
            covered.update((column - 1, column))
    return covered


def _is_form(rows: Grid) -> bool:
    """Returns True if every second column has labels, and the others the values of these labels."""
    width = max(map(len, rows), default=0)
    if not rows or width % 2 or not 2 <= width <= _MAX_FORM:
        return False
    pairs = [pair for row in rows if len(values_of(row)) > 1 for pair in pairs_of(row)]
    first = pairs_of(rows[0])
    labels = [label for label, _ in pairs if label]
    if not first or any(not label or is_label(value) for label, value in first):
        return False
    if any(len(label) > MAX_LABEL or is_value(label) for label in labels):
        return False
    named = [label.rstrip("：: ")[-2:] for label in labels if is_label(label)]
    if all(is_label(label) for label, _ in first) and len(named) * 5 >= len(labels) * 3:
        # 采购人员 and 仓库人员 are not labels of one form: they end alike.
        return len(set(named)) * 3 > len(named) * 2 or len(set(named)) >= _MANY_ENDINGS
    if width == 2:
        return len(rows) > 1 and is_number(first[0][1])
    return any(is_number(value) for _, value in first) and len(set(labels)) == len(labels) == len(rows) * width // 2


def _is_form_in_groups(rows: Grid) -> bool:
    """Returns True for a form whose first column, of merged cells, says to which group the labels belong."""
    parts = [row[1:] for row in rows]
    return len(rows) > 1 and len(rows[0]) > 2 and rows[0][0] == rows[1][0] and all(map(any, parts)) and _is_form(parts)


def _is_list(rows: Grid) -> bool:
    """Returns True if the first row is data like the others: in every column of values, it has such a value too. So it
    is if its first cell is the first of numbers that count the rows.
    """
    first = rows[0]
    if not all(first):
        return False
    if [ordinal(row[0]) for row in rows[:3]] == [1, 2, 3] and not all(map(is_value, first)):
        return True
    if any(map(is_label, first)):
        return False
    columns: list[int] = []
    alike = 0
    for column, cell in enumerate(first):
        below = list(_below(rows, column))
        if _are_values(below):
            if not is_value(cell):
                return False
            columns.append(column)
            alike += sum(shape(other) == shape(cell) for other in below) * 2 >= len(below)
    return 0 < len(columns) <= alike * 2 and not _is_scale(first, columns)


def _is_scale(row: Sequence[str], columns: Sequence[int]) -> bool:
    """Returns True if all but the first cell are values of one kind that only rise or only fall: 10mm, 20mm, 50mm head
    columns. Where no column has words, they must rise evenly.
    """
    if len(columns) < 2 or columns != [*range(len(row) - len(columns), len(row))] or columns[0] > 1:
        return False
    if len({shape(row[column]) for column in columns}) > 1:
        return False
    numbers = [first_number(row[column]) for column in columns]
    steps = [right - left for left, right in pairwise(numbers)]
    if columns[0] == 0 and len(set(steps)) > 1:
        return False
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)


def _is_list_of_words(rows: Grid) -> bool:
    """Returns True if the first row is words like those below it, and none of them could head a column. Of two columns
    that is enough: a false header would say something wrong of every row, and a missing one says nothing wrong.
    """
    first = rows[0]
    if not all(first) or _levels(rows) > 1 or (any(map(heads_column, first)) and not _goes_on_as_labels(rows)):
        return False
    if any(cell.endswith(_ENDS_SENTENCE) for cell in first):
        return True
    columns = [list(_below(rows, column)) for column in range(len(first))]
    is_over_values = (_are_values(below) and not is_value(cell) for cell, below in zip(first, columns, strict=True))
    if any(is_over_values) or all(map(is_value, first)):
        return False
    if any(_is_one_of(cell, below) for cell, below in zip(first, columns, strict=True)):
        return not any(row[: len(first)] == first for row in rows[1:])  # a header that is repeated on each page
    return len(first) == 2 and not _is_short(first[1], columns[1])


def _goes_on_as_labels(rows: Grid) -> bool:
    """Returns True if the first of two cells is a label, beside what is none, and so are others below it."""
    labels = [label for label in _below(rows, 0) if heads_column(label)]
    endings = {label[-2:] for label in (rows[0][0], *labels)}
    is_label_first = len(rows[0]) == 2 and heads_column(rows[0][0]) and not heads_column(rows[0][1])
    return is_label_first and len(labels) * 3 >= len(rows) - 1 and len(endings) > len(labels)


def _is_one_of(cell: str, below: Sequence[str]) -> bool:
    """Returns True if a cell is said again below, or if all Chinese words of its column end alike: 红色, 黄色, 绿色."""
    if cell in below:
        return True
    return len(below) > 1 and cell[-1] > "\u2e80" and len(cell) > 1 and all(other[-1] == cell[-1] for other in below)


def _is_short(cell: str, below: Sequence[str]) -> bool:
    """Returns True for a word over longer texts."""
    return bool(below) and len(cell) * 3 <= median(map(len, below))
