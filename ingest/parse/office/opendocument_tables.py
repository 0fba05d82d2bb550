"""The tables of OpenDocument texts: their cells, their marked header rows, and those that only lay out a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from ingest.document import Element
from ingest.parse.links import with_target
from ingest.parse.office.opendocument_text import Texts, description, is_left_out, shape_target
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.layout import Cell, Run, runs_of
from ingest.parse.tables.markdown import Rows

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_TEXT, _TABLE, _DRAW = map(_NAMES.format, ("text", "table", "drawing"))
TABLE: Final = f"{_TABLE}table"
_HEADER = f"{_TABLE}table-header-rows"
_GROUPS = (_HEADER, f"{_TABLE}table-rows", f"{_TABLE}table-row-group")
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_PARAGRAPHS = (f"{_TEXT}p", f"{_TEXT}h")
_MAX_REPEATED = 100
"""No repetition counts for more than this."""
_MAX_MERGED = 100_000
"""The limit for the places that the merged cells of a table cover."""
_DEEPEST_GROUPS = 50
Pictured = Callable[[Any], Iterable[str]]
"""Returns the words in the picture of a frame."""


def elements_of(table: Any, texts: Texts, pictured: Pictured) -> Iterator[Element]:
    """Yields the elements of a table. The rows that it repeats at the top of each page are its header."""
    rows = list(_rows(table))
    marked = sum(row.getparent().tag == _HEADER for row in rows)
    yield from table_elements(_cells(rows, texts, pictured), marked or None)


def unwrap_layout(body: Any) -> None:
    """Replace each layout table by the content of its cells, from the outermost to the innermost. Rows of plain cells
    stay tables.
    """
    tables = list(body.iter(TABLE))
    holders = {_holder(node) for node in (*tables, *body.iter(f"{_DRAW}object"))}
    titled = {_holder(heading) for heading in body.iter(f"{_TEXT}h")}
    for table in tables:
        rows = list(_rows(table))
        cells = [list(row.iterchildren(_CELLS[0])) for row in rows]
        runs = runs_of([[Cell(_blocks(cell), cell in holders, cell in titled) for cell in row] for row in cells])
        if rows and not all(run.is_table for run in runs):
            _unwrap(table, rows, runs)


def _unwrap(table: Any, rows: Sequence[Any], runs: Sequence[Run]) -> None:
    for run in runs:
        members = rows[run.first : run.stop]
        if run.is_table:
            inner = table.makeelement(TABLE)
            inner.extend(members)
            table.addprevious(inner)
            continue
        for cell in (cell for row in members for cell in row.iterchildren(_CELLS[0])):
            for block in list(cell):
                table.addprevious(block)
    table.getparent().remove(table)


def _holder(node: Any) -> Any:
    """Returns the cell that holds a node, or None."""
    return next(node.iterancestors(_CELLS[0]), None)


def _blocks(cell: Any) -> int:
    """Returns the number of paragraphs in a cell that have text or a picture."""
    return sum(
        any((node.text or "").strip() or (node.tail or "").strip() for node in paragraph.iter())
        or next(paragraph.iter(f"{_DRAW}frame"), None) is not None
        for paragraph in cell.iterchildren(*_PARAGRAPHS, f"{_TEXT}list")
    )


def _rows(table: Any, depth: int = 0) -> Iterator[Any]:
    """Yields the rows of a table, without those of tables inside it."""
    for child in table.iterchildren(f"{_TABLE}table-row", *_GROUPS):
        if child.tag not in _GROUPS:
            yield child
        elif depth < _DEEPEST_GROUPS:
            yield from _rows(child, depth + 1)


def _cells(rows: Sequence[Any], texts: Texts, pictured: Pictured) -> Rows:
    """Returns the cells of some rows, with the words in their pictures. Every place that a merged cell covers gets its
    text.
    """
    found: Rows = []
    merged: dict[tuple[int, int], str] = {}
    spread = 0
    for number, row in enumerate(rows):
        cells: list[str] = []
        for cell in row.iterchildren(*_CELLS):
            text = " ".join(filter(None, _words(cell, texts, texts.cell(cell), pictured)))
            across, down = _count(cell, "number-columns-spanned"), _count(cell, "number-rows-spanned")
            places = [(below, column) for below in range(down) for column in range(across)]
            spread += len(places) if len(places) > 1 else 0
            if spread > _MAX_MERGED:
                raise ValueError("a table with too many merged cells")
            for below, column in places if len(places) > 1 else ():
                merged[number + below, len(cells) + column] = text
            for _ in range(_count(cell, "number-columns-repeated")):
                cells.append(merged.get((number, len(cells)), text))
        found.append(cells)
    return found


def _words(node: Any, texts: Texts, look: Any, pictured: Pictured) -> Iterator[str]:
    """Yields the texts of the paragraphs in a cell, of the notes and boxes in them, and the words in pictures. Comments
    are no text.
    """
    for child in node:
        if child.tag in _PARAGRAPHS:
            text, apart = texts.of(child, cell=look)
            yield text.strip()
            yield from _words(apart, texts, look, pictured)
        elif not is_left_out(child):
            words = [*(pictured(child) if child.tag == f"{_DRAW}frame" else ()), *_words(child, texts, look, pictured)]
            target = shape_target(child)
            yield from [with_target(" ".join(filter(None, words)) or description(child), target)] if target else words


def _count(node: Any, attribute: str) -> int:
    value = node.get(f"{_TABLE}{attribute}", "1")
    return min(int(value[:4]), _MAX_REPEATED) if value.isdecimal() else 1
