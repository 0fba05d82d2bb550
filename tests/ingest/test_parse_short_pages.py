"""Pages of a few letters, and pages whose few letters are not all that they show."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_pdf_hostile import drawn as page_of
from tests.ingest.tiny_ofd import image, ofd, text
from tests.ingest.tiny_pdf import Shown, Words, pdf

CONTRACT = "Signed copy of the contract"
TYPED = Words(72, 300, "Typed page with a text layer of its own")


def drawn(line: str, size: int = 28, width: int = 595, height: int = 842) -> Image.Image:
    page = Image.new("L", (width, height), 255)
    ImageDraw.Draw(page).text((20, 20), line, fill=0, font=ImageFont.load_default(size))
    return page


def shown(line: str) -> Shown:
    """A picture that takes a hundredth of the page."""
    return Shown(100, 100, 130, 40, drawn(line, 28, 260, 80).tobytes(), 260)


def png(page: Image.Image) -> bytes:
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


def read(data: bytes, name: str = "a.pdf", ocr: bool = False) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=ocr))


def texts(document: ParsedDocument) -> list[str]:
    return [element.text for element in document.elements]


@pytest.mark.parametrize("words", ["A", "7", "是", "IV", "Page 1"])
@pytest.mark.parametrize("y", [40, 400, 820])
def test_a_page_of_one_short_word_is_a_page_with_text(words: str, y: int) -> None:
    assert texts(read(pdf([Words(72, y, words)]))) == [words]
    assert texts(read(ofd([text(30, y / 3, words)]), "a.ofd")) == [words]


@pytest.mark.parametrize("words", [["A"] * 4, ["1", "2", "3", "4"], ["Page 1", "Page 2"]], ids=lambda words: words[-1])
def test_a_document_of_nothing_but_what_repeats_or_counts_keeps_it(words: list[str]) -> None:
    pages = [[Words(300, 820, word)] for word in words]
    assert texts(read(pdf(*pages))) == words
    assert texts(read(pdf(*pages, [TYPED]))) == [TYPED.text]


def test_scans_with_page_numbers_are_not_read_by_their_numbers() -> None:
    pages = [[drawn(CONTRACT).tobytes(), Words(300, 820, str(number))] for number in (1, 2, 3)]
    with pytest.raises(DocumentError) as caught:
        read(pdf(*pages))
    assert (caught.value.code, "YOUJU_OCR=true" in caught.value.hint) == ("no_text", True)
    parts = {"Doc_0/Res/image.png": png(drawn(CONTRACT))}
    with pytest.raises(DocumentError) as caught:
        read(ofd([image(0, 0, 210, 297) + text(100, 285, number) for number in "12"], parts=parts), "a.ofd")
    assert caught.value.code == "no_text"


def test_a_scan_with_a_stamp_of_one_letter_is_read_by_ocr_or_counted() -> None:
    data = pdf([TYPED], [drawn(CONTRACT).tobytes(), Words(500, 400, "A", 30)])
    left_out = read(data)
    assert (texts(left_out), left_out.notes) == ([TYPED.text, "A"], {"pictures_not_read": 1})
    taken = read(data, ocr=True)
    assert (CONTRACT in taken.text, taken.notes) == (True, {})


@pytest.mark.parametrize(
    "others", [[], [Words(500, 700, "Turned words beside it", turned=True)]], ids=["alone", "turned"]
)
def test_a_small_picture_on_a_page_without_upright_text_is_read_or_counted(others: list[Words]) -> None:
    data = pdf([TYPED], [shown("Day rate 1.38"), *others])
    assert read(data).notes == {"pictures_not_read": 1}
    taken = read(data, ocr=True)
    assert texts(taken)[1] == "Day rate 1.38"
    (box,) = taken.elements[1].location.boxes
    assert (box.page, taken.notes) == (2, {})
    assert 100 / 842 < box.y0 < box.y1 < 140 / 842


@pytest.mark.parametrize(("word", "size"), [("OK", 28), ("A", 28), ("7", 300)])
def test_a_scan_of_one_word_is_read(word: str, size: int) -> None:
    assert texts(read(pdf([drawn(word, size).tobytes()]), ocr=True)) == [word]


def test_a_letter_that_is_drawn_as_one_shape_is_read() -> None:
    shape = b"150 700 m 190 700 l 190 540 l 270 540 l 270 500 l 150 500 l h f"
    assert texts(read(page_of(shape), ocr=True)) == ["L"]
    with pytest.raises(DocumentError) as caught:
        read(page_of(b"20 800 m 570 800 l S 20 20 555 780 re S"), ocr=True)
    assert caught.value.code == "no_text"
