"""Reads the cells of spreadsheets."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import xlrd

from ingest.document import Element, Location
from ingest.parse.extracted import Extracted
from ingest.parse.notes import together
from ingest.parse.office.embedded_objects import OBJECT_RELATIONS, EmbeddedObjects
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.refusals import refuse
from ingest.parse.sheets.cells import XlsCells, XlsxCells
from ingest.parse.sheets.drawn_pictures import DrawnPictures
from ingest.parse.sheets.old_drawings import OldDrawings, objects_of
from ingest.parse.sheets.old_formulas import OldFormulas
from ingest.parse.sheets.old_pictures import OldPictures
from ingest.parse.sheets.regions import COLUMN_GAP, cell_range, sheet_elements, stacked
from ingest.parse.sheets.sparse import SparseSheet
from ingest.parse.sheets.workbooks import open_workbook
from ingest.parse.tables.beside import tables_beside
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.markdown import Rows

_DELIMITERS = ",;\t|"
_KEPT_AS_TEXT = re.compile(r'="((?:[^"]|"")*+)"')
"""What programs write so that Excel does not take an identifier for a number: `="001234"`."""
_MAX_CELL_CHARACTERS = 1 << 30
_MAX_CELL_LINES = 100
_MAX_PADDED_CELLS = 5_000_000


def read_xlsx(data: bytes, name: str, pictures: Pictures, comments: bool) -> Extracted:
    """Read the visible sheets of a workbook without hidden rows and columns, and without what is struck through. A
    formula is read as its last value. The charts of a sheet, the texts of its shapes and the words in its pictures come
    after its tables. The words in a picture that is in a cell are its text.
    """
    workbook = open_workbook(data, name)
    shown, drawn = XlsxCells(workbook), DrawnPictures(data, pictures)
    elements: list[Element] = []
    notes: Counter[str] = Counter()
    visible = frozenset(sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible")
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":
            continue
        found = SparseSheet()
        for (row, column), cell in sheet._cells.items():  # `iter_rows` would create the missing cells
            if cell._value is None:
                continue
            words = drawn.words(cell._value)
            if text := shown.text(cell) if words is None else words:
                found.add(row - 1, column - 1, text, shown.is_struck(cell))
        for merged in sheet.merged_cells.ranges:
            found.merged.append((merged.min_row - 1, merged.max_row, merged.min_col - 1, merged.max_col))
        _leave_out_hidden(sheet, found)
        elements.extend(_elements(sheet.title, found, name))
        elements.extend(_comments(sheet) if comments else ())
        for place in sheet._charts:  # openpyxl has no public attribute for them
            elements.extend(place.elements(sheet.title, visible, notes))
        elements.extend(_pictured(sheet.title, drawn.on(sheet.title), pictures, headed=bool(found.cells)))
    for sheet in workbook.chartsheets:
        for place in sheet._charts if sheet.sheet_state == "visible" else ():
            elements.extend(place.elements(sheet.title, visible, notes))
    objects = _objects(workbook, data)
    return Extracted(
        tuple(elements),
        workbook.properties.title,
        notes=together([shown.notes, notes, objects.notes]),
        attachments=objects.attachments,
    )


def _objects(workbook: Any, data: bytes) -> EmbeddedObjects:
    """Returns the objects of other programs on the visible sheets."""
    objects = EmbeddedObjects()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        for sheet in workbook.worksheets:
            for relation in sheet._rels if sheet.sheet_state == "visible" else ():
                if relation.Type.endswith(OBJECT_RELATIONS):
                    is_here = relation.TargetMode != "External" and relation.target in names
                    objects.add(relation.target or "", archive.read(relation.target) if is_here else None)
    return objects


def _leave_out_hidden(sheet: Any, found: SparseSheet) -> None:
    """Leave out the rows and columns that the sheet hides. Rows that a filter hides are kept."""
    from openpyxl.utils import column_index_from_string

    last = max((column for _, column in found.cells), default=-1)
    for letter, dimension in sheet.column_dimensions.items():
        if dimension.hidden:
            first = dimension.min or column_index_from_string(letter)
            found.columns_left_out.update(range(first - 1, min(dimension.max or first, last + 1)))
    if sheet.auto_filter.ref is None:
        hidden = (number - 1 for number, dimension in sheet.row_dimensions.items() if dimension.hidden)
        found.rows_left_out.update(hidden)


def _comments(sheet: Any) -> Iterator[Element]:
    for _, cell in sorted(sheet._cells.items()):
        if cell.comment is not None:
            where = Location(sheet=sheet.title, cells=f"{cell.coordinate}:{cell.coordinate}")
            yield Element("paragraph", f"Comment on {cell.coordinate}: {cell.comment.text.strip()}", where)


def _pictured(
    title: str, drawn: Iterable[tuple[bytes, Location]], pictures: Pictures, *, headed: bool
) -> Iterator[Element]:
    """Yields the words in the pictures of a sheet at their places, below its name, if it is not `headed` by that."""
    for data, where in drawn:
        for text in pictures.texts(data):
            if not headed:
                yield Element("heading", title, Location(sheet=title), level=1)
            headed = True
            yield Element("paragraph", text, where)


def read_xls(data: bytes, name: str, pictures: Pictures, comments: bool) -> Extracted:
    """Read the visible sheets of an old workbook (XLS), without hidden columns. Which rows only a filter hides is not
    known, so rows are kept. The charts of a sheet, the texts of its shapes and the words in its pictures come after its
    tables.
    """
    formatted = _has_formats(data)
    try:
        workbook = xlrd.open_workbook(
            file_contents=data, formatting_info=formatted, logfile=io.StringIO(), ragged_rows=True, on_demand=True
        )
    except xlrd.XLRDError as error:
        code = "encrypted" if "encrypted" in str(error).lower() else "corrupt"
        raise refuse(code, name, f"the workbook cannot be opened ({error})") from error
    sheets, formulas, drawn = workbook.sheets(), OldFormulas(workbook), OldPictures(workbook)
    cells = {sheet.name: XlsCells(sheet, formulas, formatted) for sheet in sheets}
    drawings, objects = OldDrawings(workbook, cells), objects_of(data)
    elements: list[Element] = []
    for sheet in sheets:
        if sheet.visibility:
            continue
        shown = cells[sheet.name]
        found = SparseSheet(merged=list(sheet.merged_cells))
        found.columns_left_out.update(column for column, look in sheet.colinfo_map.items() if look.hidden)
        for row in range(sheet.nrows):
            for column in range(sheet.row_len(row)):
                if text := shown.text(row, column):
                    found.add(row, column, text, shown.is_struck(row, column))
        elements.extend(_elements(sheet.name, found, name))
        for (row, column), note in sorted(sheet.cell_note_map.items()) if comments else ():
            cell = cell_range(row, row + 1, column, column + 1)
            text = f"Comment on {cell.split(':')[0]}: {note.text.strip()}"
            elements.append(Element("paragraph", text, Location(sheet=sheet.name, cells=cell)))
        elements.extend(drawings.on(sheet.name))
        elements.extend(_pictured(sheet.name, drawn.on(sheet.name), pictures, headed=bool(found.cells)))
    elements.extend(drawings.of_chart_sheets())
    elements.extend(Element("paragraph", text) for data in drawn.elsewhere() for text in pictures.texts(data))
    notes = together([formulas.notes, drawings.notes, objects.notes])
    return Extracted(tuple(elements), notes=notes, attachments=objects.attachments)


def _has_formats(data: bytes) -> bool:
    """Returns True if xlrd can read the cell formats. It cannot read them in the oldest files."""
    return data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_sheets(
    sheets: Iterable[tuple[str, SparseSheet]], name: str, drawn: Callable[[str], Iterable[Element]] = lambda sheet: ()
) -> Extracted:
    """Read the sheets of a workbook of another format, given as their contents. `drawn` gives what is drawn on a sheet
    of this name.
    """
    return Extracted(tuple(e for title, found in sheets for e in (*_elements(title, found, name), *drawn(title))))


def _elements(title: str, found: SparseSheet, name: str) -> Iterator[Element]:
    grid = found.grid(name)
    return grid.placed(sheet_elements(title, grid.texts))


def read_csv(text: str, delimiter: str | None = None) -> Extracted:
    """Read one table. If no delimiter is given, the one that cuts the first lines most evenly is used."""
    csv.field_size_limit(_MAX_CELL_CHARACTERS)
    # Only CR, LF or both end a line. The other line ends of `splitlines`, such as U+2028 and U+0085, occur inside
    # cells.
    lines = list(io.StringIO(text.lstrip("\ufeff"), newline=""))
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        delimiter = lines.pop(0).strip()[-1]
    rows = [[_as_shown(cell) for cell in row] for row in _csv_rows(lines, delimiter or _delimiter(lines[:50]))]
    return Extracted(tuple(_csv_elements(rows)))


def _csv_elements(rows: Rows) -> Iterator[Element]:
    """Yields the tables of a text. Those that are not of one width, or beside each other, are looked for where blank
    places do not make it huge.
    """
    width = max(map(len, rows), default=0)
    if not 0 < len(rows) * width <= _MAX_PADDED_CELLS:
        yield from _csv_table(rows, 0, 0, width)
        return
    rows = [row + [""] * (width - len(row)) for row in rows]
    for top, bottom in stacked(rows):
        block = rows[top:bottom]
        found = tables_beside(block, gap=COLUMN_GAP)
        for left, right in found if len(found) > 1 else [(0, width)]:
            yield from _csv_table([row[left:right] for row in block], top, left, right)


def _csv_table(rows: Rows, top: int, left: int, right: int) -> Iterator[Element]:
    def place(first: int, stop: int) -> Location:
        return Location(cells=cell_range(top + first, top + stop, left, right))

    yield from table_elements(rows, place=place, may_be_two=False)


def _as_shown(cell: str) -> str:
    found = _KEPT_AS_TEXT.fullmatch(cell.strip()) if cell.startswith("=") else None
    return found[1].replace('""', '"') if found else cell


def _csv_rows(lines: list[str], delimiter: str) -> Rows:
    """Returns the rows. If a quotation mark is never closed and would take in the rest, quotation marks are read as
    plain characters.
    """
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        rows = []
    if not rows or any(cell.count("\n") > _MAX_CELL_LINES for row in rows for cell in row):
        return list(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE))
    return rows


def _delimiter(lines: list[str]) -> str:
    def evenness(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
        return (count / max(sum(widths.values()), 1) if width > 1 else 0.0, width)

    return max(_DELIMITERS, key=evenness)
