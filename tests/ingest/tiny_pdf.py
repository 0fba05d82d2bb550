"""PDF files written by hand: text at given places, upright or turned, in Latin and Chinese, with what a test needs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

A4 = (595, 842)


@dataclass(frozen=True)
class Words:
    """A line of text. `x`, `y` are points from the top left corner of the page to the start of its base line."""

    x: float
    y: float
    text: str
    size: float = 11
    bold: bool = False
    turned: bool = False


Page = Sequence[Words | bytes]


def pdf(*pages: Page, title: str | None = None, outline: Sequence[tuple[str, int]] = (), rotate: int = 0) -> bytes:
    """A file with these pages. Bytes among the words are a grey picture that fills the page, as raw pixels.

    `outline` lists headings with their page, counted from 1; `rotate` is the pages' own rotation in degrees.
    """
    objects: list[bytes] = [b"", b"", b"", b"", b""]
    objects[2] = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    objects[3] = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>"
    objects[4] = (
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[<</Type/Font"
        b"/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>"
        b"/DW 1000>>]>>"
    )
    kids = []
    for page in pages:
        content, pictures = b"", b""
        for item in page:
            if isinstance(item, bytes):
                objects.append(_picture(item))
                pictures += b"/P%d %d 0 R" % (len(objects), len(objects))
                content += b"q %d 0 0 %d 0 0 cm /P%d Do Q\n" % (*A4, len(objects))
            else:
                content += _shown(item)
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Rotate %d/Contents %d 0 R/Resources<</Font<</L 3 0 R"
            b"/B 4 0 R/H 5 0 R>>/XObject<<%s>>>>>>" % (*A4, rotate, len(objects), pictures)
        )
        kids.append(len(objects))
    root = b"<</Type/Catalog/Pages 2 0 R"
    if outline:
        first = len(objects) + 2
        root += b"/Outlines %d 0 R" % (first - 1)
        count = len(outline)
        objects.append(b"<</First %d 0 R/Last %d 0 R/Count %d>>" % (first, first + count - 1, count))
        for place, (text, number) in enumerate(outline):
            following = b"/Next %d 0 R" % (first + place + 1) if place + 1 < count else b""
            objects.append(
                b"<</Title(%s)/Parent %d 0 R/Dest[%d 0 R/Fit]%s>>"
                % (text.encode("latin-1"), first - 1, kids[number - 1], following)
            )
    objects[0] = root + b">>"
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    info = b""
    if title:
        objects.append(b"<</Title<FEFF%s>>>" % title.encode("utf-16-be").hex().encode())
        info = b"/Info %d 0 R" % len(objects)
    return _written(objects, info)


def _shown(words: Words) -> bytes:
    try:
        shown = b"(" + words.text.encode("cp1252").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"
        font = b"B" if words.bold else b"L"
    except UnicodeEncodeError:
        shown, font = b"<" + words.text.encode("utf-16-be").hex().encode() + b">", b"H"
    matrix = b"0 1 -1 0" if words.turned else b"1 0 0 1"
    place = b"%s %.2f %.2f Tm" % (matrix, words.x, A4[1] - words.y)
    return b"BT /%s %.2f Tf %s %s Tj ET\n" % (font, words.size, place, shown)


def _picture(pixels: bytes) -> bytes:
    """An image of grey pixels, one byte each, row by row, in the proportions of the page."""
    packed = zlib.compress(pixels)
    width = round((len(pixels) * A4[0] / A4[1]) ** 0.5)
    head = b"<</Type/XObject/Subtype/Image/Width %d/Height %d" % (width, len(pixels) // width)
    head += b"/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode/Length %d>>" % len(packed)
    return head + b"stream\n" + packed + b"\nendstream"


def _written(objects: Sequence[bytes], info: bytes) -> bytes:
    data = b"%PDF-1.7\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return data + b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, info, start)
