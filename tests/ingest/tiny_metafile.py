"""Writes the metafiles of Windows that draw texts and bitmaps. No library that is installed writes them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Run = tuple[str, int, int]
"""A text, and where it is drawn."""
LETTER = 10
"""How far each letter of a text reaches."""


def emf(runs: Sequence[Run] = (), *, bitmap: bytes = b"", plus: bytes = b"") -> bytes:
    """Returns an EMF with these texts, a bitmap without the head of its file, and records of EMF+."""
    records = b"".join(_emf_text(*run) for run in runs)
    if bitmap:
        head = struct.unpack_from("<I", bitmap)[0]
        at = struct.pack("<4I", 80, head, 80 + head, len(bitmap) - head)
        records += _emf_record(81, bytes(40) + at + bytes(16) + bitmap)
    if plus:
        records += _emf_record(70, struct.pack("<I", len(plus) + 4) + b"EMF+" + plus)
    head = bytes(32) + b" EMF" + struct.pack("<III", 0x10000, 108 + len(records) + 20, 3) + bytes(48)
    return _emf_record(1, head) + records + _emf_record(14, bytes(12))


def plus_text(text: str, x: float, y: float) -> bytes:
    """Returns a record of EMF+ that draws a text."""
    body = struct.pack("<III4f", 0, 0, len(text), x, y, 0, 0) + text.encode("utf-16-le")
    return struct.pack("<HHII", 0x401C, 0, 12 + len(body), len(body)) + body


def wmf(runs: Sequence[Run], *, charset: int = 134, encoding: str = "gb18030", placeable: bool = False) -> bytes:
    """Returns a WMF with these texts in a font of this character set."""
    font = struct.pack("<5h8B", 12, 0, 0, 0, 400, 0, 0, 0, charset, 0, 0, 0, 0) + b"Song".ljust(32, b"\0")
    records = _wmf_record(0x02FC, bytes(8)) + _wmf_record(0x02FB, font) + _wmf_record(0x012D, struct.pack("<H", 1))
    for text, x, y in runs:
        raw = text.encode(encoding)
        steps = struct.pack(f"<{len(raw)}h", *[LETTER // 2] * len(raw))
        records += _wmf_record(0x0A32, struct.pack("<hhHH", y, x, len(raw), 0) + raw + bytes(len(raw) % 2) + steps)
    records += _wmf_record(0, b"")
    head = struct.pack("<HHHIHIH", 1, 9, 0x300, 9 + len(records) // 2, 2, 50, 0)
    return (b"\xd7\xcd\xc6\x9a" + bytes(18) if placeable else b"") + head + records


def _emf_record(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 8 + len(body)) + body


def _emf_text(text: str, x: int, y: int) -> bytes:
    raw = text.encode("utf-16-le")
    raw += bytes(-len(raw) % 4)
    body = bytes(16) + struct.pack("<Iff", 1, 1, 1) + struct.pack("<iiIII", x, y, len(text), 76, 0) + bytes(16)
    return _emf_record(84, body + struct.pack("<I", 76 + len(raw)) + raw + struct.pack("<I", LETTER) * len(text))


def _wmf_record(kind: int, body: bytes) -> bytes:
    return struct.pack("<IH", 3 + (len(body) + 1) // 2, kind) + body + bytes(len(body) % 2)
