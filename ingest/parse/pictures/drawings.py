"""Reads pictures that are drawings of lines and letters: EMF, WMF and SVG, packed ones too. Their text needs no OCR."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from lxml import etree

from ingest.parse.pictures.metafiles import is_metafile, read_metafile

_PACKED = b"\x1f\x8b"
_MAX_UNPACKED = 64 << 20
_SVG_HEAD_BYTES = 4096
_SVG = "{http://www.w3.org/2000/svg}"
_TEXTS = frozenset({f"{_SVG}text", f"{_SVG}foreignObject"})
_UNSEEN = frozenset({f"{_SVG}title", f"{_SVG}desc", f"{_SVG}style"})


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
        return Drawing(_svg_lines(data))
    return None


def _svg_lines(data: bytes) -> tuple[str, ...]:
    """Returns the texts of an SVG. A piece of text with a height of its own is a line, and so is a piece of HTML."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))
    lines: list[list[str]] = [[]]
    inside = 0
    walk = etree.iterwalk(root if root is not None else etree.Element("none"), events=("start", "end"))
    for event, node in walk:
        is_text = node.tag in _TEXTS
        if event == "start":
            inside += is_text
            if node.tag in _UNSEEN:
                walk.skip_subtree()
            elif inside:
                if is_text or node.get("y") is not None or not node.tag.startswith(_SVG):
                    lines.append([])
                lines[-1].append(node.text or "")
        else:
            inside -= is_text
            if inside:
                lines[-1].append(node.tail or "")
    return tuple(line for pieces in lines if (line := " ".join("".join(pieces).split())))
