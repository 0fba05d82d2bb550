"""Tables that only lay out a page or a mail are unwrapped, and what is in them is read as if they were not there."""

from __future__ import annotations

import time
from email.message import EmailMessage

import pytest
from docx import Document
from pptx import Presentation

from tests.ingest.test_parse_office import saved
from tests.ingest.test_parse_opened import opened
from tests.ingest.test_parse_tables import read, said

MAIL = (
    "<html><body><table role=presentation><tr><td><table><tr><td><h2>停水通知</h2></td></tr>"
    "<tr><td>各部门：<p>周六检修水泵。</p><p>请提前储水。</p>"
    "<table border=1><tr><th>楼层</th><th>时段</th></tr><tr><td>一层</td><td>8 点</td></tr>"
    "<tr><td>二层</td><td>10 点</td></tr></table><p>联系：后勤组</p></td></tr></table></td></tr></table></body></html>"
)
READ = [
    ("heading", "停水通知"), ("paragraph", "各部门："), ("paragraph", "周六检修水泵。"), ("paragraph", "请提前储水。"),
    ("table", "| 楼层 | 时段 |\n| --- | --- |\n| 一层 | 8 点 |\n| 二层 | 10 点 |"), ("paragraph", "联系：后勤组"),
]  # fmt: skip


def mail(page: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = "停水"
    message.set_content("见网页版")
    message.add_alternative(page, subtype="html")
    return message.as_bytes()


def test_the_layout_tables_of_a_page_and_of_a_mail_are_unwrapped() -> None:
    assert said(read(MAIL, "a.html")) == READ
    assert said(read(mail(MAIL), "a.eml"))[1:] == READ


def test_the_layout_tables_of_a_word_document_are_unwrapped() -> None:
    document = Document()
    outer = document.add_table(1, 1).cell(0, 0)
    outer.paragraphs[0].text = "停水通知"
    outer.paragraphs[0].style = "Heading 2"
    for text in ("周六检修水泵。", "请提前储水。"):
        outer.add_paragraph(text)
    inner = outer.add_table(3, 2)
    for row, cells in enumerate([("楼层", "时段"), ("一层", "8 点"), ("二层", "10 点")]):
        for column, text in enumerate(cells):
            inner.cell(row, column).text = text
    outer.add_paragraph("联系：后勤组")
    parsed = read(saved(document), "a.docx")
    assert said(parsed) == [found for found in READ if found[1] != "各部门："]
    assert parsed.elements[3].location.heading_path == ("停水通知",)


@pytest.mark.parametrize("rows", [1, 2])
def test_the_layout_tables_of_slides_are_unwrapped(rows: int) -> None:
    cells = ["周六检修水泵。\n请提前储水。", "联系后勤组"] if rows == 1 else ["周六检修水泵。", "请提前储水。"]
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(rows, 2 // rows, 0, 0, 900, 900).table
    written = ""
    for number, text in enumerate(cells):
        table.cell(number if rows == 2 else 0, 0 if rows == 2 else number).text = text
        paragraphs = "".join(f"<text:p>{line}</text:p>" for line in text.split("\n"))
        written += f"<table:table-cell>{paragraphs}</table:table-cell>"
        written += "</table:table-row><table:table-row>" if rows == 2 and number == 0 else ""
    frame = f"<draw:frame><table:table><table:table-row>{written}</table:table-row></table:table></draw:frame>"
    page = f"<office:presentation><draw:page>{frame}</draw:page></office:presentation>"
    expected = [("paragraph", line) for text in cells for line in text.split("\n")]
    assert said(read(saved(deck), "a.pptx")) == expected
    assert said(read(opened("presentation", page), "a.odp")) == expected


def test_a_table_of_data_on_a_slide_stays_one() -> None:
    deck = Presentation()
    table = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_table(2, 2, 0, 0, 900, 900).table
    for number, text in enumerate(("楼层", "时段", "一层", "8 点\n9 点")):
        table.cell(number // 2, number % 2).text = text
    assert said(read(saved(deck), "a.pptx")) == [("table", "| 楼层 | 时段 |\n| --- | --- |\n| 一层 | 8 点 9 点 |")]


def test_rows_of_plain_cells_stay_a_table_under_the_heading_that_is_laid_out_with_them() -> None:
    page = (
        "<table><tr><td colspan=2><h3>会议室</h3></td></tr><tr><td>名称</td><td>座位</td></tr>"
        "<tr><td>梅厅</td><td>12</td></tr><tr><td>兰厅</td><td>30</td></tr>"
        "<tr><td colspan=2><table><tr><td>预订请找前台。</td></tr></table></td></tr></table>"
    )
    assert said(read(page, "a.html")) == [
        ("heading", "会议室"), ("table", "| 名称 | 座位 |\n| --- | --- |\n| 梅厅 | 12 |\n| 兰厅 | 30 |"),
        ("paragraph", "预订请找前台。"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a.html", "a.docx"])
def test_a_box_of_one_cell_is_its_paragraphs(name: str) -> None:
    document = Document()
    box = document.add_table(1, 1).cell(0, 0)
    box.paragraphs[0].text = "注意"
    box.add_paragraph("进入车间须戴安全帽。")
    page = "<table><tr><td><p>注意</p><p>进入车间须戴安全帽。</p></td></tr></table>"
    data = page.encode() if name == "a.html" else saved(document)
    assert said(read(data, name)) == [("paragraph", "注意"), ("paragraph", "进入车间须戴安全帽。")]


def test_a_page_in_two_columns_is_read_one_column_after_the_other() -> None:
    page = "<table><tr><td><p>左一</p><p>左二</p></td><td><p>右一</p><p>右二</p></td></tr></table>"
    assert [text for _, text in said(read(page, "a.html"))] == ["左一", "左二", "右一", "右二"]


@pytest.mark.parametrize(
    "page",
    [
        "<tr><td><h4>姓名</h4></td><td><h4>分机</h4></td></tr><tr><td>方圆</td><td>6001</td></tr>"
        "<tr><td>江河</td><td>6002</td></tr>",
        "<tr><td>姓名</td><td>分机</td></tr><tr><td>方圆</td><td><p>6001</p></td></tr>"
        "<tr><td>江河</td><td><table><tr><td>6002</td></tr></table></td></tr>",
        "<tr><th>姓名</th><th>分机</th></tr><tr><td><h4>方圆</h4></td><td>6001</td></tr><tr><td>江河</td><td>6002</td></tr>",
    ],
)
def test_a_table_of_data_stays_whole_although_its_cells_hold_headings_or_tables(page: str) -> None:
    assert said(read(f"<table>{page}</table>", "a.html")) == [
        ("table", "| 姓名 | 分机 |\n| --- | --- |\n| 方圆 | 6001 |\n| 江河 | 6002 |")
    ]


def test_a_header_row_of_headings_stays_the_header_of_a_word_table() -> None:
    document = Document()
    table = document.add_table(2, 2)
    for row, cells in enumerate([("姓名", "分机"), ("方圆", "6001")]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
            table.cell(row, column).paragraphs[0].style = "Heading 4" if row == 0 else "Normal"
    assert said(read(saved(document), "a.docx")) == [("table", "| 姓名 | 分机 |\n| --- | --- |\n| 方圆 | 6001 |")]


def test_very_many_nested_tables_and_alternating_rows_end_in_time() -> None:
    document = Document()
    cell = document.add_table(1, 1).cell(0, 0)
    for _ in range(60):
        cell.paragraphs[0].text = "层"
        cell = cell.add_table(1, 1).cell(0, 0)
    assert [text for _, text in said(read(saved(document), "a.docx"))] == ["层"] * 60
    row = "<tr><td>甲</td><td>乙</td></tr><tr><td><table><tr><td>丙</td></tr></table></td></tr>"
    assert read(f"<table>{row * 3000}</table>", "a.html").text.count("丙") == 3000


def test_rows_of_a_page_that_say_nothing_are_left_out_and_a_header_may_be_empty() -> None:
    empty = "<tr><td></td><td>&nbsp;</td></tr>"
    page = f"<table><tr><td>班次</td><td>时间</td></tr>{empty}<tr><td>早班</td><td>8:00</td></tr>{empty * 50}</table>"
    assert said(read(page, "a.html")) == [("table", "| 班次 | 时间 |\n| --- | --- |\n| 早班 | 8:00 |")]
    headless = (
        "<table><tr><th></th><th></th></tr><tr><td>颜色</td><td>灰</td></tr><tr><td>用途</td><td>门</td></tr></table>"
    )
    assert said(read(headless, "a.html"))[0][1].splitlines()[2:] == ["| 颜色 | 灰 |", "| 用途 | 门 |"]


def test_thousands_of_rows_without_content_cost_next_to_nothing() -> None:
    row = "<tr style='background:#eee'><td></td><td><p><span>&nbsp;</span></p></td></tr>"
    words = "<tr><td>名称</td><td>数量</td></tr><tr><td>螺栓</td><td>12</td></tr>"
    page = f"<html><body><table>{words}{row * 20_000}<tr><td>螺母</td><td>5</td></tr></table></body></html>"
    read(page[:300], "a.html")
    start = time.process_time()
    parsed = read(page, "a.html")
    assert time.process_time() - start < 1
    assert said(parsed) == [("table", "| 名称 | 数量 |\n| --- | --- |\n| 螺栓 | 12 |\n| 螺母 | 5 |")]


def test_a_row_without_content_that_a_merged_cell_covers_stays() -> None:
    rows = "<tr><td rowspan=2>一层</td><td rowspan=2>8 点</td></tr><tr></tr><tr><td>二层</td><td>9 点</td></tr>"
    for first in (rows, rows.replace("rowspan=2>8", "rowspan=x>8").replace("<tr></tr>", "<tr><td>8 点</td></tr>")):
        page = f"<html><body><table><tr><th>楼层</th><th>时段</th></tr>{first}</table></body></html>"
        assert said(read(page, "a.html"))[0][1].split("\n")[2:] == [
            "| 一层 | 8 点 |", "| 一层 | 8 点 |", "| 二层 | 9 点 |",
        ]  # fmt: skip
