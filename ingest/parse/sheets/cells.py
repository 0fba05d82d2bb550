"""Says what a cell of a workbook shows: its value in its format, the words of its formula, where its link leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import xlrd

from ingest.parse.links import with_target
from ingest.parse.notes import FORMULAS_WITHOUT_VALUE
from ingest.parse.sheets.formulas.calculator import Calculator, Formula
from ingest.parse.sheets.formulas.table_references import Table, Tables
from ingest.parse.sheets.formulas.values import UncomputableError
from ingest.parse.sheets.number_formats import built_in, general, is_general, shown_number, shown_text
from ingest.parse.sheets.old_formulas import OldFormulas
from ingest.parse.sheets.rich_values import RichText

_FIRST_OWN_FORMAT = 164
"""Formats with lower numbers are built in."""
_WITH_HIDDEN = 100
"""SUBTOTAL adds up rows that somebody has hidden if its first argument is lower."""


def written(value: object) -> str:
    """Returns a value as a person would write it, without trailing zeros, and without midnight after a date."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return general(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else str(value).strip()


def shown(value: object, code: str, epoch_1904: bool = False) -> str:
    """Returns a value as its format shows it, or plainly where the format says nothing of it."""
    if is_general(code) or isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return written(value)
    if isinstance(value, str):
        return shown_text(value.strip(), code)
    text = shown_number(value, code, epoch_1904)
    return written(value) if text is None else text


class XlsxCells:
    """The cells of an XLSX workbook. `notes` counts formulas that have no value and could not be computed."""

    def __init__(self, workbook: Any) -> None:
        from openpyxl.utils.datetime import CALENDAR_MAC_1904

        self._workbook = workbook
        self._epoch_1904 = workbook.epoch == CALENDAR_MAC_1904
        self._struck = {number for number, font in enumerate(workbook._fonts) if font.strike}
        sheets = {sheet.title: sheet._cells for sheet in workbook.worksheets}
        self._sheets = {sheet.title: sheet for sheet in workbook.worksheets}
        self._tables = Tables(_tables(workbook))
        names = _names(workbook, self._tables)
        self._calculator = Calculator(sheets, self._stored, names, self._is_left_out, self._epoch_1904)
        self._uncomputed = 0
        self._code = lru_cache(maxsize=None)(self._format)

    @property
    def notes(self) -> Mapping[str, int]:
        return {FORMULAS_WITHOUT_VALUE: self._uncomputed} if self._uncomputed else {}

    def is_struck(self, cell: Any) -> bool:
        """Returns True if the whole cell is struck through."""
        return self._has_struck_font(cell) and not isinstance(cell._value, RichText)

    def _has_struck_font(self, cell: Any) -> bool:
        return bool(self._struck) and cell.has_style and cell._style.fontId in self._struck

    def text(self, cell: Any) -> str:
        """Returns what the cell shows, and the target of its link."""
        value = cell._value
        link = None
        if isinstance(value, Formula):
            link = self._calculator.link(cell.parent.title, self._stored(cell))
            value = self._computed(cell, value) if value.stored is None else value.stored
        elif isinstance(value, (date, time, timedelta)):
            value = self._counted(value)
        elif isinstance(value, RichText) and self._has_struck_font(cell):
            value = value.own
        text = shown(value, self._code(cell._style.numFmtId) if cell.has_style else "", self._epoch_1904)
        if link is not None:
            text = with_target(text, link[1])
        return with_target(text, _whole_target(cell.hyperlink)) if text and cell.hyperlink is not None else text

    def _is_left_out(self, title: str, row: int, kind: int) -> bool:
        """Returns True if SUBTOTAL leaves out a row: if a filter hides it, or, from 101 on, if it is hidden at all."""
        sheet = self._sheets[title]
        return (
            row in sheet.row_dimensions
            and sheet.row_dimensions[row].hidden
            and (kind > _WITH_HIDDEN or sheet.auto_filter.ref is not None)
        )

    def _computed(self, cell: Any, formula: Formula) -> object:
        try:
            return self._calculator.computed(cell.parent.title, cell.row, cell.column)
        except UncomputableError:
            self._uncomputed += 1
            return formula.text

    def _stored(self, cell: Any) -> Any:
        """Returns what a cell has, a formula with references to cells in place of those to tables."""
        value = cell._value
        if self._tables and isinstance(value, Formula) and "[" in value.text:
            return replace(value, text=self._tables.as_cells(value.text, cell.parent.title, cell.row, cell.column))
        return value

    def _counted(self, value: Any) -> object:
        """Returns the days of a date that the file has as a text (`2026-03-05T00:00:00`)."""
        from openpyxl.utils.datetime import to_excel

        return to_excel(value, self._workbook.epoch)

    def _format(self, number: int) -> str:
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        if number < _FIRST_OWN_FORMAT:
            return built_in(number) or BUILTIN_FORMATS.get(number, "")
        own = self._workbook._number_formats
        return own[number - _FIRST_OWN_FORMAT] if number - _FIRST_OWN_FORMAT < len(own) else ""


def _tables(workbook: Any) -> Iterator[Table]:
    """Yields the tables of a workbook."""
    from openpyxl.utils import range_boundaries

    for sheet in workbook.worksheets:
        for table in sheet.tables.values():
            left, top, _, bottom = range_boundaries(table.ref)
            if not left or not top or not bottom:
                continue
            headers = 1 if table.headerRowCount is None else table.headerRowCount
            columns = tuple(column.name for column in table.tableColumns)
            name = table.displayName or table.name or ""
            yield Table(name, sheet.title, top, bottom, left, headers, table.totalsRowCount or 0, columns)


def _names(workbook: Any, tables: Tables) -> dict[tuple[str, str], str]:
    """Returns what the defined names of a workbook stand for, by the sheet that they are for and in small letters. The
    name of a table stands for its data.
    """
    places = [("", workbook.defined_names), *((sheet.title, sheet.defined_names) for sheet in workbook.worksheets)]
    stated = {
        (title, name.casefold()): tables.as_cells(defined.attr_text, title)
        for title, names in places
        for name, defined in names.items()
        if defined.attr_text
    }
    return {("", name): cells for name, cells in tables.names} | stated


def _whole_target(link: Any) -> str | None:
    """Returns where a link leads. Excel keeps the place on a page, behind `#`, apart from its address."""
    if link.target and link.location and "#" not in link.target:
        return f"{link.target}#{link.location}"
    return link.target  # type: ignore[no-any-return]


def _path(stated: str | bytes | None, book: Any) -> str | None:
    """Returns where a link of XLS leads. The path of a file may be in bytes."""
    return stated.decode(book.encoding or "cp1252", "replace") if isinstance(stated, bytes) else stated


class XlsCells:
    """The cells of a sheet of an XLS workbook."""

    def __init__(self, sheet: Any, formulas: OldFormulas, formatted: bool) -> None:
        self._book = sheet.book
        self._sheet = sheet
        self._formulas = formulas
        self._formatted = formatted
        self._links = {place: _path(link.url_or_path, sheet.book) for place, link in sheet.hyperlink_map.items()}
        self._stated = {format_.format_key for format_ in sheet.book.format_list}

    def text(self, row: int, column: int) -> str:
        """Returns what a cell shows, and the target of its link."""
        cell = self._sheet.cell(row, column)
        if cell.ctype in (xlrd.XL_CELL_ERROR, xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
            return ""
        value: Any = bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value
        if cell.ctype == xlrd.XL_CELL_TEXT:
            value = self._without_struck(row, column, value)
        target = self._links.get((row, column))
        if value == "" and (found := self._formulas.computed(self._sheet.name, row, column)) is not None:
            value, target = found[0], found[1] or target
        text = shown(value, self._format(cell), bool(self._book.datemode))
        return with_target(text, target) if text else text

    def is_struck(self, row: int, column: int) -> bool:
        """Returns True if the whole cell is struck through."""
        return not self._runs(row, column) and self._has_struck_font(row, column)

    def _has_struck_font(self, row: int, column: int) -> bool:
        if not self._formatted:
            return False
        font = self._book.font_list[self._book.xf_list[self._sheet.cell_xf_index(row, column)].font_index]
        return bool(font.struck_out)

    def _format(self, cell: Any) -> str:
        if cell.xf_index is None:
            return ""
        key = self._book.xf_list[cell.xf_index].format_key
        format_ = self._book.format_map.get(key)
        own = format_.format_str if format_ is not None else ""
        return own if key in self._stated else built_in(key) or own

    def _runs(self, row: int, column: int) -> Sequence[tuple[int, int]]:
        """Returns where a piece of the cell's text begins that has a font of its own, and the number of the font."""
        return self._sheet.rich_text_runlist_map.get((row, column), ()) if self._formatted else ()

    def _without_struck(self, row: int, column: int, text: str) -> str:
        runs = self._runs(row, column)
        if not runs:
            return text
        starts = [start for start, _ in runs]
        kept = ["" if self._has_struck_font(row, column) else text[: starts[0]]]
        for (start, font), end in zip(runs, [*starts[1:], len(text)], strict=True):
            kept.append("" if self._book.font_list[font].struck_out else text[start:end])
        return "".join(kept)
