"""Reads the sheets of a workbook that Excel 2003 saved as XML. Business systems still export it, often as `.xls`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ingest.parse.links import with_target
from ingest.parse.sheets.cells import shown
from ingest.parse.sheets.sparse import SparseSheet

_SHEETS = "{urn:schemas-microsoft-com:office:spreadsheet}"
WORKBOOK = f"{_SHEETS}Workbook"
_MAX_PLACE = 1 << 20
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
    looks = {style.get(f"{_SHEETS}ID"): _look(style) for style in workbook.iter(f"{_SHEETS}Style")}
    for sheet in workbook.iter(f"{_SHEETS}Worksheet"):
        if sheet.findtext(".//{*}WorksheetOptions/{*}Visible") in (None, "SheetVisible"):
            yield sheet.get(f"{_SHEETS}Name", ""), _sheet(sheet, looks)


def _look(style: Any) -> _Look:
    number, font = style.find(f"{_SHEETS}NumberFormat"), style.find(f"{_SHEETS}Font")
    code = "" if number is None else number.get(f"{_SHEETS}Format", "")
    return _Look(_NAMED.get(code, code), font is not None and font.get(f"{_SHEETS}StrikeThrough") == "1")


def _sheet(sheet: Any, looks: dict[str, _Look]) -> SparseSheet:
    found = SparseSheet()
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
            look = looks.get(cell.get(f"{_SHEETS}StyleID") or row.get(f"{_SHEETS}StyleID"), _Look())
            if text := _text(cell, look):
                found.add(place, column, text, look.struck)
                if across or down:
                    found.merged.append((place, place + down + 1, column, column + across + 1))
    return found


def _text(cell: Any, look: _Look) -> str:
    data = cell.find(f"{_SHEETS}Data")
    if data is None:
        return ""
    stated = "".join(data.itertext()).strip()
    value = _value(stated, data.get(f"{_SHEETS}Type"))
    return with_target(shown(value, look.format), cell.get(f"{_SHEETS}HRef")) if stated else ""


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
