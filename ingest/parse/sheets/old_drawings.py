"""What is drawn on the sheets of an XLS workbook beside pictures: charts, texts of shapes, objects of other programs.

xlrd does not read them. The records are those of [MS-XLS] 2.4.181 (Obj) and 2.4.329 (TxO).
"""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

import olefile

from ingest.document import Element, Location
from ingest.parse.notes import PARTS_NOT_READ
from ingest.parse.office.embedded_objects import EmbeddedObjects
from ingest.parse.sheets.cells import XlsCells
from ingest.parse.sheets.old_charts import OldCharts
from ingest.parse.sheets.old_records import records

_BEGIN, _END = 0x0809, 0x000A
_CHART = 0x20
_OBJECT, _TEXT, _CONTINUE, _SHEET = 0x005D, 0x01B6, 0x003C, 0x0085
_COMMENT = 0x19
_CHART_SHEET = 2
_BIFF8 = 80
_STORAGES = ("MBD", "LNK")
"""How the storages of objects are named, and those of objects that are only linked."""
_MAX_ENTRIES = 4_000
"""To find each of the entries of a container takes time that grows with their number."""


class OldDrawings:
    """The charts and the texts of shapes of a workbook, which must have been opened `on_demand`, so that its records
    are still there. `notes` counts the charts that could not be read. `shown` are the cells of its sheets.
    """

    def __init__(self, book: Any, shown: dict[str, XlsCells]) -> None:
        self.notes: Counter[str] = Counter()
        self._book = book
        self._stream = book.mem or b""
        self._end = book.base + book.stream_len
        self._starts = dict(zip(book.sheet_names(), book._sh_abs_posn, strict=False))
        self._visible = frozenset(sheet.name for sheet in book.sheets() if not sheet.visibility)
        self._shown = shown
        self._charts = OldCharts(book, self._text_of)

    def on(self, sheet: str) -> Iterator[Element]:
        """Yields the charts of a sheet and the texts of its shapes. A chart of cells that are read anyhow gives its
        title and the names of its axes only.
        """
        if sheet in self._starts:
            yield from self._elements(self._starts[sheet], Location(sheet=sheet))

    def of_chart_sheets(self) -> Iterator[Element]:
        """Yields the charts that are sheets of their own and are shown."""
        for kind, content in records(self._stream, self._book.base, self._end):
            if kind != _SHEET or len(content) < 8 or self._book.biff_version < _BIFF8:
                continue
            start, visibility, type_ = struct.unpack_from("<IBB", content)
            if type_ == _CHART_SHEET and not visibility & 3:
                wide, letters = content[7] & 1, content[8:]
                name = letters[: content[6] << wide].decode("utf-16-le" if wide else "latin-1", "replace")
                yield from self._elements(self._book.base + start, Location(sheet=name))

    def _elements(self, start: int, where: Location) -> Iterator[Element]:
        chart: list[tuple[int, bytes]] = []
        begun, object_kind, left = 0, 0, 0
        said: list[str] = []
        for kind, content in records(self._stream, start, self._end):
            if kind == _BEGIN and (content[2:4] == bytes([_CHART, 0]) or begun):
                begun += 1
                chart = [] if begun == 1 else chart
            elif kind == _END and begun:
                begun -= 1
                yield from self._chart(chart, where) if not begun else ()
            elif begun:
                chart.append((kind, content))
            elif kind == _OBJECT:
                object_kind = int.from_bytes(content[4:6], "little")
            elif kind == _TEXT and object_kind != _COMMENT and len(content) >= 12:
                left = int.from_bytes(content[10:12], "little")
            elif kind == _CONTINUE and left > 0:
                piece = _letters(content)[:left]
                said.append(piece)
                left -= len(piece) or left
                if left <= 0 and (text := "".join(said).strip()):
                    yield Element("paragraph", text, where)
                said = [] if left <= 0 else said
        if begun:  # a chart that is a sheet ends with it
            yield from self._chart(chart, where)

    def _chart(self, found: list[tuple[int, bytes]], where: Location) -> Iterator[Element]:
        try:
            chart = self._charts.chart(found, self._visible) if self._book.biff_version >= _BIFF8 else None
        except (ValueError, struct.error, IndexError):
            chart = None
        if chart is not None:
            yield from chart.elements(where)
        self.notes[PARTS_NOT_READ] += chart is None or not (chart.tables or chart.repeats(self._visible))

    def _text_of(self, sheet: int, row: int, column: int) -> str:
        page = self._book.sheet_by_index(sheet)
        is_there = row < page.nrows and column < page.row_len(row)
        return self._shown[page.name].text(row, column) if is_there else ""


def objects_of(data: bytes) -> EmbeddedObjects:
    """Returns the objects of other programs in an XLS file."""
    found = EmbeddedObjects()
    if not olefile.isOleFile(data):
        return found
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            paths = container.listdir(streams=True, storages=True)
            objects: dict[str, list[list[str]]] = {}
            for path in paths:
                if path[0].startswith(_STORAGES):
                    objects.setdefault(path[0], []).append(path)
            for name, inside in objects.items():
                if len(paths) > _MAX_ENTRIES:
                    found.add(name, None)
                else:
                    found.add_storage(container, inside, 2 * len(data))
    except (OSError, ValueError, IndexError):  # a damaged container, whose workbook could be read
        return found
    return found


def _letters(content: bytes) -> str:
    return content[1:].decode("utf-16-le" if content[:1] == b"\1" else "latin-1", "replace").replace("\r", "\n")
