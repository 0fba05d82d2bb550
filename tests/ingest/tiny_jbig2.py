"""Writes JBIG2 pictures of one region in MMR coding, which is that of TIFF with fax compression."""

from __future__ import annotations

import io
import struct

from PIL import Image, ImageOps


def jbig2(image: Image.Image, *, as_file: bool = False, ordered: bool = True) -> bytes:
    """Returns a picture as a PDF or an OFD file holds it, or as a file of its own. In a file that is not `ordered`, all
    heads stand before the data.
    """
    ink = ImageOps.invert(image.convert("L")).convert("1")
    stream = io.BytesIO()
    ink.save(stream, "TIFF", compression="group4", tiffinfo={278: ink.height})
    with Image.open(stream) as tiff:
        start, size = tiff.tag_v2[273][0], tiff.tag_v2[279][0]
    packed = stream.getvalue()[start : start + size]
    page = struct.pack(">IIIIBH", ink.width, ink.height, 0, 0, 0, 0)
    region = struct.pack(">IIIIB", ink.width, ink.height, 0, 0, 0) + b"\x01" + packed
    parts = [(48, page), (38, region), (49, b"")]
    heads = [struct.pack(">IBBBI", n, kind, 0, 1, len(data)) for n, (kind, data) in enumerate(parts)]
    datas = [data for _, data in parts]
    if not as_file:
        return b"".join(head + data for head, data in zip(heads[:2], datas[:2], strict=True))
    end = struct.pack(">IBBBI", 3, 51, 0, 0, 0)
    body = (
        b"".join(head + data for head, data in zip(heads, datas, strict=True)) + end
        if ordered
        else b"".join([*heads, end, *datas])
    )
    return b"\x97JB2\r\n\x1a\n" + struct.pack(">BI", ordered, 1) + body
