"""Parts that a Word document takes in whole: web pages, web archives, texts and other documents."""

from __future__ import annotations

import quopri

import pytest

from ingest.parse.mail.attachments import Allowance
from ingest.parse.readers import read as read_kind
from ingest.settings import IngestSettings
from tests.ingest.tiny_word import read, related, run, texts, word

PAGE = (
    "<html><head><title>export</title></head><body><h1>值班安排</h1><p>夜班从二十点开始。</p>"
    "<ul><li>带上钥匙</li></ul><table><tr><th>日期</th><th>人员</th></tr><tr><td>周一</td><td>李工</td></tr></table>"
    "</body></html>"
)
READ = [
    ("heading", "值班安排"), ("paragraph", "夜班从二十点开始。"), ("list_item", "带上钥匙"),
    ("table", "| 日期 | 人员 |\n| --- | --- |\n| 周一 | 李工 |"),
]  # fmt: skip
CHUNK = "<w:altChunk r:id='part1'></w:altChunk>"


def archive(page: str, charset: str = "utf-8", head: bytes = b"MIME-Version: 1.0\r\n") -> bytes:
    body = quopri.encodestring(page.encode(charset))
    return (
        head + b'Content-Type: multipart/related; type="text/html"; boundary="--=_next"\r\n\r\n'
        b"----=_next\r\nContent-Type: text/html; charset=" + charset.encode() + b"\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\nContent-Location: file:///C:/page.html\r\n\r\n"
        + body + b"\r\n----=_next--\r\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("afchunk__mht", archive(PAGE)),
        ("afchunk__mht", archive(PAGE, "gb2312", b"From: <Saved by a browser>\r\nSubject: \r\nMIME-Version: 1.0\r\n")),
        ("afchunk__mht", PAGE.encode()),
        ("chunk1__htm", PAGE.encode()),
        ("chunk1__xhtml", b'<?xml version="1.0" encoding="utf-8"?>' + PAGE.encode()),
        ("chunk1__bin", PAGE.encode("utf-16")),
    ],
)
def test_a_web_page_inside_a_word_document_is_read_in_its_place(name: str, content: bytes) -> None:
    alone = read(related(word(CHUNK), {"part1": name.replace("__", ".")}, **{name: content}))
    assert [(element.kind, element.text) for element in alone.elements] == READ
    assert alone.title == "值班安排"
    data = word(f"<w:p>{run('Before')}</w:p>", CHUNK, f"<w:p>{run('After')}</w:p>")
    among = read(related(data, {"part1": f"/word/{name.replace('__', '.')}"}, **{name: content}))
    assert texts(among) == ["Before", *(text for _, text in READ), "After"]
    assert among.elements[-1].location.heading_path == ("值班安排",)


def test_texts_and_documents_inside_a_document_are_read_too() -> None:
    inner = related(word(f"<w:p>{run('inner ')}</w:p>", CHUNK), {"part1": "deep.txt"}, deep__txt=b"first\n\nsecond")
    data = word(CHUNK, "<w:altChunk r:id='part2'></w:altChunk>")
    data = related(data, {"part1": "a.docx", "part2": "b.rtf"}, a__docx=inner, b__rtf=rb"{\rtf1 rich text\par}")
    assert texts(read(data)) == ["inner", "first", "second", "rich text"]


def test_a_part_inside_a_cell_becomes_text_of_the_cell() -> None:
    said = [[f"<w:p>{run(text)}</w:p>" for text in row] for row in (("区域", "说明"), ("", "two"), ("three", "four"))]
    said[1][0] = f"{CHUNK}<w:p/>"
    rows = ("".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in said)
    cell = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    data = related(word(cell), {"part1": "a.htm"}, a__htm=b"<h1>One</h1><p>a|b</p>")
    assert texts(read(data)) == ["| 区域 | 说明 |\n| --- | --- |\n| One a\\|b | two |\n| three | four |"]


@pytest.mark.parametrize("content", [b"\x00\x01\x02" * 50, b"MIME-Version: 1.0\r\nContent-Type: image/png\r\n\r\nx"])
def test_a_part_that_cannot_be_read_is_counted_and_the_rest_is_read(content: bytes) -> None:
    data = word(
        f"<w:p>{run('Before')}</w:p>",
        CHUNK,
        "<w:altChunk r:id='absent'></w:altChunk>",
        "<w:altChunk r:id='web'></w:altChunk>",
    )
    data = related(data, {"part1": "a.mht", "web": "https://example.com/a.htm"}, a__mht=content)
    kind, found = read_kind(data, "a.docx", IngestSettings(), Allowance())
    assert (kind, [element.text for element in found.elements]) == ("docx", ["Before"])
    assert found.notes == {"parts_not_read": 3}


def test_a_part_that_is_not_in_the_file_is_counted_too() -> None:
    data = related(word(f"<w:p>{run('Before')}</w:p>", CHUNK), {"part1": "a.htm", "web": "https://example.com"})
    _, found = read_kind(data, "a.docx", IngestSettings(), Allowance())
    assert [element.text for element in found.elements] == ["Before"]
    assert found.notes == {"parts_not_read": 1}


def test_a_part_that_is_taken_in_too_often_is_read_as_often_as_the_limit_says() -> None:
    data = related(word(*[CHUNK] * 520), {"part1": "a.htm"}, a__htm=b"<p>again</p>")
    _, found = read_kind(data, "a.docx", IngestSettings(), Allowance())
    assert len(found.elements) == 500
    assert found.notes == {"parts_not_read": 20}


def test_objects_of_other_programs_are_counted() -> None:
    drawing = "<w:object><v:shape/><o:OLEObject Type='Embed' ProgID='Excel.Sheet.12' r:id='x'/></w:object>"
    data = word(f"<w:p>{run('See the sheet')}<w:r>{drawing}</w:r></w:p>")
    _, found = read_kind(data, "a.docx", IngestSettings(), Allowance())
    assert found.notes == {"embedded_objects": 1}
