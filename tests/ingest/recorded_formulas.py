"""What LibreOffice computes for everyday formulas, recorded, and how it is recorded again.

    python -m tests.ingest.recorded_formulas

writes `recorded_formulas.tsv` anew with the LibreOffice that is installed. The formulas come from that file. The last
column is what Excel computes where that is something else, or where LibreOffice does not know the function. It is
written by hand, after Excel's documentation.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import openpyxl
from openpyxl.workbook.defined_name import DefinedName

from tests.ingest.recorded_formats import PROGRAM, shown_by_libreoffice

TABLE = Path(__file__).with_name("recorded_formulas.tsv")

_ORDERS = [
    ["单号", "地区", "产品", "数量", "单价", "日期", "备注"],
    ["0001", "华东", "恒温槽", 4, 3200, datetime.date(2026, 1, 5), "急"],
    ["0002", "华北", "真空泵", 2, 8600, datetime.date(2026, 1, 20), None],
    ["0003", "华东", "移液枪", 10, 450.5, datetime.date(2026, 2, 3), "含税"],
    ["0004", "华南", "恒温槽", 1, 3200, datetime.date(2026, 3, 31), "  两个  空格 "],
    ["0005", "华北", "Pump A-12", 3, 99.9, datetime.date(2026, 3, 31), "12"],
    ["0006", "华东", "pump b-7", None, 120, datetime.date(2026, 12, 31), "x*y"],
]
_RATES = [["下限", "税率"], [0, 0.03], [36000, 0.1], [144000, 0.2], [300000, 0.25]]
_ACROSS = [["月", "一月", "二月", "三月"], ["收入", 100, 200, 300], ["成本", 60, 90, 150]]
_NEW = re.compile(
    r"(?<!\w)(?=(?:XLOOKUP|XMATCH|TEXTJOIN|CONCAT|IFS|SWITCH|MAXIFS|MINIFS|UNICHAR|XOR|UNICODE|IFNA|DAYS)\()"
)
"""Matches before functions that a file writes with a prefix, since they came after the format."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A formula, what LibreOffice computes, and what Excel does where that is something else."""

    formula: str
    shown: str
    excel: str

    @property
    def expected(self) -> str:
        return self.excel or self.shown


def recorded() -> list[Computed]:
    """Returns the table as it was recorded. Its first line names the version of LibreOffice."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [Computed(*row) for row in rows[2:]]


def workbook(formulas: Sequence[str]) -> bytes:
    """Returns a workbook whose first sheet has these formulas in its second column, below a header, without values.
    Numbers are shown with six decimals, so that no program shows a date for one.
    """
    book = openpyxl.Workbook()
    book.active.append(["formula", "shown"])
    for number, formula in enumerate(formulas, 2):
        book.active.cell(number, 1, "f")
        book.active.cell(number, 2, _NEW.sub("_xlfn.", formula)).number_format = "0.000000"
    for title, rows in (("订单", _ORDERS), ("税 率", _RATES), ("月报", _ACROSS)):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book["订单"]["H1"], book["订单"]["H2"], book["订单"]["H3"] = "金额", "=D2*E2", "=D3*E3"
    book["订单"]["H4"], book["订单"]["H5"], book["订单"]["H6"] = "=D4*E4", "=D5*E5", "=D6*E6"
    book["订单"]["H7"], book["订单"]["H8"] = "=SUBTOTAL(9,H2:H3)", "=D7/0"
    for name, text in (("单价", "订单!$E$2:$E$7"), ("增值税", "0.13"), ("含税", "1+增值税"), ("首单", "订单!$A$2")):
        book.defined_names[name] = DefinedName(name, attr_text=text)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def recorded_again(table: Sequence[Computed]) -> list[Computed]:
    """Returns the same formulas with what the installed LibreOffice computes."""
    rows = shown_by_libreoffice(workbook([entry.formula for entry in table]))
    return [replace(entry, shown=" ".join(row[1].split())) for entry, row in zip(table, rows[1:], strict=True)]


def main() -> None:
    version = subprocess.run([PROGRAM or "", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    table = recorded_again(recorded())
    with TABLE.open("w", encoding="utf-8", newline="") as lines:
        lines.write(f"{version}, zh-CN\nformula\tshown\texcel\n")
        lines.writelines(f"{entry.formula}\t{entry.shown}\t{entry.excel}\n" for entry in table)


if __name__ == "__main__":
    main()
