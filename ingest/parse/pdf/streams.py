"""Measures what the streams of a PDF unpack to, before pdfium unpacks them. pdfium unpacks each stream as a whole, and
some of them several times.

A stream is recognized by its bytes and not by its description, because names can be written in many ways. Streams that
an encrypted file hides are not seen, and neither are streams that are not packed by zlib.
"""

from __future__ import annotations

import mmap
import zlib
from pathlib import Path

from ingest.parse.refusals import refuse

_MAX_UNPACKED = 256 << 20
_MAX_OVERLAP = 4
"""The bytes of all streams together may be at most this many times the size of the file, because
streams can overlap.
"""
_BLOCK = 1 << 16
_LAYERS = 4
_HEAD = 1024
_DICTIONARY = 1024
_APART = b"/Image"
"""Marks large scans, which are drawn only for OCR. Such a stream is checked only if it is packed more than once."""


def check_streams(source: bytes | Path, name: str) -> None:
    """Raise `unsafe` if a PDF has a stream of more than 256 MiB when unpacked. Pictures do not count."""
    if isinstance(source, bytes):
        found = _has_bomb(source)
    else:
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            found = _has_bomb(mapped)
    if found:
        raise refuse("unsafe", name, f"a stream in it unpacks to more than {_MAX_UNPACKED >> 20} MiB")


def _has_bomb(data: bytes | mmap.mmap) -> bool:
    """Returns True if a stream of the file is a zip bomb, or if more of them overlap than in any file from a real
    program.
    """
    allowance = _MAX_OVERLAP * len(data)
    at = data.find(b"stream")
    while at >= 0:
        line_end = 2 if data[at + 6 : at + 8] == b"\r\n" else 1
        start = at + 6 + line_end
        if data[at - 3 : at] != b"end" and data[start - 1 : start] in (b"\n", b"\r"):
            apart = _APART in data[max(at - _DICTIONARY, 0) : at]
            layers = _layers(data[start : start + _HEAD])
            if layers > apart:
                is_bomb, looked_at = _is_bomb(data, start, layers)
                allowance -= looked_at
                if is_bomb or allowance < 0:
                    return True
            # The bytes that zlib reads as one stream may hide other streams. So the search continues at the first
            # possible end.
            start = max(data.find(b"endstream", start), start)
        at = data.find(b"stream", start)
    return False


def _is_packed(head: bytes) -> bool:
    """Returns True if these bytes begin like data that zlib packed."""
    return len(head) > 1 and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0


def _layers(head: bytes) -> int:
    """Returns how many times a stream is packed, judged by its first bytes. Returns the highest possible number if they
    do not show it.
    """
    for layer in range(_LAYERS):
        if not _is_packed(head):
            return layer
        try:
            inside = zlib.decompressobj().decompress(head, _HEAD)
        except zlib.error:
            return layer
        if not inside and len(head) == _HEAD:
            return _LAYERS
        head = inside
    return _LAYERS


def _is_bomb(data: bytes | mmap.mmap, start: int, layers: int) -> tuple[bool, int]:
    """Returns True if the data packed from `start` on unpacks to too much in any of its layers. Also returns how many
    bytes of the file were read to decide this. It holds no more than a few blocks in memory.
    """
    unpackers = [zlib.decompressobj() for _ in range(layers)]
    counts = [0] * layers
    waiting: list[tuple[int, bytes]] = []
    at = start
    while at < len(data) and layers and not unpackers[0].eof:
        waiting.append((0, data[at : at + _BLOCK]))
        at = min(at + _BLOCK, len(data))
        while waiting:
            layer, block = waiting.pop()
            if layer >= layers or not block or unpackers[layer].eof:
                continue
            unpacker = unpackers[layer]
            try:
                unpacked = unpacker.decompress(block, _BLOCK)
            except zlib.error:
                layers = layer  # the data inside is not packed any more, or broken
                continue
            counts[layer] += len(unpacked)
            if counts[layer] > _MAX_UNPACKED:
                return True, at - start
            waiting += [(layer, unpacker.unconsumed_tail), (layer + 1, unpacked)]
    return False, at - start - len(unpackers[0].unused_data)
