"""Slides: struck-through text is left out, and links say where they lead."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree
from pptx import Presentation
from pptx.util import Inches

from tests.ingest.test_parse_slides import box, read
from tests.ingest.test_parse_word import picture


def frame_of(slide: Any, top: float = 1) -> Any:
    return slide.shapes.add_textbox(Inches(1), Inches(top), Inches(4), Inches(1)).text_frame


def add(paragraph: Any, text: str, strike: str | None = None, target: str | None = None) -> None:
    run = paragraph.add_run()
    run.text = text
    if strike:
        run.font._element.set("strike", strike)
    if target:
        run.hyperlink.address = target


@pytest.mark.parametrize("strike", ["sngStrike", "dblStrike"])
def test_struck_through_text_of_slides_is_left_out(strike: str) -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    cells = slide.shapes.add_table(2, 1, Inches(1), Inches(5), Inches(4), Inches(2)).table
    cells.cell(0, 0).text = "限额"
    bodies = [slide.shapes.title.text_frame, frame_of(slide), cells.cell(1, 0).text_frame]
    for body in (*bodies, slide.notes_slide.notes_text_frame):
        for text, mark in (("每晚", None), ("600", strike), ("800 元", "noStrike")):
            add(body.paragraphs[0], text, mark)
    add(frame_of(slide, 3).paragraphs[0], "作废", strike)
    assert [element.text for element in read(deck).elements] == [
        "每晚800 元", "每晚800 元", "限额", "每晚800 元", "每晚800 元",
    ]  # fmt: skip


def test_links_of_slides_say_where_they_lead() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    text = frame_of(slide).paragraphs[0]
    add(text, "打开")
    for piece in ("自助", "VPN", "门户"):
        add(text, piece, target="https://it.corp.example/vpn")
    add(text, "，或发邮件", target="mailto:it@corp.example")
    table = slide.shapes.add_table(2, 1, Inches(1), Inches(3), Inches(4), Inches(2)).table
    table.cell(0, 0).text = "系统"
    add(table.cell(1, 0).text_frame.paragraphs[0], "报销", target="https://fee.corp.example")
    add(slide.notes_slide.notes_text_frame.paragraphs[0], "讲稿", target="https://doc.corp.example")
    assert [element.text for element in read(deck).elements] == [
        "打开自助VPN门户 (https://it.corp.example/vpn)，或发邮件 (it@corp.example)",
        "系统", "报销 (https://fee.corp.example)", "讲稿 (https://doc.corp.example)",
    ]  # fmt: skip


def test_links_of_shapes_and_pictures_say_where_they_lead() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    box(slide.shapes, "预订会议室\n每天 8 点起")
    slide.shapes[0].click_action.hyperlink.address = "https://room.corp.example"
    logo = slide.shapes.add_picture(picture("x"), Inches(1), Inches(3), Inches(1))
    logo._element.nvPicPr.cNvPr.set("descr", "食堂菜单")
    logo.click_action.hyperlink.address = "https://food.corp.example"
    box(slide.shapes, "", top=5)
    slide.shapes[2].click_action.hyperlink.address = "https://map.corp.example"
    box(slide.shapes, "回到开头", top=6)
    slide.shapes[3].click_action.target_slide = slide
    assert [element.text for element in read(deck).elements] == [
        "预订会议室", "每天 8 点起 (https://room.corp.example)", "食堂菜单 (https://food.corp.example)",
        "https://map.corp.example", "回到开头",
    ]  # fmt: skip


def test_the_target_of_a_title_is_said_below_it() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    add(slide.shapes.title.text_frame.paragraphs[0], "门禁系统", target="https://door.corp.example")
    box(slide.shapes, "刷卡进入", top=4)
    parsed = read(deck)
    assert parsed.title == "门禁系统"
    assert [(element.kind, element.text) for element in parsed.elements] == [
        ("heading", "门禁系统"), ("paragraph", "门禁系统 (https://door.corp.example)"), ("paragraph", "刷卡进入"),
    ]  # fmt: skip
    assert parsed.elements[2].location.heading_path == ("门禁系统",)


def test_shapes_that_are_hidden_are_left_out() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for text in ("seen", "secret"):
        add(frame_of(slide).paragraphs[0], text)
    slide.shapes[1]._element.xpath("./*[1]/p:cNvPr")[0].set("hidden", "1")
    assert [e.text for e in read(deck).elements] == ["seen"]


def test_what_is_written_in_two_ways_is_read_once() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for text in ("older", "a formula: "):
        add(frame_of(slide).paragraphs[0], text)
    older, newer = (shape._element for shape in slide.shapes)
    math = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    drawing = "http://schemas.microsoft.com/office/drawing/2010/main"
    formula = etree.fromstring(f'<a:m xmlns:a="{drawing}"><m:r xmlns:m="{math}"><m:t>E=m</m:t></m:r></a:m>')
    newer.xpath(".//a:r")[0].addnext(formula)
    names = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    both = etree.SubElement(older.getparent(), f"{{{names}}}AlternateContent")
    for way, shape in (("Choice", newer), ("Fallback", older)):
        etree.SubElement(both, f"{{{names}}}{way}").append(shape)
    assert [e.text for e in read(deck).elements] == ["a formula: E=m"]
