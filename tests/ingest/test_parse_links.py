"""Targets of links that are not plain words: pictures, addresses without a protocol, formulas put together."""

from __future__ import annotations

import io

import openpyxl
import pytest
from openpyxl.worksheet.hyperlink import Hyperlink
from pptx import Presentation

from ingest.parse.links import shown_target, with_target, without_targets
from tests.ingest.test_parse_opened import opened
from tests.ingest.tiny_pdf import Link, Words, pdf
from tests.ingest.tiny_word import read, related, texts, word
from tests.ingest.tiny_xls import Cell, old_book


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('<a href="https://it.example.com/map"><img src="m.png" alt="Site map"></a>', "Site map (https://it.example.com/map)"),
        ('<a href="https://it.example.com/map"><img src="m.png" alt="Site map"> here</a>', "here (https://it.example.com/map)"),
        ('<a href="https://it.example.com/map"><img src="m.png"></a>', ""),
        ('<a href="//cdn.example.com/a.zip">the client</a>', "the client (https://cdn.example.com/a.zip)"),
    ],
)  # fmt: skip
def test_pictures_and_bare_addresses_of_pages_say_where_they_lead(link: str, expected: str) -> None:
    parsed = read(f"<!doctype html><html><body><p>See.</p><p>{link}</p></body></html>".encode(), "a.html")
    assert " ".join(texts(parsed)[1:]).endswith(expected)
    assert parsed.text.count("example.com") == bool(expected)


def test_a_linked_picture_of_markdown_says_where_it_leads() -> None:
    parsed = read(b"# Guide\n\n[![Site map](map.png)](https://it.example.com/map)\n", "a.md")
    assert texts(parsed)[1:] == ["Site map (https://it.example.com/map)"]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ('of:=HYPERLINK("https://it.example.com/"&amp;[.A1];"open")', "open (https://it.example.com/fees)"),
        ('of:=HYPERLINK(CONCATENATE([.$B$1];[.A1]);"open")', "open (https://hr.example.com/fees)"),
        ('of:=HYPERLINK("https://it.example.com/"&amp;NOBODYKNOWS([.A1]);"open")', "open"),
    ],
)
def test_targets_of_an_open_spreadsheet_are_put_together_from_other_cells(formula: str, expected: str) -> None:
    def cell(text: str, more: str = "") -> str:
        return f"<table:table-cell office:value-type='string' {more}><text:p>{text}</text:p></table:table-cell>"

    linked = cell("open", f"table:formula='{formula}'")
    rows = f"<table:table-row>{cell('fees')}{cell('https://hr.example.com/')}{linked}</table:table-row>"
    sheet = f"<office:spreadsheet><table:table table:name='Links'>{rows}</table:table></office:spreadsheet>"
    assert f"| {expected} |" in read(opened("spreadsheet", sheet), "a.ods").text


def test_a_link_of_a_workbook_says_the_place_on_its_page() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Rules", "open"])
    book.active["B1"].hyperlink = Hyperlink("B1", target="https://it.example.com/rules", location="leave")
    stream = io.BytesIO()
    book.save(stream)
    assert "open (https://it.example.com/rules#leave)" in read(stream.getvalue(), "a.xlsx").text


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ('=IF(A1="","",HYPERLINK("https://it.example.com/"&A1,"open"))', "open (https://it.example.com/fees)"),
        ('=IFERROR(HYPERLINK("https://it.example.com/"&A1,"open"),"")', "open (https://it.example.com/fees)"),
        ('=IF(A1="rent",HYPERLINK("https://it.example.com/","open"),"none")', "none"),
        (
            '=IF(ISBLANK(A9),HYPERLINK(CHOOSE(2,"x","https://hr.example.com"),"open"),1)',
            "open (https://hr.example.com)",
        ),
    ],
)
def test_a_link_that_a_formula_chooses_says_where_it_leads(formula: str, shown: str) -> None:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["fees", formula, "x"])
    book.save(stream)
    assert f"| {shown} |" in read(stream.getvalue(), "a.xlsx").text


def test_blanks_in_an_address_are_written_out() -> None:
    assert shown_target("https://oa.example/a b?c=d e") == "https://oa.example/a%20b?c=d%20e"
    assert shown_target("https://oa.example/long\n   /path") == "https://oa.example/long/path"


def test_a_linked_picture_of_word_is_named_by_its_description() -> None:
    def drawing(described: str) -> str:
        click = "<a:hlinkClick xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main' r:id='web1'/>"
        inline = "<wp:inline xmlns:wp='http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing'>"
        shape = f"{inline}<wp:docPr id='1' name='x'{described}>{click}</wp:docPr></wp:inline>"
        return f"<w:p><w:r><w:drawing>{shape}</w:drawing></w:r></w:p>"

    for described, said in ((" descr='总部地图'", "总部地图 (https://map.example/hq)"), ("", "https://map.example/hq")):
        assert read(related(word(drawing(described)), {"web1": "https://map.example/hq"})).text == said


def test_a_link_in_the_shape_of_a_button_is_read() -> None:
    page = b'<!doctype html><p>Now:</p><p><a href="https://hr.example/leave"><button>Apply</button></a></p><button>Menu</button>'
    assert read(page, "a.html").text == "Now:\n\nApply (https://hr.example/leave)"


SHARE = r"\\files.example\forms\报销 单.xlsx"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (SHARE, SHARE),
        (r"file:///\\files.example\forms\报销 单.xlsx", SHARE),
        ("file://///files.example/forms/%E6%8A%A5%E9%94%80%20%E5%8D%95.xlsx", SHARE),
        ("file://files.example/forms/%E6%8A%A5%E9%94%80%20%E5%8D%95.xlsx", SHARE),
        ("file:///Z:/forms/a.xlsx", r"Z:\forms\a.xlsx"),
        ("file:/C:/forms/a.xlsx", r"C:\forms\a.xlsx"),
        (r"Z:\forms\a.xlsx", r"Z:\forms\a.xlsx"),
        ("file:///srv/forms/a.xlsx", "/srv/forms/a.xlsx"),
        ("forms/%E5%8D%95.xlsx?version=1#top", "forms/单.xlsx"),
        ("./a.docx", "a.docx"),
        ("mailto:it@files.example?subject=x", "it@files.example"),
        ("tel:+86-10-8301", "+86-10-8301"),
        *((target, "") for target in (
            "setup.html", "setup.md", "setup", "#a.docx", "javascript:open('a.docx')", "cid:a.docx", "data:,a.docx",
            ".docx", "file:", "file:///", "\\\\", "outlook:Inbox/a.docx", "C:a.docx",
        )),
    ],
)  # fmt: skip
def test_what_a_person_can_open_is_said(target: str, said: str) -> None:
    assert shown_target(target) == said


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("IT@files.example", "mailto:it@files.example"),
        ("请拨 400-820 8820", "tel:4008208820"),
        ("报销单.xlsx", "forms/报销单.xlsx"),
        (SHARE, f"file:///{SHARE}"),
        ("https://oa.example/费用", "https://oa.example/%E8%B4%B9%E7%94%A8/"),
    ],
)
def test_a_target_that_the_text_says_is_not_said_again(text: str, target: str) -> None:
    assert with_target(text, target) == text


def test_a_heading_is_shown_without_the_path_of_a_file() -> None:
    assert without_targets(f"报销 ({SHARE})") == without_targets("报销 (forms/单.xlsx)") == "报销"
    assert without_targets("手册 (v1.2)") == "手册 (v1.2)"


def _docx(target: str) -> bytes:
    link = "<w:p><w:hyperlink r:id='web1'><w:r><w:t>报销单</w:t></w:r></w:hyperlink></w:p>"
    return related(word(link), {"web1": f"file:///{target}"})


def _xlsx(target: str) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["表单", "报销单"])
    book.active["B1"].hyperlink = f"file:///{target}"
    book.save(stream)
    return stream.getvalue()


def _pptx(target: str) -> bytes:
    deck, stream = Presentation(), io.BytesIO()
    box = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_textbox(0, 0, 900, 900)
    run = box.text_frame.paragraphs[0].add_run()
    run.text, run.hyperlink.address = "报销单", f"file:///{target}"
    deck.save(stream)
    return stream.getvalue()


def _odt(target: str) -> bytes:
    return opened("text", f'<office:text><text:p><text:a xlink:href="{target}">报销单</text:a></text:p></office:text>')


MAKERS = {
    "a.docx": _docx,
    "a.xlsx": _xlsx,
    "a.pptx": _pptx,
    "a.odt": _odt,
    "a.xls": lambda target: old_book({0: {0: Cell("表单"), 1: Cell("报销单")}}, [(0, 1, f"file:///{target}")]),
    "a.html": lambda target: f'<!doctype html><p><a href="{target}">报销单</a></p>'.encode(),
    "a.md": lambda target: f"[报销单](<{target.replace(chr(92), chr(92) * 2)}>)\n".encode(),
    "a.org": lambda target: f"[[{target}][报销单]]\n".encode(),
    "a.rst": lambda target: f"`报销单 <{target}>`_ 见此\n".encode(),
    "a.rtf": lambda target: (
        (r'{\rtf1\ansi\uc1 {\field{\*\fldinst HYPERLINK "PATH"}{\fldrslt \u25253?\u38144?\u21333?}}\par}')
        .replace("PATH", target.replace("\\", "\\\\\\\\"))
        .encode()
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_on_a_share_is_said_in_every_format(name: str) -> None:
    target = r"\\files.example\forms\fees.xlsx"
    assert rf"报销单 ({target})" in read(MAKERS[name](target), name).text.replace("&#95;", "_")


@pytest.mark.parametrize("action", ["/S/GoToR/F(forms/fees.pdf)", "/S/Launch/F(forms/fees.pdf)"])
def test_another_file_that_a_pdf_opens_is_said(action: str) -> None:
    data = pdf([Words(72, 197, "Fees"), Link(60, 186, 100, action)])
    assert read(data, "a.pdf").text == "Fees (forms/fees.pdf)"
