"""Reads the charts of OpenDocument files: their titles, the names of their axes, and their numbers as a table. Numbers
are written in the format of the chart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ingest.parse.office.charts import Chart, caption_of
from ingest.parse.sheets.cells import shown
from ingest.parse.sheets.number_formats import is_general
from ingest.parse.tables.markdown import Rows

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_TEXT, _TABLE, _OFFICE, _STYLE, _CHART, _NUMBER = map(
    _NAMES.format, ("text", "table", "office", "style", "chart", "datastyle")
)
CHART: Final = f"{_CHART}chart"
_FORMATS = tuple(f"{_NUMBER}{kind}-style" for kind in ("number", "percentage", "currency", "date", "time"))
_MOMENTS = {
    "year": ("yy", "yyyy"), "month": ("m", "mm"), "day": ("d", "dd"),
    "hours": ("h", "hh"), "minutes": ("m", "mm"), "seconds": ("s", "ss"),
}  # fmt: skip
_CELL = re.compile(r"\.\$?([A-Z]{1,3})\$?\d")
_MAX_DIGITS = 30
_MAX_CELLS = 200_000


def read_chart(root: Any) -> Chart | None:
    """Read a chart. `root` is the root element of its content. Returns None if it has no chart. The sources are the
    names of the sheets from which the numbers come.

    Raises ValueError if it has more than 200,000 numbers.
    """
    chart = next(root.iter(CHART), None)
    if chart is None:
        return None
    axes = {axis.get(f"{_CHART}dimension"): axis for axis in chart.iterfind(f"{_CHART}plot-area/{_CHART}axis")}
    names = {dimension: _title(axis, "title") for dimension, axis in axes.items()}
    title = " ".join(filter(None, (_title(chart, "title"), _title(chart, "subtitle"))))
    series = list(chart.iter(f"{_CHART}series"))
    codes = _codes(root)
    styles = [_style(axes.get("y")), *(_style(each) for each in series[:1])]
    rows = list(_rows(chart, next((codes[name] for name in styles if name in codes), "")))
    if _style(chart, "class") == "chart:scatter" and rows:
        rows = [["", names.get("x") or "X", names.get("y") or "Y"], *_points(series, rows)]
    elif rows:
        rows[0][:1] = [names.get("x", "")]
    sources = (each.get(f"{_CHART}values-cell-range-address", "") for each in series)
    has_numbers = any(any(row[1:]) for row in rows[1:])
    caption = caption_of(title, names.values())
    return Chart(caption, (rows,) if has_numbers else (), tuple(map(_sheet, sources)))


def _points(series: list[Any], rows: Rows) -> Iterator[list[str]]:
    """Yields the points of series that have two measures. A series without measures of its own along the first axis
    has those of the series before it.
    """
    along = None
    for each in series:
        domain = each.find(f"{_CHART}domain")
        along = _column(domain.get(f"{_TABLE}cell-range-address", "")) if domain is not None else along
        upward = _column(each.get(f"{_CHART}values-cell-range-address", ""))
        name = _at(rows[0], _column(each.get(f"{_CHART}label-cell-address", "")))
        for row in rows[1:]:
            if value := _at(row, upward):
                yield [name, _at(row, along), value]


def _column(address: str) -> int | None:
    """Returns the column of the first cell of a range, from 0."""
    found = _CELL.search(address)
    number = 0
    for letter in found[1] if found else "":
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1 if found else None


def _at(row: list[str], column: int | None) -> str:
    return row[column] if column is not None and column < len(row) else ""


def _title(holder: Any, kind: str) -> str:
    title = holder.find(f"{_CHART}{kind}")
    return " ".join("".join(title.itertext()).split()) if title is not None else ""


def _style(node: Any, attribute: str = "style-name") -> str:
    return "" if node is None else str(node.get(f"{_CHART}{attribute}", ""))


def _sheet(address: str) -> str:
    """Returns the sheet of a range of cells: `限额` for `$限额.$A$1:.$B$4`. The chart's own table is no sheet."""
    name = address.strip().removeprefix("$").rpartition(":")[0] or address
    name = name.lstrip("$").rpartition(".")[0].rstrip("$")
    name = name[1:-1].replace("''", "'") if name.startswith("'") and name.endswith("'") else name
    return "" if name == "local-table" else name


def _rows(chart: Any, code: str) -> Iterator[list[str]]:
    """Yields the rows of the table that a chart keeps its numbers in."""
    cells = 0
    for row in chart.iter(f"{_TABLE}table-row"):
        row_cells = enumerate(row.iterchildren(f"{_TABLE}table-cell"))
        found = [_cell(cell, code if place else "") for place, cell in row_cells]
        cells += len(found)
        if cells > _MAX_CELLS:
            raise ValueError(f"a chart of more than {_MAX_CELLS} numbers")
        yield found


def _cell(cell: Any, code: str) -> str:
    text = " ".join(" ".join(cell.itertext()).split())
    if cell.get(f"{_OFFICE}value-type") != "float":
        return text
    try:
        value = float(cell.get(f"{_OFFICE}value", ""))
    except ValueError:
        return text
    return "" if value != value else shown(value, code)  # a missing number is stored as one that is no number


def _codes(root: Any) -> Mapping[str, str]:
    """Returns the format of each style that has one, as Excel writes formats."""
    formats = {style.get(f"{_STYLE}name"): _code(style) for style in root.iter(*_FORMATS)}
    styles = list(root.iter(f"{_STYLE}style"))
    named = ((style.get(f"{_STYLE}name", ""), style.get(f"{_STYLE}data-style-name")) for style in styles)
    return {name: formats[data] for name, data in named if not is_general(formats.get(data, ""))}


def _code(style: Any) -> str:
    is_share = style.tag == f"{_NUMBER}percentage-style"
    return "".join(_part(part, is_share) for part in style if isinstance(part.tag, str))


def _part(part: Any, is_share: bool) -> str:
    name = part.tag.removeprefix(_NUMBER)
    if name == "number":
        return _digits(part)
    if name in _MOMENTS:
        is_named = part.get(f"{_NUMBER}textual") == "true"
        return _MOMENTS[name][part.get(f"{_NUMBER}style") == "long"] + ("mm" if is_named else "")
    if name not in ("text", "currency-symbol"):
        return ""
    text = (part.text or "").replace('"', "")
    if is_share and text.strip() == "%":
        return text
    return f'"{text}"' if text else ""


def _digits(number: Any) -> str:
    places, least = number.get(f"{_NUMBER}decimal-places"), number.get(f"{_NUMBER}min-integer-digits", "1")
    if places is None:
        return "General"
    zeros = "0" * min(int(least), _MAX_DIGITS) if least.isdecimal() and len(least) < 4 else "0"
    whole = "#,##" + (zeros or "#") if number.get(f"{_NUMBER}grouping") == "true" else zeros or "#"
    after = "0" * min(int(places), _MAX_DIGITS) if places.isdecimal() and len(places) < 4 else ""
    return f"{whole}.{after}" if after else whole
