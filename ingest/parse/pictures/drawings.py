"""Reads pictures that are drawings of lines and letters: EMF, WMF and SVG, packed ones too. Their text needs no OCR."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from lxml import etree

from ingest.parse.pictures.metafiles import is_metafile, read_metafile
from ingest.parse.pictures.svg import data_of, read_svg

_PACKED = b"\x1f\x8b"
_MAX_UNPACKED = 64 << 20
_SVG_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a drawing shows: its texts, one for each line, and the pictures in it, as files."""

    lines: tuple[str, ...] = ()
    bitmaps: tuple[bytes, ...] = ()


def read_drawing(data: bytes) -> Drawing | None:
    """Returns what a drawing shows. Returns None if these bytes are no drawing, but a picture of another kind.

    What cannot be read of a damaged drawing is left out.
    """
    if data.startswith(_PACKED):
        unpacked = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            data = unpacked.decompress(data, _MAX_UNPACKED)
        except zlib.error:
            return None
    if is_metafile(data):
        found = read_metafile(data)
        return Drawing(found.lines(), tuple(found.bitmaps))
    if b"<svg" in data[:_SVG_HEAD_BYTES].lower():
        return _svg(data)
    return None


def _svg(data: bytes) -> Drawing:
    """Returns what an SVG file shows. Pictures that are not in the file itself are not shown either."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))
    if root is None:
        return Drawing()
    found = read_svg(root)
    return Drawing(found.lines, tuple(filter(None, map(data_of, found.pictures))))
