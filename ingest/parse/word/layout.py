"""What a Word document says about its tables: those that only lay out a page are unwrapped, as are boxes of a single
cell, and the rows that it repeats on each page are marked as header.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import takewhile
from typing import Any

from ingest.parse.office.charts import CHARTS
from ingest.parse.tables.layout import Cell, Run, runs_of

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TOLD = (f"{_W}t", f"{_W}drawing", f"{_W}pict")
_HEADING_NAMES = ("heading", "title")


def unwrap_layout(document: Any) -> None:
    """Replace each layout table by the content of its cells, from the outermost to the innermost. Rows of plain cells
    stay tables.
    """
    body = document.element.body
    styles = _heading_styles(document)
    tables = list(body.iter(f"{_W}tbl"))
    holders = {_holder(node) for node in (*tables, *body.iter(*CHARTS))}  # a chart becomes a table
    titled = {_holder(paragraph) for paragraph in body.iter(f"{_W}p") if _is_heading(paragraph, styles)}
    for table in tables:
        rows = list(table.iterchildren(f"{_W}tr"))
        cells = [list(row.iterchildren(f"{_W}tc")) for row in rows]
        runs = runs_of([[Cell(_blocks(cell), cell in holders, cell in titled) for cell in row] for row in cells])
        if not all(run.is_table for run in runs):
            _unwrap(table, rows, runs)


def with_marked_header(written: str | None, table: Any) -> str | None:
    """Returns the HTML of a table with `th` in the first rows that Word repeats at the top of each page."""
    repeated = list(takewhile(_is_repeated, table._tbl.iterchildren(f"{_W}tr")))
    if not written or not repeated:
        return written
    before, *rows = written.split("<tr>")
    head = [row.replace("<td", "<th").replace("</td>", "</th>") for row in rows[: len(repeated)]]
    return "<tr>".join([before, *head, *rows[len(repeated) :]])


def _is_repeated(row: Any) -> bool:
    mark = row.find(f"{_W}trPr/{_W}tblHeader")
    return mark is not None and mark.get(f"{_W}val", "1") not in ("0", "false", "off")


def _heading_styles(document: Any) -> set[str]:
    """Returns the ids of the styles whose name or outline level makes a heading."""
    return {
        style.style_id
        for style in document.styles
        if (style.name or "").lower().startswith(_HEADING_NAMES) or style.element.find(f".//{_W}outlineLvl") is not None
    }


def _is_heading(paragraph: Any, styles: set[str]) -> bool:
    properties = paragraph.find(f"{_W}pPr")
    if properties is None:
        return False
    style = properties.find(f"{_W}pStyle")
    return properties.find(f"{_W}outlineLvl") is not None or (style is not None and style.get(f"{_W}val") in styles)


def _holder(node: Any) -> Any:
    """Returns the cell that holds a node, or None."""
    return next(node.iterancestors(f"{_W}tc"), None)


def _blocks(cell: Any) -> int:
    """Returns the number of paragraphs in a cell that have text or a picture."""
    return sum(next(_told(paragraph), None) is not None for paragraph in cell.iterchildren(f"{_W}p"))


def _told(paragraph: Any) -> Iterator[Any]:
    return (node for node in paragraph.iter(*_TOLD) if node.tag != _TOLD[0] or (node.text or "").strip())


def _unwrap(table: Any, rows: Sequence[Any], runs: Sequence[Run]) -> None:
    for run in runs:
        members = rows[run.first : run.stop]
        if run.is_table:
            inner = table.makeelement(table.tag)
            inner.extend(deepcopy(child) for child in table.iterchildren(f"{_W}tblPr", f"{_W}tblGrid"))
            inner.extend(members)
            table.addprevious(inner)
        else:
            for block in _content(members):
                table.addprevious(block)
    table.getparent().remove(table)


def _content(rows: Sequence[Any]) -> Iterator[Any]:
    for row in rows:
        for cell in row.iterchildren(f"{_W}tc"):
            yield from list(cell.iterchildren(f"{_W}p", f"{_W}tbl"))
