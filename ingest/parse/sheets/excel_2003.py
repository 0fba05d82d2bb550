"""Reads the sheets of a workbook that Excel 2003 saved as XML. Business systems still export it, often as `.xls`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

from ingest.parse.links import with_target
from ingest.parse.notes import FORMULAS_WITHOUT_VALUE
from ingest.parse.sheets.cells import shown
from ingest.parse.sheets.formulas.calculator import Calculator, Formula
from ingest.parse.sheets.formulas.values import Scalar, UncomputableError
from ingest.parse.sheets.sparse import SparseSheet

_SHEETS = "{urn:schemas-microsoft-com:office:spreadsheet}"
WORKBOOK = f"{_SHEETS}Workbook"
_MAX_PLACE, _LAST_COLUMN = 1 << 20, 1 << 14
_NAMED = {
    "Fixed": "0.00", "Standard": "#,##0.00", "Percent": "0.00%", "Scientific": "0.00E+00", "Currency": '"¥"#,##0.00',
    "Short Date": "yyyy/m/d", "Medium Date": "d-mmm-yy", "Long Date": 'yyyy"年"m"月"d"日"', "Short Time": "h:mm",
    "Medium Time": "h:mm AM/PM", "Long Time": "h:mm:ss", "General Date": "yyyy/m/d h:mm",
    "Yes/No": '"Yes";"Yes";"No"', "True/False": '"True";"True";"False"', "On/Off": '"On";"On";"Off"',
}  # fmt: skip
_FROM_HERE = re.compile(
    r"""("[^"]*+"|'[^']*+')|(?<![\w.\]])R(\[-?\d{1,7}\]|\d{1,7})?C(\[-?\d{1,5}\]|\d{1,5})?(?![\w.(\[])"""
)
"""Matches a cell in a formula, by its row and column or by its distance: R2C3, RC[-1]."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The format of a style, and whether it strikes text through."""

    format: str = ""
    struck: bool = False


@dataclass(slots=True)
class _Sheet:
    """What is in a sheet: texts as they are shown, and values for the formulas, whose rows and columns count from 1."""

    found: SparseSheet = field(default_factory=SparseSheet)
    values: dict[tuple[int, int], Scalar | Formula] = field(default_factory=dict)
    looks: dict[tuple[int, int], _Look] = field(default_factory=dict)
    """Those of the cells whose formula has no value."""


class XmlSheets:
    """The visible sheets of a workbook. `notes` counts formulas that have no value and could not be computed."""

    def __init__(self, workbook: Any) -> None:
        looks = _looks(workbook)
        computes = any(map(_lacks_value, workbook.iter(f"{_SHEETS}Cell")))
        tables = list(workbook.iter(f"{_SHEETS}Worksheet"))
        self._sheets = [(table.get(f"{_SHEETS}Name", ""), _sheet(table, looks, computes)) for table in tables]
        self._visible = [
            table.findtext(".//{*}WorksheetOptions/{*}Visible") in (None, "SheetVisible") for table in tables
        ]
        self.notes: Counter[str] = Counter()
        if computes:
            self._compute(_names(workbook))

    def __iter__(self) -> Iterator[tuple[str, SparseSheet]]:
        """Yields the sheets by their names."""
        shown_ones = zip(self._sheets, self._visible, strict=True)
        return ((name, sheet.found) for (name, sheet), is_visible in shown_ones if is_visible)

    def _compute(self, names: dict[tuple[str, str], str]) -> None:
        calculator = Calculator({name: sheet.values for name, sheet in self._sheets}, names=names)
        for name, sheet in self._sheets:
            for (row, column), look in sheet.looks.items():
                try:
                    text = shown(calculator.computed(name, row, column), look.format)
                except UncomputableError:
                    self.notes[FORMULAS_WITHOUT_VALUE] += 1
                    text = sheet.values[row, column].text  # type: ignore[union-attr]
                if text:
                    sheet.found.add(row - 1, column - 1, text, look.struck)


def _names(workbook: Any) -> dict[tuple[str, str], str]:
    """Returns what the names of a workbook stand for, by their sheet and in small letters."""
    found = {}
    for node in workbook.iter(f"{_SHEETS}NamedRange"):
        sheet = next(node.iterancestors(f"{_SHEETS}Worksheet"), None)
        scope = "" if sheet is None else sheet.get(f"{_SHEETS}Name", "")
        stated = _by_letters(node.get(f"{_SHEETS}RefersTo", ""), 1, 1).removeprefix("=")
        found[scope, node.get(f"{_SHEETS}Name", "").casefold()] = stated
    return found


def _lacks_value(cell: Any) -> bool:
    return (
        cell.get(f"{_SHEETS}Formula") is not None and not "".join(cell.xpath("string(*[local-name()='Data'])")).strip()
    )


def _by_letters(formula: str, row: int, column: int) -> str:
    """Returns `=A2*B2` for `=RC[-2]*RC[-1]` in a cell, whose row and column count from 1."""
    from openpyxl.utils import get_column_letter

    def place(stated: str | None, here: int) -> int:
        return here if stated is None else here + int(stated[1:-1]) if stated.startswith("[") else int(stated)

    def replaced(match: re.Match[str]) -> str:
        quoted, down, across = match.groups()
        if quoted is not None:
            return quoted
        there, beside = place(down, row), place(across, column)
        is_cell = 1 <= there <= _MAX_PLACE and 1 <= beside <= _LAST_COLUMN
        return f"{get_column_letter(beside)}{there}" if is_cell else "#REF!"

    return _FROM_HERE.sub(replaced, formula)


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


def _sheet(sheet: Any, looks: dict[str, _Look], computes: bool) -> _Sheet:
    read = _Sheet()
    found = read.found
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
            value = _content(cell)
            if value is not None:
                text = with_target(shown(value, look.format), cell.get(f"{_SHEETS}HRef"))
                found.add(place, column, text, look.struck)
            elif computes and _lacks_value(cell):
                value = Formula(_by_letters(cell.get(f"{_SHEETS}Formula"), place + 1, column + 1))
                read.looks[place + 1, column + 1] = look
            if value is not None:
                if computes:
                    read.values[place + 1, column + 1] = value
                if across or down:
                    found.merged.append((place, place + down + 1, column, column + across + 1))
    return read


def _columns(sheet: Any, found: SparseSheet) -> dict[int, str]:
    """Leave out the hidden columns of a sheet. Returns the styles of the others."""
    styles: dict[int, str] = {}
    next_column = 0
    for column in sheet.iterfind(f"{_SHEETS}Table/{_SHEETS}Column"):
        first = _place(column, next_column)
        next_column = min(first + 1 + min(_number(column, "Span"), _LAST_COLUMN), _MAX_PLACE)
        if column.get(f"{_SHEETS}Hidden") == "1":
            found.columns_left_out.update(range(first, next_column))
        elif style := column.get(f"{_SHEETS}StyleID"):
            styles.update(dict.fromkeys(range(first, next_column), style))
    return styles


def _content(cell: Any) -> Any:
    """Returns the value of a cell, or None if it is empty."""
    data = cell.find(f"{_SHEETS}Data")
    stated = "" if data is None else "".join(_shown(data)).strip()
    return _value(stated, data.get(f"{_SHEETS}Type")) if stated else None


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
