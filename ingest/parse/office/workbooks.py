"""Opening a workbook of Excel without writing out areas that no sheet needs.

openpyxl makes an object for every cell of a merged area, and for every one that a link covers: a line of XML may name
all 17 thousand million cells of a sheet.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from typing import Any

from ingest.parse.office.ooxml import plain_variant
from ingest.parse.refusals import refuse

_MAX_COVERED = 1 << 20
"""Cells that the merged areas, and those that the links, of a sheet may cover: as many as a whole column has."""


class _TooManyError(Exception):
    pass


def open_workbook(data: bytes, name: str) -> Any:
    """The workbook in these bytes, formulas as their last values.

    Raises `too_large` where the merged areas, or the links, of a sheet cover more than 1,048,576 cells.
    """
    import openpyxl  # a tenth of a second, which a process that reads no workbook should not pay

    _bound()
    try:
        return openpyxl.load_workbook(io.BytesIO(plain_variant(data)), data_only=True)
    except _TooManyError as error:
        raise refuse("too_large", name, str(error)) from error


@cache
def _bound() -> None:
    """Make openpyxl count before it writes out."""
    from openpyxl.reader import excel

    class Reader(excel.WorksheetReader):  # type: ignore[misc, name-defined, unused-ignore]
        def bind_merged_cells(self) -> None:
            merged = self.parser.merged_cells
            _check(area.ref for area in (merged.mergeCell if merged else ()))
            super().bind_merged_cells()

        def bind_hyperlinks(self) -> None:
            _check(link.ref for link in self.parser.hyperlinks.hyperlink)
            super().bind_hyperlinks()

    excel.WorksheetReader = Reader


def _check(areas: Iterable[str]) -> None:
    from openpyxl.utils import range_boundaries

    covered = 0
    for area in areas:
        left, top, right, bottom = range_boundaries(area)
        covered += (abs((right or 16_384) - (left or 1)) + 1) * (abs((bottom or 1 << 20) - (top or 1)) + 1)
        if covered > _MAX_COVERED:
            raise _TooManyError(f"the merged cells or links of a sheet cover more than {_MAX_COVERED} cells")
