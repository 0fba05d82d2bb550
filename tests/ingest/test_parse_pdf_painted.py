"""Words on PDF pages that are in no text layer: painted by patterns and masks, or shown by stamps and signatures."""

from __future__ import annotations

import zlib

import pytest

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_ofd import read as read_ofd
from tests.ingest.test_parse_pdf_pictures import picture
from tests.ingest.tiny_ofd import ofd, text
from tests.ingest.tiny_pdf import written

FONT = b"/Resources<</Font<</L 3 0 R>>>>"
STATES = b"/ExtGState<</G2<</BM/Multiply>>/G3<</ca .5>>>>"
UPRIGHT = b"BT /L 11 Tf 72 760 Td (Some upright words on this page that are long enough) Tj ET\n"
SAID = "Some upright words on this page that are long enough"


def stream(head: bytes, content: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (head, len(content), content)


def words(text: str, at: tuple[int, int] = (10, 30)) -> bytes:
    return b"BT /L 20 Tf %d %d Td (%s) Tj ET" % (*at, text.encode())


def page(content: bytes, resources: bytes = b"", annotations: bytes = b"", *more: bytes, form: bytes = b"") -> bytes:
    """A page with a line of text and this content. The objects `more` count from 6."""
    return written([
        b"<</Type/Catalog/Pages 2 0 R%s>>" % form,
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</L 3 0 R>>%s>>/Annots[%s]>>"
        % (resources, annotations),
        stream(b"", UPRIGHT + content),
        *more,
    ])  # fmt: skip


def pattern(cell: bytes, paint: int = 1, size: tuple[int, int] = (250, 80)) -> bytes:
    """A page with an area that a pattern of such cells paints, coloured (1) or in a colour of the page (2)."""
    colour = b"/CP cs 1 0 0 /P1 scn" if paint == 2 else b"/Pattern cs /P1 scn"
    head = b"/Type/Pattern/PatternType 1/PaintType %d/TilingType 1/BBox[0 0 %d %d]/XStep %d/YStep %d" % (
        paint, *size, *size,
    )  # fmt: skip
    resources = b"/Pattern<</P1 6 0 R>>/ColorSpace<</CP[/Pattern/DeviceRGB]>>"
    tile = stream(head + b"/Matrix[1 0 0 1 72 600]" + FONT, cell)
    return page(b"q %s 72 600 250 80 re f Q" % colour, resources, b"", tile)


def masked(mask: bytes, content: bytes = b"0 0 0 rg 72 300 250 80 re f") -> bytes:
    """A page with an area that is seen only where the mask is white."""
    group = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Group<</S/Transparency/CS/DeviceGray>>"
    resources = b"/ExtGState<</G1<</SMask<</S/Luminosity/G 6 0 R>>>>>>"
    return page(b"q /G1 gs %s Q" % content, resources, b"", stream(group + FONT, mask))


def read(data: bytes, *, ocr: bool = False) -> ParsedDocument:
    return parse(Reference("local", "a.pdf", "a.pdf", len(data), 0, content=data), IngestSettings(ocr=ocr))


def texts(parsed: ParsedDocument) -> list[str]:
    return [element.text for element in parsed.elements]


@pytest.mark.parametrize(
    "data",
    [
        pattern(words("Serial words 4711")),
        pattern(words("Serial words 4711"), paint=2),
        masked(b"0 g 0 0 595 842 re f 1 g " + words("Serial words 4711", (80, 330))),
    ],
)
def test_words_of_patterns_and_masks_are_read_like_those_of_pictures_or_counted(data: bytes) -> None:
    with_ocr, without = read(data, ocr=True), read(data)
    assert texts(with_ocr) == [SAID, "Serial words 4711"]
    assert not with_ocr.notes
    assert texts(without) == [SAID]
    assert without.notes == {"pictures_not_read": 1}


@pytest.mark.parametrize(
    "data",
    [
        pattern(b"0 0 m 8 8 l S", size=(8, 8)),
        pattern(b"1 w 0 0 m 0 6 l S 0 0 m 6 0 l S", size=(6, 6)),
        pattern(b"2 2 1 1 re f", paint=2, size=(5, 7)),
        pattern(b"0.8 g 0 0 250 80 re f"),
        page(b"q 0.75 g 72 600 250 80 re f Q " + words("Head", (80, 630))),
        masked(b"0.5 g 0 0 595 842 re f"),
        page(b"q /G2 gs 1 1 0 rg 72 600 250 80 re f Q " + words("Head", (80, 630)), STATES),
        page(b"q /G3 gs 1 1 0 rg 72 600 250 80 re f Q 72 640 m 300 640 l S", STATES),
    ],
)  # fmt: skip
def test_hatches_shades_and_marked_words_are_no_pictures(data: bytes) -> None:
    assert not read(data).notes


def annotation(kind: str, shown: bytes, more: bytes = b"", *objects: bytes, form: bytes = b"") -> bytes:
    """A page with an annotation that shows something, which is the object 7."""
    entry = b"<</Type/Annot/Subtype/%s/Rect[72 150 522 250]/F 4/AP<</N 7 0 R>>%s>>" % (kind.encode(), more)
    return page(b"", b"", b"6 0 R", entry, shown, *objects, form=form)


def appearance(content: bytes, resources: bytes = FONT) -> bytes:
    return stream(b"/Type/XObject/Subtype/Form/BBox[0 0 450 100]" + resources, content)


STAMP = appearance(words("APPROVED 4711"))
OUTER = appearance(b"/F Do", b"/Resources<</XObject<</F 8 0 R>>>>")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (annotation("Stamp", STAMP), ["APPROVED 4711"]),
        (annotation("Stamp", STAMP, b"/Contents(By Li Na)"), ["By Li Na", "APPROVED 4711"]),
        (annotation("Stamp", STAMP, b"/Contents(APPROVED 4711)"), ["APPROVED 4711"]),
        (annotation("FreeText", STAMP), ["APPROVED 4711"]),
        (annotation("FreeText", STAMP, b"/Contents(Typed)"), ["Typed"]),
        (annotation("Stamp", OUTER, b"", STAMP), ["APPROVED 4711"]),
        (annotation("Stamp", STAMP, b"/F 2"), []),
        (annotation("Stamp", appearance(b"1 0 0 RG 2 2 90 40 re S")), []),
        (annotation("Text", STAMP), []),
        (annotation("Widget", STAMP, b"/FT/Sig/T(a)/V<<>>", form=b"/AcroForm<</Fields[6 0 R]>>"), ["APPROVED 4711"]),
    ],
)  # fmt: skip
def test_stamps_and_signatures_say_what_they_show(data: bytes, said: list[str]) -> None:
    parsed = read(data)
    assert texts(parsed) == [SAID, *said]
    assert not parsed.notes


@pytest.mark.parametrize("kind", ["FileAttachment", "Sound", "Movie", "RichMedia", "3D", "Ink"])
def test_files_sounds_films_and_handwriting_on_a_page_are_counted(kind: str) -> None:
    parsed = read(annotation(kind, STAMP))
    assert (texts(parsed), parsed.notes) == ([SAID], {"parts_not_read": 1})


def test_a_stamp_says_only_its_own_text_and_where_it_is() -> None:
    data = annotation("Stamp", STAMP).replace(b"72 760 Td", b"82 180 Td")
    parsed = read(data)
    assert sorted(texts(parsed)) == ["APPROVED 4711", SAID]
    (box,) = next(each for each in parsed.elements if "4711" in each.text).location.boxes
    assert (box.page, round(box.y0 * 842), round(box.y1 * 842)) == (1, 842 - 250, 842 - 150)


def test_a_picture_in_a_stamp_is_read_or_counted() -> None:
    shown = picture("Sealed 4711")
    packed = zlib.compress(shown.pixels)
    head = b"/Type/XObject/Subtype/Image/Width 900/Height %d" % (len(shown.pixels) // 900)
    image = stream(head + b"/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode", packed)
    drawn = appearance(b"450 0 0 100 0 0 cm /I Do", b"/Resources<</XObject<</I 8 0 R>>>>")
    data = annotation("Stamp", drawn, b"", image)
    assert read(data).notes == {"pictures_not_read": 1}
    assert texts(read(data, ocr=True)) == [SAID, "Sealed 4711"]


def test_words_of_a_pattern_on_an_ofd_page_are_read() -> None:
    pattern = (
        f'<ofd:Pattern Width="80" Height="20"><ofd:CellContent>{text(5, 5, "样品")}</ofd:CellContent></ofd:Pattern>'
    )
    shape = '<ofd:PathObject ID="8" Boundary="20 40 80 20" Fill="true">'
    path = "<ofd:AbbreviatedData>M 0 0</ofd:AbbreviatedData>"
    painted = f"{shape}<ofd:FillColor>{pattern}</ofd:FillColor>{path}</ofd:PathObject>"
    assert texts(read_ofd(ofd([text(20, 20, "通知") + painted]))) == ["通知", "样品"]
