"""Pictures and scanned pages: read by OCR with boxes, or said to have no text when OCR is off."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Words, pdf


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


@pytest.mark.slow
def test_a_text_layer_of_meaningless_characters_is_read_from_the_picture() -> None:
    words = [Words(72, 300 + 20 * line, "\uf041\uf042\uf043\uf044\uf045\uf046") for line in range(5)]
    parsed = read(pdf([picture("Legible in the picture").tobytes(), *words]), "garbled.pdf")
    assert "Legible in the picture" in parsed.text
    assert "\uf041" not in parsed.text


def test_a_blank_picture_and_a_broken_one() -> None:
    for data, code in [(encoded(Image.new("RGB", (200, 200), "white"), "PNG"), "no_text"),
                       (encoded(picture("Cut"), "PNG")[:200], "corrupt")]:  # fmt: skip
        with pytest.raises(DocumentError) as caught:
            read(data, "a.png")
        assert caught.value.code == code
