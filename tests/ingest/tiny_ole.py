"""Writes OLE containers, and old workbooks in them, that are as small as the format allows. No library writes them."""

from __future__ import annotations

import struct

_SECTOR = 512
_SMALLEST = 4096
"""Shorter streams lie in sectors of another size. So each stream is filled up to this size."""
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def ole(streams: dict[str, bytes]) -> bytes:
    """Returns a container with these streams. A stream `A/B` lies in the storage A, another one in the root."""
    folders = list(dict.fromkeys(path.partition("/")[0] for path in streams if "/" in path))
    paths = [*(path for path in streams if "/" not in path), *folders, *(path for path in streams if "/" in path)]
    numbers = {path: number for number, path in enumerate(paths, 1)}
    directory = _sectors(128 * (len(paths) + 1))
    fat = [_FAT, *_chain(1, directory)]
    content, entries = b"", [_entry("Root Entry", 5, child=1, start=_END, size=0)]
    for place, path in enumerate(paths):
        folder = path.rpartition("/")[0]
        beside = (other for other in paths[place + 1 :] if other.rpartition("/")[0] == folder)
        following = numbers.get(next(beside, ""), _FREE)
        if path in folders:
            inside = next(numbers[each] for each in paths if each.startswith(f"{path}/"))
            entries.append(_entry(path, 1, child=inside, following=following, start=0, size=0))
            continue
        filled = streams[path].ljust(_SMALLEST, b"\0")
        name = path.rpartition("/")[2]
        entries.append(_entry(name, 2, following=following, start=len(fat), size=len(filled)))
        fat.extend(_chain(len(fat), _sectors(len(filled))))
        content += filled.ljust(_sectors(len(filled)) * _SECTOR, b"\0")
    assert len(fat) <= _SECTOR // 4, "one sector must hold the whole table"
    table = struct.pack(f"<{_SECTOR // 4}I", *fat, *[_FREE] * (_SECTOR // 4 - len(fat)))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, 1, 1, 0, _SMALLEST, _END, 0, _END, 0) + struct.pack("<109I", 0, *[_FREE] * 108)
    return header + table + b"".join(entries).ljust(directory * _SECTOR, b"\0") + content


def old_workbook(rows: list[list[str]], sheet: str = "Sheet1") -> bytes:
    """Returns the stream `Workbook` of an Excel 97 file with one sheet of texts."""
    formats = _record(0x31, struct.pack("<HHHHHBBBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0, 5, 0) + b"Arial") * 5
    formats += b"".join(
        _record(0xE0, struct.pack("<HHH", 0, 0, 0xFFF5 if n < 15 else 1) + bytes(14)) for n in range(16)
    )
    opening = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0xDBB, 1996, 0, 6)) + formats
    name = struct.pack("<BB", len(sheet), 1) + sheet.encode("utf-16-le")
    end = _record(0x0A, b"")
    start = len(opening) + len(_record(0x85, bytes(6) + name)) + len(end)
    opening += _record(0x85, struct.pack("<IBB", start, 0, 0) + name) + end
    body = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0xDBB, 1996, 0, 6))
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            body += _record(0x204, struct.pack("<HHHHB", row, column, 15, len(text), 1) + text.encode("utf-16-le"))
    return opening + body + end


def summary(author: bytes, *, code_page: int, created: int, pages: int) -> bytes:
    """Returns the stream `\\x05SummaryInformation`. `created` counts seconds since 1970."""
    moment = (created + 11_644_473_600) * 10_000_000
    values = {
        1: struct.pack("<IhH", 2, code_page if code_page < 1 << 15 else code_page - (1 << 16), 0),
        4: struct.pack("<II", 30, len(author) + 1) + author + bytes(4 - len(author) % 4),
        12: struct.pack("<IQ", 64, moment),
        14: struct.pack("<II", 3, pages),
    }
    start = 8 + 8 * len(values)
    table, data = b"", b""
    for number, value in values.items():
        table += struct.pack("<II", number, start + len(data))
        data += value
    section = struct.pack("<II", start + len(data), len(values)) + table + data
    head = struct.pack("<HHI", 0xFFFE, 0, 0) + bytes(16) + struct.pack("<I", 1)
    return head + bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9") + struct.pack("<I", 48) + section


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _sectors(size: int) -> int:
    return -(-size // _SECTOR)


def _chain(first: int, count: int) -> list[int]:
    return [*range(first + 1, first + count), _END]


def _entry(name: str, kind: int, *, start: int, size: int, child: int = _FREE, following: int = _FREE) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<III", _FREE, following, child)
    return (
        raw.ljust(64, b"\0")
        + struct.pack("<HBB", len(raw), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
