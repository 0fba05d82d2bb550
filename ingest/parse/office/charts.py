"""Reads the charts of Word, PowerPoint and Excel (DrawingML): their titles, the names of their axes, and their numbers
as tables. Numbers are written as the chart shows them.

Charts of the kinds that came in 2016 (waterfall, funnel, treemap) have a format of their own, `chartex`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ingest.document import Element, Location
from ingest.parse.office.drawing_text import bare_text
from ingest.parse.sheets.cells import shown
from ingest.parse.sheets.number_formats import is_general
from ingest.parse.tables.markdown import Rows, markdown

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_CX = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
CHARTS = (f"{_C}chart", f"{_CX}chart")
"""The elements by which a page, a slide or a sheet has a chart. Their `r:id` leads to its part."""
_AXES = tuple(f"{_C}{name}" for name in ("catAx", "dateAx", "valAx", "serAx"))
_SCATTERED = (f"{_C}scatterChart", f"{_C}bubbleChart")
_NAMED_POINTS = "{http://schemas.microsoft.com/office/drawing/2012/chart}datalabelsRange"
_MAX_CELLS = 200_000

Points = dict[int, str]
"""What is shown at each place of a series. Places count from 0."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart says. `caption` has the title in its first line, and the names of the axes in the second. `sources`
    are the sheets from which its numbers come. Numbers that are only in the chart have none.
    """

    caption: str
    tables: tuple[Rows, ...]
    sources: tuple[str, ...] = ()

    def repeats(self, sheets: frozenset[str]) -> bool:
        """Returns True if all the numbers come from these sheets."""
        return bool(self.sources) and all(sheet in sheets for sheet in self.sources)

    def elements(self, location: Location, *, numbers: bool = True) -> Iterator[Element]:
        """Yields the caption and, with `numbers`, the tables."""
        if self.caption:
            yield Element("caption", self.caption, location)
        for rows in self.tables if numbers else ():
            yield Element("table", markdown(rows), location)


def read_chart(space: Any) -> Chart:
    """Read a chart. `space` is the root element of its part. A chart whose part has no numbers has no tables.

    Raises ValueError if its tables would have more than 200,000 cells.
    """
    if space.tag.startswith(_CX):
        return _newer_chart(space)
    plot = space.find(f"{_C}chart/{_C}plotArea")
    if plot is None:
        return Chart(_title(space.find(f"{_C}chart")), ())
    caption = caption_of(_title(space.find(f"{_C}chart")), map(_title, plot.iterchildren(*_AXES)))
    series = [_Series(each, _counts_from_1904(space)) for each in plot.iterfind(f"*/{_C}ser")]
    ranges = (cells for each in plot.iterfind(f"*/{_C}ser") for cells in each.iterfind(f"*/*/{_C}f"))
    sources = tuple(_sheet(cells.text or "") for cells in ranges)
    return Chart(caption, tuple(_tables(series)), sources)


def caption_of(title: str, axes: Iterable[str]) -> str:
    """Returns the caption of a chart with this title and these names of axes."""
    return "\n".join(filter(None, (title, " / ".join(dict.fromkeys(filter(None, axes))))))


def table_of(first: str, places: Points, columns: list[tuple[str, Points]]) -> Iterator[Rows]:
    """Yields the table of some series. It has a row for each of the places, which `places` names, and a column for each
    series. Yields nothing if it would have no row.
    """
    rows = sorted(places.keys() | {place for _, points in columns for place in points})
    if len(rows) * (len(columns) + 1) > _MAX_CELLS:
        raise ValueError(f"a chart of more than {_MAX_CELLS} numbers")
    if any(points for _, points in columns):
        header = [first, *(name for name, _ in columns)]
        yield [header, *([places.get(row, ""), *(points.get(row, "") for _, points in columns)] for row in rows)]


def _tables(series: list[_Series]) -> Iterator[Rows]:
    """Yields a table for all series that lie along the same places, and one for all points that have two measures."""
    plain = [each for each in series if not each.is_scattered]
    for _, members in groupby(plain, key=lambda each: each.places):
        alike = list(members)
        yield from table_of(alike[0].along, alike[0].places, [(each.name, each.values) for each in alike])
    scattered = [each for each in series if each.is_scattered]
    if not scattered:
        return
    rows = [row for each in scattered for row in each.rows()]
    if len(rows) > _MAX_CELLS:
        raise ValueError(f"a chart of more than {_MAX_CELLS} numbers")
    if rows:
        header = ["", scattered[0].along or "X", scattered[0].upward or "Y"]
        yield [[*header, "Size"] if any(row[3] for row in rows) else header, *rows]


class _Series:
    """The numbers of one series. `places` has the names of its places or, if it is scattered, their measures along the
    first axis, whose name is `along`. `upward` is the name of the second axis.
    """

    def __init__(self, element: Any, counts_from_1904: bool) -> None:
        kind = element.getparent()
        self._counts_from_1904 = counts_from_1904
        self.is_scattered = kind.tag in _SCATTERED
        self.name = " ".join(_words(element.find(f"{_C}tx")))
        first, second = _axes_of(kind)
        self.along, self.upward = _title(first), _title(second)
        names = ("xVal", "yVal") if self.is_scattered else ("cat", "val")
        labels = _unlinked(element.find(f"{_C}dLbls")) or _unlinked(kind.find(f"{_C}dLbls"))
        dates = _unlinked(first) if first is not None and first.tag == f"{_C}dateAx" else ""
        self.places = self._points(element.find(f"{_C}{names[0]}"), dates, _unlinked(first))
        self.values = self._points(element.find(f"{_C}{names[1]}"), labels, _unlinked(second))
        self._sizes = self._points(element.find(f"{_C}bubbleSize"), "", "")
        self._labels = _texts(next(element.iter(_NAMED_POINTS), None))

    def rows(self) -> Iterator[list[str]]:
        """Yields the points of a scattered series: its name and that of the point, both measures, its size."""
        for place in sorted(self.values):
            name = " ".join(filter(None, (self.name, self._labels.get(place))))
            yield [name, self.places.get(place, str(place + 1)), self.values[place], self._sizes.get(place, "")]

    def _points(self, data: Any, before_cells: str, after_cells: str) -> Points:
        """Returns what is shown at each place. A format of the chart's own may count `before` that of the cells, or if
        the cells have none.
        """
        if data is None:
            return {}
        if levels := list(data.iter(f"{_C}lvl")):
            return _joined([_texts(level) for level in levels])
        code = next((each.text for each in data.iter(f"{_C}formatCode")), None)
        if code is None and data.find(f".//{_C}numCache") is None and data.find(f".//{_C}numLit") is None:
            return _texts(data)
        stated = before_cells or _stated(code) or after_cells
        points = ((point, _stated(point.get("formatCode")) or stated) for point in data.iter(f"{_C}pt"))
        return {
            _place(point): _number(point.findtext(f"{_C}v"), code, self._counts_from_1904) for point, code in points
        }


def _joined(levels: list[Points]) -> Points:
    """Returns the names of places that have several levels, such as years and their quarters. The innermost level comes
    first. A name of an outer level holds up to the next one.
    """
    innermost, *outer = levels
    names = {}
    held = [""] * len(outer)
    for place in range(max(innermost, default=-1) + 1 if len(innermost) < _MAX_CELLS else 0):
        held = [level.get(place, before) for level, before in zip(outer, held, strict=True)]
        if place in innermost:
            names[place] = "·".join(filter(None, (*reversed(held), innermost[place])))
    return names


def _axes_of(kind: Any) -> tuple[Any, Any]:
    """Returns the axis along which the series of a plot lie, and the one that measures them, or None."""
    axes = {_value(axis.find(f"{_C}axId")): axis for axis in kind.getparent().iterchildren(*_AXES)}
    named = [axes.get(_value(identity)) for identity in kind.iterchildren(f"{_C}axId")]
    first, second, *_ = [*named, None, None]
    return first, second


def _title(holder: Any) -> str:
    """Returns the title of a chart or an axis: its own words, or those of the cells that it names."""
    said = holder.find(f"{_C}title/{_C}tx") if holder is not None else None
    return "" if said is None else " ".join(bare_text(said).split() or _words(said))


def _words(holder: Any) -> list[str]:
    return " ".join(text.text or "" for text in holder.iter(f"{_C}v")).split() if holder is not None else []


def _texts(data: Any) -> Points:
    if data is None:
        return {}
    return {_place(point): " ".join((point.findtext(f"{_C}v") or "").split()) for point in data.iter(f"{_C}pt")}


def _number(stored: str | None, code: str, counts_from_1904: bool) -> str:
    text = (stored or "").strip()
    try:
        return shown(float(text), code, counts_from_1904)
    except ValueError:
        return "" if text.startswith("#") else text


def _counts_from_1904(space: Any) -> bool:
    stated = space.find(f"{_C}date1904")
    return stated is not None and stated.get("val", "1") not in ("0", "false")


def _place(point: Any) -> int:
    stated = point.get("idx", "")
    return int(stated) if stated.isdecimal() and len(stated) < 10 else 0


def _sheet(cells: str) -> str:
    """Returns the sheet of a range of cells: `限额` for `'限额'!$A$1:$B$4`."""
    name = cells.strip().lstrip("(").partition("!")[0]
    return name[1:-1].replace("''", "'") if name.startswith("'") and name.endswith("'") else name


def _value(node: Any) -> str | None:
    return None if node is None else node.get("val")


def _unlinked(holder: Any) -> str:
    """Returns a format that an axis or labels have of their own, instead of that of the cells with the numbers."""
    format_ = holder.find(f"{_C}numFmt") if holder is not None else None
    if format_ is None or format_.get("sourceLinked") in ("1", "true"):
        return ""
    return _stated(format_.get("formatCode"))


def _stated(code: str | None) -> str:
    return "" if code is None or is_general(code) else code


def _newer_chart(space: Any) -> Chart:
    """Read a chart of the kinds that came in 2016."""
    region = space.find(f"{_CX}chart/{_CX}plotArea")
    if region is None:
        return Chart(_newer_title(space.find(f"{_CX}chart")), ())
    axes = (_newer_title(axis) for axis in region.iterchildren(f"{_CX}axis"))
    caption = caption_of(_newer_title(space.find(f"{_CX}chart")), axes)
    data = {each.get("id"): each for each in space.iterfind(f"{_CX}chartData/{_CX}data")}
    tables: list[Rows] = []
    for series in region.iter(f"{_CX}series"):
        numbers = data.get(_value(series.find(f"{_CX}dataId")))
        if numbers is not None:
            places = [_newer_points(level) for level in numbers.iterfind(f"{_CX}strDim/{_CX}lvl")]
            name = " ".join(series.findtext(f"{_CX}tx/{_CX}txData/{_CX}v", "").split())
            columns = [(name, _newer_points(level)) for level in numbers.iterfind(f"{_CX}numDim/{_CX}lvl")]
            tables.extend(table_of("", _joined(places) if places else {}, columns))
    sources = tuple(_sheet(cells.text or "") for cells in space.iterfind(f"{_CX}chartData/{_CX}data/*/{_CX}f"))
    return Chart(caption, tuple(tables), sources)


def _newer_points(level: Any) -> Points:
    is_text, code = level.getparent().tag == f"{_CX}strDim", _stated(level.get("formatCode"))
    points = ((point, (point.text or "").strip()) for point in level.iterchildren(f"{_CX}pt"))
    return {_place(point): text if is_text else _number(text, code, False) for point, text in points}


def _newer_title(holder: Any) -> str:
    said = holder.find(f"{_CX}title/{_CX}tx") if holder is not None else None
    if said is None:
        return ""
    words = bare_text(said) or " ".join(text.text or "" for text in said.iter(f"{_CX}v"))
    return " ".join(words.split())
