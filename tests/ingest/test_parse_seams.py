"""What all readers of formats share: the text of a table, where a link leads, and what could not be taken."""

from __future__ import annotations

import pytest

from ingest.parse.links import with_target
from ingest.parse.notes import NOTES, together
from ingest.parse.tables.markdown import markdown


def test_a_header_of_several_rows_is_one_line_and_says_nothing_twice() -> None:
    rows = [["区域", "住宿限额", "住宿限额"], ["区域", "厅级", "处级"], ["三亚", "800", "500"]]
    assert markdown(rows, headers=2).splitlines() == [
        "| 区域 | 住宿限额·厅级 | 住宿限额·处级 |",
        "| --- | --- | --- |",
        "| 三亚 | 800 | 500 |",
    ]


def test_a_table_without_a_header_keeps_its_first_row() -> None:
    lines = markdown([["项目编号", "XM-7"], ["负责人", "韩雪"]], headers=0).splitlines()
    assert lines == ["|  |  |", "| --- | --- |", "| 项目编号 | XM-7 |", "| 负责人 | 韩雪 |"]


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("自助门户", "https://it.corp.example/portal", "自助门户 (https://it.corp.example/portal)"),
        ("https://it.corp.example", "https://it.corp.example/", "https://it.corp.example"),
        ("", "https://it.corp.example", "https://it.corp.example"),
        ("写信", "mailto:help@corp.example?subject=x", "写信 (help@corp.example)"),
        ("help@corp.example", "mailto:help@corp.example", "help@corp.example"),
        ("第二章", "#chapter2", "第二章"),
        ("点击", "javascript:alert(1)", "点击"),
        ("文件", "../other.docx", "文件 (../other.docx)"),
        ("很长", "https://a.example/" + "x" * 3000, "很长"),
        ("没有", None, "没有"),
    ],
)
def test_the_target_of_a_link_is_said_where_it_means_something(text: str, target: str | None, said: str) -> None:
    assert with_target(text, target) == said


def test_notes_are_summed_in_their_order_and_without_zeros() -> None:
    found = together([{NOTES[2]: 1, NOTES[0]: 2}, {NOTES[0]: 3, NOTES[1]: 0}])
    assert list(found.items()) == [(NOTES[0], 5), (NOTES[2], 1)]
