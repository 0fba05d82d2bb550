"""The words that stand for a picture (`alt`) are kept in cells of tables as they are elsewhere."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from tests.ingest.test_parse_tables import read, said
from tests.ingest.tiny_word import related, word

ROWS = (
    "<table><tr><th>系统</th><th>状态</th></tr><tr><td>门禁</td><td><img src='on.png' alt='已启用'></td></tr>"
    "<tr><td>报销</td><td><p><img src='off.png' alt='停用 | 检修'>至周五</p></td></tr>"
    "<tr><td>考勤</td><td><a href='https://hr.example.com/in'><img src='in.png' alt='入口'></a></td></tr></table>"
)
MARKED = (
    "| 系统 | 状态 |\n|---|---|\n| 门禁 | ![已启用](on.png) |\n| 报销 | ![停用 \\| 检修](off.png)至周五 |\n"
    "| 考勤 | [![入口](in.png)](https://hr.example.com/in) |\n"
)
TABLE = (
    "| 系统 | 状态 |\n| --- | --- |\n| 门禁 | 已启用 |\n| 报销 | 停用 \\| 检修 至周五 |\n"
    "| 考勤 | 入口 (https://hr.example.com/in) |"
)


def mailed() -> bytes:
    mail = EmailMessage()
    mail["Subject"] = "系统状态"
    mail.set_content(f"<html><body>{ROWS}</body></html>", subtype="html")
    return mail.as_bytes()


def taken_in() -> bytes:
    document = word("<w:altChunk r:id='part1'></w:altChunk>")
    return related(document, {"part1": "page.htm"}, page__htm=f"<html><body>{ROWS}</body></html>".encode())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (f"<html><body>{ROWS}</body></html>".encode(), "a.html"),
        (MARKED.encode(), "a.md"),
        (mailed(), "a.eml"),
        (taken_in(), "a.docx"),
    ],
    ids=["html", "md", "eml", "docx"],
)
def test_the_description_of_a_picture_in_a_cell_is_its_text(data: bytes, name: str) -> None:
    assert ("table", TABLE) in said(read(data, name))


def test_outside_tables_a_description_is_a_caption_and_no_text_around_it_is_lost() -> None:
    page = "<p>先 <img src='a.png' alt='总闸'> 关</p><p>无</p>"
    table = "<table><tr><td><img src='b.png' alt='海报'></td></tr></table>"
    assert said(read(page + table, "a.html")) == [
        ("paragraph", "先"), ("caption", "总闸"), ("paragraph", "关"), ("paragraph", "无"), ("paragraph", "海报"),
    ]  # fmt: skip


def test_a_picture_without_a_description_leaves_its_cell_empty() -> None:
    page = "<table><tr><th>系统</th><th>状态</th></tr><tr><td>门禁</td><td><img src='on.png' alt=''></td></tr></table>"
    assert said(read(page, "a.html")) == [("table", "| 系统 | 状态 |\n| --- | --- |\n| 门禁 |  |")]


def test_pictures_and_signs_of_confluence_are_read_as_they_are_described() -> None:
    sign = "<ac:emoticon ac:name='{}' {}/>"
    cells = (sign.format("tick", ""), sign.format("blue-star", "ac:emoji-fallback='✅'"), sign.format("smile", ""))
    rows = "".join(f"<tr><td>{name}</td><td>{cell}</td></tr>" for name, cell in zip("甲乙丙", cells, strict=True))
    plan = "<ac:image ac:alt='{}'><ri:attachment ri:filename='plan.png'/></ac:image>"
    rows += f"<tr><td>丁</td><td>{plan.format('面板')}</td></tr>"
    table = f"<table><tr><th>机型</th><th>短信</th></tr>{rows}</table>"
    assert said(read(plan.format("机柜图") + table, "a.xml")) == [
        ("caption", "机柜图"),
        ("table", "| 机型 | 短信 |\n| --- | --- |\n| 甲 | ✔ |\n| 乙 | ✅ |\n| 丙 |  |\n| 丁 | 面板 |"),
    ]
