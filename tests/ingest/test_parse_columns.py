"""Plain text whose lines stand in columns is a table, and other text is not."""

from __future__ import annotations

import pytest

from tests.ingest.tiny_word import read

ROWS = [
    ["设备", "负责人", "地点"],
    ["空压机", "李雷", "一号车间"],
    ["冷却塔", "韩梅", "屋顶"],
    ["叉车", "王芳", "仓库"],
]
TABLE = "| 设备 | 负责人 | 地点 |\n| --- | --- | --- |\n" + "\n".join(f"| {' | '.join(row)} |" for row in ROWS[1:])


@pytest.mark.parametrize("between", ["\t", "\t\t", "  ", "    ", "\u3000\u3000", " \t "])
def test_lines_in_columns_are_a_table(between: str) -> None:
    lines = "\n".join(between.join(row) for row in ROWS)
    parsed = read(f"设备分工如下：\n{lines}\n以上自七月起执行。\n".encode(), "a.txt")
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("paragraph", "设备分工如下："), ("table", TABLE), ("paragraph", "以上自七月起执行。"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "春眠不觉晓  处处闻啼鸟\n夜来风雨声  花落知多少\n春眠不觉晓  处处闻啼鸟",
        "一、收货\n\t核对单据\n\t核对数量\n\t核对外观",
        "甲\t乙\n丙\t丁",  # two lines are not enough
        "甲  乙  丙\n丁  戊\n己  庚  辛",
        "\n".join(f"第{number}步\t" + "先打开总阀再打开支阀，然后等待压力表读数稳定，" * 4 for number in "一二三"),
        "====  ====  ====\n----  ----  ----\n****  ****  ****",
        "for each in rows:\n    if each:\n        print(each)\n    else:\n        stop()",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    parsed = read(text.encode(), "a.txt")
    assert {e.kind for e in parsed.elements} == {"paragraph"}
    assert parsed.text == text
