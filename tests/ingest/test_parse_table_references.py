"""Formulas that name the columns of a table, without stored values: `=SUM(Orders[Price])`, `=[@Price]*2`."""

from __future__ import annotations

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.table import Table, TableColumn

from ingest.parse.sheets.formulas.table_references import Tables
from tests.ingest.test_parse_formulas import extracted, saved

COLUMNS = ["产品", "单价", "数量", "金额 (元)", "x'[1]"]
ROWS = [("恒温槽", 3200, 4), ("真空泵", 8600, 2), ("移液枪", 450.5, 10)]
TOTALS = ["合计", None, None, "=SUBTOTAL(109,订单[金额 (元)])", 7]


def priced(*formulas: str, amount: str = "=订单[[#This Row],[单价]]*订单[[#This Row],[数量]]") -> list[str]:
    """What is read for formulas on another sheet of a workbook with a table in B2:F6, totals in its last row."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "明细 '26"
    sheet.append([])
    for row in (COLUMNS, *([*row, amount, 1] for row in ROWS), TOTALS):
        sheet.append([None, *row])
    table = Table(displayName="订单", name="订单", ref="B2:F6", totalsRowCount=1)
    table._initialise_columns()
    table.tableColumns = [TableColumn(id=number, name=name) for number, name in enumerate(COLUMNS, 1)]
    sheet.add_table(table)
    book.defined_names["总额"] = DefinedName("总额", attr_text="订单[金额 (元)]")
    other = book.create_sheet("汇总")
    other.append(["项", "值", "说明"])
    for formula in formulas:
        other.append(["f", formula, "行"])
    lines = extracted(saved(book), "a.xlsx").elements[-1].text.split("\n")[2:]
    return [line.split("|")[2].strip() for line in lines]


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("=SUM(订单[金额 (元)])", "34505"),
        ("=sum(订单[ 数量 ])", "16"),
        ("=订单[[#Totals],[金额 (元)]]", "34505"),
        ("=订单[[#totals],[金额 (元)]]*2", "69010"),
        ("=SUM(订单[[单价]:[数量]])", "12266.5"),
        ("=COUNTA(订单[#Headers])", "5"),
        ("=COUNTA(订单[[#Headers],[#Data],[产品]])", "4"),
        ("=COUNTA(订单[[#All],[产品]])", "5"),
        ("=COUNTA(订单[])", "15"),
        ("=COUNTA(订单)", "15"),
        ("=SUM(订单[x'''[1']])", "3"),
        ('=VLOOKUP("真空泵",订单,3,FALSE)', "2"),
        ('=SUMIF(订单[产品],"真空泵",订单[金额 (元)])', "17200"),
        ('=INDEX(订单[单价],MATCH("移液枪",订单[产品],0))', "450.5"),
        ("=\"订单[单价]\"&订单[[#Totals],[x'''[1']]]", "订单[单价]7"),
        ("=SUM(总额)", "34505"),
    ],
)
def test_columns_of_a_table_are_computed(formula: str, text: str) -> None:
    assert priced(formula) == [text]


@pytest.mark.parametrize("amount", ["=[@单价]*[@数量]", "=订单[@单价]*订单[@[数量]]", "=PRODUCT(订单[@[单价]:[数量]])"])
def test_a_column_of_the_same_row_is_computed(amount: str) -> None:
    assert priced("=SUM(订单[金额 (元)])", amount=amount) == ["34505"]


@pytest.mark.parametrize(
    "formula",
    ["=SUM(订单[没有])", "=SUM(无[金额])", "=[@单价]", "=SUM(订单[[单价],[数量]])", "=SUM(订单[#None])",
     "=SUM([1]a!B2)", "=SUM(订单[单价)", "=SUM(订单[@单价])"],
)  # fmt: skip
def test_a_reference_to_what_is_not_there_is_read_as_it_is_written(formula: str) -> None:
    assert priced(formula) == [formula]


def test_a_workbook_without_tables_has_none() -> None:
    assert not Tables([])
    assert Tables([]).as_cells("=SUM(a[b])", "s") == "=SUM(a[b])"
