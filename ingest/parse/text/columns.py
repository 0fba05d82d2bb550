"""Tables without marks: lines whose columns are parted by tabs, or stand under each other with spaces between them. In
plain text they are lines, in Word and its like paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from ingest.document import Element
from ingest.parse.tables.beside import tables_beside
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.labels import ordinal
from ingest.parse.tables.markdown import Rows

_TABS = re.compile(r"\t+")
_SPACES = re.compile(r"(?:\t|\u3000{2}| {2})[ \t\u3000]*")
_GAPS = ("\t", "  ", "\u3000\u3000")
"""One of these is in each row."""
_LEAST_LINES = 3
_LEAST_BY_TABS, _LEAST_BY_SPACES = 2, 3
"""Two pieces with a gap between them are a line of a song as well as a row."""
_LONGEST_CELL = 60
_MARKS = re.compile(r"[^\w]*")
_LABELLED = re.compile(r"[^:：]{0,15}[^:：\d][:：]|.*(?:_{2,}|＿{2,}|\.{4,}|…{2,}|·{4,})", re.S)
"""A label with a colon, a place to fill in, or dots that lead to a number: what stands so is a form, the end of a
letter, or a list of contents.
"""
_NUMBERED = re.compile(
    r"[（(]?(?:\d{1,3}(?:\.\d{1,3}){0,4}|[A-Za-z]|[ivxIVX]{1,5}|[一二三四五六七八九十]{1,3})[)）.、．:：]"
    r"|\d{1,2}(?:\.\d{1,2}){2,4}|第[一二三四五六七八九十百零〇\d]{1,5}[章节条款项编部]|[^\w\s]"
)
"""The number of a section or of a point in a list, and the mark of one."""
_CHOICE = re.compile(r"[（(]?[A-Za-z][.．、)）:：]")
"""The letter of an answer to choose. The answers to one question are no row of a table."""
_Cells = Callable[[str], list[str]]
"""Returns the cells of a line, or none if it is no row of a table."""


def with_tables(block: str) -> Iterator[str | Element]:
    """Yields the lines of a block as texts, and as elements of tables those that stand in columns: at least three lines
    one after the other, each with the same number of short cells.
    """
    if not any(gap in block for gap in _GAPS):
        yield from filter(None, [block])
        return
    lines = block.split("\n")
    end = 0
    for start, stop, rows in _tables(lines, _by_gaps):
        yield from filter(None, ["\n".join(lines[end:start])])
        yield from table_elements(rows)
        end = stop
    yield from filter(None, ["\n".join(lines[end:])])


def with_tables_by_tabs(elements: Iterable[Element]) -> Iterator[Element]:
    """Yields elements, and as tables the paragraphs one after the other whose columns are parted by tabs. They stand on
    one slide.
    """

    def side(element: Element) -> tuple[bool, int | None]:
        return element.kind == "paragraph" and "\t" in element.text, element.location.slide

    for (is_tabbed, _), members in groupby(elements, key=side):
        found = list(members)
        yield from _tabbed(found) if is_tabbed else found


def _tabbed(paragraphs: Sequence[Element]) -> Iterator[Element]:
    lines = [line for each in paragraphs for line in each.text.split("\n")]
    owners = [number for number, each in enumerate(paragraphs) for _ in each.text.split("\n")]

    def texts(first: int, last: int) -> Iterator[Element]:
        for owner, places in groupby(range(first, last), key=owners.__getitem__):
            yield replace(paragraphs[owner], text="\n".join(lines[place] for place in places))

    end = 0
    for start, stop, rows in _tables(lines, _by_tabs):
        where = paragraphs[owners[start]].location
        yield from texts(end, start)
        yield from (replace(each, location=where) for each in table_elements(rows))
        end = stop
    yield from texts(end, len(lines))


def _tables(lines: Sequence[str], cells_of: _Cells) -> Iterator[tuple[int, int, Rows]]:
    """Yields the first line of each table, the one after its last, and its rows."""
    gaps, tabs = [cells_of(line) for line in lines], [_by_each_tab(line) for line in lines]
    start = 0
    while start < len(lines):
        rows = max(_run_by_each_tab(tabs, start), _run(gaps, start), key=len)
        if len(rows) >= _LEAST_LINES and _is_table(rows):
            yield start, start + len(rows), rows
        start += len(rows) if len(rows) >= _LEAST_LINES else 1


def _run(rows: Rows, start: int) -> Rows:
    """Returns the rows from this one on that have as many cells as it has."""
    stop, width = start, len(rows[start])
    while width and stop < len(rows) and len(rows[stop]) == width:
        stop += 1
    return rows[start:stop]


def _run_by_each_tab(rows: Rows, start: int) -> Rows:
    """Returns the rows from this one on that are a table if each tab begins a cell, so that cells may be empty. A row
    inside the table may lack the last of them. What is empty in the first row is a blank column.
    """
    width, stop = len(rows[start]), start
    blank = [column for column, text in enumerate(rows[start]) if not text]
    if not width or 0 in blank:
        return []
    while stop < len(rows):
        row = rows[stop]
        is_cut = 2 <= len(row) < width and stop + 1 < len(rows) and len(rows[stop + 1]) == width
        if not (len(row) == width or is_cut) or any(row[column] for column in blank if column < len(row)):
            break
        if width == _LEAST_BY_TABS and not row[0]:
            break
        stop += 1
    found = [row + [""] * (width - len(row)) for row in rows[start:stop]]
    if not blank or len(tables_beside(found)) > 1:
        return found
    return [[text for column, text in enumerate(row) if column not in blank] for row in found]


def _is_table(rows: Rows) -> bool:
    """Returns True unless the rows are a form, a list whose numbers are followed by tabs, or the like."""
    if len(rows[0]) == _LEAST_BY_TABS and (
        all(_NUMBERED.fullmatch(row[0]) for row in rows) or [ordinal(row[0]) for row in rows[:3]] == [1, 2, 3]
    ):
        return False
    others = sum(any(map(_LABELLED.match, row)) or all(map(_CHOICE.match, row)) for row in rows)
    return others * 2 < len(rows)


def _by_gaps(line: str) -> list[str]:
    """Returns the cells of a line of plain text, or none if it is no row of a table."""
    found = _by_tabs(line)
    if found or not line.strip() or line[0] == "\t":
        return found  # what is set in by a tab belongs to the line above
    found = _SPACES.split(line.strip())
    return _short(found) if len(found) >= _LEAST_BY_SPACES and len(_TABS.split(line.strip())) < _LEAST_BY_TABS else []


def _by_tabs(line: str) -> list[str]:
    """Returns the cells of a line whose columns are aligned by one tab or by several."""
    found = _TABS.split(line.strip())
    return _short(found) if len(found) >= _LEAST_BY_TABS and line[0] != "\t" else []


def _by_each_tab(line: str) -> list[str]:
    return _short(line.strip(" \r\u3000").split("\t")) if "\t" in line and line.strip() else []


def _short(cells: Sequence[str]) -> list[str]:
    """Returns the cells of a row, or none if one of them is a text, or all are marks."""
    is_row = all(len(cell) <= _LONGEST_CELL for cell in cells) and not all(map(_MARKS.fullmatch, cells))
    return [cell.strip() for cell in cells] if is_row else []
