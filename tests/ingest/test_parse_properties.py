"""Author, dates and number of pages: every format gives them by the same keys, and only where they mean something."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import openpyxl
import pytest
from docx import Document
from pptx import Presentation

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.parse.properties import iso
from ingest.settings import IngestSettings
from tests.ingest.tiny_ole import old_workbook, ole, summary

CREATED, MODIFIED = datetime(2024, 3, 5, 9, 30, tzinfo=UTC), datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
STATED = {"author": "李娜", "created": "2024-03-05T09:30:00+00:00", "modified": "2025-01-02T03:04:05+00:00"}


def read(data: bytes | str, name: str) -> ParsedDocument:
    data = data.encode() if isinstance(data, str) else data
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def saved(document: object) -> bytes:
    stream = io.BytesIO()
    document.save(stream)  # type: ignore[attr-defined]
    return stream.getvalue()


def zipped(parts: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def replaced(data: bytes, part: str, content: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, old in parts.items():
            archive.writestr(name, content if name == part else old)
    return stream.getvalue()


def word(author: str = "李娜") -> bytes:
    document = Document()
    document.add_paragraph("正文")
    about = document.core_properties
    about.author, about.created, about.modified = author, CREATED, MODIFIED
    return saved(document)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["城市", "标准"])
    book.active.append(["北京", "800"])
    book.properties.creator, book.properties.created = "李娜", CREATED.replace(tzinfo=None)
    return saved(book)


def deck() -> bytes:
    show = Presentation()
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = "总结"
    about = show.core_properties
    about.author, about.created, about.modified = "李娜", CREATED, MODIFIED
    return saved(show)


def open_document(kind: str, body: str) -> bytes:
    office, space = "urn:oasis:names:tc:opendocument:xmlns:office:1.0", "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        f'<o:document-content xmlns:o="{office}" xmlns:t="{space}text:1.0" xmlns:d="{space}drawing:1.0">'
        f"<o:body>{body}</o:body></o:document-content>"
    )
    meta = (
        f'<o:document-meta xmlns:o="{office}" xmlns:m="{space}meta:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<o:meta><m:initial-creator>李娜</m:initial-creator><dc:creator>王强</dc:creator>"
        "<m:creation-date>2024-03-05T09:30:00Z</m:creation-date><dc:date>2025-01-02T03:04:05.123456789Z</dc:date>"
        '<m:document-statistic m:page-count="7"/></o:meta></o:document-meta>'
    )
    mime = f"application/vnd.oasis.opendocument.{kind}"
    return zipped({"mimetype": mime, "content.xml": content, "meta.xml": meta})


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (word(), "a.docx"),
        (deck(), "a.pptx"),
        (open_document("text", "<o:text><t:p>正文</t:p></o:text>"), "a.odt"),
    ],
)
def test_author_and_dates_are_given_by_the_same_keys(data: bytes, name: str) -> None:
    assert read(data, name).metadata == STATED


def test_a_workbook_states_its_author_and_when_it_was_made() -> None:
    about = read(workbook(), "a.xlsx").metadata
    assert (about["author"], about["created"]) == ("李娜", STATED["created"])


@pytest.mark.parametrize(("code_page", "encoding"), [(936, "gb18030"), (65001, "utf-8"), (1252, "gb18030")])
def test_an_old_office_file_states_them_in_its_code_page(code_page: int, encoding: str) -> None:
    about = summary("龘李娜".encode(encoding), code_page=code_page, created=1_709_631_000, pages=3)
    parsed = read(ole({"Workbook": old_workbook([["城市"], ["北京"]]), "\x05SummaryInformation": about}), "a.et")
    if code_page != 1252:  # a wrong code page that decodes cannot be told from a right one
        assert parsed.metadata["author"] == "龘李娜"
    assert parsed.metadata["created"] == "2024-03-05T09:30:00"
    assert parsed.pages == 3


def test_noise_for_properties_does_no_harm() -> None:
    data = ole({"Workbook": old_workbook([["城市"], ["北京"]]), "\x05SummaryInformation": b"\xff" * 200})
    assert read(data, "a.xls").metadata == {}
    assert read(replaced(word(), "docProps/app.xml", "<Pages>"), "a.docx").text == "正文"


def test_the_number_of_pages_is_what_the_program_counted() -> None:
    namespace = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"
    counted = f'<Properties xmlns="{namespace}"><Pages>12</Pages></Properties>'
    assert read(replaced(word(), "docProps/app.xml", counted), "a.docx").pages == 12
    assert read(word(), "a.docx").pages is None
    assert read(open_document("text", "<o:text><t:p>正文</t:p></o:text>"), "a.odt").pages == 7
    show = "<o:presentation><d:page><t:p>一</t:p></d:page><d:page><t:p>二</t:p></d:page></o:presentation>"
    assert read(open_document("presentation", show), "a.odp").pages == 7


@pytest.mark.parametrize(
    "author",
    [
        "Administrator",
        "user",
        "USER",
        "微软用户",
        "openpyxl",
        "python-docx",
        "(anonymous)",
        " anonymous ",
        "admin",
        "WPS_1527489",
        "Microsoft Office User",
        "12",
        "----",
        "用户",
    ],
)
def test_an_author_that_is_nobody_is_left_out(author: str) -> None:
    assert "author" not in read(word(author), "a.docx").metadata


def test_names_that_begin_like_nobody_are_kept() -> None:
    assert read(word("Adminah Usman"), "a.docx").metadata["author"] == "Adminah Usman"
    assert read(word("用户体验部  王强"), "a.docx").metadata["author"] == "用户体验部 王强"


def test_what_a_library_has_in_its_template_is_no_date() -> None:
    document = Document()
    document.add_paragraph("正文")
    assert read(saved(document), "a.docx").metadata == {}


def test_a_web_page_states_them_in_its_head() -> None:
    page = (
        "<html><head><meta name='Author' content=' 李娜 '><meta name='PubDate' content='2024-03-05 09:30'>"
        "<meta property='article:modified_time' content='2025-01-02T03:04:05+08:00'></head>"
        "<body><p>通知正文</p></body></html>"
    )
    assert read(page, "a.html").metadata == {
        "author": "李娜", "created": "2024-03-05T09:30:00", "modified": "2025-01-02T03:04:05+08:00",
    }  # fmt: skip


def test_markdown_states_them_in_its_front_matter() -> None:
    parsed = read("---\ntitle: 手册\nauthor: 李娜\ndate: 2024-03-05\n---\n\n# 总则\n\n正文\n", "a.md")
    assert parsed.metadata == {"author": "李娜", "created": "2024-03-05"}
    assert parsed.title == "手册"


def test_the_sender_of_a_mail_is_its_author() -> None:
    mail = "From: {}\nTo: b@example.com\nSubject: Hello\nDate: Tue, 05 Mar 2024 09:30:00 +0800\n\nThe body\n"
    named = read(mail.format('"李娜" <li@example.com>'), "a.eml").metadata
    assert named == {"author": "李娜", "created": "2024-03-05T09:30:00+08:00"}
    assert read(mail.format("li@example.com"), "a.eml").metadata["author"] == "li@example.com"
    assert "author" not in read(mail.format("<Saved by Blink>"), "a.mhtml").metadata
    assert "created" not in read(mail.replace("05 Mar", "99 Foo").format("李娜 <l@e.cn>"), "a.eml").metadata


def test_rich_text_states_them_in_its_information() -> None:
    about = r"{\info{\author {\'c0\'ee\'c4\'c8}}{\author \'c0\'ee\'c4\'c8}{\creatim\yr2024\mo3\dy5\hr9\min30}}"
    parsed = read(rf"{{\rtf1\ansi\ansicpg936{about} Words}}", "a.rtf")
    assert parsed.metadata == {"author": "李娜", "created": "2024-03-05"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-05", "2024-03-05"), ("20240305", "2024-03-05"), ("2024年3月5日", "2024-03-05"),
        ("2024/3/5 9:30", "2024-03-05T09:30:00"), ("2024-03-05T09:30:00Z", "2024-03-05T09:30:00+00:00"),
        ("2024-03-05T09:30:00.25-0530", "2024-03-05T09:30:00-05:30"),
        ("1601-01-01T00:00:00Z", ""), ("1970-01-01", ""), ("2024-02-31", ""), ("yesterday", ""), ("", ""),
        ("2024-03-05T09:30:00+99:00", ""), ("9999-99-99", ""),
    ],
)  # fmt: skip
def test_dates_are_written_in_one_way(text: str, expected: str) -> None:
    assert iso(text) == expected
