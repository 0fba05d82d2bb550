"""Presentations: slide numbers, titles, notes, groups, tables, charts, pictures, hidden slides and comments."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_word import picture


def read(deck: Any, name: str = "a.pptx", **settings: Any) -> ParsedDocument:
    data = deck if isinstance(deck, bytes) else saved(deck)
    reference = Reference("local", name, name, len(data), 0, content=data)
    return parse(reference, IngestSettings(**{"ocr": False, **settings}))


def saved(deck: Any) -> bytes:
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


def box(shapes: Any, text: str, left: float = 1, top: float = 1) -> None:
    shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(1)).text_frame.text = text


def test_a_slide_without_a_title_is_not_under_the_title_of_the_one_before() -> None:
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[5])
    first.shapes.title.text = "目标"
    box(first.shapes, "增长", top=3)
    box(deck.slides.add_slide(deck.slide_layouts[6]).shapes, "Untitled words")
    parsed = read(deck)
    places = {e.text: (e.location.slide, e.location.heading_path) for e in parsed.elements}
    assert places == {"目标": (1, ()), "增长": (1, ("目标",)), "Untitled words": (2, ())}
    assert parsed.pages == 2


def test_a_slide_is_read_from_top_to_bottom_with_its_groups_and_its_notes_last() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.notes_slide.notes_text_frame.text = "Say this aloud\nand this"
    box(slide.shapes, "at the bottom", top=6)
    group = slide.shapes.add_group_shape()
    box(group.shapes, "in a group", top=3)
    box(slide.shapes, "at the top", top=1)
    assert [e.text for e in read(deck).elements] == [
        "at the top", "in a group", "at the bottom", "Say this aloud", "and this",
    ]  # fmt: skip


def test_the_numbers_of_a_chart_are_a_table() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    data = CategoryChartData()
    data.categories = ["Q1", "Q2"]
    data.add_series("Revenue", (12.5, None))
    data.add_series("成本", (8, 9))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(4), Inches(3), data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "By quarter"
    caption, table = read(deck).elements
    assert (caption.text, table.location.slide) == ("By quarter", 1)
    assert table.text == "|  | Revenue | 成本 |\n| --- | --- | --- |\n| Q1 | 12.5 | 8 |\n| Q2 |  | 9 |"


def test_merged_cells_on_a_slide_are_written_out() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(3, 2, 0, 0, Inches(4), Inches(2)).table
    for row in range(3):
        for column in range(2):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(1, 0).merge(table.cell(2, 0))
    rows = read(deck).elements[0].text.split("\n")
    assert rows[2].startswith("| 10 20 |")
    assert rows[3].startswith("| 10 20 |")


def test_hidden_slides_are_left_out_and_numbers_stay_those_of_the_file() -> None:
    deck = Presentation()
    for number in range(3):
        box(deck.slides.add_slide(deck.slide_layouts[6]).shapes, f"slide {number + 1}")
    deck.slides[1]._element.set("show", "0")
    assert [(e.text, e.location.slide) for e in read(deck).elements] == [("slide 1", 1), ("slide 3", 3)]


def test_pictures_on_slides_are_read_once() -> None:
    deck = Presentation()
    for _ in range(2):
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        slide.shapes.add_picture(picture("Serial 4711"), Inches(1), Inches(1), Inches(4))
    (element,) = read(deck, ocr=True).elements
    assert "4711" in element.text
    assert element.location.slide == 1


def test_comments_are_read_only_where_the_setting_asks_for_them() -> None:
    deck = Presentation()
    box(deck.slides.add_slide(deck.slide_layouts[6]).shapes, "words")
    changed = io.BytesIO()
    name = "http://schemas.openxmlformats.org"
    with zipfile.ZipFile(io.BytesIO(saved(deck))) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.namelist():
            text = old.read(member)
            if member == "ppt/slides/_rels/slide1.xml.rels":
                relation = (
                    f'<Relationship Id="c1" Type="{name}/officeDocument/2006/relationships/comments" '
                    'Target="../comments/comment1.xml"/></Relationships>'
                )
                text = text.replace(b"</Relationships>", relation.encode())
            new.writestr(member, text)
        new.writestr(
            "ppt/comments/comment1.xml",
            f'<p:cmLst xmlns:p="{name}/presentationml/2006/main"><p:cm><p:text>Check this</p:text></p:cm></p:cmLst>',
        )
    assert read(changed.getvalue()).text == "words"
    assert read(changed.getvalue(), comments=True).elements[-1].text == "Comment: Check this"


def test_shows_and_templates_are_read_like_any_presentation() -> None:
    deck = Presentation()
    box(deck.slides.add_slide(deck.slide_layouts[6]).shapes, "words")
    main = b"presentationml.presentation.main"
    for variant in (b"slideshow", b"template"):
        changed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(saved(deck))) as old, zipfile.ZipFile(changed, "w") as new:
            for member in old.namelist():
                text = old.read(member)
                new.writestr(member, text.replace(main, b"presentationml.%s.main" % variant))
        assert read(changed.getvalue(), "a.ppsx").text == "words"


def test_pictures_that_are_given_up_are_counted_and_those_without_words_are_not() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    box(slide.shapes, "Words of the slide")
    blank, whole = picture(""), picture("Serial 4711").getvalue()
    slide.shapes.add_picture(blank, Inches(1), Inches(1), Inches(4))
    for cut in (len(whole) // 2, len(whole) // 3):
        slide.shapes.add_picture(io.BytesIO(whole[:cut]), Inches(1), Inches(3), Inches(4))
    assert read(deck, ocr=True).notes == {"pictures_not_read": 2}
    assert read(deck, ocr=False).notes == {"pictures_not_read": 3}


def test_pictures_beyond_the_setting_are_counted() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for number in (4711, 4712, 4713):
        slide.shapes.add_picture(picture(f"Serial {number}"), Inches(1), Inches(1), Inches(4))
    parsed = read(deck, ocr=True, ocr_pictures=2)
    assert len(parsed.elements) == 2
    assert parsed.notes == {"pictures_not_read": 1}
    parsed = read(deck, ocr=True, ocr_picture_seconds=1e-6)
    assert len(parsed.elements) == 1
    assert parsed.notes == {"pictures_not_read": 2}


def test_pictures_that_fill_a_shape_or_the_background_are_read_and_linked_ones_are_counted() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    filled = slide.shapes.add_shape(1, Inches(1), Inches(2), Inches(4), Inches(2))
    linked = slide.shapes.add_shape(1, Inches(1), Inches(5), Inches(4), Inches(2))
    a, p = (f"http://schemas.openxmlformats.org/{name}/2006/main" for name in ("drawingml", "presentationml"))
    r = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    fill = f'<a:blipFill xmlns:a="{a}" xmlns:r="{r}"><a:blip r:{{}}="{{}}"/></a:blipFill>'
    shown = [slide.part.get_or_add_image_part(picture(text))[1] for text in ("Serial 4711", "Desk 8301")]
    outside = slide.part.relate_to("https://e.com/a.png", f"{r}/image", is_external=True)
    filled._element.spPr.insert(2, etree.fromstring(fill.format("embed", shown[0])))
    linked._element.spPr.insert(2, etree.fromstring(fill.format("link", outside)))
    background = f'<p:bg xmlns:p="{p}"><p:bgPr>{fill.format("embed", shown[1])}</p:bgPr></p:bg>'
    slide._element.cSld.insert(0, etree.fromstring(background))
    parsed = read(deck, ocr=True)
    assert [element.text for element in parsed.elements] == ["Desk 8301", "Serial 4711"]
    assert parsed.notes == {"pictures_not_read": 1}


def test_films_and_sounds_are_counted() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "培训"
    slide.shapes.add_movie(io.BytesIO(b"film"), 0, 0, 90, 90, poster_frame_image=None, mime_type="video/mp4")
    assert read(deck).notes["parts_not_read"] == 1
