"""Finds the charts and the texts of shapes on a sheet of an Excel workbook, each with the cells that it covers.
`drawn_pictures` finds the pictures.

openpyxl makes objects of charts. It fails at those that it does not know whole, and leaves out shapes without a word.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ingest.document import Element, Location
from ingest.parse.links import with_target
from ingest.parse.notes import PARTS_NOT_READ
from ingest.parse.office.charts import CHARTS, read_chart
from ingest.parse.office.drawing_text import body_text, target_of
from ingest.parse.office.ooxml import take_choices, xml
from ingest.parse.sheets.regions import cell_range

_XDR = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_R = "{{http://schemas.openxmlformats.org/officeDocument/2006/relationships}}{}"
_ANCHORS = tuple(f"{_XDR}{name}" for name in ("twoCellAnchor", "oneCellAnchor", "absoluteAnchor"))
_MAX_PLACE = 1 << 20


class _Target(NamedTuple):
    """Where a relation of a drawing leads."""

    target_ref: str
    is_external: bool


@dataclass(slots=True)
class Drawn:
    """What is drawn at one place of a sheet. `cells` are those that it covers, or the one at its upper left corner."""

    cells: str | None
    charts: list[bytes] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    anchor: Any = None
    """openpyxl sets it, and it says nothing."""

    def elements(self, sheet: str, visible: frozenset[str], notes: Counter[str]) -> Iterator[Element]:
        """Yields the texts of shapes, and the charts. A chart of cells that are read anyhow, because they are on
        one of the `visible` sheets, gives its title and the names of its axes only. `notes` counts damaged charts.
        """
        where = Location(sheet=sheet, cells=self.cells)
        for data in self.charts:
            try:
                chart = read_chart(xml(data))
            except (ValueError, SyntaxError):  # SyntaxError is that of lxml
                notes[PARTS_NOT_READ] += 1
                continue
            yield from chart.elements(where, numbers=not chart.repeats(visible))
        yield from (Element("paragraph", text, where) for text in self.texts)


def find_drawn(archive: zipfile.ZipFile, path: str) -> list[Drawn]:
    """Returns what a part with drawings has, in its order."""
    from openpyxl.packaging.relationship import get_dependents, get_rels_path

    names, relations = set(archive.namelist()), get_rels_path(path)
    stated = list(get_dependents(archive, relations)) if relations in names else []
    parts = {each.Id: each.target for each in stated}
    targets = {each.Id: _Target(str(each.target), each.TargetMode == "External") for each in stated}
    root = xml(archive.read(path))
    take_choices(root)
    found = []
    for anchor in root.iterchildren(*_ANCHORS):
        charts = [parts.get(chart.get(_R.format("id"))) for chart in anchor.iter(*CHARTS)]
        found.append(
            Drawn(
                _cells(anchor),
                [archive.read(part) for part in charts if part in names],
                list(filter(None, (_text(shape, targets) for shape in anchor.iter(f"{_XDR}sp")))),
            )
        )
    return found


def _text(shape: Any, targets: Mapping[str, _Target]) -> str:
    """Returns the text of a shape that is shown, and where the shape leads."""
    properties = shape.find(f"{_XDR}nvSpPr/{_XDR}cNvPr")
    body = shape.find(f"{_XDR}txBody")
    if body is None or (properties is not None and properties.get("hidden") in ("1", "true")):
        return ""
    text = body_text(body, targets).strip()
    return with_target(text, target_of(properties, targets)) if text else ""


def _cells(anchor: Any) -> str | None:
    first = _corner(anchor.find(f"{_XDR}from"))
    if first is None:
        return None
    last = _corner(anchor.find(f"{_XDR}to")) or first
    return cell_range(first[0], last[0] + 1, first[1], last[1] + 1)


def _corner(marker: Any) -> tuple[int, int] | None:
    stated = [(marker.findtext(f"{_XDR}{name}") or "").strip() for name in ("row", "col")] if marker is not None else []
    if not stated or not all(number.isdecimal() and len(number) < 8 for number in stated):
        return None
    row, column = (min(int(number), _MAX_PLACE) for number in stated)
    return row, column
