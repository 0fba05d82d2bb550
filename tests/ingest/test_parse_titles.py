"""The title of a document: its metadata, its first heading, or the name of its file, whichever says something."""

from __future__ import annotations

import io

import pytest
from docx import Document

from ingest.document import Element, Reference
from ingest.parse.extracted import Extracted
from ingest.parse.parsed import parse
from ingest.parse.titles import title_of
from ingest.settings import IngestSettings
from tests.hostile_texts import slow_patterns
from tests.ingest.tiny_pdf import Item, Words, pdf
from tests.ingest.tiny_word import read

JUNK = [
    "PowerPoint 演示文稿", "PowerPoint Presentation", "新建 Microsoft Word 文档", "新建 Microsoft Word 文档 (2)",
    "新建 DOCX 文档", "新建 XLSX 工作表", "新建文本文档", "文字文稿1", "(anonymous)", "anonymous", "附件1", "附件 １",
    "附件一", "附件二十一：", "附录 A", "Attachment 2", "Appendix B", "CamScanner 11-03-2026 10.22",
    "CamScanner 新建文档 3", "扫描全能王 2026-11-03 10.22", "Adobe Scan Nov 3, 2026", "幻灯片编号 1", "Slide 1",
    "Slide Number 3", "文档1", "文档1 - 副本", "Sheet1", "Book1", "New Document", "New Microsoft Word Document",
    "IMG_2031", "IMG_20261103_102233", "Scan_20261103", "微信图片_20261103102233",
    "Screenshot 2026-11-03 at 10.22.15", "Microsoft Word - xyz.doc", "未命名1", "Untitled", "Untitled-2",
    "550e8400-e29b-41d4-a716-446655440000", "d41d8cd98f00b204e9800998ecf8427e", "2026-11-03", "2026年11月3日",
    "- no title specified", "[No Title]", "(untitled)", "Untitled Page", "无标题文档", "未标题-1", "无标题演示文稿",
    "WPS文字 - 新建文档", "WPS 演示", "WPS Office", "复件 新建文档", "我的文档", "飞书云文档", "腾讯文档",
    "Google Docs",
    "在线文档",
    "Exported From Confluence", "JasperReports", "Crystal Reports", "Full page photo", "HP Scan", "SKM_C22726110310220",
    "Normal.dotm", "~WRL0005.tmp", "PDF", "Print Document", "打印文档", "Remote Desktop Redirected Printer Doc",
    "https://oa.example.com/print?id=1", r"\\nas\rules.doc", "about:blank", "index", "新标签页", "第 1 页 共 3 页",
    "[文档标题]", "在此处键入标题", "请输入标题", "Enter title here", "内容占位符 2", "Slide Number Placeholder 5",
    "PPT模板",
    "第一PPT模板网-WWW.1PPT.COM", "公司名称", "LOGO", "模板",
    "新建网页 1", "Insert title here", "(no subject)", "(无主题)", "Re:", "转发：",
    "第 3 页", "目录", "单击此处添加标题", "Click to edit Master title style", "final v2.docx",
]  # fmt: skip
REAL = [
    "附件1：供应商准入办法", "文档管理制度", "演示文稿制作规范", "扫描仪使用说明", "CamScanner 使用说明",
    "PowerPoint 培训", "Slide rules for engineers", "Sheet metal handbook", "Document control procedure",
    "Scanning policy", "Page layout", "2026年度预算", "图片版权规定", "第三方支付规范", "一体化平台", "匿名举报制度",
    "飞书文档使用手册", "Word 排版规范", "模板使用说明", "打印机使用指南", "测试大纲",
    "Report on safety", "Title IX policy",
    "Index of suppliers", "WPS 使用指南", "语雀迁移方案", "PDF 归档要求", "网页发布流程", "Templates for letters",
    "HT200", "RE100", "转发：停水通知", "ISO 9001", "deadbeef", "目录服务手册",
]  # fmt: skip


def page(title: str, body: str) -> bytes:
    return f"<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>".encode()


@pytest.mark.parametrize("junk", JUNK)
def test_what_a_program_wrote_is_no_title(junk: str) -> None:
    assert read(page(junk, "<p>Who may sign.</p>"), "signatures.html").title == "signatures"
    assert read(page(junk, f"<h1>{junk}</h1><h2>Signatures</h2><p>Who may sign.</p>"), "x.html").title == "Signatures"


@pytest.mark.parametrize("title", REAL)
def test_what_a_person_wrote_is_the_title(title: str) -> None:
    assert read(page(title, "<p>Who may sign.</p>"), "a.html").title == title
    assert read(page("", f"<h1>{title}</h1><p>Who may sign.</p>"), "a.html").title == title


@pytest.mark.parametrize(
    ("name", "expected"),
    [("采购办法.html", "采购办法"), ("附件2.html", "一、总则"), ("scan0001.html", "一、总则")],
)
def test_the_first_section_names_a_document_only_where_nothing_else_does(name: str, expected: str) -> None:
    sections = "<p>本办法自五月起施行。</p><h2>一、总则</h2><p>适用于全部采购。</p><h2>二、流程</h2><p>先询价。</p>"
    assert read(page("附件1", sections), name).title == expected


def test_sections_of_equal_rank_below_a_text_do_not_name_the_document() -> None:
    sections = "<p>Valid from May.</p><h1>Receiving</h1><p>By batch.</p><h1>Returns</h1><p>By slip.</p>"
    assert read(page("", sections), "stock.html").title == "stock"
    assert (
        read(page("", "<p>Stores Ltd</p><h1>Stock</h1><h2>Receiving</h2><p>By batch.</p>"), "a.html").title == "Stock"
    )


def test_a_file_without_anything_that_says_more_has_the_name_of_the_file() -> None:
    assert read(page("Untitled", "<p>Who may sign.</p>"), "IMG_2031.html").title == "IMG_2031"


def test_the_properties_of_a_word_document_are_judged_too() -> None:
    document = Document()
    document.core_properties.title = "新建 Microsoft Word 文档"
    document.add_heading("附件1", 1)
    document.add_heading("供应商准入办法", 1)
    document.add_paragraph("供应商须提供近三年的审计报告。")
    stream = io.BytesIO()
    document.save(stream)
    assert read(stream.getvalue(), "a.docx").title == "供应商准入办法"


RULE = "Goods are counted on the day of their arrival, and the slip is signed by two."
SECTIONS: list[Item] = [
    item
    for place, name in enumerate(("Receiving", "Storage", "Returns"))
    for item in (
        Words(72, 300 + 90 * place, name, 14),
        Words(72, 320 + 90 * place, RULE),
        Words(72, 334 + 90 * place, RULE),
    )
]


def title_on(*page: Item, stated: str | None = None, following: list[Item] | None = None) -> str:
    data = pdf([*page, *SECTIONS], *([following] if following else []), title=stated)
    return parse(Reference("local", "x", "stock-7.pdf", len(data), 0, content=data), IngestSettings(ocr=False)).title


@pytest.mark.parametrize("stated", [None, "Microsoft Word - xyz.doc"])
def test_the_largest_letters_on_the_first_page_are_the_title_where_the_metadata_says_nothing(
    stated: str | None,
) -> None:
    address = Words(72, 60, "Northwind Stores Ltd, 4 Harbour Road")
    title = [Words(72, 120, "Rules for the stock", 24), Words(72, 148, "of spare parts", 24)]
    assert title_on(address, *title, stated=stated) == "Rules for the stock of spare parts"
    assert title_on(address, *title, stated="Stock handbook") == "Stock handbook"


def test_a_title_as_large_as_the_sections_is_the_title_if_no_text_is_above_it() -> None:
    running = Words(72, 40, "Handbook", 6)
    assert title_on(running, Words(72, 120, "Rules for the stock", 14)) == "Rules for the stock"
    assert title_on(running, Words(72, 100, RULE)) == "stock-7"


def test_a_large_slogan_at_the_bottom_and_an_initial_are_no_title() -> None:
    page = [Words(72, 120, "Rules for the stock", 24), Words(72, 200, "G", 48), Words(110, 200, RULE)]
    assert title_on(*page, Words(72, 760, "We care", 60)) == "Rules for the stock"


def test_titles_are_judged_in_linear_time() -> None:
    def judged(text: str) -> object:
        return title_of(Reference("local", "a", "a", 0, 0), Extracted((Element("heading", text, level=1),), text))

    assert list(slow_patterns(judged)) == []
