"""Numbers in pages that programs write for Excel are read as Excel shows them."""

from __future__ import annotations

import pytest

from tests.ingest.tiny_word import read, texts

STYLES = r"""<style>
.money{mso-number-format:"\#\,\#\#0\.00";}
td.yuan{mso-number-format:"\0022¥\0022\#\,\#\#0";}
.text{mso-number-format:"\@";}
</style>"""


def shown(cell: str, head: str = STYLES) -> str:
    page = f"<html><head>{head}</head><body><table><tr><th>Name</th><th>Rate</th></tr><tr><td>A</td>{cell}</tr></table>"
    [table] = texts(read(page.encode(), "a.xls"))
    return table.split("\n")[-1].split(" | ")[1].rstrip(" |")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("<td style=\"mso-number-format:'0%'\">0.13</td>", "13%"),
        ("<td style='mso-number-format:Percent;color:red'>0.13</td>", "13.00%"),
        ('<td style="vnd.ms-excel.numberformat:#,##0.00"><b>12500</b></td>', "12,500.00"),
        ("<td style=\"mso-number-format:'yyyy\\-mm\\-dd'\">46086</td>", "2026-03-05"),
        ("<td class='x money'>12500</td>", "12,500.00"),
        ("<td class=yuan>980</td>", "¥980"),
        ("<td class=text>00812</td>", "00812"),
        ("<td class=money>00812</td>", "00812"),
        ("<td class=money>12 to 14</td>", "12 to 14"),
        ("<td class=other>0.13</td>", "0.13"),
        ("<td style='mso-number-format:General'>0.13</td>", "0.13"),
    ],
)
def test_plain_numbers_are_shown_in_their_format(cell: str, expected: str) -> None:
    assert shown(cell) == expected


def test_what_excel_itself_has_saved_is_shown_already() -> None:
    head = "<meta name=Generator content='Microsoft Excel 15'>"
    assert shown("<td style=\"mso-number-format:'0.0,'\">46.0</td>", head) == "46.0"
