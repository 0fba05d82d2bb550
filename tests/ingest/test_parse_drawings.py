"""Drawings whose letters are text are read without OCR: EMF, WMF and SVG."""

from __future__ import annotations

import gzip
import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.parse.pictures.drawings import read_drawing
from ingest.parse.pictures.embedded import Pictures
from tests.ingest.tiny_metafile import LETTER, emf, plus_text, wmf

THREE = [("值班电话", 4 * LETTER * place, 0) for place in range(3)]


def lines(data: bytes) -> tuple[str, ...]:
    drawing = read_drawing(data)
    assert drawing is not None
    return drawing.lines


def bitmap(text: str) -> bytes:
    """A picture of a text, without the head that files have."""
    image = Image.new("L", (420, 120), 255)
    ImageDraw.Draw(image).text((60, 40), text, fill=0, font=ImageFont.load_default(32))
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "BMP")
    return stream.getvalue()[14:]


@pytest.mark.parametrize("metafile", [emf, wmf])
def test_texts_at_one_height_are_one_line(metafile) -> None:
    runs = [("值班", 0, 100), ("电话", 2 * LETTER, 100), ("8301", 60, 100), ("第二行", 0, 130)]
    assert lines(metafile(runs)) == ("值班电话 8301", "第二行")


def test_packed_and_placeable_metafiles_are_read() -> None:
    assert lines(gzip.compress(emf([("值班", 0, 100)]))) == ("值班",)
    assert lines(wmf([("值班", 0, 100)], placeable=True)) == ("值班",)


def test_the_font_of_a_wmf_tells_the_encoding() -> None:
    assert lines(wmf([("值班電話", 0, 0)], charset=136, encoding="big5")) == ("值班電話",)
    assert lines(wmf([("Prüfung", 0, 0)], charset=0, encoding="cp1252")) == ("Prüfung",)


def test_what_is_drawn_in_both_ways_is_read_once() -> None:
    plus = plus_text("夜班 0.52", 0, 0)
    assert lines(emf([("夜班 0.52", 0, 0)], plus=plus)) == ("夜班 0.52",)
    assert lines(emf(plus=plus)) == ("夜班 0.52",)


@pytest.mark.parametrize("whole", [emf(THREE), wmf(THREE)])
def test_a_drawing_that_is_cut_off_anywhere_is_read_so_far(whole: bytes) -> None:
    for end in range(44, len(whole)):
        assert len(lines(whole[:end])) <= 1
    assert lines(whole[:-20]) == ("值班电话" * 3,)


def test_lines_of_svg_are_those_with_a_place_of_their_own() -> None:
    drawn = (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:h="http://www.w3.org/1999/xhtml">'
        "<title>Untitled</title><style>a {b: c}</style><g><text y='1'><tspan>值班</tspan>电话 <tspan>8301</tspan>"
        "<tspan y='9'>第二行</tspan></text></g>beside<foreignObject><h:div>审批</h:div></foreignObject></svg>"
    )
    assert lines(drawn.encode()) == ("值班电话 8301", "第二行", "审批")


def test_words_of_drawings_need_no_ocr_and_their_bitmaps_do() -> None:
    data = emf([("Words beside it", 0, 0)], bitmap=bitmap("Serial 4711"))
    with_ocr, without = Pictures(enabled=True, most=9), Pictures(enabled=False, most=9)
    assert with_ocr.texts(data) == ("Words beside it", "Serial 4711")
    assert without.texts(data) == ("Words beside it",)
    assert (with_ocr.notes, without.notes) == ({"pictures_not_read": 0}, {"pictures_not_read": 1})


def test_a_drawing_without_texts_and_bitmaps_is_counted() -> None:
    pictures = Pictures(enabled=True, most=9)
    assert pictures.texts(emf()) == ()
    assert pictures.texts(b"<svg><broken") == ()
    assert pictures.notes == {"pictures_not_read": 2}


def test_pictures_of_other_kinds_are_no_drawings() -> None:
    stream = io.BytesIO()
    Image.new("L", (90, 90), 255).save(stream, "PNG")
    assert read_drawing(stream.getvalue()) is None
    assert read_drawing(b"\x1f\x8bdamaged") is None
