"""Opens an Excel workbook as its readers need it, and without creating cells for areas that no sheet needs.

openpyxl makes an object for every cell of a merged area, and for every cell that a link covers. One line of XML may
name all 17 thousand million cells of a sheet.

Numbers stay numbers, dates too: how they are shown is up to their format. A formula is kept where its value is missing,
or where it is a HYPERLINK, whose target is nowhere else. Struck-through pieces of a text are left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from lxml import etree

from ingest.parse.office.ooxml import plain_variant, xml
from ingest.parse.refusals import refuse
from ingest.parse.sheets.drawings import find_drawn
from ingest.parse.sheets.formulas.calculator import Formula
from ingest.parse.sheets.rich_values import RichText, RichValue

_MAX_COVERED = 1 << 20
"""How many cells the merged areas of a sheet may cover, and how many its links may cover. A whole column has as many
cells.
"""
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RECALCULATED = re.compile(rb"""<(?:\w+:)?calcPr\b[^<>]*\bfullCalcOnLoad\s*=\s*["'](?:1|true)["']""")
"""Matches where a program says that it has not computed the formulas. Some write 0 in the place of every value then."""
_PROGRAM = "docProps/app.xml"
_OF_FORMULA = re.compile(rb"</(?:\w{1,10}:)?f>\s{0,10}<(?:\w{1,10}:)?v>([^<]{0,40})</")
_PIECE, _BETWEEN_PIECES = 1 << 20, 100


class _TooManyError(Exception):
    pass


def open_workbook(data: bytes, name: str) -> Any:
    """Returns the workbook in these bytes. A formula is read as its last value. Where that is missing, the value of the
    cell is the `Formula`.

    Raises `too_large` if the merged areas of a sheet, or its links, cover more than 1,048,576 cells.
    """
    import openpyxl  # it takes a tenth of a second, so only a process that reads workbooks loads it

    _adapt()
    try:
        return openpyxl.load_workbook(io.BytesIO(plain_variant(data)), data_only=True)
    except _TooManyError as error:
        raise refuse("too_large", name, str(error)) from error


@cache
def _adapt() -> None:
    """Make openpyxl count cells before it creates them, and read them as this file says. Pictures are read elsewhere
    (`drawn_pictures`): one that is missing would cost the workbook.
    """
    from openpyxl.reader import drawings, excel
    from openpyxl.styles import Fill, PatternFill, stylesheet
    from openpyxl.workbook.properties import CalcProperties

    drawings.PILImage = False

    class Reader(excel.WorksheetReader):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self, sheet: Any, source: Any, strings: Any, data_only: bool, rich_text: bool) -> None:
            super().__init__(sheet, source, strings, data_only, rich_text)
            self.parser = _parser()(source, strings, data_only, sheet.parent.epoch, rich_text=rich_text)
            self.parser.recalculated = bool(getattr(sheet.parent.calculation, "fullCalcOnLoad", False))

        def bind_merged_cells(self) -> None:
            merged = self.parser.merged_cells
            _check(area.ref for area in (merged.mergeCell if merged else ()))
            super().bind_merged_cells()

        def bind_hyperlinks(self) -> None:
            _check(link.ref for link in self.parser.hyperlinks.hyperlink)
            super().bind_hyperlinks()

    class BookReader(excel.WorkbookParser):  # type: ignore[misc, name-defined, unused-ignore]
        def parse(self) -> None:
            super().parse()
            # openpyxl takes it for true where nothing is said
            stated = _RECALCULATED.search(self.archive.read(self.workbook_part_name)) or _computes_nothing(self.archive)
            self.wb.calculation = CalcProperties(fullCalcOnLoad=bool(stated))

    # A format that the workbook states is not one that is built in, whose currency is that of the country.
    stylesheet.BUILTIN_FORMATS_REVERSE = {}
    read_fill, read_strings = Fill.from_tree, excel.read_string_table
    # openpyxl stops at a fill without content, which Excel and WPS read as none.
    Fill.from_tree = staticmethod(lambda element: read_fill(element) or PatternFill())
    excel.WorksheetReader = Reader
    excel.WorkbookParser = BookReader
    excel.find_images = lambda archive, path: (find_drawn(archive, path), [])
    excel.read_string_table = lambda source: _shared_texts(source, read_strings)


def _computes_nothing(archive: Any) -> bool:
    """Returns True for a workbook of Apache POI in which every formula has the value 0.0. That is what its writer for
    long sheets puts there, and says nowhere. Excel writes 0 for a zero.
    """
    names = set(archive.namelist())
    if _PROGRAM not in names or b">Apache POI<" not in archive.read(_PROGRAM):
        return False
    has_formulas = False
    for name in names:
        if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
            continue
        with archive.open(name) as sheet:
            before = b""
            while piece := sheet.read(_PIECE):
                values = {value.strip() for value in _OF_FORMULA.findall(before + piece)}
                if values - {b"0.0"}:
                    return False
                has_formulas = has_formulas or bool(values)
                before = (before + piece)[-_BETWEEN_PIECES:]
    return has_formulas


@cache
def _parser() -> Any:
    """Returns the class that reads the cells of a sheet. It knows no format of dates, so they stay numbers."""
    from openpyxl.worksheet import _reader

    class Parser(_reader.WorkSheetParser):  # type: ignore[misc, name-defined, unused-ignore]
        recalculated = False

        def parse_cell(self, element: Any) -> Any:
            kind = element.get("t", "n")
            if kind == "inlineStr":
                found = _drop_struck(element)
                cell = super().parse_cell(element)
                if found:
                    cell["value"] = RichText(cell["value"], found[0])
                return cell
            cell = super().parse_cell(element)
            value = cell["value"]
            if kind == "e" and (stated := element.get("vm", "")).isdecimal():
                cell["value"] = RichValue(value, int(stated[:9]))
                return cell
            # Most cells are numbers or shared texts: a look at their value must be enough.
            if value is None or kind == "str" or (self.recalculated and value == 0):
                cell["value"] = self._with_formula(element, kind, value)
            return cell

        def _with_formula(self, element: Any, kind: str, value: Any) -> Any:
            formula = element.find(f"{_MAIN}f")
            if formula is None or formula.get("t") == "dataTable" or (value is None and kind == "str"):
                return value  # an empty text is stored as a text without a value
            text = self.parse_formula(element)
            text = text if isinstance(text, str) else text.text or ""
            if kind != "str":
                return Formula(text)
            return Formula(text, value) if "HYPERLINK" in text.upper() else value

    return Parser


def _shared_texts(source: Any, read: Callable[[Any], list[Any]]) -> list[Any]:
    """Returns the shared texts of a workbook without their struck-through pieces."""
    data = source.read()
    if b"rPr" not in data:
        return read(io.BytesIO(data))
    root = xml(data)
    rich = _drop_struck(root)
    texts = read(io.BytesIO(etree.tostring(root)))
    return [RichText(text, rich[number]) if number in rich else text for number, text in enumerate(texts)]


def _drop_struck(element: Any) -> dict[int, str]:
    """Remove the struck-through pieces of the texts in an element. Returns what pieces with looks of their own still
    say, by the number of the text.
    """
    found: dict[int, str] = {}
    for number, text in enumerate((*element.iter(f"{_MAIN}si"), *element.iter(f"{_MAIN}is"))):
        own: list[str] = []
        for run in text.findall(f"{_MAIN}r"):
            look = run.find(f"{_MAIN}rPr")
            struck = None if look is None else look.find(f"{_MAIN}strike")
            if struck is not None and struck.get("val", "1") not in ("0", "false"):
                text.remove(run)
            elif look is not None:
                own.append(run.findtext(f"{_MAIN}t", ""))
        if "".join(own).strip():
            found[number] = "".join(own)
    return found


def _check(areas: Iterable[str]) -> None:
    from openpyxl.utils import range_boundaries

    covered = 0
    for area in areas:
        left, top, right, bottom = range_boundaries(area)
        covered += (abs((right or 16_384) - (left or 1)) + 1) * (abs((bottom or 1 << 20) - (top or 1)) + 1)
        if covered > _MAX_COVERED:
            raise _TooManyError(f"the merged cells or links of a sheet cover more than {_MAX_COVERED} cells")
