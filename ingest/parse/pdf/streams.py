"""What the streams of a PDF unpack to, counted before pdfium unpacks them, each in one piece and some several times.

A stream is known by its bytes and not by what is said of it, since names can be written in many ways. Streams that an
encrypted file hides, and those packed in another way than by zlib, are not seen.
"""

from __future__ import annotations

import mmap
import zlib
from pathlib import Path

from ingest.parse.refusals import refuse

_MAX_UNPACKED = 256 << 20
_MAX_OVERLAP = 4
"""How many times over the streams of a file may take up its bytes."""
_BLOCK = 1 << 16
_LAYERS = 4
_HEAD = 1024
_DICTIONARY = 1024
_APART = (b"/Image", b"/EmbeddedFile")
"""Large scans, which are drawn only where they are read by OCR, and attachments, which are not looked into."""


def check_streams(source: bytes | Path, name: str) -> None:
    """Raise `unsafe` for a PDF that has a stream of more than 256 MiB when unpacked, pictures apart."""
    if isinstance(source, bytes):
        found = _has_bomb(source)
    else:
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            found = _has_bomb(mapped)
    if found:
        raise refuse("unsafe", name, f"a stream in it unpacks to more than {_MAX_UNPACKED >> 20} MiB")


def _has_bomb(data: bytes | mmap.mmap) -> bool:
    """Whether any stream of the file is one, or more of them overlap than in any file that a program wrote."""
    allowance = _MAX_OVERLAP * len(data)
    at = data.find(b"stream")
    while at >= 0:
        line_end = 2 if data[at + 6 : at + 8] == b"\r\n" else 1
        start = at + 6 + line_end
        if data[at - 3 : at] != b"end" and data[start - 1 : start] in (b"\n", b"\r"):
            apart = any(word in data[max(at - _DICTIONARY, 0) : at] for word in _APART)
            layers = _layers(data[start : start + _HEAD])
            if layers > apart:
                is_bomb, looked_at = _is_bomb(data, start, layers)
                allowance -= looked_at
                if is_bomb or allowance < 0:
                    return True
            # What zlib takes for a stream may hide others: the search goes on at the first that may be its end.
            start = max(data.find(b"endstream", start), start)
        at = data.find(b"stream", start)
    return False


def _is_packed(head: bytes) -> bool:
    """Whether these bytes begin as zlib's do."""
    return len(head) > 1 and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0


def _layers(head: bytes) -> int:
    """How many times over a stream is packed, by its first bytes; the most there may be where they do not tell."""
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
    """Whether what is packed from `start` on unpacks to too much in any of its layers, and how many bytes of the file
    it took to know. Holds no more than a few blocks."""
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
                layers = layer  # what is in there is not packed any more, or broken
                continue
            counts[layer] += len(unpacked)
            if counts[layer] > _MAX_UNPACKED:
                return True, at - start
            waiting += [(layer, unpacker.unconsumed_tail), (layer + 1, unpacked)]
    return False, at - start - len(unpackers[0].unused_data)
