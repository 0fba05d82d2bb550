"""What a text in RTF is made of: paragraphs and tables, whose cells hold paragraphs and tables again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.document import Element
from ingest.parse.office.rtf_tables import RowLook, headers, placed
from ingest.parse.office.typed_headings import Line
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.layout import Cell, Run, runs_of


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph as an element, and how it looks as a line."""

    element: Element
    line: Line


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a table, row by row, and what each row states of its cells."""

    rows: Sequence[Sequence[Blocks]]
    looks: Sequence[RowLook]


Block = Paragraph | Table
Blocks = Sequence[Block]
APART = Line("", "block")
"""The line of what is not in the flow of the text, so that it makes no heading by its look."""


def told(blocks: Blocks) -> Iterator[tuple[Element, Line]]:
    """Yields the elements of some blocks, and how each looks as a line."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block.element, block.line
        else:
            yield from ((element, APART) for element in _elements(block))


def apart(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yields the same blocks, as they stand in a box or in a note. They make no heading by their look."""
    for block in blocks:
        yield replace(block, line=APART) if isinstance(block, Paragraph) else block


def words_of(blocks: Blocks) -> Iterator[str]:
    """Yields the texts of all paragraphs in some blocks, those inside tables too."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block.element.text
        else:
            for row in block.rows:
                for cell in row:
                    yield from words_of(cell)


def _elements(table: Table) -> Iterator[Element]:
    """Yields the elements of a table. One that only lays out the page, or is a single box, becomes what is in its
    cells.
    """
    for run in runs_of([[_looks(cell) for cell in row] for row in table.rows]) if table.rows else ():
        rows = table.rows[run.first : run.stop]
        if run.is_table:
            yield from _as_table(rows, table, run)
        else:
            yield from (element for row in rows for cell in row for element, _ in told(cell))


def _as_table(rows: Sequence[Sequence[Blocks]], table: Table, run: Run) -> Iterator[Element]:
    looks = table.looks[run.first : run.stop]
    texts = [[" ".join(words_of(cell)) for cell in row] for row in rows]
    yield from table_elements(placed(texts, looks), headers(looks))


def _looks(cell: Blocks) -> Cell:
    paragraphs = [block.element for block in cell if isinstance(block, Paragraph)]
    has_heading = any(element.kind == "heading" for element in paragraphs)
    return Cell(len(paragraphs), len(paragraphs) < len(cell), has_heading)
