"""Lines of plain text that stand in columns are a table, and so are paragraphs of Word, ODT and RTF whose columns tabs
make. Other text is not.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from docx import Document
from pptx import Presentation
from pptx.util import Inches

from tests.ingest.test_parse_opened import opened
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
        "甲方：\t乙方：\n代表人：\t代表人：\n日期：\t日期：",
        "Name:\t____\nDate:\t____\nRoom:\t____",
        "第一条\t本办法适用于全体员工\n第二条\t由人事部解释\n第三条\t自发布日起执行",
        "1.\t打开总阀\n2.\t打开支阀\n3.\t记录压力",
        "A. 红\tB. 蓝\tC. 绿\nA. 一\tB. 二\tC. 三\nA. 春\tB. 夏\tC. 秋",
        "总则……\t1\n范围……\t2\n职责……\t5",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    parsed = read(text.encode(), "a.txt")
    assert {e.kind for e in parsed.elements} == {"paragraph"}
    assert parsed.text == text


EMPTY = [["姓名", "分机", "部门"], ["李雷", "", "仓库"], ["韩梅", "8302", ""], ["王芳", "8303", "财务"]]
HOLED = "| 姓名 | 分机 | 部门 |\n| --- | --- | --- |\n| 李雷 |  | 仓库 |\n| 韩梅 | 8302 |  |\n| 王芳 | 8303 | 财务 |"


def docx(lines: list[str]) -> bytes:
    document, stream = Document(), io.BytesIO()
    for line in lines:
        document.add_paragraph(line)
    document.save(stream)
    return stream.getvalue()


def odt(lines: list[str]) -> bytes:
    stated = "".join(f"<text:p>{line.replace(chr(9), '<text:tab/>')}</text:p>" for line in lines)
    return opened("text", f"<office:text>{stated}</office:text>")


def rtf(lines: list[str]) -> bytes:
    escaped = (
        "".join(rf"\u{ord(mark)}?" if ord(mark) > 127 else mark.replace("\t", r"\tab ") for mark in line)
        for line in lines
    )
    return (r"{\rtf1\ansi " + "".join(rf"\pard {line}\par " for line in escaped) + "}").encode("ascii")


def pptx(lines: list[str]) -> bytes:
    deck, stream = Presentation(), io.BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_textbox(0, 0, Inches(8), Inches(3)).text_frame.text = "\n".join(lines)
    deck.save(stream)
    return stream.getvalue()


def txt(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


FORMATS = pytest.mark.parametrize(
    ("made", "name"), [(docx, "a.docx"), (odt, "a.odt"), (rtf, "a.rtf"), (pptx, "a.pptx"), (txt, "a.txt")]
)


@FORMATS
def test_an_empty_cell_does_not_end_a_table_of_tabs(made: Callable[[list[str]], bytes], name: str) -> None:
    lines = ["值班表如下。", *("\t".join(row) for row in EMPTY), "自七月起执行。"]
    assert [(e.kind, e.text) for e in read(made(lines), name).elements] == [
        ("paragraph", "值班表如下。"), ("table", HOLED), ("paragraph", "自七月起执行。"),
    ]  # fmt: skip


@FORMATS
def test_columns_that_several_tabs_align_are_a_table(made: Callable[[list[str]], bytes], name: str) -> None:
    lines = ["物料\t\t单价\t供应商", "水性环氧底漆\t36\t北川", "稀释剂\t\t18\t海化"]
    assert read(made(lines), name).elements[0].text.split("\n")[2:] == [
        "| 水性环氧底漆 | 36 | 北川 |", "| 稀释剂 | 18 | 海化 |",
    ]  # fmt: skip


@FORMATS
def test_two_tables_beside_each_other_are_two(made: Callable[[list[str]], bytes], name: str) -> None:
    lines = ["姓名\t电话\t\t部门\t分机", "李雷\t8301\t\t仓库\t201", "韩梅\t8302\t\t财务\t202"]
    assert [e.text.split("\n")[-1] for e in read(made(lines), name).elements] == ["| 韩梅 | 8302 |", "| 财务 | 202 |"]


@pytest.mark.parametrize(("made", "name"), [(docx, "a.docx"), (odt, "a.odt"), (rtf, "a.rtf")])
def test_paragraphs_with_tabs_that_are_no_table_stay_as_they_are(made: Callable[[list[str]], bytes], name: str) -> None:
    lines = ["借款人签字：\t\t日期：", "甲方（盖章）：\t乙方（盖章）：", "代表人：\t代表人：", "二〇二六年\t七月"]
    parsed = read(made(lines), name)
    assert [(e.kind, e.text) for e in parsed.elements] == [("paragraph", line) for line in lines]


def test_lines_of_one_paragraph_are_rows_and_the_others_stay() -> None:
    parsed = read(docx(["价目\t单价（元）说明：以下为含税\n甲\t12\n乙\t15\n丙\t18"]), "a.docx")
    assert [e.kind for e in parsed.elements] == ["table"]
    parsed = read(docx(["联系\t电话\t房间\n李雷\t8301\t201\n韩梅\t8302\t202\n以上\t为准"]), "a.docx")
    assert [(e.kind, e.text.split("\n")[-1]) for e in parsed.elements] == [
        ("table", "| 韩梅 | 8302 | 202 |"), ("paragraph", "以上\t为准"),
    ]  # fmt: skip
