"""Headings that their author typed by hand, as most do: bold, larger, or with the number of a section."""

from __future__ import annotations

import io
from typing import Any

import pytest
from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.shared import Pt

from ingest.document import ParsedDocument
from ingest.parse.office.typed_headings import Line, typed_levels
from tests.hostile_texts import PATTERNS, slow_patterns
from tests.ingest.tiny_word import NAMES, read

TEXT = "本仓库的货物按批次堆放，出库须由保管员和领料人共同核对，并在当日登记入账。"
ENGLISH = "Goods are stored by batch, and nobody takes any of them without a slip that the keeper has signed."


def typed(*lines: Any) -> ParsedDocument:
    """A Word document of these lines, each a text or a text with what it looks like."""
    document = Document()
    for line in lines:
        text, looks = (line, {}) if isinstance(line, str) else line
        paragraph = document.add_paragraph(style=looks.get("style"))
        run = paragraph.add_run(text)
        run.bold = looks.get("bold")
        run.font.size = Pt(looks["size"]) if "size" in looks else None
        if "font" in looks:
            run.font.name = "Arial"
            run._r.rPr.rFonts.set(qn("w:eastAsia"), looks["font"])
        if looks.get("centred"):
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        if "numbered" in looks:
            depth = looks["numbered"]
            numbering = f"<w:numPr {NAMES}><w:ilvl w:val='{depth}'/><w:numId w:val='1'/></w:numPr>"
            paragraph._p.get_or_add_pPr().append(parse_xml(numbering))
    stream = io.BytesIO()
    document.save(stream)
    return read(stream.getvalue(), "stock.docx")


def headings(parsed: ParsedDocument) -> list[tuple[int | None, str]]:
    return [(element.level, element.text) for element in parsed.elements if element.kind == "heading"]


def bold(text: str, **looks: Any) -> tuple[str, dict[str, Any]]:
    return text, {"bold": True, **looks}


def test_bold_numbered_lines_are_headings_and_name_what_is_below_them() -> None:
    parsed = typed("仓库须知", bold("1. 东仓"), TEXT, TEXT, bold("2. 西仓"), TEXT, bold("3. 冷库"), TEXT)
    assert headings(parsed) == [(1, "1. 东仓"), (1, "2. 西仓"), (1, "3. 冷库")]
    assert parsed.elements[-1].location.heading_path == ("3. 冷库",)
    assert parsed.title == "stock"


def test_larger_letters_and_the_pattern_of_the_number_give_the_level() -> None:
    body = TEXT, {"size": 12}
    parsed = typed(
        bold("仓库管理办法", size=22, centred=True),
        bold("一、收货", size=16), ("（一）验收", {"size": 14}), body, ("（二）入账", {"size": 14}), body,
        bold("二、发货", size=16), bold("1. 领料单", size=12), body, bold("2. 核对", size=12), body,
    )  # fmt: skip
    assert headings(parsed) == [
        (1, "仓库管理办法"), (2, "一、收货"), (3, "（一）验收"), (3, "（二）入账"), (2, "二、发货"), (4, "1. 领料单"),
        (4, "2. 核对"),
    ]  # fmt: skip
    assert parsed.title == "仓库管理办法"
    assert parsed.elements[-1].location.heading_path == ("仓库管理办法", "二、发货", "2. 核对")


@pytest.mark.parametrize(
    "numbers", [("第一章", "第二章"), ("一、", "二、"), ("1.1", "1.2"), ("第三条", "第四条"), ("3.", "4.")]
)
def test_lines_that_have_nothing_but_their_number_are_headings_where_all_of_them_lead_to_a_text(
    numbers: tuple[str, str],
) -> None:
    first, second = (f"{number} {name}" for number, name in zip(numbers, ("收货", "发货"), strict=True))
    assert headings(typed(first, TEXT, second, TEXT)) == [(1, first), (1, second)]
    assert headings(typed(first, TEXT, f"{second}须凭单办理，{TEXT}", TEXT)) == []


def test_official_documents_set_their_headings_in_another_font() -> None:
    body = (TEXT, {"font": "仿宋"})
    high, low = {"font": "黑体"}, {"font": "楷体"}
    parsed = typed(("一、收货", high), ("（一）验收", low), body, ("（二）入账", low), body, ("二、发货", high), body)
    assert headings(parsed) == [(1, "一、收货"), (2, "（一）验收"), (2, "（二）入账"), (1, "二、发货")]


def test_bold_lines_without_a_number_are_headings_where_they_are_many() -> None:
    parsed = typed(bold("Receiving"), ENGLISH, ENGLISH, bold("Who may take goods?"), ENGLISH)
    assert headings(parsed) == [(1, "Receiving"), (1, "Who may take goods?")]


def test_numbers_that_word_counts_stand_before_typed_headings() -> None:
    parsed = typed(
        bold("Receiving", numbered=0), ENGLISH, bold("Slips", numbered=1), ENGLISH,
        bold("Returns", numbered=0), ENGLISH, bold("Broken goods", numbered=1), ENGLISH,
    )  # fmt: skip
    found = headings(parsed)
    assert [level for level, _ in found] == [1, 2, 1, 2]
    names = ("Receiving", "Slips", "Returns", "Broken goods")
    assert all(text.endswith(name) for (_, text), name in zip(found, names, strict=True))


def test_questions_and_labels_above_their_text_are_headings() -> None:
    questions = bold("Q1：如何领料？"), TEXT, bold("Q2：谁来签字？"), TEXT
    assert headings(typed("常见问题", *questions)) == [(1, "Q1：如何领料？"), (1, "Q2：谁来签字？")]
    labels = typed("仓库须知", bold("东仓："), TEXT, bold("西仓："), TEXT)
    assert headings(labels) == [(1, "东仓："), (1, "西仓：")]
    assert labels.title == "stock"


def test_a_style_without_an_outline_level_can_make_lines_bold_too() -> None:
    document = Document()
    style = document.styles.add_style("Firm", WD_STYLE_TYPE.PARAGRAPH)
    style.font.bold = True
    for heading in ("Receiving", "Returns"):
        document.add_paragraph(heading, style="Firm")
        document.add_paragraph(ENGLISH)
    stream = io.BytesIO()
    document.save(stream)
    assert headings(read(stream.getvalue())) == [(1, "Receiving"), (1, "Returns")]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([TEXT, bold("东仓"), bold("西仓"), bold("冷库"), TEXT], id="a list of bold lines"),
        pytest.param([TEXT, bold("货物不得露天堆放"), TEXT, TEXT], id="one bold line in the middle"),
        pytest.param([TEXT, bold("不得露天堆放。"), TEXT, bold("必须戴安全帽。"), TEXT], id="bold sentences"),
        pytest.param([bold("姓名："), "王五", bold("部门："), "仓储部", bold("日期：____"), TEXT], id="a form"),
        pytest.param([TEXT, bold("甲公司（盖章）"), "2026年3月", bold("乙公司（盖章）"), "2026年3月"], id="signatures"),
        pytest.param([TEXT, bold("东方仓储有限公司"), "2026年3月1日"], id="who issued it"),
        pytest.param([bold(TEXT), bold("一般说明"), bold(TEXT), bold("其他说明"), bold(TEXT)], id="all is bold"),
        pytest.param(["材料如下：", "（一）身份证", "（二）学历证书", "（三）照片两张", TEXT], id="a plain list"),
        pytest.param([TEXT, bold("表1 库存"), TEXT, bold("图2 流程"), TEXT], id="captions"),
    ],
)
def test_other_short_lines_are_no_headings(lines: list[Any]) -> None:
    assert headings(typed(*lines)) == []


def test_where_an_author_uses_styles_a_bold_line_is_no_heading() -> None:
    stated = [("仓库", {"style": "Heading 1"}), TEXT, ("收货", {"style": "Heading 2"}), TEXT]
    assert headings(typed(*stated, bold("重要提示"), TEXT, bold("特别说明"), TEXT)) == [(1, "仓库"), (2, "收货")]


def test_typed_headings_stand_below_the_title_of_the_document() -> None:
    parsed = typed(("仓库管理办法", {"style": "Title"}), bold("收货"), TEXT, bold("发货"), TEXT)
    assert headings(parsed) == [(1, "仓库管理办法"), (2, "收货"), (2, "发货")]


@pytest.mark.parametrize(
    "heading",
    [
        "<p><b>{}</b></p>", '<p class=MsoNormal><b><span style="font-size:16.0pt">{}</span></b></p>',
        '<div style="font-weight:700">{}</div>', '<p align="center"><font size="5">{}</font></p>',
        '<p style="text-align:center"><span style="font-size:20px">{}</span></p>', "**{}**\n\n",
        '<style>.h{{font-weight:bold}}</style><p class="h">{}</p>',
    ],
)  # fmt: skip
def test_headings_typed_by_hand_in_pages_and_markdown_are_headings(heading: str) -> None:
    body = "".join(heading.format(f"{number}、{name}") + f"<p>{TEXT}</p>\n\n" for number, name in ("一收", "二发"))
    parsed = read(body.encode(), "stock.md" if heading.startswith("*") else "stock.html")
    assert headings(parsed) == [(1, "一、收"), (1, "二、发")]
    assert parsed.elements[-1].location.heading_path == ("二、发",)


@pytest.mark.parametrize(
    "body",
    [
        f"<h1>仓库</h1><h2>收货</h2><p><b>要点</b></p><p>{TEXT}</p>", f"<p><b>注意</b> {TEXT}</p><p>{TEXT}</p>",
        "<p><b>周舟</b></p><p><b>仓库主管</b></p><p>电话 6001</p>", f"<ul><li><b>一、收</b></li><li>{TEXT}</li></ul>",
        f"<table><tr><td><p><b>一、收</b></p></td><td><p>{TEXT}</p></td></tr></table>",
    ],
)  # fmt: skip
def test_other_bold_lines_of_a_page_are_no_headings(body: str) -> None:
    assert headings(read(body.encode(), "stock.html")) == ([(1, "仓库"), (2, "收货")] if "<h2>" in body else [])


def test_lines_are_judged_in_linear_time() -> None:
    assert list(slow_patterns(lambda text: typed_levels([Line(text, bold=True), Line(text)]))) == []

    def many(text: str) -> object:
        return typed_levels([Line(f"{word} 章", size=float(place % 7)) for place, word in enumerate(text)])

    assert list(slow_patterns(many, list(PATTERNS)[:5])) == []
