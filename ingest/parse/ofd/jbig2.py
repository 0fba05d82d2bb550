"""Draws JBIG2 pictures, which scanners write into OFD files. Pillow does not know them; pdfium draws them in a PDF.

A file of JBIG2 (ITU-T T.88, annex D) has a head that a PDF leaves out. A picture in an OFD file has it or not.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import closing

from PIL import Image

from ingest.parse.pictures.images import MAX_PIXELS

_MARK = b"\x97JB2\r\n\x1a\n"
_PAGE, _END_OF_PAGE, _END_OF_FILE = 48, 49, 51
_UNKNOWN_LENGTH = 0xFFFFFFFF
_MAX_SEGMENTS = 10_000


def as_png(data: bytes) -> bytes:
    """Returns a JBIG2 picture as a PNG. Other bytes, and a picture that cannot be drawn, are returned as they are."""
    size = _size(data)
    if size is None or not 0 < size[0] * size[1] <= MAX_PIXELS:
        return data
    import pypdfium2

    stream = b"".join(_segments(data)) if data.startswith(_MARK) else data
    try:
        with closing(pypdfium2.PdfDocument(_pdf(stream, *size))) as document:
            drawn: Image.Image = document[0].render(scale=1, grayscale=True).to_pil()
    except pypdfium2.PdfiumError:
        return data
    png = io.BytesIO()
    drawn.save(png, "PNG", compress_level=1)
    return png.getvalue()


def _segments(file: bytes) -> Iterator[bytes]:
    """Yields the segments of the first page of a file, head and data of each, as a PDF has them."""
    is_sequential, counts = file[8] & 1, not file[8] & 2
    place = 13 if counts else 9
    heads: list[tuple[int, int, int, int]] = []
    while place < len(file) and len(heads) < _MAX_SEGMENTS:
        end, kind, length = _head(file, place)
        if kind == _END_OF_FILE:
            place = end
            break
        heads.append((place, end, kind, length))
        place = end + length if is_sequential else end
    data = place if not is_sequential else 0
    for start, end, kind, length in heads:
        if is_sequential:
            data = end
        if kind == _END_OF_PAGE:
            return
        yield file[start:end] + file[data : data + length]
        data += length


def _head(stream: bytes, place: int) -> tuple[int, int, int]:
    """Returns where the head of a segment ends, its kind, and the length of its data ([T.88] 7.2)."""
    number, flags, references = struct.unpack_from(">IBB", stream, place)
    count, after = references >> 5, place + 6
    if count == 7:
        count = struct.unpack_from(">I", stream, place + 5)[0] & 0x1FFFFFFF
        after = place + 9 + (count + 8) // 8
    after += count * (1 if number <= 256 else 2 if number <= 65536 else 4) + (4 if flags & 0x40 else 1)
    (length,) = struct.unpack_from(">I", stream, after)
    if length == _UNKNOWN_LENGTH:  # only generic regions that are written while they are scanned
        length = len(stream) - after - 4
    return after + 4, flags & 0x3F, length


def _size(stream: bytes) -> tuple[int, int] | None:
    """Returns the width and height that the first page states, or None if these are no segments of JBIG2."""
    place = 0
    try:
        if stream.startswith(_MARK):
            stream = b"".join(_segments(stream))
        for _ in range(_MAX_SEGMENTS):
            end, kind, length = _head(stream, place)
            if kind == _PAGE:
                width, height = struct.unpack_from(">II", stream, end)
                return width, height
            if kind > 62 or end + length > len(stream):
                return None
            place = end + length
    except (struct.error, IndexError):
        return None
    return None


def _pdf(stream: bytes, width: int, height: int) -> bytes:
    """Returns a PDF of one page that shows nothing but the picture."""
    content = f"q {width} 0 0 {height} 0 0 cm /P Do Q".encode()
    picture = (
        f"<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray "
        f"/BitsPerComponent 1 /Filter /JBIG2Decode /Length {len(stream)} >>"
    )
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources <</XObject <</P 5 0 R>>>> >>"
        % (width, height),
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"%b\nstream\n%b\nendstream" % (picture.encode(), stream),
    )
    written, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(written)
    written += b"xref\n0 6\n0000000000 65535 f \n" + table
    return bytes(written + b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)
