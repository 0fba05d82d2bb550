"""Turns the texts of a table into elements: the lines above it, the table, or a sentence if it is a single row, and the
lines below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from ingest.document import Element, Location
from ingest.parse.tables.below import lines_below
from ingest.parse.tables.beside import tables_beside
from ingest.parse.tables.headers import Structure, pairs_of, structure, values_of
from ingest.parse.tables.markdown import Rows, markdown

_DASHES = re.compile(r"[-=_*~—－+#\s]{3,}+")
_DECORATED = re.compile(r"[-=_*~—－#]{3,}+[^-=_*~—－#]{1,40}+[-=_*~—－#]{3,}+")
_MAX_PADDED = 100_000
"""So many cells a table may grow to when its rows are made equally long."""
Place = Callable[[int, int], Location]
"""Returns the location of the rows from the first number up to the second, counted from 0."""


def table_elements(
    rows: Rows, stated: int | None = None, place: Place | None = None, *, may_be_two: bool = True
) -> Iterator[Element]:
    """Yields the elements of a table. Lines above its header become a caption or a paragraph, and lines below it a
    paragraph. `stated` is how many first rows the format marks as header (see `structure`). If it `may_be_two`, tables
    are looked for that stand beside each other in it.
    """
    kept, numbers = _kept(rows)
    if not kept:
        return
    where = place or (lambda first, stop: Location())
    below = lines_below(kept, numbers)
    end = numbers[-below - 1] + 1 if below else len(rows)
    table = kept[: len(kept) - below]
    tables = _beside(table) if may_be_two else []
    if len(tables) > 1:
        yield from _tables(table, numbers, tables, stated, where, end)
    else:
        yield from _table(table, numbers, stated, where, end)
    if below and (lines := _lines(kept[-below:])):
        yield Element("paragraph", "\n".join(lines), where(numbers[-below], len(rows)))


def _tables(
    rows: Rows, numbers: list[int], tables: list[tuple[int, int]], stated: int | None, where: Place, end: int
) -> Iterator[Element]:
    """Yields the elements of tables that stand beside each other, and the lines above them."""
    first = _first_row(rows)
    yield from _above(rows[:first], where(numbers[0], numbers[first]))
    location = where(numbers[first], end)
    below = stated and max(stated - first, 0)
    for left, right in tables:
        part = [row[left:right] for row in rows[first:]]
        yield from table_elements(part, below, lambda first, stop: location, may_be_two=False)


def _table(rows: Rows, numbers: list[int], stated: int | None, where: Place, end: int) -> Iterator[Element]:
    """Yields the lines above a table, and the table, or a sentence if it is a single row."""
    built = structure(rows, stated)
    table = rows[built.above :]
    if built.above:
        yield from _above(rows[: built.above], where(numbers[0], numbers[built.above - 1] + 1))
    location = where(numbers[built.above], end)
    if len(table) == 1 and not built.headers and len(values_of(table[0])) <= 2:
        yield Element("paragraph", _line(table[0]), location)
    else:
        yield Element("table", _markdown(table, built), location)


def _above(rows: Rows, location: Location) -> Iterator[Element]:
    """Yields the lines that stand above a table."""
    if lines := _lines(rows):
        yield Element("caption" if len(lines) == 1 else "paragraph", "\n".join(lines), location)


def _beside(rows: Rows) -> list[tuple[int, int]]:
    """Returns the columns of the tables that stand beside each other in these rows. It is all columns as a rule."""
    width = max(map(len, rows))
    if len(rows) * width > max(_MAX_PADDED, 10 * sum(map(len, rows))):
        return []
    return tables_beside([row + [""] * (width - len(row)) for row in rows[_first_row(rows) :]])


def _first_row(rows: Rows) -> int:
    """Returns the number of the first row with several values."""
    return next((number for number, row in enumerate(rows) if len(values_of(row)) > 1), 0)


@dataclass(frozen=True, slots=True)
class TableParts:
    """A table on a page: the lines `above` its header and those `below` it, and the rest as Markdown. `first` is the
    number of the first row that is no line above, and `stop` of the first one that is a line below.
    """

    above: list[str]
    text: str
    below: list[str]
    first: int
    stop: int


def table_parts(rows: Rows) -> TableParts:
    """Returns the parts of a table. The rows of a page have no gaps before a note: the rows of a form may be blank."""
    kept, numbers = _kept(rows)
    if not kept:
        return TableParts([], "", [], 0, len(rows))
    below = lines_below(kept, range(len(kept)))
    table = kept[: len(kept) - below]
    built = structure(table)
    first = numbers[built.above] if built.above else 0
    stop = numbers[-below] if below else len(rows)
    return TableParts(
        _lines(table[: built.above]), _markdown(table[built.above :], built), _lines(kept[len(table) :]), first, stop
    )


def rows_below(known: Rows, rows: Rows) -> tuple[Rows, list[str]]:
    """Returns the rows of a table that goes on, and the lines below it. `known` are its header and a row before."""
    kept, numbers = _kept(rows)
    below = min(lines_below([*known, *kept], range(len(known) + len(kept))), len(kept))
    return (rows[: numbers[-below]], _lines(kept[-below:])) if below else (rows, [])


def _kept(rows: Rows) -> tuple[Rows, list[int]]:
    """Returns the rows that say something, and their numbers. Lines of dashes are left out."""
    kept: Rows = []
    numbers: list[int] = []
    for number, row in enumerate(rows):
        cells = [" ".join(cell.split()) for cell in row]
        said = values_of(cells)
        if said and not (len(said) == 1 and len(cells) > 1 and _DASHES.fullmatch(said[0])):
            kept.append(cells)
            numbers.append(number)
    return kept, numbers


def _markdown(rows: Rows, built: Structure) -> str:
    if built.is_form:
        return markdown([list(pair) for row in rows for pair in pairs_of(row)], headers=0)
    head = [list(row) for row in rows[: built.headers]]
    for upper, lower in pairwise(head):
        for column in range(1, min(len(upper), len(lower))):
            if not upper[column] and lower[column]:  # a merged cell of which only the first place has the text
                upper[column] = upper[column - 1]
    return markdown([*head, *rows[built.headers :]], headers=built.headers)


def _lines(above: Rows) -> list[str]:
    """Returns the lines above a table, without those that only say between dashes that the table begins."""
    return [line for line in map(_line, above) if not _DECORATED.fullmatch(line)]


def _line(row: list[str]) -> str:
    """Returns a row as a line of text: a label before its value, or the cells side by side."""
    said = values_of(row)
    is_pair = len(said) == 2 and not any(mark in text[:-1] for text in said for mark in "：:")
    if is_pair or structure([row]).is_form:
        return "；".join(f"{label.rstrip('：: ')}：{value}" for label, value in pairs_of(said))
    return " ".join(said)
