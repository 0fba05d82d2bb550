"""Targets of links that are not plain words: pictures, addresses without a protocol, formulas put together."""

from __future__ import annotations

import io

import openpyxl
import pytest
from openpyxl.worksheet.hyperlink import Hyperlink

from tests.ingest.test_parse_opened import opened
from tests.ingest.tiny_word import read, texts


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
