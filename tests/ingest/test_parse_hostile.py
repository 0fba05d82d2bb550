"""Documents made to hang, to explode or to reach out: each ends soon, in text or in a refusal with the right code."""

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from collections.abc import Sequence
from email.header import Header
from types import FrameType

import openpyxl
import pytest
from docx import Document

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.parse.text.markdown import html_of
from ingest.settings import IngestSettings


def read(data: bytes | str, name: str) -> ParsedDocument:
    data = data.encode() if isinstance(data, str) else data
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def code(data: bytes | str, name: str) -> str:
    with pytest.raises(DocumentError) as caught:
        read(data, name)
    return caught.value.code


def outcome(data: bytes | str, name: str) -> str:
    """`read`, or the code that it is refused with."""
    try:
        return "read" if read(data, name).text else "nothing"
    except DocumentError as error:
        return error.code


def zipped(members: dict[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("tag", ["div", "b", "span", "ul><li"])
@pytest.mark.parametrize("depth", [150, 1000, 50_000])
def test_a_page_nested_however_deep_keeps_its_words(tag: str, depth: int) -> None:
    assert "the words" in read(f"<html><body>{f'<{tag}>' * depth}the words", "a.html").text


def test_json_nested_however_deep_is_text() -> None:
    assert read("[" * 100_000 + '"word"' + "]" * 100_000, "a.json").kind == "json"
    assert read('{"nbformat":' * 50_000, "a.ipynb").kind == "json"


def test_xml_nested_too_deep_ends() -> None:
    assert code("<a>" * 100_000 + "x", "a.xml") in ("corrupt", "no_text")
    content = "<a>" * 100_000
    mime = "application/vnd.oasis.opendocument.text"
    assert code(zipped({"mimetype": mime, "content.xml": content}), "a.odt") == "corrupt"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text", ["[" * 5000, "![](" * 3000, "<" * 8000, "&" * 8000, "`" * 8001 + "a", "[a][" * 3000, "> " * 3000]
)
def test_marks_without_end_take_no_time_without_end(text: str) -> None:
    assert outcome(f"{text}\n\nThe words.\n", "a.md") in ("read", "no_text")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "name"),
    [
        (":" * 100_000, "a.rst"), ("`a <" * 20_000, "a.rst"), (".. a::\n   " * 3000, "a.rst"),
        ("**a " * 20_000, "a.rst"),
        ("* " + " :a" * 50_000, "a.org"), ("[" * 20_000, "noname"), ("<!---->" * 20_000 + "x", "noname"),
        ('"' * 200_001, "a.csv"), ("x" * 3_000_000, "a.csv"), ("a," * 20_000, "a.csv"),
        ("{\\rtf1" + "{" * 200_000 + "x", "a.rtf"), ("{\\rtf1\\uc999999999" + "\\u12345?" * 10_000, "a.rtf"),
        ("From: a\nSubject: b\nMIME-Version: 1.0\nTo: " + '<("' * 50_000 + "\n\nbody", "a.eml"),
    ],
)  # fmt: skip
def test_text_made_to_be_slow_is_not(text: str, name: str) -> None:
    assert outcome(text, name) in ("read", "no_text", "corrupt")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", ["[" * 244_000, "![[" * 81_000, "[a][" * 61_000, "[" * 120_000 + "a" + "]" * 120_000])
def test_brackets_of_markdown_are_looked_at_once(text: str) -> None:
    def looks(content: str) -> int:
        counted = 0

        def count(frame: FrameType, event: str, argument: object) -> None:
            nonlocal counted
            counted += event == "call" and frame.f_code.co_name in ("skipToken", "parseLinkLabel")

        sys.setprofile(count)
        try:
            html_of(content)
        finally:
            sys.setprofile(None)
        return counted

    assert looks(text[:2000] + text[-2000:]) <= 4 * 4000
    assert looks(f"{text[:2000]}[a](b)") <= 20 * 2000
    assert outcome(f"{text}\n\nThe words.\n", "a.md") == "read"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text", ["> " * 500 + "a\n" + "b\n" * 30_000, ("- " * 90 + "a\n") * 900, "> " * 30 + "a\n" * 9]
)
def test_quotes_and_lists_without_end_keep_their_words(text: str) -> None:
    began = time.thread_time()
    assert read(f"{text}\n\nThe words.\n", "a.md").text.endswith("The words.")
    assert time.thread_time() - began < 15


def test_quotes_without_end_are_divided_at_their_blank_lines() -> None:
    document = read(f"the first\n\n{'> ' * 500}the second\n \t\r\n\n\nthe third\n", "a.md")
    assert [element.text for element in document.elements] == ["the first", "the second", "the third"]


def test_quotes_and_lists_in_one_another_are_read_by_their_structure() -> None:
    nested = "".join(f"{'  ' * depth}- item {depth}\n" for depth in range(15))
    assert [element.kind for element in read(nested, "a.md").elements] == ["list_item"] * 15
    assert "deep words" in read("> " * 15 + "deep words\n", "a.md").text


def test_merged_cells_of_all_tables_of_a_page_are_counted_together() -> None:
    began = time.thread_time()
    assert code("<html><body>" + "<table><tr><td>c<td colspan=1000 rowspan=90>a b</table>" * 200, "a.html") == "corrupt"
    assert time.thread_time() - began < 20


def word(body: str) -> bytes:
    names = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    stream = io.BytesIO()
    Document().save(stream)
    with zipfile.ZipFile(stream) as archive:
        members: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    members["word/document.xml"] = f'<w:document xmlns:w="{names}"><w:body>{body}</w:body></w:document>'
    return zipped(members)


def cell(words: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:tc>"


@pytest.mark.slow
def test_paragraphs_without_end_are_refused() -> None:
    assert code(word("<w:p/>" * 300_000), "a.docx") == "corrupt"


@pytest.mark.parametrize("name", ["br", "tab"])
def test_line_breaks_of_one_run_take_linear_time(name: str) -> None:
    began = time.thread_time()
    text = read(word(f"<w:p><w:r><w:t>a</w:t>{f'<w:{name}/><w:t>b</w:t>' * 30_000}</w:r></w:p>"), "a.docx").text
    assert text.count("b") == 30_000
    assert time.thread_time() - began < 15


def test_a_cell_merged_over_very_many_rows_stands_in_each_of_them() -> None:
    start, on = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = "".join(f"<w:tr>{cell('' if n else 'all', on if n else start)}{cell(f'r{n}')}</w:tr>" for n in range(400))
    lines = read(word(f"<w:tbl>{rows}</w:tbl>"), "a.docx").text.splitlines()
    assert lines[2:] == [f"| all | r{number} |" for number in range(400)]


def test_merged_cells_that_repeat_too_much_are_refused() -> None:
    wide = cell("word" * 5000, '<w:gridSpan w:val="4000"/>')
    assert code(word(f"<w:tbl><w:tr>{wide}</w:tr></w:tbl>"), "a.docx") == "corrupt"


def workbook(last: str, merged: Sequence[str] = (), linked: str = "A1") -> bytes:
    """A sheet with `x` in A1 and in the cell `last`."""
    book = openpyxl.Workbook()
    book.active["A1"] = book.active[last] = "x"
    book.active["A1"].hyperlink = "https://example.com"
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as archive:
        members: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    areas = f"<mergeCells>{''.join(f'<mergeCell ref={chr(34)}{area}{chr(34)}/>' for area in merged)}</mergeCells>"
    sheet = archive_text(members[name]).replace(' ref="A1" ', f' ref="{linked}" ')
    members[name] = sheet.replace("</sheetData>", f"</sheetData>{areas if merged else ''}")
    return zipped(members)


def archive_text(member: bytes | str) -> str:
    return member.decode() if isinstance(member, bytes) else member


def test_areas_of_a_sheet_that_cover_too_many_cells_are_refused() -> None:
    assert code(workbook("B2", ["A1:XFD1048576"]), "a.xlsx") == "too_large"
    assert code(workbook("B2", ["A1:Z10000"] * 300), "a.xlsx") == "too_large"
    assert code(workbook("B2", linked="A1:XFD1048576"), "a.xlsx") == "too_large"
    assert read(workbook("C3", ["A1:B3"], linked="A1:B2"), "a.xlsx").elements[-1].location.cells == "A3:C3"


@pytest.mark.slow
def test_a_cell_in_the_last_row_costs_little() -> None:
    assert read(workbook("D1048576"), "a.xlsx").text.split().count("x") == 2


def test_very_many_short_rows_beside_a_very_long_one_are_refused() -> None:
    assert code("a," * 3000 + "b\n" + "a\n" * 3000, "a.csv") == "corrupt"


def sheet(rows: str) -> bytes:
    names = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "text", "table"))
    content = f"<office:document-content {names}><table:table>{rows}</table:table></office:document-content>"
    return zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content})


def test_cells_of_a_sheet_that_are_repeated_or_merged_too_often_are_refused() -> None:
    def cell(attributes: str) -> str:
        return f"<table:table-cell {attributes}><text:p>a</text:p></table:table-cell>"

    def row(cells: str) -> str:
        return f'<table:table-row table:number-rows-repeated="1000000">{cells}</table:table-row>'

    assert code(sheet(row(cell('table:number-columns-repeated="1000000"') * 20) * 30), "a.ods") == "corrupt"
    spanned = cell('table:number-columns-spanned="100" table:number-rows-spanned="100"')
    assert code(sheet(f"<table:table-row>{spanned * 20}</table:table-row>"), "a.ods") == "corrupt"


@pytest.mark.slow
def test_cells_merged_a_thousand_times_are_refused() -> None:
    page = f"<html><body><table><tr>{'<td colspan=1000 rowspan=1000>x' * 300}</table>"
    assert code(page, "a.html") == "corrupt"


def test_a_chapter_that_an_e_book_repeats_is_read_once() -> None:
    book = zipped({
        "META-INF/container.xml": '<c><r full-path="a.opf"/></c>',
        "a.opf": '<package><manifest><item id="a" href="a.x"/></manifest><spine>' + '<itemref idref="a"/>' * 20_000
        + "</spine></package>",
        "a.x": "<html><body><p>once</p></body></html>",
    })  # fmt: skip
    assert read(book, "a.epub").text == "once"


def test_nothing_outside_the_document_is_opened(tmp_path: object) -> None:
    page = "<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/hostname'><a>inside</a>"
    assert read(page, "a.xml").text == "inside"
    include = '<?xml version="1.0"?><a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/>b</a>'
    assert read(include, "a.xml").text == "b"


@pytest.mark.parametrize(
    "name",
    ["n" * 300 + ".txt", "名" * 100 + ".txt", "a\nb.txt", "a\0b.txt", "..", "/etc/passwd", "a\udcff.txt", "", "💥.txt"],
)
def test_any_name_will_do(name: str) -> None:
    parsed = read("some words", name)
    assert parsed.text == "some words"
    parsed.title.encode()
    with pytest.raises(DocumentError) as caught:
        read(b"", name)
    caught.value.message.encode()
    assert len(caught.value.message) < 300


def test_notebooks_that_are_none_are_refused_or_read_as_json() -> None:
    for wrong in ('["nbformat"]', '{"nbformat": 4, "cells": [1]}', '{"nbformat": 4, "cells": {"a": 1}}'):
        assert outcome(wrong, "a.ipynb") in ("read", "corrupt")
    assert json.loads(read('{"cells": 1}', "a.ipynb").text) == {"cells": 1}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ['"', "\\", ". ", '<("', "(", "=?utf-8?q?"])
def test_headers_of_a_mail_take_no_time_without_end(piece: str) -> None:
    line = piece * (200_000 // len(piece))
    began = time.thread_time()
    for length in (900, 19_000, 200_000):
        headers = "".join(f"{name}: {line[:length]}\n" for name in ("From", "To", "Cc", "Date", "Content-Type"))
        assert "the words" in read(f"Subject: s\n{headers}MIME-Version: 1.0\n\nthe words", "a.eml").text
    assert time.thread_time() - began < 15


def test_a_mail_to_very_many_names_them() -> None:
    people = ", ".join(f"u{number}@e.com" for number in range(500))
    names = Header("、".join(f"王{number}" for number in range(300)), "utf-8").encode()
    found = read(f"Subject: s\nFrom: a@e.com\nTo: {people}\nCc: {names}\n\nthe words", "a.eml").text
    assert "u499@e.com" in found
    assert "王299" in found


@pytest.mark.timeout(60)
def test_pictures_of_a_chapter_that_never_end_take_no_time_without_end() -> None:
    book = zipped({
        "META-INF/container.xml": '<c><r full-path="a.opf"/></c>',
        "a.opf": '<package><manifest><item id="a" href="a.x"/></manifest><spine><itemref idref="a"/></spine></package>',
        "a.x": "<html><body><p>the words</p>" + "<img " * 60_000,
    })  # fmt: skip
    began = time.thread_time()
    assert read(book, "a.epub").text == "the words"
    assert time.thread_time() - began < 10


def test_a_page_that_is_nested_too_deep_shows_no_script() -> None:
    page = (
        f"<html><head><title>T</title></head><body>{'<div>' * 300}one<!-- no --><script>no()</script> two<b>three</b>"
    )
    assert read(page, "a.html").text.split() == ["one", "two", "three"]


@pytest.mark.parametrize("piece", ["<script", "<style>", "<aaaa", "<!--", "</head"])
def test_a_page_that_is_nested_too_deep_takes_linear_time(piece: str) -> None:
    began = time.thread_time()
    outcome(f"<html><body>{'<div>' * 300}the words<!-- {piece * 60_000}", "a.html")
    assert time.thread_time() - began < 10
