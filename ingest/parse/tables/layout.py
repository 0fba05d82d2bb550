"""Tables that only lay out a page, as in mails: their cells hold paragraphs, headings and other tables.

Such a table is unwrapped, so that its content is read as if the table were not there. Of a table that has both, the
rows of plain cells stay a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from lxml import etree, html

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = (*_HEADINGS, "p", "ul", "ol", "div")
_BARE_ROWS = etree.XPath(
    "//tr[not(*[not(self::td)])][not(td/*/*/*/*)][not(td/descendant::*[self::img or self::th or self::table])]"
    "[not(normalize-space(translate(., '\u00a0\u3000\u200b', '   ')))]"
)
"""Rows of cells that hold no text and at most three levels of elements, so that nothing is looked at often."""
_MAX_COVERED = 200_000
_MAX_RUNS = 100
"""A table that would fall into more parts is left as it is."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell holds. `blocks` counts its paragraphs and headings."""

    blocks: int
    has_table: bool = False
    has_heading: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Rows from the first up to the second number that stay a table, or are unwrapped."""

    first: int
    stop: int
    is_table: bool


def runs_of(rows: Sequence[Sequence[Cell]]) -> list[Run]:
    """Returns the runs of rows of a table. It is one run that stays a table if the table holds data."""
    whole = [Run(0, len(rows), True)]
    filled = [[cell for cell in row if cell.has_table or cell.blocks] for row in rows]
    rich = [row for row in filled if _is_rich(row)]
    if not rich:
        is_column = max(map(len, filled), default=0) == 1
        is_page = len(rows) == 1 and any(cell.blocks > 1 for cell in filled[0])
        return [Run(0, len(rows), False)] if is_column or is_page else whole
    plain = [len(row) > 1 and not _is_rich(row) for row in filled]
    if plain[0] and sum(plain) * 2 >= len(rows) and all(len(row) == len(filled[0]) for row in rich):
        return whole  # a table of data, and some of it is told in a table
    runs: list[Run] = []
    for is_table, members in groupby(range(len(rows)), key=plain.__getitem__):
        numbers = list(members)
        runs.append(Run(numbers[0], numbers[-1] + 1, is_table))
    return runs if len(runs) <= _MAX_RUNS else whole


def _is_rich(row: Sequence[Cell]) -> bool:
    """Returns True if a cell of the row holds a table, or a heading with something under it. Cells that are nothing but
    headings are the header of a table.
    """
    return any(cell.has_table or (cell.has_heading and (cell.blocks > 1 or len(row) == 1)) for cell in row)


def unwrap_layout(page: html.HtmlElement) -> None:
    """Unwrap the layout tables of a web page, from the outermost to the innermost."""
    holders = {_holder(table, "td", "th") for table in page.iter("table")}
    titled = {_holder(heading, "td", "th") for heading in page.iter(*_HEADINGS)}
    for table in list(page.iter("table")):
        rows = list(_rows(table))
        marked = any(cell.tag == "th" for row in rows for cell in row)
        if not rows or (marked and not any(cell in holders for row in rows for cell in row)):
            continue
        runs = runs_of([[_cell(cell, cell in holders, cell in titled) for cell in _cells(row)] for row in rows])
        if not all(run.is_table for run in runs):
            _unwrap(table, rows, runs)


def drop_bare_rows(page: html.HtmlElement) -> None:
    """Remove the rows whose cells hold nothing, before others look at each of their cells: thousands of them stand in
    exports of spreadsheets that have looks without content. Rows that a cell above covers stay, so that it covers no
    others.
    """
    bare = _BARE_ROWS(page)
    covered = _covered(page) if bare else None
    if covered is None:
        return
    for row in bare:
        parent = row.getparent()
        if parent is not None and row not in covered and not (row.tail or "").strip():
            parent.remove(row)


def _covered(page: html.HtmlElement) -> set[html.HtmlElement] | None:
    """Returns the rows that cells of rows above them cover, or None if they are too many to be counted."""
    found: set[html.HtmlElement] = set()
    left = _MAX_COVERED
    for cell in page.xpath("//tr/*[@rowspan]"):
        stated = cell.get("rowspan", "").strip()
        number = int(stated[:6]) if stated.isdecimal() else 1
        for row in islice(cell.getparent().itersiblings("tr"), number - 1 if number else None):  # 0 means all
            found.add(row)
            left -= 1
            if left < 0:
                return None
    return found


def drop_empty_rows(page: html.HtmlElement) -> None:
    """Remove the rows that say nothing, of which programs for tables write thousands. An empty header row tells that a
    table has none, and stays.
    """
    told = {id(row) for mark in page.iter("img", "th", "table") for row in mark.iterancestors("tr")}
    for row in list(page.iter("tr")):
        if id(row) not in told and not row.text_content().strip():
            row.getparent().remove(row)


def _holder(node: Any, *tags: str) -> Any:
    """Returns the cell that holds a node, or None."""
    return next(node.iterancestors(*tags), None)


def _rows(table: html.HtmlElement) -> Iterator[html.HtmlElement]:
    for child in table.iterchildren("tr", "thead", "tbody", "tfoot"):
        yield from (child,) if child.tag == "tr" else child.iterchildren("tr")


def _cells(row: html.HtmlElement) -> Iterator[html.HtmlElement]:
    yield from row.iterchildren("td", "th")


def _cell(cell: html.HtmlElement, has_table: bool, has_heading: bool) -> Cell:
    if has_table:
        return Cell(1, has_table, has_heading)
    blocks = sum(bool(block.text_content().strip()) for block in cell.iterchildren(*_BLOCKS))
    return Cell(blocks or bool(cell.text_content().strip()), has_heading=has_heading)


def _unwrap(table: html.HtmlElement, rows: Sequence[html.HtmlElement], runs: Sequence[Run]) -> None:
    content = list(table.iterchildren("caption"))
    for run in runs:
        members = rows[run.first : run.stop]
        if run.is_table:
            inner = html.Element("table")
            inner.extend(members)
            content.append(inner)
            continue
        for node in (*members, *(cell for row in members for cell in _cells(row))):
            node.tag = "div"
        content.extend(members)
    for node in content:
        node.tag = "div" if node.tag == "caption" else node.tag
    table.tag = "div"
    table[:] = content
