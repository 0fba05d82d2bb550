"""Characters of a PDF that are seen and that no font tells: read by OCR where they stand, or counted."""

from __future__ import annotations

import pytest

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_ofd import ofd, text
from tests.ingest.tiny_pdf import Stroke, Words, pdf

GOOD = [Words(60, 300 + 20 * line, f"Rule {line}: receipts are handed in within thirty days") for line in range(9)]
NOTHING = ("0000", "0003", "0094", "FFFD", "FFFE", "D800")
"""Codes that are no characters, as the maps of fonts have them."""


def read(data: bytes, name: str = "a.pdf", ocr: bool = False) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=ocr))


def texts(document: ParsedDocument) -> list[str]:
    return [element.text for element in document.elements if not element.text.startswith("Rule")]


@pytest.mark.parametrize("told", NOTHING)
def test_characters_with_a_code_that_is_none_are_read_or_counted(told: str) -> None:
    page = pdf([Words(60, 100, "Lanheng Precision", 14, told=told), *GOOD])
    left_out = read(page)
    assert (texts(left_out), left_out.notes) == ([], {"parts_not_read": 1})
    taken = read(page, ocr=True)
    assert (texts(taken), taken.notes) == (["Lanheng Precision"], {})


@pytest.mark.parametrize("told", NOTHING)
def test_a_single_digit_that_is_not_told_is_not_lost_inside_a_number(told: str) -> None:
    line = [Words(60, 100, "Price: 1"), Words(97.3, 100, "2", told=told), Words(103.4, 100, "5 yuan")]
    left_out = read(pdf([*line, *GOOD]))
    assert (texts(left_out), left_out.notes) == (["Price: 1\ufffd5 yuan"], {"parts_not_read": 1})
    taken = read(pdf([*line, *GOOD]), ocr=True)
    assert (texts(taken), taken.notes) == (["Price: 125 yuan"], {})


@pytest.mark.parametrize("told", NOTHING)
def test_blanks_with_a_code_that_is_none_are_blanks(told: str) -> None:
    line = [Words(60, 100, "Travel"), Words(93, 100, " ", told=told), Words(96, 100, "expenses")]
    document = read(pdf([*line, *GOOD]))
    if told != "FFFD":
        assert texts(document) == ["Travel expenses"]
    assert document.notes == {}


def test_a_code_beside_a_character_of_the_same_shape_is_no_other_one() -> None:
    document = read(pdf([Words(60, 100, "xyz", told="00000041"), *GOOD]))
    assert ("".join(texts(document)).replace(" ", ""), document.notes) == ("AAA", {})


@pytest.mark.parametrize(("x", "y", "slant"), [(200, 280, 30), (250, 100, -45), (250, 280, 100), (350, 250, 135)])
def test_slanted_characters_that_are_not_told_are_read_or_counted(x: float, y: float, slant: float) -> None:
    page = pdf([Words(x, y, "Lanheng Precision", 24, slant=slant, told="0000"), *GOOD])
    left_out = read(page)
    assert (texts(left_out), left_out.notes) == ([], {"parts_not_read": 1})
    taken = read(page, ocr=True)
    assert (texts(taken), taken.notes) == (["Lanheng Precision"], {})


def test_turned_characters_and_those_of_a_turned_page_are_read() -> None:
    page = pdf([Words(500, 700, "Lanheng Precision", 24, turned=True, told="0000"), *GOOD])
    assert texts(read(page, ocr=True)) == ["Lanheng Precision"]
    turned = [Words(100 + 20 * line, 800, words.text, turned=True) for line, words in enumerate(GOOD)]
    page = pdf([Words(60, 800, "Lanheng Precision", 24, turned=True, told="FFFE"), *turned], rotate=90)
    assert texts(read(page, ocr=True)) == ["Lanheng Precision"]


def test_slanted_shapes_without_a_map_are_counted() -> None:
    shapes = "".join(chr(code) for code in range(33, 63))
    document = read(pdf([Words(150, 700, shapes, 14, slant=45, unmapped=True), *GOOD]))
    assert (texts(document), document.notes) == ([], {"parts_not_read": 1})


def test_slanted_text_keeps_the_wide_signs_of_chinese() -> None:
    document = read(pdf([Words(100, 700, "内部资料（禁止外传）", 24, slant=45), *GOOD]))
    assert texts(document) == ["内部资料（禁止外传）"]


def test_a_line_beside_a_blank_without_a_code_is_not_taken_for_a_letter() -> None:
    line = [Words(60, 100, "Name"), Words(90, 100, "          ", told="0000"), Stroke(90, 103, 120, 103)]
    document = read(pdf([*line, *GOOD]))
    assert (texts(document), document.notes) == (["Name"], {})


def test_characters_of_an_ofd_file_that_are_not_told_are_counted() -> None:
    page = text(20, 50, "合同金额为") + text(40, 50, "\ufffd\ufffd") + text(48, 50, "万元") + text(20, 80, "\ufffd")
    document = read(ofd([page + text(20, 120, "乙方应当按期交付全部设备并负责安装调试。")]), "a.ofd")
    assert texts(document)[0] == "合同金额为\ufffd万元"
    assert len(document.elements) == 2
    assert document.notes == {"parts_not_read": 2}


def test_shapes_of_an_ofd_file_without_any_character_are_counted() -> None:
    shapes = text(20, 50, "甲").replace(">甲<", "><").replace(
        "</ofd:TextObject>", "<ofd:CGTransform CodePosition='0' GlyphCount='2'><ofd:Glyphs>7 9</ofd:Glyphs>"
        "</ofd:CGTransform></ofd:TextObject>")  # fmt: skip
    document = read(ofd([shapes + text(20, 80, "乙方应当按期交付。")]), "a.ofd")
    assert (texts(document), document.notes) == (["乙方应当按期交付。"], {"parts_not_read": 1})


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ([Words(60, 100, "Amount 1"), Words(103, 100, "7A", unmapped=True), Words(117, 100, "5 yuan")], 1),
        ([Words(60, 100, "Grade"), Words(120, 100, "QX", unmapped=True)], 1),
        ([Words(60, 100, "Grade"), Words(120, 100, "+*", unmapped=True)], 0),
        ([Words(60, 100, "Grade"), Words(120, 100, "QX")], 0),
    ],
)
@pytest.mark.parametrize("ocr", [False, True])
def test_one_to_three_characters_without_a_map_are_counted(line: list[Words], count: int, ocr: bool) -> None:
    document = read(pdf([*line, *GOOD]), ocr=ocr)
    assert "".join(texts(document)).replace(" ", "") == "".join(words.text for words in line).replace(" ", "")
    assert document.notes == ({"parts_not_read": count} if count else {})
