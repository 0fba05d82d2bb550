"""Reads the objects inside OpenDocument files: charts, formulas, and documents of other programs.

An object is a folder in the zip of the file, with content of its own, or a single part of another format.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from ingest.document import Element, Location
from ingest.parse.extracted import Attachment
from ingest.parse.notes import PARTS_NOT_READ, together
from ingest.parse.office import opendocument_charts
from ingest.parse.office.charts import Chart
from ingest.parse.office.embedded_objects import EmbeddedObjects
from ingest.parse.office.ooxml import xml

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_OFFICE, _DRAW = map(_NAMES.format, ("office", "drawing"))
_HREF = "{http://www.w3.org/1999/xlink}href"
_MATH = "{http://www.w3.org/1998/Math/MathML}"
OBJECTS: Final = (f"{_DRAW}object", f"{_DRAW}object-ole")
FILM: Final = f"{_DRAW}plugin"
"""A film or a sound."""
_SYMBOLS = tuple(f"{_MATH}{name}" for name in ("mi", "mo", "mn", "mtext"))
_KINDS = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."


class Objects:
    """The objects of one document. Each is read once. `attachments` and `notes` are complete when all were read."""

    def __init__(self, archive: zipfile.ZipFile, sheets: frozenset[str] = frozenset()) -> None:
        """`sheets` are the names of the sheets that are read. A chart does not repeat their numbers."""
        self._archive = archive
        self._names = set(archive.namelist())
        self._sheets = sheets
        self._seen: set[str] = set()
        self._embedded = EmbeddedObjects()
        self._not_read = 0

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Returns the documents among the objects."""
        return self._embedded.attachments

    @property
    def notes(self) -> dict[str, int]:
        """Returns how many objects, films and sounds are not read."""
        return together([{PARTS_NOT_READ: self._not_read}, self._embedded.notes])

    def leave(self) -> None:
        """Count a film or a sound."""
        self._not_read += 1

    def elements(self, node: Any, location: Location) -> Iterator[Element]:
        """Yields what an object says, if it is a chart or a formula. Other documents become attachments."""
        path = node.get(_HREF, "").removeprefix("./").rstrip("/")
        if path in self._seen:
            return
        self._seen.add(path)
        if f"{path}/content.xml" not in self._names:
            self._embedded.add(path, self._archive.read(path) if path in self._names else None)
            return
        try:
            root = xml(self._archive.read(f"{path}/content.xml"))
            chart = opendocument_charts.read_chart(root)
        except (ValueError, SyntaxError):  # SyntaxError is that of lxml
            self._not_read += 1
            return
        if root.tag.startswith(_MATH):
            said = "".join((node.text or "").strip() for node in root.iter() if node.tag in _SYMBOLS)
            yield Element("paragraph", said, location)
        elif chart is not None:
            yield from self._chart(chart, location)
        else:
            self._embed(path, root)

    def _chart(self, chart: Chart, location: Location) -> Iterator[Element]:
        repeats = chart.repeats(self._sheets)
        self._not_read += not chart.tables and not repeats
        yield from chart.elements(location, numbers=not repeats)

    def _embed(self, path: str, root: Any) -> None:
        """Add an object that is an OpenDocument file of its own."""
        body = root.find(f"{_OFFICE}body")
        kinds = [each.tag.removeprefix(_OFFICE) for each in body] if body is not None else []
        kind = next((kind for kind in kinds if kind in _KINDS), None)
        self._embedded.add(f"{path}.{_KINDS[kind]}" if kind else path, self._packed(path, kind) if kind else None)

    def _packed(self, path: str, kind: str) -> bytes:
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as copy:
            copy.writestr("mimetype", f"{_OPEN_DOCUMENT}{kind}")
            for name in self._names:
                if name.startswith(f"{path}/") and not name.endswith("/"):
                    copy.writestr(name.removeprefix(f"{path}/"), self._archive.read(name))
        return whole.getvalue()
