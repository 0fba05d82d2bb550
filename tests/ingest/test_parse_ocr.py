"""Pictures and scanned pages: read by OCR with boxes, or said to have no text when OCR is off."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Stroke, Words, pdf


def picture(*lines: str, width: int = 595, height: int = 842) -> Image.Image:
    image = Image.new("L", (width, height), 255)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((60, 80 + 60 * number), line, fill=0, font=ImageFont.load_default(28))
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def read(data: bytes, name: str, ocr: bool = True) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=ocr))


def test_a_picture_is_read_with_boxes() -> None:
    parsed = read(encoded(picture("Travel expenses policy"), "PNG"), "scan.png")
    (element,) = parsed.elements
    (box,) = element.location.boxes
    assert parsed.kind == "png"
    assert "Travel expenses policy" in parsed.text
    assert 0.05 < box.x0 < 0.15
    assert 80 / 842 < box.y0 + 0.02 < box.y1 < 130 / 842


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "WEBP", "TIFF", "PNG"])
def test_pictures_are_known_by_their_content_and_not_by_their_name(kind: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(encoded(picture("Invoice", width=300, height=200), kind), "scan.dat", ocr=False)
    assert caught.value.code == "no_text"
    assert "picture" in caught.value.message


@pytest.mark.slow
def test_the_frames_of_a_tiff_are_pages() -> None:
    first, second = picture("First page", height=300), picture("Second page", height=300)
    parsed = read(encoded(first, "TIFF", save_all=True, append_images=[second]), "fax.tiff")
    assert [element.location.page for element in parsed.elements] == [1, 2]
    assert parsed.pages == 2


def test_only_the_scanned_pages_of_a_pdf_are_read_by_ocr() -> None:
    scanned = picture("Signed copy of the contract").tobytes()
    data = pdf([Words(72, 100, "Typed page with a text layer")], [scanned])
    parsed = read(data, "mixed.pdf")
    assert [element.location.page for element in parsed.elements] == [1, 2]
    assert "Signed copy of the contract" in parsed.text
    assert parsed.elements[1].location.boxes[0].page == 2
    assert read(data, "mixed.pdf", ocr=False).text == "Typed page with a text layer"


def test_without_ocr_a_picture_has_no_text_and_says_how_to_read_it() -> None:
    for data, name in [(encoded(picture("Hidden"), "PNG"), "a.png"), (pdf([picture("Hidden").tobytes()]), "a.pdf")]:
        with pytest.raises(DocumentError) as caught:
            read(data, name, ocr=False)
        assert caught.value.code == "no_text"
        assert "OCR" in caught.value.hint


GARBLED = {
    "private use": "\uf041\uf042\uf043\uf044\uf045\uf046",
    "glyph numbers": "(cid:41)(cid:7)(cid:112)(cid:3)(cid:88)(cid:9)",
    "replaced": "\ufffd\ufffdo\ufffd\ufffd\ufffde\ufffd\ufffd",
    "GBK as Latin-1": "公司差旅费用报销管理制度".encode("gbk").decode("latin-1"),
    "UTF-8 as Windows-1252": "公司差旅费用报销管理制度".encode().decode("cp1252", "replace"),
}
CAESAR = "".join(
    chr(ord(letter) - 29) if letter.isalpha() else letter
    for letter in "the employees of the company hand in their receipts within thirty days after the end of the journey "
)


@pytest.mark.parametrize("text", GARBLED.values(), ids=GARBLED)
def test_a_text_layer_that_means_nothing_is_not_read_as_text(text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(pdf([Words(72, 300 + 20 * line, text) for line in range(5)]), "garbled.pdf", ocr=False)
    assert caught.value.code == "no_text"


SHAPES = "".join(chr(code) for code in range(33, 127))
"""The numbers of 94 shapes. A subset of a font counts them so, in the order in which they are used."""


def test_characters_without_a_map_are_no_text() -> None:
    unmapped = [Words(40, 300 + 20 * line, SHAPES, unmapped=True) for line in range(3)]
    with pytest.raises(DocumentError) as caught:
        read(pdf(unmapped), "unmapped.pdf", ocr=False)
    assert caught.value.code == "no_text"
    page = picture("Legible in the picture", "that lies under it")
    parsed = read(pdf([page.tobytes(), *unmapped]), "unmapped.pdf")
    assert parsed.text.startswith("Legible in the picture")
    assert "!" not in parsed.text


def test_shapes_that_are_counted_as_letters_are_no_text() -> None:
    with pytest.raises(DocumentError) as caught:
        read(pdf([Words(40, 100, "!\"# $%&' ()*!# +,-./0 12!3&'", 9)]), "counted.pdf", ocr=False)
    assert caught.value.code == "no_text"


def test_a_few_characters_without_a_map_leave_good_text_as_it_is() -> None:
    good = [Words(60, 300 + 20 * line, f"Rule {line}: receipts are handed in within thirty days") for line in range(9)]
    bullets = [Words(40, 300 + 20 * line, "\xb7", unmapped=True) for line in range(9)]
    parsed = read(pdf([*good, *bullets]), "bullets.pdf", ocr=False)
    assert parsed.text.count("receipts are handed in within thirty days") == 9


NAME = "".join(chr(code) for code in range(1, 18))
"""The numbers of 17 shapes. pdfium gives most of them as control characters, and one as a hyphen."""


def test_a_run_of_characters_without_a_map_is_read_by_ocr_at_its_place_among_good_text() -> None:
    good = [Words(60, 300 + 20 * line, f"Rule {line}: receipts are handed in within thirty days") for line in range(9)]
    seen = picture("Lanheng Precision").tobytes()
    data = pdf([seen, *good, Words(60, 104, NAME, 24, unmapped=True)])
    taken = read(data, "name.pdf")
    assert [element.text for element in taken.elements][:2] == ["Lanheng Precision", good[0].text]
    assert taken.notes == {}
    left_out = read(data, "name.pdf", ocr=False)
    assert [element.text for element in left_out.elements] == [words.text for words in good]
    assert left_out.notes == {"parts_not_read": 1}


def test_a_run_without_a_map_in_a_line_leaves_the_rest_of_it() -> None:
    good = [Words(60, 300 + 20 * line, f"Rule {line}: receipts are handed in within thirty days") for line in range(9)]
    line = [
        Words(60, 100, "The contract is with"),
        Words(168, 100, NAME, 6, unmapped=True),
        Words(233, 100, "of Wuhan"),
    ]
    # Its shapes draw nothing here, so nothing is missing.
    for ocr in (True, False):
        parsed = read(pdf([*line, *good]), "inline.pdf", ocr=ocr)
        assert parsed.elements[0].text == "The contract is with of Wuhan"
        assert parsed.notes == {}


def test_signs_and_dots_without_a_map_stay_as_they_are() -> None:
    good = [Words(60, 300 + 20 * line, f"Rule {line}: receipts are handed in within thirty days") for line in range(9)]
    dots = [Words(60, 100, "Stores"), Words(110, 100, "." * 40, unmapped=True), Words(400, 100, "17")]
    parsed = read(pdf([*dots, *good]), "dots.pdf", ocr=False)
    assert parsed.elements[0].text.startswith("Stores")
    assert "." * 40 in parsed.elements[0].text
    assert parsed.notes == {}


def test_letters_without_a_map_that_spell_words_are_believed() -> None:
    text = "the employees of the company hand in their receipts within thirty days"
    assert read(pdf([Words(40, 100, text, 8, unmapped=True)]), "old.pdf", ocr=False).text == text


@pytest.mark.parametrize(
    "text",
    [
        "Les employés de la société présentent leurs reçus à l’été, où qu’ils aient été envoyés: « naïveté » exclue.",
        "Größere Übernachtungskosten werden für ausländische Gäste über die übliche Höhe hinaus gewährt.",
        "网络运营者开展经营和服务活动，必须遵守法律、行政法规，尊重社会公德，遵守商业道德，诚实信用。",
        "網絡運營者開展經營和服務活動，必須遵守法律、行政法規，尊重社會公德，遵守商業道德，誠實信用。",
        "社員は出張の終了後三十日以内に領収書を提出し、上司の承認を得なければならない。経費は翌月に支払われる。",
        "Part 7734-XB; 99 pcs. BXR-200/14 KTR-18 LMN-3377 PQ-19 ZX-1002 VBN-88 KLM-17 RT-5 GHJ-200 TRW-3 MNB-6",
    ],
    ids=["French", "German", "simplified", "traditional", "Japanese", "part numbers"],
)
def test_a_text_layer_in_another_language_is_believed(text: str) -> None:
    assert read(pdf([Words(40, 100, text, 7)]), "plain.pdf", ocr=False).text == text


@pytest.mark.slow
@pytest.mark.parametrize("text", [*list(GARBLED.values())[:1], CAESAR], ids=["private use", "shifted letters"])
def test_a_garbled_page_is_read_from_its_picture(text: str) -> None:
    words = [Words(72, 300 + 20 * line, text, hidden=True) for line in range(2)]
    page = picture("Legible in the picture", "whatever the letters", "that lie under it say,", "and so it is read.")
    parsed = read(pdf([page.tobytes(), *words]), "garbled.pdf")
    assert parsed.text.startswith("Legible in the picture")
    assert words[0].text[:6] not in parsed.text
    assert parsed.elements[0].location.boxes[0].page == 1


@pytest.mark.slow
def test_a_text_that_only_looks_odd_is_kept() -> None:
    text = "KTR-{0}8 BXR-2{0}0 PQRS-19 MNB-7 XWVT-3{0} LMN-88 ZXCVB"
    numbers = [Words(72, 100 + 16 * line, text.format(line)) for line in range(12)]
    assert "KTR-38 BXR-230 PQRS-19" in read(pdf(numbers), "parts.pdf").text


def test_letters_drawn_as_shapes_are_read_from_the_page() -> None:
    strokes = {"H": "0004 2024 0222", "E": "0004 0020 0222 0424", "L": "0004 0424"}
    shapes = []
    for place, letter in enumerate("HELL"):
        for stroke in strokes[letter].split():
            x0, y0, x1, y1 = (15 * int(step) for step in stroke)
            shapes.append(Stroke(100 + 60 * place + x0, 100 + y0, 100 + 60 * place + x1, 100 + y1, width=9))
    assert read(pdf(shapes), "shapes.pdf").text == "HELL"


def test_headers_of_scanned_pages_are_left_out_like_those_of_typed_ones() -> None:
    def scanned(topic: str) -> bytes:
        image = picture("", f"Chapter about {topic}")
        ImageDraw.Draw(image).text((60, 20), "Annual report", fill=0, font=ImageFont.load_default(24))
        return image.tobytes()

    typed = [
        [Words(60, 40, "Annual report"), Words(60, 300, f"Chapter about {topic}")] for topic in ("trips", "hotels")
    ]
    parsed = read(pdf(*typed, [scanned("trains")]), "mixed.pdf")
    assert [element.text for element in parsed.elements] == [
        f"Chapter about {t}" for t in ("trips", "hotels", "trains")
    ]


def test_a_blank_picture_and_a_broken_one() -> None:
    for data, code in [(encoded(Image.new("RGB", (200, 200), "white"), "PNG"), "no_text"),
                       (encoded(picture("Cut"), "PNG")[:200], "corrupt")]:  # fmt: skip
        with pytest.raises(DocumentError) as caught:
            read(data, "a.png")
        assert caught.value.code == code


FORM = ("Travel request form", "Name: Alice Miller", "Department: Finance", "Destination: Hangzhou", "Amount: 3,500")


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_page_that_was_scanned_upside_down_or_sideways_is_read_from_its_top(turn: int) -> None:
    page = picture(*FORM, width=700, height=900).rotate(turn, expand=True)
    parsed = read(encoded(page, "PNG"), "scan.png")
    assert [element.text for element in parsed.elements] == list(FORM)
    (first,) = parsed.elements[0].location.boxes
    edge = {0: first.y0, 90: first.x0, 180: 1 - first.y1, 270: 1 - first.x1}[turn]
    assert 0.05 < edge < 0.15


def test_a_page_of_a_pdf_that_was_scanned_upside_down_is_read_from_its_top() -> None:
    page = picture(*FORM[:3]).rotate(180)
    assert [element.text for element in read(pdf([page.tobytes()]), "scan.pdf").elements] == list(FORM[:3])


@pytest.mark.parametrize("turn", [90, 270])
def test_a_long_line_that_stands_on_its_side_is_read_whole(turn: int) -> None:
    page = picture("The plug takes the card of the employee and no other", width=900, height=160)
    words = read(encoded(page.rotate(turn, expand=True), "PNG"), "scan.png").text
    assert words == "The plug takes the card of the employee and no other"
