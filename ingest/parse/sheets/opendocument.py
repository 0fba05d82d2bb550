"""Reads the sheets of an OpenDocument spreadsheet (ODS). A cell stores its text as it is shown, and its value.

Rows and cells are repeated by a number: a sheet ends in a million empty rows. Formulas that programs have written
without a value are computed as those of Excel are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest.document import Location
from ingest.parse.links import with_target
from ingest.parse.notes import FORMULAS_WITHOUT_VALUE
from ingest.parse.office.opendocument_styles import Styles, is_hidden_table, is_unseen
from ingest.parse.sheets.cells import written
from ingest.parse.sheets.formulas.calculator import Calculator, Formula
from ingest.parse.sheets.formulas.values import Scalar, UncomputableError
from ingest.parse.sheets.regions import cell_range
from ingest.parse.sheets.sparse import SparseSheet

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_TEXT, _TABLE, _OFFICE = map(_NAMES.format, ("text", "table", "office"))
_DRAW, _HREF = _NAMES.format("drawing"), "{http://www.w3.org/1999/xlink}href"
_MAX_REPEATED = 100
"""No repetition of a cell or row with content counts for more than this."""
_MAX_PLACE = 1 << 20
_MAX_CELLS = 5_000_000
_MAX_MERGED = 100_000
"""The limit for the places that the merged cells of a sheet cover."""

_NAMESPACE = re.compile(r"^[a-z]{1,10}:(?==)")
_REFERENCE = re.compile(r"""("[^"]*+")|;|\[(?:\$?('[^']++'|[^\[\]:.'"]++))?\.([^\[\]:.]++)(?::\.?([^\[\]:.]++))?\]""")
_LONGEST_DATE = 100
_CLEAR_DATE = re.compile(r"\d{4}\D{1,2}\d{1,2}|\d{8}|(?<![A-Za-z])[A-Za-z]{4,}+[ ,\d]{0,9}\d{4}")
_SHORT_DATE = re.compile(r"\d[^\d:]+\w|[A-Za-z]\W?\d")
_DURATION = re.compile(r"PT(\d{1,9})H(\d{1,2})M(\d{1,2})(?:[.,]\d{1,20})?S")

Words = Callable[[Any], str]
"""Gives the text of a paragraph."""


@dataclass(slots=True)
class _Sheet:
    """What is in a sheet: texts as they are shown, and values for the formulas, whose rows and columns count from 1."""

    found: SparseSheet = field(default_factory=SparseSheet)
    values: dict[tuple[int, int], Scalar | Formula] = field(default_factory=dict)
    pictures: list[tuple[str, tuple[int, int] | None]] = field(default_factory=list)
    stated: int = 0
    merged: int = 0


class OpenSheets:
    """The visible sheets of a document. `notes` counts formulas that have no value and could not be computed."""

    def __init__(self, content: Any, words: Words, styles: Styles) -> None:
        self._words = words
        self._styles = styles
        self._computes = any(_lacks_value(cell) or _is_link(cell) for cell in content.iter(f"{_TABLE}table-cell"))
        self.notes: Counter[str] = Counter()
        self._tables = [
            (table.get(f"{_TABLE}name", ""), table)
            for table in content.iter(f"{_TABLE}table")
            if not is_hidden_table(styles.of("table", table.get(f"{_TABLE}style-name")))
        ]
        self._names = _names(content)
        self._sheets = [(name, self._sheet(table)) for name, table in self._tables]
        self._compute()

    def __iter__(self) -> Iterator[tuple[str, SparseSheet]]:
        return ((name, sheet.found) for name, sheet in self._sheets)

    def pictures(self, name: str) -> Iterator[tuple[str, Location]]:
        """Yields the paths of the pictures on a sheet, and the cells on which they stand."""
        for title, sheet in self._sheets:
            for path, place in sheet.pictures if title == name else ():
                row, column = place or (0, 0)
                cells = cell_range(row, row + 1, column, column + 1) if place else None
                yield path, Location(sheet=name, cells=cells)

    @property
    def names(self) -> list[str]:
        """Returns the names of the sheets."""
        return [name for name, _ in self._tables]

    def table(self, name: str) -> Any:
        """Returns the element of a sheet."""
        return next(table for named, table in self._tables if named == name)

    def _sheet(self, table: Any) -> _Sheet:
        sheet = _Sheet()
        for shapes in table.iterchildren(f"{_TABLE}shapes"):
            sheet.pictures.extend((path, None) for path in _pictured(shapes))
        column = 0
        defaults: list[tuple[int, str | None]] = []
        for node in table.iter(f"{_TABLE}table-column"):
            end = min(column + _count(node, "number-columns-repeated"), _MAX_PLACE)
            if node.get(f"{_TABLE}visibility") == "collapse":
                sheet.found.columns_left_out.update(range(column, end))
            defaults.append((end, node.get(f"{_TABLE}default-cell-style-name")))
            column = end
        place = 0
        for row in table.iter(f"{_TABLE}table-row"):
            repeated = _count(row, "number-rows-repeated")
            if row.get(f"{_TABLE}visibility") == "collapse":
                sheet.found.rows_left_out.update(range(place, min(place + repeated, _MAX_PLACE)))
            self._row(sheet, row, place, min(repeated, _MAX_REPEATED), defaults)
            place = min(place + repeated, _MAX_PLACE)
        return sheet

    def _row(self, sheet: _Sheet, row: Any, place: int, repeated: int, defaults: list[tuple[int, str | None]]) -> None:
        column = 0
        styled = row.get(f"{_TABLE}default-cell-style-name")
        for cell in row.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            count = _count(cell, "number-columns-repeated")
            covered = cell.tag == f"{_TABLE}covered-table-cell"
            text, value = ("", None) if covered else self._content(cell)
            sheet.pictures.extend((path, (place, column)) for path in _pictured(cell))
            if text or isinstance(value, Formula):
                sheet.stated += repeated * min(count, _MAX_REPEATED)
                if sheet.stated > _MAX_CELLS:
                    raise ValueError(f"a sheet of more than {_MAX_CELLS} cells")
                style = cell.get(f"{_TABLE}style-name") or styled or _default(defaults, column)
                is_struck = is_unseen(self._styles.of("table-cell", style))
                for below in range(place, place + repeated):
                    for across in range(column, column + min(count, _MAX_REPEATED)):
                        sheet.found.add(below, across, text, struck=is_struck)
                        if self._computes:
                            sheet.values[below + 1, across + 1] = value
            across, down = _count(cell, "number-columns-spanned"), _count(cell, "number-rows-spanned")
            if across * down > 1:
                sheet.merged += min(across, _MAX_REPEATED) * min(down, _MAX_REPEATED)
                if sheet.merged > _MAX_MERGED:
                    raise ValueError("a table with too many merged cells")
                sheet.found.merged.append((place, place + down, column, column + across))
            column = min(column + count, _MAX_PLACE)

    def _content(self, cell: Any) -> tuple[str, Scalar | Formula]:
        """Returns the text of a cell, and its value."""
        paragraphs = (node for node in cell.iter(f"{_TEXT}p", f"{_TEXT}h") if not _is_comment(node, cell))
        text = " ".join(map(self._words, paragraphs)).strip()
        value = _value(cell)
        if (stated := cell.get(f"{_TABLE}formula")) is not None:
            if _lacks_value(cell) and not text:
                return "", Formula(_as_excel_writes(stated))
            if _is_link(cell):  # its target may be put together from other cells, which are not read yet
                return text, Formula(_as_excel_writes(stated), text)
        if not text:
            text = _plain(cell, value)
        day = cell.get(f"{_OFFICE}date-value", "")[:10]
        short = day and text != day and len(text) <= _LONGEST_DATE
        if short and not _CLEAR_DATE.search(text) and _SHORT_DATE.search(text):
            text = f"{text} ({day})"
        return text, text if value is None else value

    def _compute(self) -> None:
        calculator = Calculator({name: sheet.values for name, sheet in self._sheets}, names=self._names)
        for name, sheet in self._sheets:
            for (row, column), value in sheet.values.items():
                if not isinstance(value, Formula) or (row - 1, column - 1) not in sheet.found.cells:
                    continue
                try:
                    text = value.stored or written(calculator.computed(name, row, column))
                except UncomputableError:
                    self.notes[FORMULAS_WITHOUT_VALUE] += 1
                    text = value.text
                link = calculator.link(name, value)
                sheet.found.cells[row - 1, column - 1] = with_target(text, link[1]) if link else text
                if not text:
                    del sheet.found.cells[row - 1, column - 1]


def _pictured(node: Any) -> Iterator[str]:
    """Yields the paths of the pictures in a part of a sheet. A picture beside an object only shows it."""
    for image in node.iter(f"{_DRAW}image"):
        if image.getparent().find(f"{_DRAW}object") is None:
            yield str(image.get(_HREF, "")).removeprefix("./")


def _names(content: Any) -> dict[tuple[str, str], str]:
    """Returns what the names of a document stand for, by their sheet and in small letters."""
    found: dict[tuple[str, str], str] = {}
    for node in content.iter(f"{_TABLE}named-range", f"{_TABLE}named-expression"):
        area, text = node.get(f"{_TABLE}cell-range-address"), node.get(f"{_TABLE}expression", "")
        table = next(node.iterancestors(f"{_TABLE}table"), None)
        scope = "" if table is None else table.get(f"{_TABLE}name", "")
        stated = _as_excel_writes(f"[{area}]" if area else text).removeprefix("=")
        found[scope, node.get(f"{_TABLE}name", "").casefold()] = stated
    return found


def _is_comment(paragraph: Any, cell: Any) -> bool:
    """Returns True if a paragraph in a cell belongs to a comment on it."""
    parent = paragraph.getparent()
    return parent is not cell and parent.tag == f"{_OFFICE}annotation"


def _lacks_value(cell: Any) -> bool:
    return cell.get(f"{_TABLE}formula") is not None and cell.get(f"{_OFFICE}value-type") is None


def _is_link(cell: Any) -> bool:
    return "HYPERLINK" in cell.get(f"{_TABLE}formula", "").upper()


def _default(defaults: list[tuple[int, str | None]], column: int) -> str | None:
    return next((style for end, style in defaults if column < end), None)


def _value(cell: Any) -> Scalar:
    """Returns the number or truth that a cell states, or None."""
    stated = cell.get(f"{_OFFICE}value") or ""
    if cell.get(f"{_OFFICE}value-type") == "boolean":
        return str(cell.get(f"{_OFFICE}boolean-value")) == "true"
    try:
        return float(stated)
    except ValueError:
        return None


def _plain(cell: Any, value: Scalar) -> str:
    """Returns the text of a cell for which a program has written its value only."""
    kind = cell.get(f"{_OFFICE}value-type")
    if kind == "percentage" and isinstance(value, float):
        return f"{written(value * 100)}%"
    if kind == "currency" and value is not None:
        return f"{cell.get(f'{_OFFICE}currency', '')} {written(value)}".strip()
    if kind == "date":
        return str(cell.get(f"{_OFFICE}date-value", "")).replace("T00:00:00", "").replace("T", " ")
    if kind == "time" and (found := _DURATION.fullmatch(cell.get(f"{_OFFICE}time-value", ""))):
        return f"{int(found[1])}:{found[2]:0>2}:{found[3]:0>2}"
    return written(cell.get(f"{_OFFICE}string-value") if kind == "string" else value)


def _as_excel_writes(formula: str) -> str:
    """Returns `=B2*C2` for `of:=[.B2]*[.C2]`."""

    def replaced(match: re.Match[str]) -> str:
        quoted, sheet, first, last = match.groups()
        if quoted is not None:
            return quoted
        if first is None:
            return ","
        return (f"{sheet}!" if sheet else "") + first + (f":{last}" if last else "")

    return _REFERENCE.sub(replaced, _NAMESPACE.sub("", formula))


def _count(node: Any, attribute: str) -> int:
    value = node.get(f"{_TABLE}{attribute}", "1")
    return min(max(int(value[:8]), 1), _MAX_PLACE) if value.isdecimal() else 1
