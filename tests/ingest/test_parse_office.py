"""Word, PowerPoint and Excel files: headings that styles state, slides, sheets with their cells, merged cells."""

from __future__ import annotations

import datetime
import io
from typing import Any

import openpyxl
from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from openpyxl.drawing.image import Image
from pptx import Presentation
from pptx.util import Inches

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_word import picture


def read(data: bytes, name: str, *, ocr: bool = False) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=ocr))


def saved(document: Any) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def outline(paragraph: Any, level: int) -> None:
    """Give a paragraph or a style an outline level, counted from 0 as Word does."""
    mark = OxmlElement("w:outlineLvl")
    mark.set(qn("w:val"), str(level))
    paragraph._element.get_or_add_pPr().append(mark)


def test_word_headings_come_from_styles_and_never_from_short_lines() -> None:
    document = Document()
    document.add_heading("差旅费管理办法", 1)
    document.add_heading("住宿标准", 2)
    document.add_paragraph("Short Line In Title Case")
    document.add_paragraph("一线城市每晚不超过 800 元。")
    document.add_paragraph("第一项", style="List Bullet")
    parsed = read(saved(document), "policy.docx")
    assert [(e.kind, e.level) for e in parsed.elements] == [
        ("heading", 1), ("heading", 2), ("paragraph", None), ("paragraph", None), ("list_item", None),
    ]  # fmt: skip
    assert parsed.elements[3].location.heading_path == ("差旅费管理办法", "住宿标准")
    assert parsed.elements[1].location.heading_path == ("差旅费管理办法",)
    assert parsed.title == "差旅费管理办法"
    assert parsed.kind == "docx"


def test_an_outline_level_makes_a_heading_whatever_the_style_is_called() -> None:
    document = Document()
    style = document.styles.add_style("公司一级标题", WD_STYLE_TYPE.PARAGRAPH)
    outline(style, 0)
    document.add_paragraph("总则", style=style)
    outline(document.add_paragraph("适用范围"), 1)
    document.add_paragraph("本办法适用于全体员工。")
    parsed = read(saved(document), "办法.docx")
    assert [(e.text, e.level) for e in parsed.elements] == [
        ("总则", 1),
        ("适用范围", 2),
        ("本办法适用于全体员工。", None),
    ]


def test_merged_cells_of_a_word_table_are_written_out() -> None:
    document = Document()
    table = document.add_table(rows=3, cols=3)
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "both | rows"
    table.cell(0, 1).merge(table.cell(0, 2)).text = "wide"
    (element,) = read(saved(document), "table.docx").elements
    assert element.text.split("\n") == [
        "| 00 | wide | wide |",
        "| --- | --- | --- |",
        "| both \\| rows | 11 | 12 |",
        "| both \\| rows | 21 | 22 |",
    ]


def test_headers_of_every_section_are_read_once() -> None:
    document = Document()
    for _ in range(2):
        header = document.sections[-1].header
        header.is_linked_to_previous = False
        header.paragraphs[0].text = "机密 Confidential"
        document.add_paragraph("Body of the section.")
        document.add_section()
    assert read(saved(document), "headers.docx").text.count("机密") == 1


def test_slides_keep_their_number_title_table_and_notes() -> None:
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "第三季度回顾"
    first.placeholders[1].text = "Revenue grew by 12 percent"
    first.notes_slide.notes_text_frame.text = "Mention the new customers"
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "Plan"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, cells in enumerate([("Item", "Owner"), ("Launch", "李芳")]):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    parsed = read(saved(deck), "review.pptx")
    by_text = {element.text: element for element in parsed.elements}
    assert by_text["第三季度回顾"].kind == "heading"
    assert by_text["Revenue grew by 12 percent"].location.slide == 1
    assert by_text["Revenue grew by 12 percent"].location.heading_path == ("第三季度回顾",)
    assert by_text["Mention the new customers"].location.slide == 1
    found = by_text["| Item | Owner |\n| --- | --- |\n| Launch | 李芳 |"]
    assert (found.kind, found.location.slide) == ("table", 2)


def test_each_region_of_a_sheet_is_a_table_with_its_cells() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "差旅标准"
    sheet["B2"] = "2025 年标准"
    sheet.merge_cells("B2:D2")
    for row, cells in enumerate([("职级", "住宿", "补贴"), ("普通员工", 500, 100.5), ("总监", 800, 0.25)], 3):
        for column, value in enumerate(cells, 2):
            sheet.cell(row, column, value)
    sheet["D5"].number_format = "0%"
    sheet["B8"], sheet["C8"] = "Valid from", datetime.datetime(2025, 1, 1)
    sheet["B9"], sheet["C9"] = "Approved", True
    book.create_sheet("hidden").sheet_state = "hidden"
    book["hidden"]["A1"] = "not to be found"
    parsed = read(saved(book), "standard.xlsx")
    heading, caption, table, facts = parsed.elements
    assert (heading.text, heading.level, heading.location.sheet) == ("差旅标准", 1, "差旅标准")
    assert (caption.kind, caption.text, caption.location.cells) == ("caption", "2025 年标准", "B2:D2")
    assert table.location.cells == "B3:D5"
    assert table.text.split("\n") == [
        "| 职级 | 住宿 | 补贴 |", "| --- | --- | --- |", "| 普通员工 | 500 | 100.5 |", "| 总监 | 800 | 25% |",
    ]  # fmt: skip
    assert facts.location.cells == "B8:C9"
    assert "2025-01-01" in facts.text
    assert "not to be found" not in parsed.text
    assert parsed.title == "standard"


def test_tables_side_by_side_are_parted_and_merged_cells_filled() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (1, 2, 3):
        for column in (1, 2, 6, 7):
            sheet.cell(row, column, f"r{row}c{column}")
    sheet.merge_cells("A2:A3")
    tables = [e for e in read(saved(book), "pair.xlsx").elements if e.kind == "table"]
    assert [table.location.cells for table in tables] == ["A1:B3", "F1:G3"]
    assert tables[0].text.count("r2c1") == 2


def test_a_header_set_apart_by_one_blank_row_stays_with_its_table() -> None:
    book = openpyxl.Workbook()
    for row, values in [
        (1, ("Zone", "Sales", "Margin")),
        (3, ("North", 10, 2)),
        (4, ("South", 20, 3)),
        (7, ("x", 1, 2)),
    ]:
        for column, value in enumerate(values, 1):
            book.active.cell(row, column, value)
    tables = [e for e in read(saved(book), "zones.xlsx").elements if e.kind == "table"]
    assert [table.location.cells for table in tables] == ["A1:C4", "A7:C7"]
    assert tables[0].text.startswith("| Zone | Sales | Margin |\n| --- | --- | --- |\n| North | 10 | 2 |")


def test_a_picture_in_a_sheet_is_read_at_its_cells() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Stock"
    sheet.append(["item", "count"])
    sheet.append(["filter", 4])
    for cell in ("C5", "C9"):
        sheet.add_image(Image(picture("Serial 4711")), cell)
    data = saved(book)
    words = read(data, "book.xlsx", ocr=True).elements[-1]
    assert "4711" in words.text
    assert (words.location.sheet, words.location.cells) == ("Stock", "C5:C5")
    assert "4711" not in read(data, "book.xlsx").text, "pictures are read by OCR only"


def test_rich_text_in_chinese_keeps_headings_and_tables() -> None:
    def escaped(text: str) -> str:
        return "".join(f"\\'{byte:02x}" for byte in text.encode("gbk"))

    parsed = read(
        rb"{\rtf1\ansi\ansicpg936\uc1{\fonttbl{\f0\fnil\fcharset134 SimSun;}}"
        rb"{\stylesheet{\s1\outlinelevel0 heading 1;}}{\*\generator hidden words}"
        + rf"\pard\s1 {escaped('差旅标准')}\par\pard \u25253?\u38144?{escaped('规定')} \{{A\}}\par".encode()
        + rb"\trowd\pard\intbl City\cell Rate\cell\row\trowd\pard\intbl Paris\cell 120\cell\row\pard End.\par}",
        "policy.rtf",
    )
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("heading", "差旅标准"), ("paragraph", "报销规定 {A}"),
        ("table", "| City | Rate |\n| --- | --- |\n| Paris | 120 |"), ("paragraph", "End."),
    ]  # fmt: skip
