"""PDF files written by hand: text at given places, upright or turned, in Latin and Chinese, with what a test needs."""

from __future__ import annotations

import hashlib
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

A4 = (595, 842)

_CHINESE = (
    b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-%s/DescendantFonts[<</Type/Font"
    b"/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>"
    b"/DW 1000>>]>>"
)
_FONTS = [
    b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
    _CHINESE % b"H",
    _CHINESE % b"V",
    b"<</Type/Font/Subtype/Type3/FontBBox[0 0 600 800]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 0/LastChar 255"
    b"/Widths[%s]/CharProcs<</g 8 0 R>>/Encoding<</Type/Encoding/Differences[0%s]>>>>" % (b"600 " * 256, b"/g" * 256),
    b"<</Length 18>>stream\n600 0 0 0 0 0 d1 f\nendstream",
]
_PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


@dataclass(frozen=True)
class Words:
    """A line of text. `x`, `y` are points from the top left corner of the page to the start of its base line.

    `turned` stands it on its end, reading upwards; `slant` turns it by so many degrees; `down` writes it as vertical
    Chinese is; `hidden` text is there to be copied and not to be seen.
    The font of `unmapped` text has no names for its shapes. If something is `told`, in UTF-16 and hexadecimal digits,
    the font says that every shape means this.
    """

    x: float
    y: float
    text: str
    size: float = 11
    bold: bool = False
    turned: bool = False
    slant: float = 0
    down: bool = False
    hidden: bool = False
    unmapped: bool = False
    told: str = ""


@dataclass(frozen=True)
class Stroke:
    """A straight line between two points, counted from the top left corner."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: float = 1


@dataclass(frozen=True)
class Field:
    """A form field that is filled in: `kind` is a PDF field type. `more` are further entries, as PDF writes them."""

    name: str
    value: str
    kind: str = "Tx"
    more: str = ""


@dataclass(frozen=True)
class Comment:
    """A note that a reader of the file left on the page."""

    x: float
    y: float
    text: str
    kind: str = "Text"


@dataclass(frozen=True)
class Link:
    """A link on a place of the page: the top left corner of its rectangle, its width, and its action in PDF."""

    x: float
    y: float
    width: float
    action: str


@dataclass(frozen=True)
class Shown:
    """A grey picture that does not fill the page: where its top left corner is, its size in points, and its pixels,
    `columns` in a row.
    """

    x: float
    y: float
    width: float
    height: float
    pixels: bytes
    columns: int


Item = Words | Stroke | Field | Comment | Link | Shown | bytes
Page = Sequence[Item]


def pdf(
    *pages: Page,
    title: str | None = None,
    outline: Sequence[tuple[str, int]] = (),
    rotate: int = 0,
    info: Mapping[str, str] | None = None,
    password: str | None = None,
    size: tuple[int, int] = A4,
    attached: Mapping[str, bytes] | None = None,
) -> bytes:
    """A file with these pages. Bytes among the items are a grey picture that fills the page, as raw pixels.

    `outline` lists headings with their page, counted from 1; `rotate` is the pages' own rotation in degrees; `info`
    has further metadata; with a `password` the file opens only by it. `attached` are files inside it, by name.
    """
    objects: list[bytes] = [b"", b"", *_FONTS]
    fields: list[int] = []
    kids = [_page(objects, fields, page, rotate, size) for page in pages]
    root = b"<</Type/Catalog/Pages 2 0 R"
    if fields:
        root += b"/AcroForm<</Fields[%s]/DA(/L 10 Tf)/DR<</Font<</L 3 0 R>>>>>>" % _references(fields)
    if outline:
        root += b"/Outlines %d 0 R" % (len(objects) + 1)
        _outline(objects, outline, kids)
    if attached:
        root += b"/Names<</EmbeddedFiles<</Names[%s]>>>>" % b"".join(
            _attached(objects, name, data) for name, data in attached.items()
        )
    objects[0] = root + b">>"
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), _references(kids))
    stated = {**({"Title": title} if title else {}), **(info or {})}
    about = b""
    if stated:
        entries = b"".join(b"/%s%s" % (key.encode(), _string(value)) for key, value in stated.items())
        objects.append(b"<<%s>>" % entries)
        about = b"/Info %d 0 R" % len(objects)
    if password is not None:
        about += _encrypted(objects, password.encode())
    return written(objects, about)


def grid(columns: Sequence[float], rows: Sequence[float]) -> list[Stroke]:
    """The lines of a table whose columns and rows begin and end at these places."""
    across = [Stroke(columns[0], y, columns[-1], y) for y in rows]
    return across + [Stroke(x, rows[0], x, rows[-1]) for x in columns]


def written(objects: Sequence[bytes], about: bytes = b"") -> bytes:
    """A file of these objects, the first of which is its catalog; `about` goes into its trailer."""
    data = b"%PDF-1.7\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return data + b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, about, start)


def _page(objects: list[bytes], fields: list[int], items: Page, rotate: int, size: tuple[int, int]) -> int:
    """Add a page and what stands on it to the objects; gives its number."""
    content, pictures, annotations = b"", b"", []
    fonts = b"".join(_told(objects, told) for told in sorted({w.told for w in items if isinstance(w, Words)} - {""}))
    for item in items:
        if isinstance(item, bytes | Shown):
            shown = Shown(0, 0, *size, item, _columns(item)) if isinstance(item, bytes) else item
            objects.append(_picture(shown))
            pictures += b"/P%d %d 0 R" % (len(objects), len(objects))
            place = (shown.width, shown.height, shown.x, size[1] - shown.y - shown.height)
            content += b"q %.2f 0 0 %.2f %.2f %.2f cm /P%d Do Q\n" % (*place, len(objects))
        elif isinstance(item, Words):
            content += _shown(item, size[1])
        elif isinstance(item, Stroke):
            ends = (item.x0, size[1] - item.y0, item.x1, size[1] - item.y1)
            content += b"%.1f w %.2f %.2f m %.2f %.2f l S\n" % (item.width, *ends)
        else:
            objects.append(_annotation(item, size[1]))
            annotations.append(len(objects))
            if isinstance(item, Field):
                fields.append(len(objects))
    objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
    objects.append(
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Rotate %d/Contents %d 0 R/Resources<</Font<</L 3 0 R/B 4 0 R"
        b"/H 5 0 R/V 6 0 R/U 7 0 R%s>>/XObject<<%s>>>>/Annots[%s]>>"
        % (*size, rotate, len(objects), fonts, pictures, _references(annotations))
    )
    return len(objects)


def _told(objects: list[bytes], told: str) -> bytes:
    """Add a font that says the same of all its shapes; gives its entry among the fonts of a page."""
    content = b"begincmap 1 begincodespacerange<00><FF>endcodespacerange 1 beginbfrange<01><FF>[%s]endbfrange endcmap"
    content %= b"<%s>" % told.encode() * 255
    objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
    objects.append(_FONTS[0][:-2] + b"/ToUnicode %d 0 R>>" % len(objects))
    return b"/T%s %d 0 R" % (told.encode(), len(objects))


def _shown(words: Words, height: int) -> bytes:
    try:
        shown = _literal(words.text.encode("cp1252"))
        font = b"T" + words.told.encode() if words.told else b"U" if words.unmapped else b"B" if words.bold else b"L"
    except UnicodeEncodeError:
        shown, font = b"<" + words.text.encode("utf-16-be").hex().encode() + b">", b"V" if words.down else b"H"
    angle = math.radians(90 if words.turned else words.slant)
    turn = (math.cos(angle), math.sin(angle), -math.sin(angle), math.cos(angle))
    place = b"%.4f %.4f %.4f %.4f %.2f %.2f Tm" % (*turn, words.x, height - words.y)
    return b"BT /%s %.2f Tf %d Tr %s %s Tj ET\n" % (font, words.size, 3 if words.hidden else 0, place, shown)


def _annotation(item: Field | Comment | Link, height: int) -> bytes:
    if isinstance(item, Field):
        return _field(item)
    if isinstance(item, Comment):
        return _comment(item, height)
    place = (item.x, height - item.y - 14, item.x + item.width, height - item.y)
    return b"<</Type/Annot/Subtype/Link/Rect[%.2f %.2f %.2f %.2f]/A<<%s>>>>" % (*place, item.action.encode())


def _field(field: Field) -> bytes:
    value = b"/" + field.value.encode() if field.kind == "Btn" else _string(field.value)
    return b"<</Type/Annot/Subtype/Widget/FT/%s/T%s/V%s/Rect[100 700 300 720]/F 4%s>>" % (
        field.kind.encode(), _string(field.name), value, field.more.encode(),
    )  # fmt: skip


def _comment(comment: Comment, height: int) -> bytes:
    left, top = comment.x, height - comment.y
    return b"<</Type/Annot/Subtype/%s/Rect[%.2f %.2f %.2f %.2f]/Contents%s>>" % (
        comment.kind.encode(), left, top - 20, left + 20, top, _string(comment.text),
    )  # fmt: skip


def _outline(objects: list[bytes], outline: Sequence[tuple[str, int]], kids: Sequence[int]) -> None:
    first, count = len(objects) + 2, len(outline)
    objects.append(b"<</First %d 0 R/Last %d 0 R/Count %d>>" % (first, first + count - 1, count))
    for place, (text, number) in enumerate(outline):
        following = b"/Next %d 0 R" % (first + place + 1) if place + 1 < count else b""
        entry = (_string(text), first - 1, kids[number - 1], following)
        objects.append(b"<</Title%s/Parent %d 0 R/Dest[%d 0 R/Fit]%s>>" % entry)


def _attached(objects: list[bytes], name: str, data: bytes) -> bytes:
    """Add a file; gives its entry in the tree of names."""
    packed = zlib.compress(data)
    head = b"<</Type/EmbeddedFile/Filter/FlateDecode/Length %d/Params<</Size %d>>>>" % (len(packed), len(data))
    objects.append(head + b"stream\n" + packed + b"\nendstream")
    objects.append(b"<</Type/Filespec/F%s/UF%s/EF<</F %d 0 R>>>>" % (_string(name), _string(name), len(objects)))
    return b"%s %d 0 R " % (_string(name), len(objects))


def _references(numbers: Sequence[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _string(text: str) -> bytes:
    return b"<FEFF%s>" % text.encode("utf-16-be").hex().encode()


def _literal(text: bytes) -> bytes:
    return b"(" + re.sub(rb"([\\()])", rb"\\\1", text) + b")"


def _columns(pixels: bytes) -> int:
    """How many pixels a row has of a picture in the proportions of the page."""
    return round((len(pixels) * A4[0] / A4[1]) ** 0.5)


def _picture(shown: Shown) -> bytes:
    """An image of grey pixels, one byte each, row by row."""
    packed = zlib.compress(shown.pixels)
    head = b"<</Type/XObject/Subtype/Image/Width %d/Height %d" % (shown.columns, len(shown.pixels) // shown.columns)
    head += b"/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode/Length %d>>" % len(packed)
    return head + b"stream\n" + packed + b"\nendstream"


def _encrypted(objects: list[bytes], password: bytes) -> bytes:
    """Encrypt every stream as PDF 1.1 did, by 40 bits; gives the trailer's part. Strings are left as they are."""
    padded, mark = (password + _PAD)[:32], b"0123456789abcdef"
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
    key = hashlib.md5(padded + owner + b"\xfc\xff\xff\xff" + mark).digest()[:5]
    for place, content in enumerate(objects):
        own = hashlib.md5(key + (place + 1).to_bytes(3, "little") + b"\0\0").digest()[:10]
        head, stream, rest = content.partition(b">>stream\n")
        if stream:
            objects[place] = head + stream + _rc4(own, rest.removesuffix(b"\nendstream")) + b"\nendstream"
    entry = (owner.hex().encode(), _rc4(key, _PAD).hex().encode())
    objects.append(b"<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -4>>" % entry)
    return b"/Encrypt %d 0 R/ID[<%s><%s>]" % (len(objects), mark.hex().encode(), mark.hex().encode())


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
