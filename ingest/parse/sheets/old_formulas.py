"""Finds the formulas of an XLS workbook that a program has written without computing any.

Such a formula has an empty text as its value, as has `=IF(A1="","",A1)` in a workbook that Excel has saved. So formulas
count as without values only where no formula of the workbook has any. xlrd reads values only; the records are those of
[MS-XLS] 2.4.127.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import xlrd
from xlrd.formula import decompile_formula

from ingest.parse.notes import FORMULAS_WITHOUT_VALUE
from ingest.parse.sheets.formulas.calculator import Calculator, Formula
from ingest.parse.sheets.formulas.values import Scalar, UncomputableError
from ingest.parse.sheets.old_records import records

_FORMULA = 0x0006
_SMALLEST = 22
_EMPTY_TEXT, _NO_NUMBER = 3, b"\xff\xff"
_BIFF8 = 80
_WITH_CONTENT = (xlrd.XL_CELL_TEXT, xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE)
_IN_CELL = 1
"""How xlrd calls the formula of a cell."""


class OldFormulas:
    """The formulas of a workbook that no program has computed. `notes` counts those that could not be computed here.

    The workbook must have been opened `on_demand`, so that its records are still there.
    """

    def __init__(self, book: Any) -> None:
        self.notes: Counter[str] = Counter()
        self._formulas = _without_value(book)
        contents = _contents(book, self._formulas) if self._formulas else {}
        self._calculator = Calculator(contents, names=_names(book) if contents else {}, epoch_1904=bool(book.datemode))

    def computed(self, sheet: str, row: int, column: int) -> tuple[object, str | None] | None:
        """Returns the value of the formula in a cell, whose place counts from 0, and where it leads if it is a link.
        Returns None if there is no formula without a value.
        """
        formula = self._formulas.get(sheet, {}).get((row, column))
        if formula is None:
            return None
        link = self._calculator.link(sheet, formula)
        try:
            return self._calculator.computed(sheet, row + 1, column + 1), link[1] if link else None
        except UncomputableError:
            self.notes[FORMULAS_WITHOUT_VALUE] += 1
            return formula.text, None


def _contents(
    book: Any, formulas: Mapping[str, Mapping[tuple[int, int], Formula]]
) -> dict[str, dict[tuple[int, int], Scalar | Formula]]:
    """Returns what is in the cells of each sheet, by places that count from 1."""
    found: dict[str, dict[tuple[int, int], Scalar | Formula]] = {}
    for sheet in book.sheets():
        cells: dict[tuple[int, int], Scalar | Formula] = {
            (row + 1, column + 1): cell.value
            for row in range(sheet.nrows)
            for column, cell in enumerate(sheet.row(row))
            if cell.ctype in _WITH_CONTENT
        }
        cells.update({(row + 1, column + 1): text for (row, column), text in formulas.get(sheet.name, {}).items()})
        found[sheet.name] = cells
    return found


def _names(book: Any) -> dict[tuple[str, str], str]:
    """Returns what the defined names stand for, by their sheet and in small letters."""
    titles = book.sheet_names()
    return {
        (titles[name.scope] if 0 <= name.scope < len(titles) else "", name.name.casefold()): name.result.text
        for name in book.name_obj_list
        if not name.macro and name.result is not None and name.result.text
    }


def _without_value(book: Any) -> dict[str, dict[tuple[int, int], Formula]]:
    """Returns the formulas of each sheet by row and column, which count from 0, if none in the workbook has a value."""
    if book.biff_version < _BIFF8 or not book.mem:
        return {}
    found: dict[str, list[bytes]] = {}
    for name, start in zip(book.sheet_names(), book._sh_abs_posn, strict=False):
        found[name] = []
        for kind, record in records(book.mem, start, book.base + book.stream_len):
            if kind != _FORMULA or len(record) < _SMALLEST:
                continue
            if record[12:14] != _NO_NUMBER or record[6] != _EMPTY_TEXT:
                return {}
            found[name].append(record)
    return {name: dict(_decompiled(book, stated)) for name, stated in found.items() if stated}


def _decompiled(book: Any, stated: list[bytes]) -> Iterator[tuple[tuple[int, int], Formula]]:
    for record in stated:
        row, column = struct.unpack_from("<HH", record)
        (size,) = struct.unpack_from("<H", record, 20)
        try:
            text = decompile_formula(book, record[22:], size, _IN_CELL, browx=row, bcolx=column)
        except Exception:  # xlrd stops in many ways at what it does not know
            text = None
        yield (row, column), Formula(f"={text}" if text else "")
