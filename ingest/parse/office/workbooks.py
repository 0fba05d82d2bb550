"""Opens an Excel workbook without creating cells for areas that no sheet needs.

openpyxl makes an object for every cell of a merged area, and for every cell that a link covers. One line of XML may
name all 17 thousand million cells of a sheet.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from typing import Any

from ingest.parse.office.ooxml import plain_variant
from ingest.parse.refusals import refuse

_MAX_COVERED = 1 << 20
"""How many cells the merged areas of a sheet may cover, and how many its links may cover. A whole column has as many
cells.
"""


class _TooManyError(Exception):
    pass


def open_workbook(data: bytes, name: str) -> Any:
    """Returns the workbook in these bytes. A formula is read as its last value.

    Raises `too_large` if the merged areas of a sheet, or its links, cover more than 1,048,576 cells.
    """
    import openpyxl  # it takes a tenth of a second, so only a process that reads workbooks loads it

    _bound()
    try:
        return openpyxl.load_workbook(io.BytesIO(plain_variant(data)), data_only=True)
    except _TooManyError as error:
        raise refuse("too_large", name, str(error)) from error


@cache
def _bound() -> None:
    """Make openpyxl count the cells before it creates them."""
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
