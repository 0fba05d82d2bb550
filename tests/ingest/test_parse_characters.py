"""Characters that nobody sees, and characters that look like others: the text has what a person reads."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest
from docx import Document

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_text import read

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u202a\u202e\u2066"


@pytest.mark.parametrize("mark", INVISIBLE)
def test_characters_that_nobody_sees_are_in_no_text_and_no_title(mark: str) -> None:
    parsed = read(f"# 差{mark}旅\n\n报{mark}销时限为{mark}三十天，Wi{mark}Fi。\n", "规定.md")
    assert (parsed.title, parsed.text) == ("差旅", "差旅\n\n报销时限为三十天，WiFi。")
    assert parsed.elements[1].location.heading_path == ("差旅",)
    assert read(f"姓{mark}名,电话\n李{mark}雷,100\n韩梅,200\n", "a.csv").text.startswith("| 姓名 | 电话 |")


def test_entities_and_escapes_of_invisible_characters_count_too() -> None:
    assert read("<html><body><p>采&#8203;购&shy;流&zwj;程</p></body></html>", "a.html").text == "采购流程"
    cells = [{"cell_type": "markdown", "source": "\u200b# 采\u200b购"}]
    assert read(json.dumps({"nbformat": 4, "cells": cells}), "a.ipynb").title == "采购"


def test_a_mark_behind_an_invisible_character_is_a_mark() -> None:
    parsed = read("\u200b# 门\u200b禁\n\n\ufeff- 一\n- 二\n", "a.md")
    assert [element.kind for element in parsed.elements] == ["heading", "list_item", "list_item"]


def test_office_files_have_no_invisible_characters() -> None:
    document = Document()
    document.add_heading("印\u200b章", 1)
    document.add_paragraph("用\u200b印须登记。")
    workbook = openpyxl.Workbook()
    workbook.active.append(["部\u200b门", "人\u2060数"])
    workbook.active.append(["财\ufeff务", 3])
    for saved, name, expected in ((document, "a.docx", "用印须登记。"), (workbook, "a.xlsx", "| 部门 | 人数 |")):
        stream = io.BytesIO()
        saved.save(stream)
        assert expected in read(stream.getvalue(), name).text


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم بروم",
        "क्\u200dष और क्\u200cष",
        "一家人 \U0001f468\u200d\U0001f469\u200d\U0001f467 出游",
        "ສະ\u200bບາຍ",
        "שלום \u200eABC\u200f עולם",
    ],
)  # fmt: skip
def test_characters_that_shape_what_is_seen_stay(text: str) -> None:
    assert read(text, "a.txt").text == text


def test_gaps_between_the_characters_of_a_heading_are_no_part_of_it() -> None:
    parsed = read("# 管 理 规 定\n\n## 第一章　总　则\n\n经 办 部 门：财务部 审计部\n", "a.md")
    assert parsed.title == "管理规定"
    assert [element.text for element in parsed.elements] == [
        "管理规定", "第一章 总则", "经 办 部 门：财务部 审计部",
    ]  # fmt: skip


@pytest.mark.parametrize(("radical", "usual"), list(zip("⻝⻋⻔⻅⻓⾛⽇⼗⺟⻢", "食车门见长走日十母马", strict=True)))
def test_radicals_are_the_characters_that_they_look_like(radical: str, usual: str) -> None:
    for mark, name in (("#", "a.md"), ("*", "a.org")):
        parsed = read(f"{mark} 关于{radical}的规定\n\n正文{radical}", name)
        assert parsed.title == f"关于{usual}的规定"
        assert parsed.text.endswith(f"正文{usual}")


def test_a_passage_of_radicals_alone_is_words_where_the_document_is_chinese() -> None:
    assert read("⼈⼒\n\n招聘由该部负责。", "a.txt").text == "人力\n\n招聘由该部负责。"
    assert read("The radicals ⼈ and ⻝ have codes of their own.", "a.txt").text.count("⻝") == 1


def test_titles_that_others_give_are_made_readable_too() -> None:
    data = "用餐时间".encode()
    given = Reference("local", "a", "a.txt", len(data), 0, content=data, title="员⼯⻝\u200b堂")
    named = Reference("local", "a", "员⼯⻝堂.txt", len(data), 0, content=data)
    titles: list[ParsedDocument] = [parse(each, IngestSettings()) for each in (given, named)]
    assert [parsed.title for parsed in titles] == ["员工食堂", "员工食堂"]
