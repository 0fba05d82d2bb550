"""Where a table ends: notes below it are text, rows of sums and rows behind a blank row are rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.ingest.test_parse_tables import Rows, docx, html, ods, pptx, read, said, xlsx

HEAD: Rows = [("日期", "商户", "金额"), ("2026-07-01", "书店", 120), ("2026-07-02", "超市", 58)]
TABLE = "| 日期 | 商户 | 金额 |\n| --- | --- | --- |\n| 2026-07-01 | 书店 | 120 |\n| 2026-07-02 | 超市 | 58 |"
BLANK: Rows = [("", "", "")]
SUMS: Rows = [("合计", "", 178)]


def csv(rows: Rows) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in rows).encode()


def tsv(rows: Rows) -> bytes:
    return "\n".join("\t".join(map(str, row)) for row in rows).encode()


FORMATS = pytest.mark.parametrize(
    ("made", "name"),
    [
        (csv, "a.csv"),
        (tsv, "a.tsv"),
        (xlsx, "a.xlsx"),
        (ods, "a.ods"),
        (html, "a.xls"),
        (docx, "a.docx"),
        (pptx, "a.pptx"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)


def behind_heading(data: bytes, name: str) -> list[tuple[str, str]]:
    return [each for each in said(read(data, name)) if each[0] != "heading"]


@FORMATS
def test_notes_below_a_table_are_text_and_its_sums_are_a_row(made: Callable[[Rows], bytes], name: str) -> None:
    notes: Rows = [("制表人：张三", "", "审核人：李四"), ("共 2 条", "", ""), ("Powered by 报表系统", "", "")]
    assert behind_heading(made([*HEAD, *SUMS, *notes]), name) == [
        ("table", f"{TABLE}\n| 合计 |  | 178 |"),
        ("paragraph", "制表人：张三 审核人：李四\n共 2 条\nPowered by 报表系统"),
    ]


@pytest.mark.parametrize("made", [csv, tsv, xlsx, ods], ids=["csv", "tsv", "xlsx", "ods"])
def test_what_stands_below_a_blank_row_is_text_whatever_it_says(made: Callable[[Rows], bytes]) -> None:
    rows: Rows = [*HEAD, *BLANK, *SUMS, *BLANK, ("财务部", "", ""), ("七月", "", "")]
    name = {csv: "a.csv", tsv: "a.tsv", xlsx: "a.xlsx", ods: "a.ods"}[made]
    assert behind_heading(made(rows), name) == [
        ("table", f"{TABLE}\n| 合计 |  | 178 |"),
        ("paragraph", "财务部\n七月"),
    ]


def test_lines_that_only_say_that_a_table_ends_are_left_out() -> None:
    rows: Rows = [("#----明细开始----", "", ""), *HEAD, ("#----明细结束----", "", ""), ("#共2笔", "", "")]
    assert said(read(csv(rows), "a.csv")) == [("table", TABLE), ("paragraph", "#共2笔")]


@pytest.mark.parametrize("made", [html, docx, xlsx], ids=["html", "docx", "xlsx"])
def test_a_note_that_is_merged_over_the_table_is_said_once(made: Callable[..., bytes]) -> None:
    name = {html: "a.html", docx: "a.docx", xlsx: "a.xlsx"}[made]
    data = made([*HEAD, ("备注：金额含税，发票另附", "", "")], [(3, 0, 3, 2)])
    assert behind_heading(data, name) == [("table", TABLE), ("paragraph", "备注：金额含税，发票另附")]


@pytest.mark.parametrize(
    "last",
    [
        ("2026-07-03", "", ""),  # a day without a sale
        ("小计", "", ""),
        ("Total", "", "178"),
        ("#3", "", ""),
        ("说明书", "", ""),
        ("Records room", "", ""),
        ("2026-07-03", "备注：退货", "-20"),
    ],
)
def test_rows_with_empty_cells_stay_rows(last: tuple[str, ...]) -> None:
    assert said(read(csv([*HEAD, last]), "a.csv")) == [("table", f"{TABLE}\n| {' | '.join(last)} |")]


def test_a_label_and_its_value_are_the_last_row_of_a_form() -> None:
    rows: Rows = [("申请人", "李雷"), ("部门", "仓库"), ("电话", "8301"), ("审批意见：", "")]
    assert [kind for kind, _ in said(read(docx(rows), "a.docx"))] == ["table"]


def test_labels_beside_what_they_say_are_a_note_and_in_a_form_they_are_rows() -> None:
    note: Rows = [("制表人：", "张三", "日期：7月2日")]
    assert said(read(csv([*HEAD, *note]), "a.csv")) == [("table", TABLE), ("paragraph", "制表人： 张三 日期：7月2日")]
    form: Rows = [
        ("姓名：", "李雷", "部门：", "仓库"),
        ("电话：", "8301", "工号：", "0071"),
        ("职务：", "保管", "入职：", "七月"),
    ]
    assert [kind for kind, _ in said(read(csv(form), "a.csv"))] == ["table"]
    form = [
        ("姓名：李雷", "部门：仓库", "电话：8301"),
        ("姓名：韩梅", "部门：财务", "电话：8302"),
        ("姓名：王芳", "部门：行政", "电话：8303"),
    ]
    assert [kind for kind, _ in said(read(csv(form), "a.csv"))] == ["table"]


def test_a_table_without_rows_keeps_what_stands_below_its_header() -> None:
    assert [kind for kind, _ in said(read(csv([HEAD[0], ("共 0 条", "", "")]), "a.csv"))] == ["table"]


@pytest.mark.parametrize("made", [xlsx, ods], ids=["xlsx", "ods"])
def test_rows_behind_a_blank_row_keep_their_header_and_another_table_has_its_own(
    made: Callable[[Rows], bytes],
) -> None:
    name = "a.xlsx" if made is xlsx else "a.ods"
    rows: Rows = [*HEAD, *BLANK, ("2026-07-03", "花店", 30)]
    assert behind_heading(made(rows), name) == [("table", f"{TABLE}\n| 2026-07-03 | 花店 | 30 |")]
    rows = [*HEAD, *BLANK, ("物料", "仓库", "库存"), ("阀", "一号", 3), ("泵", "二号", 9)]
    assert [text.split("\n")[0] for _, text in behind_heading(made(rows), name)] == [
        "| 日期 | 商户 | 金额 |", "| 物料 | 仓库 | 库存 |",
    ]  # fmt: skip


def test_the_places_of_a_table_and_of_the_note_below_it_are_told() -> None:
    table, note = read(csv([*HEAD, *BLANK, ("共 2 条", "", "")]), "a.csv").elements
    assert (table.location.cells, note.location.cells) == ("A1:C3", "A5:C5")


def test_in_a_text_file_a_blank_row_parts_tables_if_a_header_stands_below_it() -> None:
    other: Rows = [("二号库", "", ""), ("物料", "仓库", "库存"), ("阀", "一号", 3), ("泵", "二号", 9)]
    found = read(csv([*HEAD, *BLANK, *other]), "a.csv").elements
    assert [(e.text.split("\n")[0], e.location.cells) for e in found] == [
        ("| 日期 | 商户 | 金额 |", "A1:C4"), ("二号库", "A5:C5"), ("| 物料 | 仓库 | 库存 |", "A6:C8"),
    ]  # fmt: skip
    rows: Rows = [HEAD[0], HEAD[1], *BLANK, HEAD[2], *BLANK, ("2026-07-03", "花店", 30)]
    assert said(read(csv(rows), "a.csv")) == [("table", f"{TABLE}\n| 2026-07-03 | 花店 | 30 |")]
