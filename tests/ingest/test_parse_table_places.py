"""Where tables stand and what belongs to their header: tables beside each other, rows of units, labels above."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.ingest.test_parse_tables import Rows, read, said, tables, xlsx

UNITS: Rows = [
    ("物料", "库存", "", "单价", "", "供应商"),
    ("", "期初", "期末", "含税", "不含税", ""),
    ("", "吨", "吨", "元/吨", "元/吨", ""),
    ("石英砂", 120, 95, 410, 363, "北川矿业"),
    ("纯碱", 60, 72, 2300, 2035, "海化"),
]


def test_a_row_of_units_belongs_to_the_header() -> None:
    merged = [(0, 0, 2, 0), (0, 1, 0, 2), (0, 3, 0, 4), (0, 5, 2, 5)]
    lines = tables(read(xlsx(UNITS, merged), "a.xlsx"))[0].text.split("\n")
    assert lines[0] == "| 物料 | 库存·期初·吨 | 库存·期末·吨 | 单价·含税·元/吨 | 单价·不含税·元/吨 | 供应商 |"
    assert lines[2] == "| 石英砂 | 120 | 95 | 410 | 363 | 北川矿业 |"


@pytest.mark.parametrize(
    ("second", "header"),
    [
        (("", "(kW)", "kg", "mm²"), "| 设备 | 功率·(kW) | 重量·kg | 面积·mm² |"),
        (("单位", "kW", "/", "m³/h"), "| 设备·单位 | 功率·kW | 重量·/ | 面积·m³/h |"),
        (("铣床", "kW", "kg", "㎡"), "| 设备 | 功率 | 重量 | 面积 |"),
        (("", "大", "重", "㎡"), "| 设备 | 功率 | 重量 | 面积 |"),
    ],
)
def test_a_row_below_one_header_row_is_of_units_if_all_its_cells_are(second: Sequence[str], header: str) -> None:
    rows: Rows = [("设备", "功率", "重量", "面积"), second, ("车床", 5.5, 1500, 12), ("磨床", 4, 1200, 9)]
    assert tables(read(xlsx(rows), "a.xlsx"))[0].text.split("\n")[0] == header


BESIDE: Rows = [
    ("库区", "面积", "", "班组", "电话"),
    ("甲库", 1200, "", "一班", 8301),
    ("乙库", 860, "", "二班", 8302),
]


def page_of(rows: Rows) -> str:
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def pipes(rows: Rows) -> str:
    first, *others = ("| " + " | ".join(map(str, row)) + " |" for row in rows)
    return "\n".join([first, "|---" * len(rows[0]) + "|", *others])


@pytest.mark.parametrize("data", [page_of(BESIDE), pipes(BESIDE)], ids=["html", "md"])
def test_a_blank_column_parts_two_tables_in_every_format(data: str) -> None:
    name = "a.html" if data.startswith("<") else "a.md"
    assert [table.text.split("\n")[-1] for table in tables(read(data, name))] == ["| 乙库 | 860 |", "| 二班 | 8302 |"]


def test_tables_beside_each_other_keep_their_titles() -> None:
    rows: Rows = [("2026年", *[""] * 4), ("库区一览", "", "", "班组一览", ""), *BESIDE]
    assert said(read(page_of(rows), "a.html")) == [
        ("caption", "2026年"),
        ("caption", "库区一览"),
        ("table", "| 库区 | 面积 |\n| --- | --- |\n| 甲库 | 1200 |\n| 乙库 | 860 |"),
        ("caption", "班组一览"),
        ("table", "| 班组 | 电话 |\n| --- | --- |\n| 一班 | 8301 |\n| 二班 | 8302 |"),
    ]


def test_blank_columns_that_only_set_a_page_do_not_part_a_table() -> None:
    rows: Rows = [
        ("名称", "", "", "数量", "", "", "单价"),
        ("阀", "", "", 3, "", "", 120),
        ("泵", "", "", 2, "", "", 900),
    ]
    assert len(tables(read(page_of(rows), "a.html"))) == 1


def test_labels_with_colons_and_their_values_stand_above_the_header() -> None:
    rows: Rows = [
        ("工厂:", "1200", "库存地点:", "A01"),
        ("移动类型:", "101", "日期:", "2026-10-31"),
        ("物料", "移动数量", "单位", "过账人"),
        ("10045", "250", "PC", "ZHOU"),
        ("10046", "80", "KG", "WU"),
    ]
    above, table = said(read(xlsx(rows), "a.xlsx"))[1:]
    assert above == ("paragraph", "工厂：1200；库存地点：A01\n移动类型：101；日期：2026-10-31")
    assert table[1].startswith("| 物料 | 移动数量 | 单位 | 过账人 |")
