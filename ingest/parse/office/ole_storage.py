"""Makes a file of its own from a storage inside an OLE container, as old workbooks keep the documents in them.

A document in its old form is a storage of several streams, and its reader wants them at the root of a container. The
format is [MS-CFB], version 3: sectors of 512 bytes, and smaller ones for streams below 4096 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import olefile

_SECTOR, _SMALL_SECTOR, _SMALL_STREAM = 512, 64, 4096
_FREE, _END, _OF_TABLE, _OF_LIST = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_PER_SECTOR = _SECTOR // 4
_IN_HEADER = 109
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_LONGEST_NAME = 31


@dataclass(slots=True)
class _Entry:
    """An entry of the directory. `start` is its first sector, and `inside` are the entries in a storage."""

    name: str
    kind: int
    content: bytes = b""
    inside: list[_Entry] = field(default_factory=list)
    number: int = 0
    links: tuple[int, int, int] = (_FREE, _FREE, _FREE)
    start: int = _END


def whole_file(container: olefile.OleFileIO, paths: Sequence[Sequence[str]], most_bytes: int) -> bytes | None:
    """Returns a container with the content of a storage at its root. `paths` are those of the storage and of all that
    is in it. Returns None if that has more than `most_bytes`, and raises what olefile raises for a damaged one.
    """
    root = _Entry("Root Entry", _ROOT)
    entries: dict[tuple[str, ...], _Entry] = {}
    for path in sorted(map(tuple, paths), key=len):
        if not entries:
            entries[path] = root
        if path in entries or path[:-1] not in entries:
            continue
        is_stream = container.get_type(list(path)) == olefile.STGTY_STREAM
        entry = _Entry(path[-1][:_LONGEST_NAME], _STREAM if is_stream else _STORAGE)
        if is_stream:
            most_bytes -= container.get_size(list(path))
            if most_bytes < 0:
                return None
            with container.openstream(list(path)) as stream:
                entry.content = stream.read()
        entries[path] = entry
        entries[path[:-1]].inside.append(entry)
    return _written(list(entries.values()))


def _written(entries: Sequence[_Entry]) -> bytes:
    """Returns the container. Its parts come in this order: large streams, small streams, their table, the directory,
    the table of sectors, and the list of the sectors of that table.
    """
    sectors: list[bytes] = []
    table: list[int] = []
    small, small_table = b"", list[int]()
    for entry in entries[1:]:
        if len(entry.content) >= _SMALL_STREAM:
            entry.start = _append(entry.content, sectors, table)
        elif entry.content:
            entry.start = len(small_table)
            count = -(-len(entry.content) // _SMALL_SECTOR)
            small_table.extend([*range(entry.start + 1, entry.start + count), _END])
            small += entry.content.ljust(count * _SMALL_SECTOR, b"\0")
    root = entries[0]
    root.content, root.start = small, _append(small, sectors, table) if small else _END
    packed = struct.pack(f"<{len(small_table)}I", *small_table)
    small_at = _append(packed, sectors, table, b"\xff") if small_table else _END
    directory = _append(_directory(entries), sectors, table)
    tables, lists = _counts(len(table))
    first = len(table)
    table.extend([_OF_TABLE] * tables + [_OF_LIST] * lists)
    table.extend([_FREE] * (tables * _PER_SECTOR - len(table)))
    places = [*range(first, first + tables)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<4I", 0, tables, directory, 0)
    small_sectors = -(-len(small_table) // _PER_SECTOR)
    header += struct.pack("<5I", _SMALL_STREAM, small_at, small_sectors, first + tables if lists else _END, lists)
    header += struct.pack(f"<{_IN_HEADER}I", *_filled(places[:_IN_HEADER], _IN_HEADER))
    body = [*sectors, struct.pack(f"<{len(table)}I", *table)]
    for number in range(lists):
        begin = _IN_HEADER + number * (_PER_SECTOR - 1)
        following = first + tables + number + 1 if number + 1 < lists else _END
        listed = [*_filled(places[begin : begin + _PER_SECTOR - 1], _PER_SECTOR - 1), following]
        body.append(struct.pack(f"<{_PER_SECTOR}I", *listed))
    return header + b"".join(body)


def _append(content: bytes, sectors: list[bytes], table: list[int], filler: bytes = b"\0") -> int:
    """Append the sectors of a stream. Returns the number of the first one."""
    start, count = len(table), -(-len(content) // _SECTOR)
    sectors.append(content.ljust(count * _SECTOR, filler))
    table.extend([*range(start + 1, start + count), _END])
    return start


def _counts(sectors: int) -> tuple[int, int]:
    """Returns how many sectors the table of all sectors takes, and the list of its sectors beyond those in the header.
    The table counts both.
    """
    tables = lists = 0
    while tables * _PER_SECTOR < sectors + tables + lists:
        tables += 1
        lists = -(-max(tables - _IN_HEADER, 0) // (_PER_SECTOR - 1))
    return tables, lists


def _filled(places: Sequence[int], count: int) -> list[int]:
    return [*places, *[_FREE] * (count - len(places))]


def _directory(entries: Sequence[_Entry]) -> bytes:
    for number, entry in enumerate(entries):
        entry.number = number
    for entry in entries:
        # Names are ordered by their length first.
        inside = sorted(entry.inside, key=lambda each: (len(each.name.encode("utf-16-le")), each.name.upper()))
        left, right, _ = entry.links
        entry.links = left, right, _tree(inside)
    return b"".join(map(_stated, entries))


def _tree(entries: Sequence[_Entry]) -> int:
    """Link some entries as a tree for searching. Returns the number of the one at its top."""
    if not entries:
        return _FREE
    middle = len(entries) // 2
    top = entries[middle]
    top.links = _tree(entries[:middle]), _tree(entries[middle + 1 :]), top.links[2]
    return top.number


def _stated(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le")
    colour_black = 1
    head = name.ljust(64, b"\0") + struct.pack("<HBB", len(name) + 2, entry.kind, colour_black)
    head += struct.pack("<3I", *entry.links) + bytes(36)
    start = 0 if entry.kind == _STORAGE else entry.start
    return head + struct.pack("<IQ", start, len(entry.content))
