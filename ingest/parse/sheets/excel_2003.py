"""Reads the sheets of a workbook that Excel 2003 saved as XML. Business systems still export it, often as `.xls`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

from ingest.parse.links import with_target
from ingest.parse.sheets.cells import shown
from ingest.parse.sheets.sparse import SparseSheet

_SHEETS = "{urn:schemas-microsoft-com:office:spreadsheet}"
WORKBOOK = f"{_SHEETS}Workbook"
_MAX_PLACE = 1 << 20
_MAX_COLUMNS = 1 << 14
_NAMED = {
    "Fixed": "0.00", "Standard": "#,##0.00", "Percent": "0.00%", "Scientific": "0.00E+00", "Currency": '"¥"#,##0.00',
    "Short Date": "yyyy/m/d", "Medium Date": "d-mmm-yy", "Long Date": 'yyyy"年"m"月"d"日"', "Short Time": "h:mm",
    "Medium Time": "h:mm AM/PM", "Long Time": "h:mm:ss", "General Date": "yyyy/m/d h:mm",
    "Yes/No": '"Yes";"Yes";"No"', "True/False": '"True";"True";"False"', "On/Off": '"On";"On";"Off"',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Look:
    """The format of a style, and whether it strikes text through."""

    format: str = ""
    struck: bool = False


def xml_sheets(workbook: Any) -> Iterator[tuple[str, SparseSheet]]:
    """Yields the visible sheets of a workbook by their names."""
    looks = _looks(workbook)
    for sheet in workbook.iter(f"{_SHEETS}Worksheet"):
        if sheet.findtext(".//{*}WorksheetOptions/{*}Visible") in (None, "SheetVisible"):
            yield sheet.get(f"{_SHEETS}Name", ""), _sheet(sheet, looks)


def _looks(workbook: Any) -> dict[str, _Look]:
    """Returns the styles by their names. What a style does not state is that of its parent."""
    found: dict[str, _Look] = {}
    for style in workbook.iter(f"{_SHEETS}Style"):
        parent = found.get(style.get(f"{_SHEETS}Parent", ""), _Look())  # which stands before it
        number, font = style.find(f"{_SHEETS}NumberFormat"), style.find(f"{_SHEETS}Font")
        code = parent.format if number is None else number.get(f"{_SHEETS}Format", "")
        struck = font.get(f"{_SHEETS}StrikeThrough") if font is not None else None
        is_struck = parent.struck if struck is None else struck == "1"
        found[style.get(f"{_SHEETS}ID", "")] = _Look(_NAMED.get(code, code), is_struck)
    return found


def _sheet(sheet: Any, looks: dict[str, _Look]) -> SparseSheet:
    found = SparseSheet()
    styles = _columns(sheet, found)
    next_row = 0
    for row in sheet.iter(f"{_SHEETS}Row"):
        place = _place(row, next_row)
        next_row = min(place + 1 + _number(row, "Span"), _MAX_PLACE)
        if row.get(f"{_SHEETS}Hidden") == "1":
            found.rows_left_out.add(place)
        next_column = 0
        for cell in row.iter(f"{_SHEETS}Cell"):
            column = _place(cell, next_column)
            across, down = _number(cell, "MergeAcross"), _number(cell, "MergeDown")
            next_column = min(column + 1 + across, _MAX_PLACE)
            style = cell.get(f"{_SHEETS}StyleID") or row.get(f"{_SHEETS}StyleID") or styles.get(column, "")
            look = looks.get(style, _Look())
            if text := _text(cell, look):
                found.add(place, column, text, look.struck)
                if across or down:
                    found.merged.append((place, place + down + 1, column, column + across + 1))
    return found


def _columns(sheet: Any, found: SparseSheet) -> dict[int, str]:
    """Leave out the hidden columns of a sheet. Returns the styles of the others."""
    styles: dict[int, str] = {}
    next_column = 0
    for column in sheet.iterfind(f"{_SHEETS}Table/{_SHEETS}Column"):
        first = _place(column, next_column)
        next_column = min(first + 1 + min(_number(column, "Span"), _MAX_COLUMNS), _MAX_PLACE)
        if column.get(f"{_SHEETS}Hidden") == "1":
            found.columns_left_out.update(range(first, next_column))
        elif style := column.get(f"{_SHEETS}StyleID"):
            styles.update(dict.fromkeys(range(first, next_column), style))
    return styles


def _text(cell: Any, look: _Look) -> str:
    data = cell.find(f"{_SHEETS}Data")
    if data is None:
        return ""
    stated = "".join(_shown(data)).strip()
    value = _value(stated, data.get(f"{_SHEETS}Type"))
    return with_target(shown(value, look.format), cell.get(f"{_SHEETS}HRef")) if stated else ""


def _shown(data: Any) -> Iterator[str]:
    """Yields the pieces of the text of a cell that are not struck through. Marks in it are those of web pages."""
    struck = 0
    for event, node in etree.iterwalk(data, events=("start", "end")):
        is_mark = node.tag.rpartition("}")[2] in ("S", "Strike", "Del")
        struck += is_mark if event == "start" else -is_mark
        piece = node.text if event == "start" else node.tail
        if piece and not struck and (event == "start" or node is not data):
            yield piece


def _value(stated: str, kind: str | None) -> object:
    try:
        if kind == "Number":
            return float(stated)
        if kind == "DateTime":
            return (datetime.fromisoformat(stated) - datetime(1899, 12, 30)) / timedelta(days=1)
    except (ValueError, TypeError):
        return stated
    return stated == "1" if kind == "Boolean" else stated


def _place(node: Any, reached: int) -> int:
    """Returns the row or column of a node, counted from 0. It may state its own, which counts from 1."""
    return min(max((_number(node, "Index") or reached + 1) - 1, reached), _MAX_PLACE)


def _number(node: Any, attribute: str) -> int:
    value = node.get(f"{_SHEETS}{attribute}", "")
    return min(int(value[:8]), _MAX_PLACE) if value.isdecimal() else 0
