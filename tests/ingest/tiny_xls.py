"""Writes old Excel workbooks (BIFF8) with formats, fonts and links. No library that is installed writes them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.ingest.tiny_ole import ole

_FIRST_OWN_FORMAT, _STRUCK_FONT = 164, 5
_LONGEST = 8224
_STYLES = 16
"""Excel numbers the formats of cells after those of its styles."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number or a text, with a format: a code, or the number of one that is built in. A cell without content has a
    colour only, and one whose content are bytes has these tokens of a formula without a value. `turns_at` is the
    character at which a text begins to be struck through, or ends if the cell is.
    """

    content: float | str | bytes | None
    format: str | int = 0
    struck: bool = False
    turns_at: int | None = None


@dataclass(frozen=True, slots=True)
class Pictured:
    """A picture file. It covers one cell, or stands on no sheet at all."""

    data: bytes
    cell: tuple[int, int] | None = (0, 0)
    hidden: bool = False


def old_book(
    rows: Mapping[int, Mapping[int, Cell]],
    links: Sequence[tuple[int, int, str]] = (),
    *,
    epoch_1904: bool = False,
    hidden_column: int | None = None,
    stated: Mapping[int, str] | None = None,
    pictures: Sequence[Pictured] = (),
    drawn: bytes = b"",
    chart_sheet: tuple[bytes, int] | None = None,
    objects: Mapping[str, bytes] | None = None,
) -> bytes:
    """Returns a workbook with one sheet of these cells, by row and column, counted from 0. `stated` are built-in
    formats that the workbook states nevertheless. `drawn` are records at the end of the sheet; the first reference of
    their formulas means the sheet itself, the second one another workbook. `chart_sheet` has the records of a chart
    that is a sheet, and 1 if it is hidden. `objects` are other streams of the file.
    """
    cells = [(row, column, cell) for row, line in rows.items() for column, cell in line.items()]
    codes = sorted({cell.format for _, _, cell in cells if isinstance(cell.format, str)})
    looks = sorted({(cell.format, cell.struck) for _, _, cell in cells}, key=str)
    strings = [cell for _, _, cell in cells if isinstance(cell.content, str)]
    opening = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0xDBB, 1996, 0, 6))
    opening += record(0x22, struct.pack("<H", epoch_1904))
    opening += b"".join(_font(struck) for struck in (False, False, False, False, True))
    for number, code in (*(stated or {}).items(), *enumerate(codes, _FIRST_OWN_FORMAT)):
        opening += record(0x41E, struct.pack("<HHB", number, len(code), 1) + code.encode("utf-16-le"))
    opening += b"".join(_look(0, 0, style=number < _STYLES - 1) for number in range(_STYLES))
    for format_, struck in looks:
        number = _FIRST_OWN_FORMAT + codes.index(format_) if isinstance(format_, str) else format_
        opening += _look(_STRUCK_FONT if struck else 0, number, style=False)
    end, name = record(0x0A, b""), struct.pack("<BB", 6, 0) + b"Sheet1"
    shared = record(0xFC, struct.pack("<II", len(strings), len(strings)) + b"".join(map(_string, strings)))
    shared += _long_record(0xEB, _drawing_group(pictures)) if pictures else b""
    shared += _references()
    chart, hidden = chart_sheet or (b"", 0)
    chart_name = struct.pack("<BB", 5, 0) + b"Chart"
    named = len(record(0x85, bytes(6) + name)) + (len(record(0x85, bytes(6) + chart_name)) if chart else 0)
    start = len(opening) + named + len(shared) + len(end)
    opening += record(0x85, struct.pack("<IBB", start + len(chart), 0, 0) + name)
    opening += record(0x85, struct.pack("<IBB", start, hidden, 2) + chart_name) if chart else b""
    opening += shared + end + chart
    body = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0xDBB, 1996, 0, 6))
    if hidden_column is not None:
        body += record(0x7D, struct.pack("<HHHHHH", hidden_column, hidden_column, 2048, 0, 1, 0))
    for row, column, cell in cells:
        place = struct.pack("<HHH", row, column, _STYLES + looks.index((cell.format, cell.struck)))
        body += _written(place, cell.content, strings.index(cell) if isinstance(cell.content, str) else 0)
    body += b"".join(_link(*link) for link in links)
    body += _long_record(0xEC, _drawing(pictures)) if pictures else b""
    return ole({"Workbook": opening + body + drawn + end, **(objects or {})})


def _references() -> bytes:
    """Returns what the references of formulas mean: the first one this workbook's sheet, the second one another."""
    books = record(0x1AE, struct.pack("<HH", 1, 0x401)) + record(0x1AE, struct.pack("<HHBB", 0, 1, 0, 0x61))
    return books + record(0x17, struct.pack("<H3H3H", 2, 0, 0, 0, 1, 0, 0))


def _written(place: bytes, content: float | str | bytes | None, number: int) -> bytes:
    """Returns the record of a cell. `number` is that of its text among the shared ones."""
    if content is None:
        return record(0x201, place)
    if isinstance(content, str):
        return record(0xFD, place + struct.pack("<I", number))
    if isinstance(content, bytes):
        size = struct.pack("<H", len(content))
        return record(0x06, place + struct.pack("<HIHHI", 3, 0, 0xFFFF, 0, 0) + size + content)
    return record(0x203, place + struct.pack("<d", content))


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _font(struck: bool) -> bytes:
    return record(0x31, struct.pack("<HHHHHBBBBBB", 200, 8 * struck, 0x7FFF, 400, 0, 0, 0, 0, 0, 5, 0) + b"Arial")


def _look(font: int, format_: int, *, style: bool) -> bytes:
    return record(0xE0, struct.pack("<HHH", font, format_, 0xFFF5 if style else 1) + bytes(14))


def _string(cell: Cell) -> bytes:
    text = str(cell.content)
    if cell.turns_at is None:
        return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")
    runs = struct.pack("<HH", cell.turns_at, 0 if cell.struck else _STRUCK_FONT)
    return struct.pack("<HBH", len(text), 9, 1) + text.encode("utf-16-le") + runs


def _link(row: int, column: int, target: str) -> bytes:
    address = (target + "\0").encode("utf-16-le")
    data = struct.pack("<HHHH", row, row, column, column)
    data += bytes.fromhex("d0c9ea79f9bace118c8200aa004ba90b") + struct.pack("<II", 2, 3)
    data += bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b") + struct.pack("<I", len(address)) + address
    return record(0x1B8, data)


def _long_record(kind: int, data: bytes) -> bytes:
    """Returns a record, and those that continue it if it is longer than a record may be."""
    pieces = [data[start : start + _LONGEST] for start in range(0, len(data), _LONGEST)]
    return record(kind, pieces[0]) + b"".join(record(0x3C, piece) for piece in pieces[1:])


def _drawn(kind: int, content: bytes, *, number: int = 0, holds: bool = False) -> bytes:
    return struct.pack("<HHI", number << 4 | (0xF if holds else 0), kind, len(content)) + content


def _drawing_group(pictures: Sequence[Pictured]) -> bytes:
    entries = b"".join(_entry(picture) for picture in pictures)
    return _drawn(0xF000, _drawn(0xF001, entries, number=len(pictures), holds=True), holds=True)


def _entry(picture: Pictured) -> bytes:
    """Returns a picture: PNG, JPEG, a bitmap without the head of its file, or else an EMF, which is packed."""
    data = picture.data
    if data.startswith(b"\x89PNG"):
        blip = _drawn(0xF01E, bytes(16) + b"\xff" + data, number=0x6E0)
    elif data.startswith(b"\xff\xd8"):
        blip = _drawn(0xF01D, bytes(32) + b"\xff" + data, number=0x46B)
    elif data.startswith(b"BM"):
        blip = _drawn(0xF01F, bytes(16) + b"\xff" + data[14:], number=0x7A8)
    else:
        packed = zlib.compress(data)
        head = struct.pack("<I16x8xIBB", len(data), len(packed), 0, 0xFE)
        blip = _drawn(0xF01A, bytes(16) + head + packed, number=0x3D4)
    fixed = struct.pack("<BB16xHIIIBBBB", 6, 6, 0xFF, len(blip), 1, 0, 0, 0, 0, 0)
    return _drawn(0xF007, fixed + blip, number=0x62)


def _drawing(pictures: Sequence[Pictured]) -> bytes:
    shapes = b""
    for number, picture in enumerate(pictures, 1):
        if picture.cell is None:
            continue
        row, column = picture.cell
        options = struct.pack("<HI", 0x4104, number) + struct.pack("<HI", 0x03BF, 0x20002 if picture.hidden else 0)
        anchor = struct.pack("<9H", 0, column, 0, row, 0, column, 500, row, 100)
        shape = _drawn(0xF00A, struct.pack("<II", 1024 + number, 0xA00), number=75)
        shape += _drawn(0xF00B, options, number=2) + _drawn(0xF010, anchor) + _drawn(0xF011, b"")
        shapes += _drawn(0xF004, shape, holds=True)
    return _drawn(0xF002, _drawn(0xF003, shapes, holds=True), holds=True)
