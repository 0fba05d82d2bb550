"""What a document is is told by its content: names, suffixes and a missing suffix do not matter."""

from __future__ import annotations

import io
import json
import zipfile

import openpyxl
import pytest
from docx import Document
from pptx import Presentation

from ingest.document import KINDS, ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse import readers
from ingest.parse.office.conversion import NEWER
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Words, pdf


def read(data: bytes | str, name: str) -> ParsedDocument:
    data = data.encode() if isinstance(data, str) else data
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def saved(document: object) -> bytes:
    stream = io.BytesIO()
    document.save(stream)  # type: ignore[attr-defined]
    return stream.getvalue()


def word() -> bytes:
    document = Document()
    document.add_paragraph("Words in a document")
    return saved(document)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in (("Item", "Cost"), ("Desk", 120)):
        book.active.append(row)
    return saved(book)


def slides() -> bytes:
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "A title"
    return saved(deck)


@pytest.mark.parametrize(
    ("make", "name", "kind"),
    [
        (word, "notes.txt", "docx"), (word, "page.html", "docx"), (word, "no suffix", "docx"),
        (workbook, "b.zip", "xlsx"), (workbook, "b.xls", "xlsx"), (slides, "deck.pdf", "pptx"),
        (lambda: pdf([Words(72, 100, "hi")]), "old.doc", "pdf"),
        (lambda: b"\n\n" + pdf([Words(72, 100, "hi")]), "junk before.pdf", "pdf"),
        (lambda: b"{\\rtf1 Rich}", "a.doc", "rtf"),
    ],
)  # fmt: skip
def test_binary_formats_are_known_by_their_bytes(make: object, name: str, kind: str) -> None:
    assert read(make(), name).kind == kind  # type: ignore[operator]


MAIL = "From: a@example.com\nTo: b@example.com\nSubject: Hello\nMIME-Version: 1.0\n\nThe body\n"
NOTEBOOK = json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "# A"}]})
TEXTS = {
    "html": "<!-- saved -->\n<!DOCTYPE html>\n<html><body><p>Hello</p></body></html>",
    "md": "# 费用手册\n\n- 一线城市\n- 其他城市\n\n| 城市 | 标准 |\n| --- | --- |\n| 北京 | 800 |\n",
    "json": '[{"城市": "北京", "标准": 800}, {"城市": "上海", "标准": 800}]',
    "xml": '<?xml version="1.0" encoding="utf-8"?>\n<items><item>one</item></items>',
    "csv": "城市,标准,备注\n北京,800,含税\n上海,800,含税\n成都,500,含税\n",
    "tsv": "city\tamount\tnote\nParis\t120\tnet\nRome\t110\tnet\nOslo\t140\tnet\n",
    "rst": "Guide\n=====\n\n.. note:: Mind the gap.\n\nSee :ref:`other`.\n",
    "org": "#+TITLE: Plan\n\n* First\nText\n** Second\n",
    "eml": MAIL,
    "ipynb": NOTEBOOK,
    "txt": "Dear all,\n\nthe office is closed on Friday, as agreed, and on Monday.\n\nRegards,\nLi\n",
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("name", ["README", "report.doc", "export.xls", "b.pdf"])
def test_text_formats_are_known_by_their_marks(kind: str, name: str) -> None:
    if (kind, name) == ("txt", "b.pdf"):  # words without marks are no document that somebody called a PDF
        with pytest.raises(DocumentError):
            read(TEXTS[kind], name)
        return
    assert read(TEXTS[kind], name).kind == kind


@pytest.mark.parametrize("kind", ["md", "csv", "json", "xml", "txt"])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le", "utf-32-be"])
def test_marks_are_seen_in_every_encoding(kind: str, encoding: str) -> None:
    assert read(TEXTS[kind].replace("utf-8", encoding).encode(encoding), "export").kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\n# Start the server\n\n# and wait\nexec server --port 1\n",
        "Hello, world\nthis is, in short\na text, of lines\nwith commas, one each\nand no, table\nat all, here\n",
        "{ not json at all",
        "<< quoted >> text that begins oddly",
        "第一条，总则。\n第二条，范围。\n第三条，附则。\n",
        "The file begins with %PDF-1.7 where it is a PDF.",
        "2024-01-01 12:00 started\n2024-01-01 12:01 stopped\n",
        "import java.util.List;\nimport java.util.Map;\nimport java.util.Set;\nimport a.b;\nimport a.c;\nimport a.d;\n",
        "关机时同时按住电源键,等待亮屏。\n进入模式后,选择英文。\n按音量键移动,按电源键确认。\n"
        "等待完成,重新启动。\n如有问题,联系客服。\n保修期内,免费维修。\n",
    ],
)
def test_plain_text_with_a_mark_or_two_stays_plain(text: str) -> None:
    assert read(text, "notes").kind == "txt"


@pytest.mark.parametrize("kind", ["md", "csv", "tsv", "rst", "org", "txt"])
def test_a_file_that_is_called_a_text_is_read_as_one(kind: str) -> None:
    assert read(TEXTS[kind], "notes.txt").kind == "txt"


@pytest.mark.parametrize("kind", ["html", "json", "xml", "eml", "ipynb"])
def test_a_whole_document_of_another_kind_is_not_taken_for_a_text(kind: str) -> None:
    assert read(TEXTS[kind], "notes.txt").kind == kind


def test_a_piece_of_markup_in_a_text_is_kept_word_for_word() -> None:
    piece = '<input type="text" id="txt" value="11" /><script>alert(document.title)</script>'
    assert read(piece, "answer.txt").text == piece


def test_a_name_that_says_which_text_it_is_is_believed() -> None:
    assert read("just one line", "a.md").kind == "md"
    assert read("a;b\n1;2\n", "a.csv").kind == "csv"
    assert read("import os\n# A\n\n# B\n", "a.py").kind == "txt"


def test_a_web_page_saved_as_a_workbook_keeps_its_table() -> None:
    page = "<table><tr><th>Item</th><th>Cost</th></tr><tr><td>Desk</td><td>120</td></tr></table>"
    parsed = read(page, "export.xls")
    assert (parsed.kind, parsed.text) == ("html", "| Item | Cost |\n| --- | --- |\n| Desk | 120 |")


def test_a_workbook_saved_as_xml_keeps_sheets_and_cells() -> None:
    def row(*cells: str, at: int = 0) -> str:
        index = f' ss:Index="{at}"' if at else ""
        return (
            f"<Row{index}>" + "".join(f"<Cell><Data ss:Type='String'>{cell}</Data></Cell>" for cell in cells) + "</Row>"
        )

    parsed = read(
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="价格"><Table>'
        + row("产品", "单价", at=3) + row("显微镜", "9800") + "</Table></Worksheet></Workbook>",
        "report.xls",
    )  # fmt: skip
    heading, table = parsed.elements
    assert (heading.text, table.location.sheet, table.location.cells) == ("价格", "价格", "A3:B4")
    assert table.text == "| 产品 | 单价 |\n| --- | --- |\n| 显微镜 | 9800 |"


def test_what_json_escapes_is_written_out_and_each_record_stands_apart() -> None:
    records = [{"question": "年假几天？", "answer": "15"}, {"question": "When?", "answer": "Now"}]
    for text in (json.dumps(records), "\n".join(map(json.dumps, records))):
        parsed = read(text, "faq.json")
        assert len(parsed.elements) == 2
        assert "年假几天？" in parsed.elements[0].text
    assert read('{"broken": tru', "a.json").text == '{"broken": tru'


def test_words_marked_up_inside_a_sentence_of_xml_stay_in_it() -> None:
    parsed = read(
        "<?xml version='1.0'?><a><p>Press <b>Start</b> twice.</p><!-- no --><q>Then <i>wait</i></q><r>z</r></a>",
        "a.xml",
    )
    assert [element.text for element in parsed.elements] == ["Press Start twice.", "Then wait", "z"]


def test_a_folder_that_was_zipped_is_no_document() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "hello")
    for data in (stream.getvalue(), b"7z\xbc\xaf'\x1c\0\4", b"Rar!\x1a\x07\x01\0"):
        with pytest.raises(DocumentError, match="an archive") as caught:
            read(data, "folder.docx")
        assert caught.value.code == "unsupported"


def test_the_kinds_are_those_that_have_a_reader() -> None:
    tables = [value for name, value in vars(readers).items() if name.endswith("_READERS")]
    assert {*NEWER, *readers._IMAGES, "pdf", "ofd", "xlsx", "xls"}.union(*tables) == KINDS
