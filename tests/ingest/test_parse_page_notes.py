"""Notes in the last rows of a table on a PDF or OFD page are text below it, and no rows. Sums stay rows."""

from __future__ import annotations

import pytest

from tests.ingest.test_parse_ofd import read as read_ofd
from tests.ingest.test_parse_pdf_tables import read
from tests.ingest.tiny_ofd import line, ofd
from tests.ingest.tiny_ofd import page as ofd_page
from tests.ingest.tiny_ofd import text as ofd_text
from tests.ingest.tiny_pdf import Item, Stroke, Words, grid

COLUMNS = [70, 170, 270, 420]
HEAD = ("品名", "数量", "单价")
ROWS = [("插座", "3", "12.50"), ("开关", "4", "8.00")]
TABLE = "| 品名 | 数量 | 单价 |\n| --- | --- | --- |\n| 插座 | 3 | 12.50 |\n| 开关 | 4 | 8.00 |"


def cells(rows: list[tuple[str, ...]], top: float) -> list[Item]:
    return [
        Words(COLUMNS[column] + 5, top + 14 + 20 * row, cell)
        for row, each in enumerate(rows)
        for column, cell in enumerate(each)
        if cell
    ]


def framed(top: float, *notes: str) -> list[Item]:
    """Rows of one cell over the whole width, inside the frame of a table."""
    below = top + 20 * len(notes)
    sides: list[Item] = [Stroke(x, top, x, below) for x in (COLUMNS[0], COLUMNS[-1])]
    rules = [Stroke(COLUMNS[0], top + 20 * number, COLUMNS[-1], top + 20 * number) for number in range(len(notes) + 1)]
    return [*sides, *rules, *(Words(75, top + 14 + 20 * number, note) for number, note in enumerate(notes))]


def ruled(rows: list[tuple[str, ...]], top: float = 100) -> list[Item]:
    edges = [top + 20 * number for number in range(len(rows) + 1)]
    return [*grid(COLUMNS, edges), *cells(rows, top)]


def kinds(*pages: list[Item]) -> list[tuple[str, str]]:
    return [(element.kind, element.text) for element in read(*pages).elements]


@pytest.mark.parametrize(
    "notes", [["注：以上价格不含税"], ["以上价格不含税。", "制表人：李娜"], ["Note: prices are without tax."]]
)
def test_a_note_in_the_frame_of_a_table_is_a_paragraph_below_it(notes: list[str]) -> None:
    page = [*ruled([HEAD, *ROWS]), *framed(160, *notes), Words(75, 400, "另起一段")]
    assert kinds(page) == [("table", TABLE), ("paragraph", "\n".join(notes)), ("paragraph", "另起一段")]


def test_a_note_in_the_first_cell_of_the_last_row_is_a_paragraph_below_the_table() -> None:
    page = ruled([HEAD, *ROWS, ("注：不含税", "", "")])
    assert kinds(page) == [("table", TABLE), ("paragraph", "注：不含税")]


@pytest.mark.parametrize("last", [("合计", "7", "20.50"), ("合计", "", ""), ("插头", "", ""), ("备注", "", "不含税")])
def test_sums_and_other_rows_stay_rows(last: tuple[str, ...]) -> None:
    ((kind, text),) = kinds(ruled([HEAD, *ROWS, last]))
    assert (kind, text) == ("table", f"{TABLE}\n| {' | '.join(last)} |")


def test_a_blank_row_of_a_form_makes_no_note_of_the_row_below() -> None:
    ((kind, text),) = kinds(ruled([HEAD, *ROWS, ("", "", ""), ("插头", "", "")]))
    assert kind == "table"
    assert text.endswith("| 插头 |  |  |")


@pytest.mark.parametrize("rows", [[("插头", "5", "3.00"), ("灯", "6", "9.00")], [("插头", "5", "3.00")], []])
def test_a_note_where_a_table_ends_on_the_next_page_is_a_paragraph(rows: list[tuple[str, ...]]) -> None:
    first = [Words(75, 90, "物资清单"), *ruled([HEAD, *ROWS * 15], top=120)]
    note = [
        *cells([("注：不含税", "", "")], 60 + 20 * len(rows)),
        *grid(COLUMNS, [60 + 20 * len(rows), 80 + 20 * len(rows)]),
    ]
    second = [*(ruled(rows, top=60) if rows else []), *note, Words(75, 400, "另起一段")]
    found = kinds(first, second)
    head = TABLE.split("\n")[:2]
    body = ["\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])] if rows else []
    assert [text for _, text in found[2:]] == [*body, "注：不含税", "另起一段"]
    assert found[-2][0] == "paragraph"


def test_a_note_below_a_table_of_an_ofd_page_is_a_paragraph() -> None:
    edges, rules = [20, 60, 100, 150], [20, 28, 36, 44, 52]
    lines = [line(edges[0], y, edges[-1], y) for y in rules]
    lines += [line(x, rules[0], x, rules[-1] if x in (20, 150) else rules[-2]) for x in edges]
    said = [
        ofd_text(edges[column] + 2, rules[row] + 2, cell)
        for row, each in enumerate([HEAD, *ROWS, ("注：以上价格不含税",)])
        for column, cell in enumerate(each)
    ]
    found = read_ofd(ofd([ofd_page("".join([*lines, *said]))])).elements
    assert [(each.kind, each.text) for each in found] == [("table", TABLE), ("paragraph", "注：以上价格不含税")]
