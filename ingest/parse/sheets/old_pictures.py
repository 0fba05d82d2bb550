"""Finds the pictures of an XLS workbook: what they are, and on which cells of which sheet they stand.

xlrd does not read them. The records are those of [MS-XLS] 2.4.170 and 2.4.171, with drawings of Office in them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ingest.document import Location
from ingest.parse.pictures.office_art import Blip, Shape, blips_of, shapes_of
from ingest.parse.sheets.old_records import records
from ingest.parse.sheets.regions import cell_range

_GROUP, _DRAWING, _CONTINUE = 0x00EB, 0x00EC, 0x003C
_BIFF8 = 80
_ANCHOR_BYTES = 18


class OldPictures:
    """The pictures of a workbook, which must have been opened `on_demand`, so that its records are still there."""

    def __init__(self, book: Any) -> None:
        self._stream = book.mem if book.biff_version >= _BIFF8 and book.mem else b""
        self._start, self._end = book.base, book.base + book.stream_len
        self._sheets = dict(zip(book.sheet_names(), book._sh_abs_posn, strict=False))
        self._given: set[int] = set()

    def on(self, sheet: str) -> Iterator[tuple[bytes, Location]]:
        """Yields the pictures of a sheet and their places, each for the first time. One that cannot be unpacked is
        empty.
        """
        for shape in self._shapes(sheet):
            if not shape.is_hidden and shape.number <= len(self._blips) and shape.number not in self._given:
                self._given.add(shape.number)
                yield self._blips[shape.number - 1].data, Location(sheet=sheet, cells=_cells(shape.place))

    def elsewhere(self) -> Iterator[bytes]:
        """Yields the pictures that the workbook uses and that are on none of its sheets, such as those of charts."""
        placed = {shape.number for sheet in self._sheets for shape in self._shapes(sheet)}
        for number, blip in enumerate(self._blips, 1):
            if blip.uses and number not in placed:
                yield blip.data

    @cached_property
    def _blips(self) -> list[Blip]:
        return blips_of(self._joined(self._start, _GROUP))

    def _shapes(self, sheet: str) -> Iterator[Shape]:
        return shapes_of(self._joined(self._sheets[sheet], _DRAWING)) if sheet in self._sheets else iter(())

    def _joined(self, start: int, wanted: int) -> bytes:
        """Returns the content of all records of a kind in one part of the stream, with the records that continue
        them.
        """
        found, is_inside = [], False
        for kind, content in records(self._stream, start, self._end):
            is_inside = kind == wanted or (is_inside and kind == _CONTINUE)
            if is_inside:
                found.append(content)
        return b"".join(found)


def _cells(anchor: bytes) -> str | None:
    """Returns the cells that a shape covers, or None if its anchor is cut off."""
    if len(anchor) < _ANCHOR_BYTES:
        return None
    _, left, _, top, _, right, _, bottom, _ = struct.unpack_from("<9H", anchor)
    return cell_range(top, max(bottom, top) + 1, left, max(right, left) + 1)
