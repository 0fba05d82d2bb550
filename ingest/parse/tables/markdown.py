"""Writes tables as Markdown. Tables of every format reach the splitter in this form only."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import zip_longest

from lxml import html

_MAX_CELLS = 100_000
"""Merged cells multiply when they are written out. A table may grow to this many cells."""

_MAX_PADDED = 5_000_000
"""How many empty cells may be added to rows that are shorter than the longest, if they would be most of the table."""

Rows = list[list[str]]


def markdown(rows: Sequence[Sequence[str]], headers: int = 1) -> str:
    """Returns a Markdown table. Its first `headers` rows are the header. If there are none, the header line is empty,
    since Markdown wants one. Several become one, whose parts are joined by a dot: `住宿限额·处级`. Empty rows and
    columns are left out.

    Line breaks inside a cell become spaces and pipes are escaped, so a row is always one line. Raises ValueError if
    there are very many short rows beside a very long one.
    """
    filled = [row for row in ([_cell(text) for text in row] for row in rows) if any(row)]
    if not filled:
        return ""
    filled = [_joined(filled[:headers]), *filled[headers:]]
    width = max(len(row) for row in filled)
    stated = sum(map(len, filled))
    if len(filled) * width - stated > max(_MAX_PADDED, 10 * stated):
        raise ValueError(f"a table of {len(filled) * width} cells, most of which are not there")
    padded = [row + [""] * (width - len(row)) for row in filled]
    kept = [column for column in range(width) if any(row[column] for row in padded)]
    lines = ["| " + " | ".join(row[column] for column in kept) + " |" for row in padded]
    lines.insert(1, "|" + " --- |" * len(kept))
    return "\n".join(lines)


def rows_of_html(table: str) -> Rows:
    """Returns the cells of an HTML table. A merged cell is repeated in every place that it covers."""
    root = html.fragment_fromstring(table, create_parent="div")
    rows: Rows = []
    pending: dict[tuple[int, int], str] = {}
    for number, row in enumerate(root.xpath(".//tr")):
        cells: list[str] = []
        for cell in row.xpath("./td|./th"):
            _fill(cells, pending, number)
            text = " ".join(cell.text_content().split())
            across, down = _span(cell.get("colspan")), _span(cell.get("rowspan"))
            for column in range(len(cells), len(cells) + across):
                for below in range(1, down):
                    pending[number + below, column] = text
            cells.extend([text] * across)
            if len(pending) + len(cells) > _MAX_CELLS:
                raise ValueError("a table with too many merged cells")
        _fill(cells, pending, number)
        rows.append(cells)
    return rows


def stated_headers(table: str) -> int | None:
    """Returns how many first rows of an HTML table are marked as header: they have `th` cells only, or are in `thead`.

    Returns 0 if only the first cells of the rows are marked, which are labels, and if the header is empty, as in
    Markdown without a header. Returns None if nothing is marked.
    """
    root = html.fragment_fromstring(table, create_parent="div")
    marked = 0
    for row in root.xpath(".//tr[td or th]"):
        said = [cell for cell in row if cell.text_content().strip()]
        is_header = row.getparent().tag == "thead" or not any(cell.tag == "td" for cell in said)
        if not said and not marked and row.find("th") is not None:
            return 0
        if said and not is_header:
            return 0 if not marked and said[0].tag == "th" else marked or None
        marked += bool(said)
    return marked or None


def spread(table: html.HtmlElement, copies: int) -> int:
    """Repeat the merged cells of a table element in every place that they cover, and remove their spans.

    Returns how many copies were made. `copies` is the number of copies for earlier tables of the page. Raises
    ValueError if a page would have more than 100,000 copies.
    """
    pending: dict[tuple[int, int], html.HtmlElement] = {}
    made = copies
    for number, row in enumerate(table.xpath("./tr|./tbody/tr|./thead/tr|./tfoot/tr")):
        cells: list[html.HtmlElement] = []
        for cell in row.xpath("./td|./th"):
            while (above := pending.pop((number, len(cells)), None)) is not None:
                cells.append(above)
            across, down = _span(cell.attrib.pop("colspan", None)), _span(cell.attrib.pop("rowspan", None))
            for column in range(len(cells), len(cells) + across):
                for below in range(1, down):
                    pending[number + below, column] = deepcopy(cell)
            cells.extend([cell, *(deepcopy(cell) for _ in range(across - 1))])
            made += across * down - 1
            if made > _MAX_CELLS:
                raise ValueError("a table with too many merged cells")
        while (above := pending.pop((number, len(cells)), None)) is not None:
            cells.append(above)
        row[:] = cells
    return made - copies


def _fill(cells: list[str], pending: dict[tuple[int, int], str], row: int) -> None:
    """Add the cells that reach down into this place from the rows above."""
    while (text := pending.pop((row, len(cells)), None)) is not None:
        cells.append(text)


def _span(value: str | None) -> int:
    return min(max(int(value), 1), 1000) if value and value.isdecimal() else 1


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns one header for several. What a merged cell repeats is said once."""
    columns = zip_longest(*rows, fillvalue="")
    return ["·".join(dict.fromkeys(part for part in column if part)) for column in columns]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
