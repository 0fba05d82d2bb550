"""Reads the drawings of old Office files ([MS-ODRAW]): the pictures that a file has, and the shapes that show them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_HEAD_BYTES = 8
_CONTAINER = 0xF
_ENTRY, _SHAPE, _OPTIONS, _MORE_OPTIONS, _ANCHOR = 0xF007, 0xF004, 0xF00B, 0xF122, 0xF010
_ENTRY_BYTES = 36
_PACKED = {0xF01A: 0x3D4, 0xF01B: 0x216, 0xF01C: 0x542}
_PLAIN = {0xF01D: (0x46A, 0x6E2), 0xF02A: (0x46A, 0x6E2), 0xF01E: (0x6E0,), 0xF01F: (0x7A8,), 0xF029: (0x6E4,)}
"""The records of pictures, and the numbers in their heads if they have one digest. With two, the number is one more."""
_DIGEST_BYTES, _PACKED_HEAD_BYTES = 16, 34
_MAX_UNPACKED = 64 << 20
_PICTURE, _FILL, _VISIBILITY = 0x0104, 0x0186, 0x03BF
_HIDDEN = 0x0002_0002
"""The bit that hides a shape, and the bit that says that it counts."""


class Blip(NamedTuple):
    """A picture of a file. `data` is empty if it cannot be unpacked. `uses` is how often the file says it is used."""

    data: bytes
    uses: int


class Shape(NamedTuple):
    """A shape that shows a picture. `number` counts the pictures of the file from 1. `place` is the data of its anchor,
    whose form is up to the program.
    """

    number: int
    place: bytes
    is_hidden: bool


def blips_of(data: bytes) -> list[Blip]:
    """Returns the pictures of a file in their order, from the records of its drawing group. An empty place has an
    entry, too.
    """
    return [_blip(content) for kind, _, content in _records(data) if kind == _ENTRY]


def shapes_of(data: bytes) -> Iterator[Shape]:
    """Yields the shapes with pictures, from the records of a drawing."""
    options: dict[int, int] = {}
    place = b""
    for kind, count, content in _records(data):
        if kind == _SHAPE:
            yield from _shape(options, place)
            options, place = {}, b""
        elif kind in (_OPTIONS, _MORE_OPTIONS):
            for number in range(min(count, len(content) // 6)):
                name, value = struct.unpack_from("<HI", content, 6 * number)
                options[name & 0x3FFF] = value
        elif kind == _ANCHOR:
            place = content
    yield from _shape(options, place)


def _shape(options: dict[int, int], place: bytes) -> Iterator[Shape]:
    hidden = options.get(_VISIBILITY, 0) & _HIDDEN == _HIDDEN
    for name in (_PICTURE, _FILL):
        if (number := options.get(name, 0)) > 0:
            yield Shape(number, place, hidden)


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields the kind, the number in the head, and the content of each record. What a container holds follows it."""
    place = 0
    while place + _HEAD_BYTES <= len(data):
        head, kind, size = struct.unpack_from("<HHI", data, place)
        place += _HEAD_BYTES
        if head & 0xF == _CONTAINER:
            yield kind, head >> 4, b""
            continue
        yield kind, head >> 4, data[place : place + size]
        place += size


def _blip(entry: bytes) -> Blip:
    if len(entry) < _ENTRY_BYTES + _HEAD_BYTES:
        return Blip(b"", 0)
    uses, name_bytes = struct.unpack_from("<I", entry, 24)[0], entry[33]
    start = _ENTRY_BYTES + name_bytes
    for kind, number, content in _records(entry[start:]):
        return Blip(_content(kind, number, content), uses)
    return Blip(b"", uses)


def _content(kind: int, number: int, content: bytes) -> bytes:
    if kind in _PLAIN:
        digests = 1 if number in _PLAIN[kind] else 2
        return content[digests * _DIGEST_BYTES + 1 :]
    if kind not in _PACKED:
        return b""
    start = _DIGEST_BYTES * (1 if number == _PACKED[kind] else 2)
    head, data = content[start : start + _PACKED_HEAD_BYTES], content[start + _PACKED_HEAD_BYTES :]
    if len(head) < _PACKED_HEAD_BYTES or head[32] != 0:
        return data
    try:
        return zlib.decompressobj().decompress(data, _MAX_UNPACKED)
    except zlib.error:
        return b""
