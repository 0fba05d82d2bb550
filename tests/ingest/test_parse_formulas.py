"""Formulas that a program has written without their values: computed where they are simple, otherwise read as text."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from typing import Any

import openpyxl
import pytest

from ingest.parse.extracted import Extracted
from ingest.parse.mail.attachments import Allowance
from ingest.parse.readers import read
from ingest.settings import IngestSettings
from tests.ingest.test_parse_opened import opened
from tests.ingest.tiny_xls import Cell, old_book

PRICES = [("恒温槽", 3200, 4), ("真空泵", 8600, 2), ("移液枪", 450.5, 10)]


def extracted(data: bytes, name: str) -> Extracted:
    return read(data, name, IngestSettings(ocr=False), Allowance())[1]


def table(found: Extracted) -> list[list[str]]:
    (element,) = [element for element in found.elements if element.kind == "table"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in element.text.split("\n")]


def first_row(data: bytes) -> str:
    """The first row of a workbook that has no header."""
    return extracted(data, "a.xlsx").elements[1].text.split("\n")[2]


def saved(book: Any) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def computed(*formulas: str) -> list[str]:
    """What is read for formulas in column E, beside the prices in A1:C4 and their names."""
    book = openpyxl.Workbook()
    book.active.append(["产品", "单价", "数量", "x", "公式"])
    for row in PRICES:
        book.active.append([*row])
    for number, formula in enumerate(formulas, 2):
        book.active.cell(number, 4, "f")
        book.active.cell(number, 5, formula)
    book.create_sheet("税 率")["A1"] = 0.13
    elements = extracted(saved(book), "a.xlsx").elements
    (text,) = [element.text for element in elements if element.kind == "table"]
    return [line.strip("| ").rpartition("|")[2].strip() for line in text.split("\n")[2 : len(formulas) + 2]]


def test_sums_and_products_are_computed_in_any_order() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["产品", "单价", "数量", "小计", "含税"])
    sheet.append(["合计", None, "=SUM(C3:C5)", "=SUM(D3:D5)", "=ROUND(D2*1.13,1)"])
    for number, row in enumerate(PRICES, 3):
        sheet.append([*row, f"=B{number}*C{number}", f"=D{number}*1.13"])
    sheet["D2"].number_format = "#,##0.00"
    found = extracted(saved(book), "a.xlsx")
    assert [row[3:] for row in table(found)[2:]] == [
        ["34,505.00", "38990.7"], ["12800", "14464"], ["17200", "19436"], ["4505", "5090.65"],
    ]  # fmt: skip
    assert table(found)[2][2] == "16"
    assert not found.notes


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("=AVERAGE(B2:B4)", "4083.5"), ("=MIN(B2:B4)", "450.5"), ("=MAX(B:B)", "8600"), ("=COUNT(A2:C4)", "6"),
        ("=COUNTA(A2:A9)", "3"), ("=SUM(B2,C2:C3,1)", "3207"), ("=(B2+B3)/2-1", "5899"), ("=-B2^2", "10240000"),
        ("=B2*13%", "416"), ("=ROUNDUP(B4,0)", "451"), ("=INT(B4)", "450"), ("=$B$2*'税 率'!A1", "416"),
        ('=A2&"×"&C2', "恒温槽×4"), ('=IF(B2>1000,"高","低")', "高"), ('=IF(B9="","",B9*2)', ""),
        ("=IF(AND(B2>1,C2>1),SUM(C2:C4),0)", "16"), ("=B2>B3", "FALSE"), ("=PRODUCT(B2:C2)", "12800"),
        ("=B9+1", "1"), ('=TEXT(B2*10+1,"[DBNum1]")', "三万二千〇一"),
    ],
)  # fmt: skip
def test_simple_functions_and_operators(formula: str, text: str) -> None:
    assert computed(formula)[0] == (text or "f"), "an empty text is an empty cell"


@pytest.mark.parametrize(
    "formula",
    ["=OFFSET(A2,1,1)", "=B2/0", "=A2*2", "=SUM(Preise)", "=TODAY()", "=E2+1", "=Nowhere!A1", "=B2:B4",
     "=10^999", "=SUM(B2:C3 A2:B4)", "=" + "(" * 60 + "1" + ")" * 60],
)  # fmt: skip
def test_what_cannot_be_computed_is_read_as_it_is_written(formula: str) -> None:
    assert computed(formula) == [formula]


def test_formulas_without_a_value_are_counted() -> None:
    book = openpyxl.Workbook()
    for row in (["a", "b", "c"], [1, "=VLOOKUP(A2,A1:B1,1)", "=B2+1"], [2, "=A2+1", "=C3"]):
        book.active.append(row)
    found = extracted(saved(book), "a.xlsx")
    assert table(found)[2:] == [["1", "=VLOOKUP(A2,A1:B1,1)", "=B2+1"], ["2", "2", "=C3"]]
    assert found.notes == {"formulas_without_value": 3}


def test_a_stored_value_is_read_and_never_computed_anew() -> None:
    sheet = restated(lambda text: text.replace("<f>A1+1</f><v></v>", "<f>A1+1</f><v>7</v>"))
    assert first_row(sheet) == "| 1 | 7 | x |"
    empty = restated(lambda text: text.replace('"><f>A1+1</f><v></v>', '" t="str"><f>A1+1</f><v></v>'))
    assert "| 1 |  | x |" in extracted(empty, "a.xlsx").elements[1].text


def test_zeros_of_a_program_that_computes_nothing_are_no_values() -> None:
    def zero(text: str) -> str:
        return text.replace("<f>A1+1</f><v></v>", "<f>A1+1</f><v>0</v>")

    assert first_row(restated(zero)) == "| 1 | 2 | x |"
    settled = restated(lambda text: zero(text).replace('fullCalcOnLoad="1"', ""))
    assert first_row(settled) == "| 1 | 0 | x |"


@pytest.mark.parametrize(
    ("program", "value", "shown"), [("Apache POI", "0.0", "2"), ("Apache POI", "0.5", "0.5"), ("x", "0.0", "0")]
)
def test_zeros_that_the_writer_of_long_sheets_puts_everywhere_are_no_values(
    program: str, value: str, shown: str
) -> None:
    def long(text: str) -> str:
        text = text.replace('fullCalcOnLoad="1"', "").replace("<f>A2+1</f><v></v>", "<f>A2+1</f><v>0.0</v>")
        text = re.sub("<Application>[^<]*", f"<Application>{program}", text)
        return text.replace("<f>A1+1</f><v></v>", f"<f>A1+1</f><v>{value}</v>")

    assert first_row(restated(long)) == f"| 1 | {shown} | x |"


def test_a_shared_formula_counts_for_all_its_cells() -> None:
    shared = '<f t="shared" ref="B1:B2" si="0">A1+1</f>'
    data = restated(lambda text: text.replace("<f>A1+1</f>", shared).replace("<f>A2+1</f>", '<f t="shared" si="0"/>'))
    assert first_row(data) == "| 1 | 2 | x |"
    assert "| 5 | 6 | y |" in extracted(data, "a.xlsx").elements[1].text


def restated(change: Any) -> bytes:
    """A workbook with two formulas, and its XML changed."""
    book = openpyxl.Workbook()
    book.active.append([1, "=A1+1", "x"])
    book.active.append([5, "=A2+1", "y"])
    with zipfile.ZipFile(io.BytesIO(saved(book))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            is_sheet = name in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "docProps/app.xml")
            archive.writestr(name, change(data.decode()) if is_sheet else data)
    return stream.getvalue()


def test_very_long_chains_and_growing_texts_end() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["n", "up", "text"])
    last = 3_000
    for number in range(2, last):
        sheet.append(["n", f"=B{number + 1}+1", f"=C{number - 1}&C{number - 1}"])
    sheet.cell(last, 2, 1)
    found = table(extracted(saved(book), "a.xlsx"))
    assert found[2][1:] == ["2999", "texttext"]
    assert found[40][2] == "=C39&C39"


def test_formulas_of_an_open_spreadsheet_are_computed_too() -> None:
    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    def words(text: str) -> str:
        return f"<table:table-cell><text:p>{text}</text:p></table:table-cell>"

    def formula(text: str, more: str = "") -> str:
        return f"<table:table-cell table:formula='{text}' {more}/>"

    number = '<table:table-cell office:value-type="float" office:value="{}"/>'
    body = (
        '<office:spreadsheet><table:table table:name="a">' + row(words("单价"), words("数量"), words("小计"))
        + row(number.format(3200), number.format(4), formula("of:=[.A2]*[.B2]"))
        + row(number.format(10), number.format(2), formula('of:=IF([.A3]&gt;5;[.A3]*[.B3];0)'))
        + row(words("合计"), formula("of:=VLOOKUP([.A2];[.A2:.B3];2)"), formula("of:=SUM([.C2:.C3])"))
        + "</table:table></office:spreadsheet>"
    )  # fmt: skip
    found = extracted(opened("spreadsheet", body), "a.ods")
    assert [row[1:] for row in table(found)[2:]] == [
        ["4", "12800"], ["2", "20"], ["=VLOOKUP(A2,A2:B3,2)", "12820"],
    ]  # fmt: skip
    assert found.notes == {"formulas_without_value": 1}


def place(row: int, column: int) -> bytes:
    return struct.pack("<HH", row, column | 0xC000)


def test_formulas_of_an_old_workbook_are_computed_if_none_has_a_value() -> None:
    product = Cell(b"\x44" + place(1, 1) + b"\x44" + place(1, 2) + b"\x05", "0.00")
    total = Cell(b"\x25" + struct.pack("<HH", 1, 2) + struct.pack("<HH", 3 | 0xC000, 3 | 0xC000) + b"\x19\x10\0\0")
    today = Cell(b"\x21\xdd\0")
    rows = {
        0: {0: Cell("产品"), 1: Cell("单价"), 2: Cell("数量"), 3: Cell("小计")},
        1: {0: Cell("恒温槽"), 1: Cell(3200), 2: Cell(4), 3: product},
        2: {0: Cell("真空泵"), 1: Cell(1), 2: Cell(2), 3: Cell(2)},
        3: {0: Cell("合计"), 1: today, 3: total},
    }
    found = extracted(old_book(rows), "a.xls")
    assert [row[1:] for row in table(found)[2:]] == [
        ["3200", "4", "12800.00"], ["1", "2", "2"], ["=TODAY()", "", "12802"],
    ]  # fmt: skip
    assert found.notes == {"formulas_without_value": 1}
