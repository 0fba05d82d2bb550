"""Words in pictures on PDF pages that have text, too."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.parse.pdf.text_layer import Part
from ingest.parse.pictures import ocr
from ingest.parse.pictures.images import Pixels
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Item, Shown, Stroke, Words, grid, pdf

SENTENCE = "The plug takes the card of the employee and no other one, day and night, all year round."
ABOVE: list[Item] = [Words(72, 100 + 14 * line, SENTENCE) for line in range(4)]
BELOW: list[Item] = [Words(72, 500 + 14 * line, f"Below the picture {line}: {SENTENCE}") for line in range(2)]


def picture(*lines: str, y: float = 200, height: float = 200, upside_down: bool = False) -> Shown:
    image = Image.new("L", (900, round(height * 2)), 255)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((40, 40 + 120 * number), line, fill=0, font=ImageFont.load_default(34))
    turned = image.rotate(180) if upside_down else image
    return Shown(72, y, 450, height, turned.tobytes(), 900)


def read(*pages: list[Item], **settings: bool) -> ParsedDocument:
    data = pdf(*pages)
    return parse(Reference("local", "a.pdf", "a.pdf", len(data), 0, content=data), IngestSettings(**settings))


def test_words_in_a_picture_are_read_where_it_stands() -> None:
    page = [*ABOVE, picture("Day rate 1.38 per hour", "Night rate 0.52 per hour"), *BELOW]
    document = read(page)
    texts = [element.text for element in document.elements]
    place = texts.index("Day rate 1.38 per hour")
    assert texts[place + 1] == "Night rate 0.52 per hour"
    assert texts[place - 1].endswith("all year round.")
    assert texts[place + 2].startswith("Below the picture")
    (box,) = document.elements[place].location.boxes
    assert box.page == 1
    assert 200 / 842 < box.y0 < box.y1 < 280 / 842
    assert all(element.kind == "paragraph" for element in document.elements)


def test_pictures_are_read_only_if_the_settings_say_so() -> None:
    page = [*ABOVE, picture("Day rate 1.38 per hour")]
    assert "Day rate" not in read(page, ocr_embedded=False).text
    assert "Day rate" not in read(page, ocr=False).text


def test_a_picture_on_every_page_is_read_once() -> None:
    logo = picture("Northwind Trading", y=30, height=50)
    pages: list[list[Item]] = [[logo, *ABOVE, Words(72, 300 + 20 * page, f"Rule number {page}")] for page in range(3)]
    assert read(*pages).text.count("Northwind Trading") == 1


def test_a_background_and_a_picture_with_a_text_layer_are_not_read_again() -> None:
    background = picture("Words of the background", y=0, height=842)
    whole = Shown(0, 0, 595, 842, background.pixels, background.columns)
    assert "background" not in read([whole, *ABOVE]).text
    layer: list[Item] = [Words(95, 232 + 60 * line, "Day rate 1.38 per hour", hidden=True) for line in range(2)]
    text = read([*ABOVE, picture("Day rate 1.38 per hour", "Day rate 1.38 per hour"), *layer]).text
    assert text.count("Day rate") == 2


@pytest.mark.slow
def test_a_picture_that_is_cut_into_strips_or_upside_down_is_read() -> None:
    whole = picture("Day rate 1.38 per hour")
    strips = [
        Shown(72, 200 + 4 * place, 450, 4, whole.pixels[7200 * place : 7200 * (place + 1)], 900) for place in range(50)
    ]
    assert "Day rate 1.38 per hour" in read([*ABOVE, *strips]).text
    assert "Day rate 1.38 per hour" in read([*ABOVE, picture("Day rate 1.38 per hour", upside_down=True)]).text


def test_a_picture_on_a_page_that_is_turned_is_read_at_its_place() -> None:
    upright = picture("Day rate 1.38 per hour")
    image = Image.frombytes("L", (900, 400), upright.pixels).rotate(90, expand=True)
    words: list[Item] = [Words(100 + 14 * line, 800, SENTENCE, turned=True) for line in range(4)]
    data = pdf([*words, Shown(250, 200, 200, 450, image.tobytes(), 400)], rotate=90)
    document = parse(Reference("local", "a.pdf", "a.pdf", len(data), 0, content=data), IngestSettings())
    *_, last = document.elements
    assert last.text == "Day rate 1.38 per hour"
    (box,) = last.location.boxes
    assert 250 / 595 < box.y0 < 300 / 595


def test_a_picture_beside_a_ruled_table_leaves_the_table_whole() -> None:
    table: list[Item] = [*grid([72, 200, 400], [420, 440, 460]), Words(75, 434, "Site"), Words(205, 434, "Rate")]
    table += [Words(75, 454, "Xi'an"), Words(205, 454, "1.20")]
    document = read([*ABOVE, picture("Day rate 1.38 per hour"), *table])
    (found,) = [element for element in document.elements if element.kind == "table"]
    assert found.text.split("\n")[0] == "| Site | Rate |"


def test_a_large_picture_without_words_is_only_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    part_of = ocr.part_of

    def noted(pixels: Pixels) -> Part:
        seen.append(pixels.shape)
        return part_of(pixels)

    monkeypatch.setattr(ocr, "part_of", noted)
    shades = Image.radial_gradient("L").resize((1250, 800))
    photograph = Shown(72, 200, 450, 288, shades.tobytes(), 1250)
    document = read([*ABOVE, photograph, *BELOW])
    assert "Below the picture" in document.text
    assert seen == []
    ImageDraw.Draw(shades).text((400, 300), "Day rate 1.38 per hour", fill=0, font=ImageFont.load_default(34))
    written = Shown(72, 200, 450, 288, shades.tobytes(), 1250)
    assert "Day rate 1.38 per hour" in read([*ABOVE, written, *BELOW]).text
    assert len(seen) == 1


def test_pictures_behind_many_lines_are_read_and_those_over_the_limit_are_counted() -> None:
    lines = [Stroke(70, 600 + line % 200, 90 + line % 7, 600 + line % 200) for line in range(3_100)]
    data = [*ABOVE, *lines, picture("Day rate 1.38 per hour")]
    assert read(data, ocr=False).notes == {"pictures_not_read": 1}
    many = [Shown(72, 200, 30, 12, bytes(12), 4) for _ in range(200)]
    assert read([*ABOVE, *many], ocr=False).notes == {"pictures_not_read": 1}  # they lie on each other
    assert read([*ABOVE, *many, many[0]], ocr=False).notes == {"pictures_not_read": 2}
