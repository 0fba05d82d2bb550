"""Writes the numbers of a PowerPoint chart as a table, with a row for each category and a column for each series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.document import Element, Location
from ingest.parse.office.drawing_text import bare_text
from ingest.parse.sheets.cells import shown
from ingest.parse.sheets.number_formats import is_general
from ingest.parse.tables.markdown import Rows, markdown

_LABELS = "./c:dLbls/c:numFmt | ../c:dLbls/c:numFmt"
_DATES = "//c:plotArea/c:dateAx/c:numFmt"


def chart_elements(chart: Any, location: Location) -> Iterator[Element]:
    """Yields the title of a chart, and a table for each of its plots. Numbers are written as the chart shows them."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield Element("caption", bare_text(chart.chart_title.text_frame._txBody), location)
    epoch_1904 = bool(chart._chartSpace.xpath("./c:date1904[not(@val='0' or @val='false')]"))
    for plot in chart.plots:
        series = list(plot.series)
        names = ["", *(one.name or "" for one in series)]
        values = [_values(one) for one in series]
        rows: Rows = [names]
        for number, category in enumerate(_categories(plot, epoch_1904)):
            rows.append([category, *(column[number] if number < len(column) else "" for column in values)])
        if len(rows) > 1:
            yield Element("table", markdown(rows), location)


def _values(series: Any) -> list[str]:
    element = series._element
    cached = element.xpath("./c:val/c:numRef/c:numCache/c:formatCode | ./c:val/c:numLit/c:formatCode")
    code = _unlinked(element.xpath(_LABELS)) or _stated(cached)
    own = {int(point.get("idx", 0)): point.get("formatCode", "") for point in element.xpath("./c:val//c:pt")}
    return ["" if value is None else shown(value, own.get(place) or code) for place, value in enumerate(series.values)]


def _categories(plot: Any, epoch_1904: bool) -> list[str]:
    """Returns the names of the categories. Dates are stored as numbers."""
    element = plot._element
    cached = element.xpath("./c:ser[1]/c:cat/c:numRef/c:numCache/c:formatCode")
    code = _unlinked(element.xpath(_DATES)) or _stated(cached) if cached else ""
    return [_category(str(category), code, epoch_1904) for category in plot.categories]


def _category(label: str, code: str, epoch_1904: bool) -> str:
    try:
        return shown(float(label), code, epoch_1904) if code else label
    except ValueError:
        return label


def _unlinked(formats: list[Any]) -> str:
    """Returns a format that a chart has of its own, instead of that of the cells with its numbers."""
    return _stated([format_ for format_ in formats if format_.get("sourceLinked") not in ("1", "true")])


def _stated(formats: list[Any]) -> str:
    codes = (format_.get("formatCode") or format_.text or "" for format_ in formats)
    return next((code for code in codes if not is_general(code)), "")
