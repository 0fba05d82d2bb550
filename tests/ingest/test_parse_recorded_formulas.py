"""Every formula of a table that LibreOffice has recorded is computed as it computes it, or as Excel does."""

from __future__ import annotations

import io
import subprocess
import time
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from ingest.parse.extracted import Extracted
from ingest.parse.mail.attachments import Allowance
from ingest.parse.readers import read
from ingest.parse.sheets.formulas.calculator import Calculator, Formula
from ingest.parse.sheets.formulas.values import UncomputableError
from ingest.settings import IngestSettings
from tests.ingest.recorded_formats import PROGRAM
from tests.ingest.recorded_formulas import TABLE, recorded, recorded_again, workbook
from tests.ingest.test_parse_opened import opened


def extracted(data: bytes, name: str = "a.xlsx") -> Extracted:
    return read(data, name, IngestSettings(ocr=False), Allowance())[1]


def table(found: Extracted) -> list[list[str]]:
    """The cells of the first table, without its header."""
    element = next(element for element in found.elements if element.kind == "table")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in element.text.split("\n")[2:]]


def saved(book: Any) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def value(formula: str, **cells: Any) -> object:
    """What a formula in Z1 is, beside these cells."""
    content = {openpyxl.utils.cell.coordinate_to_tuple(place): item for place, item in cells.items()}
    return Calculator({"a": {**content, (1, 26): Formula(formula)}}).computed("a", 1, 26)


def test_formulas_are_computed_as_it_is_recorded() -> None:
    entries = recorded()
    assert len(entries) > 200
    found = [row[1] for row in table(extracted(workbook([entry.formula for entry in entries])))]
    wrong = [(entry, text) for entry, text in zip(entries, found, strict=True) if text != entry.expected]
    assert not wrong


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="LibreOffice is not installed")
def test_the_table_is_what_libreoffice_computes() -> None:
    version = subprocess.run([PROGRAM or "", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if not TABLE.read_text(encoding="utf-8").startswith(f"{version},"):
        pytest.skip(f"the table was recorded with another version than {version}")
    assert recorded_again(recorded()) == recorded()


@pytest.mark.parametrize(
    "formula",
    ["=TODAY()", "=NOW()-A1", "=RAND()", "=RANDBETWEEN(1,6)", "=INDIRECT(\"A1\")", "=OFFSET(A1,1,1)", "=CELL(\"row\")",
     "=WEBSERVICE(\"http://127.0.0.1\")", "=DATEDIF(A1,TODAY(),\"D\")", "=IFERROR(TODAY(),1)", "=[1]Prices!A1+1"],
)  # fmt: skip
def test_what_depends_on_the_day_on_chance_or_on_what_is_outside_is_never_computed(formula: str) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "b", "c"])
    book.active.append([1, formula, "x"])
    found = extracted(saved(book))
    assert table(found) == [["1", formula, "x"]]
    assert found.notes == {"formulas_without_value": 1}


def test_a_name_for_one_sheet_comes_before_that_of_the_workbook_and_no_name_stands_for_itself() -> None:
    book = openpyxl.Workbook()
    for title in ("a", "b"):
        sheet = book.active if title == "a" else book.create_sheet("b")
        sheet.title = title
        sheet.append(["x", "y", "z"])
        sheet.append(["r", "=rate*100", "=loop+1"])
    book.defined_names["rate"] = DefinedName("rate", attr_text="0.13")
    book["b"].defined_names["Rate"] = DefinedName("Rate", attr_text="0.06")
    book.defined_names["loop"] = DefinedName("loop", attr_text="loop*2")
    found = extracted(saved(book))
    rows = [element.text.split("\n")[2] for element in found.elements if element.kind == "table"]
    assert rows == ["| r | 13 | =loop+1 |", "| r | 6 | =loop+1 |"]


def test_names_of_an_open_spreadsheet_are_known() -> None:
    cell = '<table:table-cell office:value-type="float" office:value="{}"><text:p>{}</text:p></table:table-cell>'
    words = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    body = (
        '<office:spreadsheet><table:table table:name="a"><table:table-row>' + words.format("n") + words.format("s")
        + "</table:table-row><table:table-row>" + cell.format(3, 3)
        + "<table:table-cell table:formula='of:=SUM(nums)*rate'/></table:table-row><table:table-row>"
        + cell.format(4, 4) + words.format("x") + "</table:table-row></table:table><table:named-expressions>"
        '<table:named-range table:name="nums" table:cell-range-address="$a.$A$2:.$A$3"/>'
        '<table:named-expression table:name="rate" table:expression="of:=[$a.$A$2]*10"/>'
        "</table:named-expressions></office:spreadsheet>"
    )  # fmt: skip
    assert table(extracted(opened("spreadsheet", body), "a.ods")) == [["3", "210"], ["4", "x"]]


def test_a_subtotal_leaves_out_what_a_filter_hides() -> None:
    def totals(filtered: bool) -> list[str]:
        book = openpyxl.Workbook()
        sheet = book.active
        for row in (
            ["n", "a", "b"],
            ["x", 1, 0],
            ["y", 2, 0],
            ["z", 4, 0],
            ["t", "=SUBTOTAL(9,B2:B4)", "=SUBTOTAL(109,B2:B4)"],
        ):
            sheet.append(row)
        sheet.row_dimensions[3].hidden = True
        if filtered:
            sheet.auto_filter.ref = "A1:C4"
        return table(extracted(saved(book)))[-1][1:]

    assert totals(filtered=False) == ["7", "5"]
    assert totals(filtered=True) == ["5", "5"]


def test_days_are_not_counted_where_the_workbook_counts_from_1904() -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["a", "b"])
    book.active.append([44000, "=YEAR(A2)"])
    assert table(extracted(saved(book))) == [["44000", "=YEAR(A2)"]]


def lookups(rows: int) -> float:
    """Returns how many seconds a sheet takes whose every row looks at whole columns."""
    cells: dict[tuple[int, int], object] = {}
    for row in range(1, rows + 1):
        cells[row, 1], cells[row, 2] = f"k{row}", float(row)
        cells[row, 3] = Formula(f'=SUMIF(A:A,A{row},B:B)+COUNTIFS(A:A,A{row},B:B,">0")')
        cells[row, 4] = Formula(f"=VLOOKUP(A{row},A:B,2,FALSE)/SUM(B:B)+INDEX(B:B,MATCH(A{row},A:A,0))")
    calculator = Calculator({"a": cells})
    started = time.process_time()
    for row in range(1, rows + 1):
        assert calculator.computed("a", row, 3) == row + 1
        assert calculator.computed("a", row, 4) == pytest.approx(row + 2 * row / (rows * (rows + 1)))
    return time.process_time() - started


def test_whole_columns_take_linear_time() -> None:
    lookups(100)
    assert lookups(4_000) < 16 * max(lookups(1_000), 0.05)


def test_patterns_and_repeated_texts_end_soon() -> None:
    started = time.process_time()
    text = "a" * 32_000
    assert value('=COUNTIF(A1:A3,"' + "*a" * 100 + 'b*")', A1=text, A2=text, A3="aab") == 0
    formulas = ["=REPT(A1,100)", '=SUBSTITUTE(A1,"a",A1)', "=CONCAT(A1,A1)", '=TEXTJOIN(A1,TRUE,"x","y","z")']
    formulas += ['=SEARCH("*a*a*a*a*b",A1)', "=WORKDAY(50000,1000000)", "=DATE(9999,99999,99999)", "=10^300*10^300"]
    for formula in formulas:
        with pytest.raises(UncomputableError):
            value(formula, A1=text)
    assert time.process_time() - started < 5


def test_a_wildcard_is_a_character_behind_a_tilde() -> None:
    cells = {"A1": "3*4", "A2": "3x4", "A3": "34", "A4": "3?4~"}
    counted = {"3*4": 3, "3~*4": 1, "3?4": 2, "?4": 1, "*4*": 4, "3~?4~~": 1, "<>3*4": 1, "*": 4}
    for pattern, count in counted.items():
        assert value(f'=COUNTIF(A1:A4,"{pattern}")', **cells) == count, pattern
