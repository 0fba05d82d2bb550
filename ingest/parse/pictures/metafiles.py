"""Reads what the metafiles of Windows (EMF, EMF+, WMF) draw: their texts line by line, and the bitmaps in them.

The records are those of [MS-EMF], [MS-EMFPLUS] and [MS-WMF]. Only how text stands to other text is computed: texts at
the same height are one line, in the order in which they are drawn.
"""

from __future__ import annotations

import heapq
import struct
from contextlib import suppress
from dataclasses import dataclass, field

from ingest.parse.text.encoding import storable

_EMF_MARK, _WMF_PLACEABLE = b" EMF", b"\xd7\xcd\xc6\x9a"
_WMF_HEADS = (b"\x01\x00\x09\x00", b"\x02\x00\x09\x00")
_MAX_RUNS = 20_000
_MAX_BITMAPS = 50
_SAME_LINE = 0.4
"""Two texts are on one line if their heights differ by less than this part of a letter's width."""
_SPACE = 0.3
"""A gap that is wider than this part of a letter's width is a space."""
_EMF_TEXT_A, _EMF_TEXT_W, _EMF_SMALL_TEXT, _EMF_COMMENT = 83, 84, 108, 70
_EMF_BITMAPS = {76: 84, 77: 84, 81: 48, 114: 84}
"""Where the records that draw a bitmap say where it lies."""
_PLUS_TEXT, _PLUS_GLYPHS, _PLUS_OBJECT = 0x401C, 0x4036, 0x4008
_GLYPH_INDEX, _SMALL_LETTERS, _NO_RECTANGLE = 0x10, 0x200, 0x100
_WMF_TEXT, _WMF_LONG_TEXT, _WMF_SELECT, _WMF_DELETE, _WMF_FONT = 0x0521, 0x0A32, 0x012D, 0x01F0, 0x02FB
_WMF_OBJECTS = frozenset({_WMF_FONT, 0x02FA, 0x02FC, 0x00F7, 0x06FF, 0x01F9, 0x0142})
_WMF_BITMAPS = {0x0F43: 22, 0x0B41: 20, 0x0940: 16, 0x0D33: 18}
_CODE_PAGES = {128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254", 204: "cp1251",
               238: "cp1250"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Run:
    """A text that is drawn at once. `width` is 0 if the record does not say how far it reaches."""

    text: str
    x: float
    y: float
    width: float = 0.0


@dataclass(slots=True)
class Metafile:
    """What a metafile draws. `bitmaps` are files of pictures, or bitmaps without the head of a file (DIB)."""

    runs: list[_Run] = field(default_factory=list)
    bitmaps: list[bytes] = field(default_factory=list)

    def lines(self) -> tuple[str, ...]:
        """Returns the texts, one for each line."""
        lines: list[str] = []
        last: _Run | None = None
        for run in self.runs[:_MAX_RUNS]:
            letter = run.width / len(run.text) if run.width > 0 else 0.0
            if last is None or abs(run.y - last.y) > _SAME_LINE * letter or run.x < last.x:
                lines.append(run.text)
            else:
                apart = last.width == 0 or run.x - last.x - last.width > _SPACE * letter
                lines[-1] += f" {run.text}" if apart else run.text
            last = run
        return tuple(line for text in lines if (line := " ".join(storable(text).replace("\0", "").split())))


def is_metafile(data: bytes) -> bool:
    """Returns True if a file is an EMF or a WMF."""
    return data[40:44] == _EMF_MARK or data.startswith((_WMF_PLACEABLE, *_WMF_HEADS))


def read_metafile(data: bytes) -> Metafile:
    """Returns the texts and bitmaps of a file for which `is_metafile` is True. What is cut off is left out."""
    if data[40:44] == _EMF_MARK:
        return _read_emf(data)
    return _read_wmf(data, 40 if data.startswith(_WMF_PLACEABLE) else 18)


def _read_emf(data: bytes) -> Metafile:
    """Most files with records of EMF+ draw everything twice, in both ways. EMF+ counts where EMF draws nothing."""
    plain, plus = Metafile(), Metafile()
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, place)
        if size < 8:
            break
        record = data[place : place + size]
        with suppress(struct.error):  # a record that is shorter than its kind
            _emf_record(kind, record, plain, plus)
        place += size
    return Metafile(plain.runs or plus.runs, (plain.bitmaps or plus.bitmaps)[:_MAX_BITMAPS])


def _emf_record(kind: int, record: bytes, plain: Metafile, plus: Metafile) -> None:
    if kind in (_EMF_TEXT_A, _EMF_TEXT_W):
        x, y, count, start, options = struct.unpack_from("<iiIII", record, 36)
        (steps,) = struct.unpack_from("<I", record, 72)
        if not options & _GLYPH_INDEX:
            letters = 1 if kind == _EMF_TEXT_A else 2
            text = record[start : start + letters * count].decode("utf-16-le" if letters == 2 else "gb18030", "replace")
            pairs = 2 if options & 0x2000 else 1
            fits = steps > 0 and steps + 4 * pairs * len(text) <= len(record)
            widths = struct.unpack_from(f"<{pairs * len(text)}I", record, steps)[::pairs] if fits else ()
            plain.runs.append(_Run(text, x, y, float(sum(widths))))
    elif kind == _EMF_SMALL_TEXT:
        x, y, count, options = struct.unpack_from("<iiII", record, 8)
        start = 36 if options & _NO_RECTANGLE else 52
        if not options & _GLYPH_INDEX:
            small = bool(options & _SMALL_LETTERS)
            raw = record[start : start + count * (1 if small else 2)]
            plain.runs.append(_Run(raw.decode("latin-1" if small else "utf-16-le", "replace"), x, y))
    elif kind in _EMF_BITMAPS:
        head, head_size, bits, bits_size = struct.unpack_from("<4I", record, _EMF_BITMAPS[kind])
        if head_size and bits_size and len(plain.bitmaps) < _MAX_BITMAPS:
            plain.bitmaps.append(record[head : head + head_size] + record[bits : bits + bits_size])
    elif kind == _EMF_COMMENT and record[12:16] == b"EMF+":
        _read_plus(record[16:], plus)


def _read_plus(data: bytes, found: Metafile) -> None:
    place = 0
    while place + 12 <= len(data):
        kind, flags, size = struct.unpack_from("<HHI", data, place)
        if size < 12:
            return
        body = data[place + 12 : place + size]
        if kind == _PLUS_TEXT and len(body) >= 28:
            count, x, y = struct.unpack_from("<Iff", body, 8)
            found.runs.append(_Run(body[28 : 28 + 2 * count].decode("utf-16-le", "replace"), x, y))
        elif kind == _PLUS_GLYPHS and len(body) >= 16:
            options, _, count = struct.unpack_from("<III", body, 4)
            x, y = struct.unpack_from("<ff", body, 16 + 2 * count) if len(body) >= 24 + 2 * count else (0.0, 0.0)
            if options & 1:  # letters, not the numbers of shapes
                found.runs.append(_Run(body[16 : 16 + 2 * count].decode("utf-16-le", "replace"), x, y))
        elif kind == _PLUS_OBJECT and (flags >> 8) & 0x7F == 5 and len(body) >= 28:
            is_bitmap, is_packed = struct.unpack_from("<I", body, 4)[0] == 1, struct.unpack_from("<I", body, 24)[0] == 1
            if is_bitmap and is_packed and len(found.bitmaps) < _MAX_BITMAPS:
                found.bitmaps.append(body[28:])
        place += size


def _read_wmf(data: bytes, place: int) -> Metafile:
    found, fonts = Metafile(), _Fonts()
    while place + 6 <= len(data):
        words, kind = struct.unpack_from("<IH", data, place)
        if words < 3:
            break
        body = data[place + 6 : place + 2 * words]
        with suppress(struct.error):  # a record that is shorter than its kind
            _wmf_record(kind, body, found, fonts)
        place += 2 * words
    return found


class _Fonts:
    """Which encoding the selected font of a WMF has. An object takes the lowest number that is free."""

    def __init__(self) -> None:
        self.encoding = "gb18030"
        self._known: dict[int, str] = {}
        self._free: list[int] = []
        self._next = 0

    def add(self, body: bytes, *, is_font: bool) -> None:
        number = heapq.heappop(self._free) if self._free else self._next
        self._next += number == self._next
        self._known[number] = _CODE_PAGES.get(body[13], "cp1252") if is_font and len(body) > 13 else ""

    def select(self, number: int) -> None:
        self.encoding = self._known.get(number) or self.encoding

    def delete(self, number: int) -> None:
        if self._known.pop(number, None) is not None:
            heapq.heappush(self._free, number)


def _wmf_record(kind: int, body: bytes, found: Metafile, fonts: _Fonts) -> None:
    if kind == _WMF_TEXT:
        (count,) = struct.unpack_from("<H", body)
        y, x = struct.unpack_from("<hh", body, 2 + count + count % 2)
        found.runs.append(_Run(body[2 : 2 + count].decode(fonts.encoding, "replace"), x, y))
    elif kind == _WMF_LONG_TEXT:
        y, x, count, options = struct.unpack_from("<hhHH", body)
        start = 16 if options & 6 else 8
        steps = start + count + count % 2
        widths = struct.unpack_from(f"<{count}h", body, steps) if len(body) >= steps + 2 * count else ()
        if not options & _GLYPH_INDEX:
            text = body[start : start + count].decode(fonts.encoding, "replace")
            found.runs.append(_Run(text, x, y, float(sum(widths))))
    elif kind in _WMF_OBJECTS:
        fonts.add(body, is_font=kind == _WMF_FONT)
    elif kind == _WMF_SELECT:
        fonts.select(*struct.unpack_from("<H", body))
    elif kind == _WMF_DELETE:
        fonts.delete(*struct.unpack_from("<H", body))
    elif kind in _WMF_BITMAPS and len(body) > _WMF_BITMAPS[kind] + 40 and len(found.bitmaps) < _MAX_BITMAPS:
        found.bitmaps.append(body[_WMF_BITMAPS[kind] :])
