"""Text formats in any encoding: plain text, Markdown, HTML, CSV, mail, notebooks, XML."""

from __future__ import annotations

import base64
import json

import pytest

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings

SIMPLIFIED = "第一条 为了保护消费者的合法权益，维护社会经济秩序，制定本法。\n\n消费者享有自主选择商品或者服务的权利。"
TRADITIONAL = "第一條 為了保護消費者的合法權益，維護社會經濟秩序，制定本法。這是我們公司對於員工的報銷規定。"


def read(data: bytes | str, name: str) -> ParsedDocument:
    data = data.encode() if isinstance(data, str) else data
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


JAPANESE = "本契約は、甲と乙の間で締結される。社員旅行の日程についてお知らせします。"
KOREAN = "이 계약은 갑과 을 사이에 체결된다. 회사 규정을 따른다."
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (SIMPLIFIED, ("gb18030", "gbk", *UNICODE)), (TRADITIONAL, ("big5", "gb18030", *UNICODE)),
        (JAPANESE, ("cp932", "euc_jp", "iso2022_jp", *UNICODE)), (KOREAN, ("cp949", "euc_kr", *UNICODE)),
        ("Der Vertrag läuft bis März – für „alle“ Beschäftigten gilt: 5 € Zuschlag.", ("cp1252", *UNICODE)),
        ("L'été était très chaud cette année à Orléans.", ("latin-1", "cp1252", *UNICODE)),
        ("Plain ASCII and nothing else.", ("ascii", *UNICODE)),
        ("Отчёт о прибыли за третий квартал года.", ("cp1251", "koi8-r", *UNICODE)),
    ],
)  # fmt: skip
def test_text_is_read_in_its_own_encoding(text: str, encodings: tuple[str, ...]) -> None:
    assert {encoding: read(text.encode(encoding), "notes.txt").text for encoding in encodings} == dict.fromkeys(
        encodings, text
    )


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        ("报销", ("gb18030", "utf-8", "utf-16-le", "utf-16")), ("联通", ("gb18030", "utf-16-be")),
        ("差旅费用", ("gbk", "utf-16-le", "utf-32-le")), ("報銷規定", ("big5", "utf-16-be")),
        ("東京都千代田区", ("cp932", "utf-16-le")), ("お知らせ", ("cp932", "euc_jp")),
        ("안녕하세요", ("cp949", "utf-16-be")),
        ("Größe", ("latin-1", "utf-16-le")), ("Élève", ("cp1252",)), ("x", ("ascii", "utf-16-le")),
        ("Bush hid the facts", ("ascii",)), ("this app can break", ("ascii",)),
    ],
)  # fmt: skip
def test_a_word_or_two_is_enough_to_tell_the_encoding(text: str, encodings: tuple[str, ...]) -> None:
    assert {encoding: read(text.encode(encoding), "a.txt").text for encoding in encodings} == dict.fromkeys(
        encodings, text
    )


def test_all_line_ends_may_stand_in_one_file() -> None:
    assert read("one\r\ntwo\rthree\nfour", "a.txt").text == "one\ntwo\nthree\nfour"
    assert len(read("one\r\n\r\ntwo\r\rthree\n\nfour".encode("utf-16-le"), "a.txt").elements) == 4


def test_bytes_that_belong_to_no_encoding_cost_themselves_only() -> None:
    parsed = read("员工请假须提前三天申请。".encode() * 300 + b"\xff\xfe broken", "a.txt")
    assert parsed.text.count("员工请假须提前三天申请。") == 300


def test_blank_lines_part_the_paragraphs_of_plain_text() -> None:
    parsed = read("one\r\nstill one\r\n\r\n\r\ntwo\r\n", "a.txt")
    assert [element.text for element in parsed.elements] == ["one\nstill one", "two"]
    assert {element.kind for element in parsed.elements} == {"paragraph"}


def test_markdown_headings_lists_code_and_tables() -> None:
    parsed = read(
        "---\ntitle: 费用手册\n---\n\n# 报销\n\n## 住宿\n\n每晚不超过 800 元。\n\n- 一线城市\n- 其他\n\n"
        "| 城市 | 标准 |\n| --- | --- |\n| 北京 | 800 |\n\n```python\nprint(1)\n```\n",
        "handbook.md",
    )
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("heading", "报销"), ("heading", "住宿"), ("paragraph", "每晚不超过 800 元。"),
        ("list_item", "一线城市"), ("list_item", "其他"),
        ("table", "| 城市 | 标准 |\n| --- | --- |\n| 北京 | 800 |"), ("code", "print(1)"),
    ]  # fmt: skip
    assert parsed.elements[2].location.heading_path == ("报销", "住宿")
    assert parsed.title == "费用手册"


def test_a_heading_closes_the_deeper_ones_before_it() -> None:
    parsed = read("# A\n\n## B\n\nunder B\n\n# C\n\nunder C\n", "a.md")
    assert [element.location.heading_path for element in parsed.elements] == [(), ("A",), ("A", "B"), (), ("C",)]


def test_html_takes_title_headings_and_tables_and_leaves_scripts() -> None:
    parsed = read(
        "<!DOCTYPE html><html><head><title>Price list</title><style>p{}</style></head><body><h1>Prices</h1>"
        "<script>var secret = 1</script><p>All prices are net.</p><table><tr><th>Item</th><th colspan=2>Price</th>"
        "</tr><tr><td rowspan=2>Desk</td><td>old</td><td>90</td></tr><tr><td>new</td><td>120</td></tr></table>"
        "<p>Call Me Maybe</p></body></html>",
        "prices.html",
    )
    assert parsed.title == "Price list"
    assert "secret" not in parsed.text
    assert [element.kind for element in parsed.elements] == ["heading", "paragraph", "table", "paragraph"]
    assert parsed.elements[2].text == (
        "| Item | Price | Price |\n| --- | --- | --- |\n| Desk | old | 90 |\n| Desk | new | 120 |"
    )


def test_html_is_read_in_the_charset_it_declares() -> None:
    page = '<html><head><meta charset="gb2312"></head><body><p>镕基</p></body></html>'
    assert read(page.encode("gbk"), "page.htm").text == "镕基"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_cut_by_the_delimiter_it_uses(delimiter: str) -> None:
    rows = [["城市", "标准"], ["北京", "800"], ["上海", "800"]]
    text = "\n".join(delimiter.join(row) for row in rows)
    parsed = read(text.encode("gbk"), "standard.csv")
    assert parsed.text == "| 城市 | 标准 |\n| --- | --- |\n| 北京 | 800 |\n| 上海 | 800 |"
    assert parsed.elements[0].location.cells == "A1:B3"


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085", "\x0c"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_csv_rows_end_at_line_ends_only(mark: str, end: str) -> None:
    parsed = read(end.join(["name,note,price", f"X200,with{mark}lid,1280", "X300,plain,1980", ""]), "a.csv")
    (table,) = parsed.elements
    rows = table.text.split("\n")
    assert (len(rows), table.location.cells) == (4, "A1:C3")
    assert "X200" in rows[2]
    assert "1280" in rows[2]


def test_csv_cells_may_hold_delimiters_and_line_breaks() -> None:
    parsed = read('name,note\n"Li, Fang","first\nsecond"\n', "a.csv")
    assert parsed.text.split("\n")[-1] == "| Li, Fang | first second |"


def test_identifiers_that_programs_protect_from_excel_are_read_without_their_mark() -> None:
    parsed = read('code,name\n="001234",A\n"=""000087""",B\n=1+1,C\n', "a.csv")
    assert [line.split(" | ")[0] for line in parsed.text.split("\n")[2:]] == ["| 001234", "| 000087", "| =1+1"]


def test_a_quotation_mark_that_never_closes_costs_no_rows() -> None:
    parsed = read('size,price\n5",10\n' + "x,1\n" * 300, "a.csv")
    assert parsed.text.count("| x | 1 |") == 300


def test_mail_gives_subject_people_body_and_text_attachments() -> None:
    subject = base64.b64encode("第三季度会议纪要".encode("gbk")).decode()
    body = base64.b64encode("结论：上线延期两周，朱镕。".encode("gbk")).decode()
    attachment = base64.b64encode("附件内容\n\n第二段".encode()).decode()
    parsed = read(
        f"From: Wang <wang@example.com>\nTo: Li <li@example.com>\nDate: Mon, 1 Sep 2025 10:00:00 +0800\n"
        f"Subject: =?gb2312?B?{subject}?=\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n"
        f'--XX\nContent-Type: text/plain; charset="gb2312"\nContent-Transfer-Encoding: base64\n\n{body}\n'
        f"--XX\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: attachment; filename=notes.txt\n"
        f"Content-Transfer-Encoding: base64\n\n{attachment}\n--XX--\n",
        "会议.eml",
    )
    assert parsed.title == "第三季度会议纪要"
    assert parsed.elements[0].kind == "title"
    assert "From: Wang" in parsed.elements[1].text
    assert "To: Li" in parsed.elements[1].text
    assert "结论：上线延期两周，朱镕。" in parsed.text
    assert "附件内容" in parsed.text
    assert parsed.elements[-1].location.heading_path == ("Attachment: notes.txt",)


def test_escapes_that_no_text_may_hold_cost_themselves_only() -> None:
    source = ["# Leave \ud83d\n", "\n", "Ten\0 days \ud83d\ude00 a year."]
    parsed = read(json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": source}]}), "a.ipynb")
    assert parsed.title == "Leave \ufffd"
    assert parsed.text == "Leave \ufffd\n\nTen days \U0001f600 a year."


def test_a_notebook_keeps_text_code_and_output_apart() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Analysis\n", "Revenue by month."]},
        {"cell_type": "code", "source": "total = 3", "outputs": [{"text": ["3\n"]}]},
    ]
    parsed = read(json.dumps({"nbformat": 4, "cells": cells}), "a.ipynb")
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("heading", "Analysis"), ("paragraph", "Revenue by month."), ("code", "total = 3"), ("code", "3"),
    ]  # fmt: skip


def test_xml_gives_its_text() -> None:
    assert read("<?xml version='1.0'?><a><b>one</b><b>two</b></a>", "a.xml").text == "one\n\ntwo"


def test_content_wins_over_the_name() -> None:
    assert read("<!doctype html><html><body><p>Hi there</p></body></html>", "a.txt").kind == "html"
    assert read("just words, no document", "a.doc").kind == "txt"


def test_the_title_of_the_reference_wins() -> None:
    data = b"# Heading\n\ntext"
    reference = Reference("local", "a.md", "a.md", len(data), 0, content=data, title="The real title")
    assert parse(reference, IngestSettings()).title == "The real title"


def test_the_marks_of_containers_in_markdown_are_no_text() -> None:
    source = (
        "# 规范\n\n:::info\n单键不超过 10KB\n:::\n\n::: tip 小贴士\n先压缩\n:::\n\n```\n:::info\n```\n\n甲 ::: 乙\n"
    )
    parsed = read(source.encode(), "a.md")
    assert [(element.kind, element.text) for element in parsed.elements] == [
        ("heading", "规范"), ("paragraph", "单键不超过 10KB"), ("paragraph", "小贴士"), ("paragraph", "先压缩"),
        ("code", ":::info"), ("paragraph", "甲 ::: 乙"),
    ]  # fmt: skip


def test_a_single_letter_or_digit_is_read() -> None:
    page = "<!doctype html><div>楼层</div><div>5</div><p>是</p><p>|</p>".encode()
    assert [element.text for element in read(page, "a.html").elements] == ["楼层", "5", "是"]
    assert [element.text for element in read("# 楼层\n\n8\n", "a.md").elements] == ["楼层", "8"]
