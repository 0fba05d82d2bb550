"""Web pages and Markdown: what is hidden or struck through is no text, and links say where they lead."""

from __future__ import annotations

import io
import json
import time
import zipfile

import pytest

from ingest.document import ParsedDocument
from tests.ingest.test_parse_text import read


def page(body: str, head: str = "") -> str:
    return f"<html><head>{head}</head><body>{body}</body></html>"


def texts(parsed: ParsedDocument) -> list[str]:
    return [element.text for element in parsed.elements]


def book(body: str) -> bytes:
    """An e-book of one chapter."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", '<c><r full-path="a.opf"/></c>')
        listed = '<manifest><item id="a" href="a.xhtml"/></manifest><spine><itemref idref="a"/></spine>'
        archive.writestr("a.opf", f"<package>{listed}</package>")
        archive.writestr("a.xhtml", f"<html><body>{body}</body></html>")
    return stream.getvalue()


def mail(body: str) -> bytes:
    head = "From: a@corp.example\nTo: b@corp.example\nSubject: 通知\nMIME-Version: 1.0\n"
    return f"{head}Content-Type: text/html; charset=utf-8\n\n{page(body)}".encode()


def notebook(source: str) -> str:
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": source}]})


@pytest.mark.parametrize(
    "old",
    [
        "<s>旧 6800</s>", "<strike>旧 6800</strike>", "<del>旧 6800</del>", "<del><b>旧</b> 6800</del>",
        '<span style="text-decoration: line-through">旧 6800</span>', '<b class="x gone">旧 6800</b>',
        '<span style="color:red;TEXT-DECORATION-LINE: underline line-through">旧 6800</span>',
        '<span hidden>旧 6800</span>', '<i style="display:none">旧 6800</i>', '<i class="off">旧 6800</i>',
        '<i style="visibility: hidden !important">旧 6800</i>', '<i id="secret">旧 6800</i>', "<tt>旧 6800</tt>",
        '<b class="never" style="display:block">旧 6800</b>', "<template>旧 6800</template>",
        '<span style="mso-hide:all">旧 6800</span>',
        '<b class="archive"><i><u class="price">旧 6800</u></i></b>', '<b class="box"><q class="base">旧 6800</q></b>',
        '<span style="font-size:0">旧 <b>6800</b></span>', '<b class="tiny">旧 6800</b>', "<dialog>旧 6800</dialog>",
    ],
)  # fmt: skip
def test_what_is_struck_through_or_hidden_is_no_text(old: str) -> None:
    sheet = (
        "<style>/* .new{display:none} */ .gone, u.gone {text-decoration : line-through}\n"
        "@media screen { .off{color:red;display:none} } #secret{visibility:hidden} TT{display:none}"
        ".never{display:none !important} .archive .price{display:none} b.box > .base {visibility:hidden}"
        ".tiny{font-size:0px}</style>"
    )
    table = f"<table><tr><td>项</td><td>{old}9800</td></tr></table>"
    body = f"<h1>价格</h1><p>年费 {old}<span class='new'>9800</span> 元</p>{table}"
    for data, name in ((page(body, sheet), "a.html"), (mail(sheet + body), "a.eml"), (book(sheet + body), "a.epub")):
        parsed = read(data, name)
        assert "年费 9800 元" in texts(parsed)
        assert "6800" not in parsed.text
        assert "9800" in parsed.elements[-1].text
    assert texts(read(f"{sheet}\n\n年费 {old}9800 元\n", "a.md")) == ["年费 9800 元"]


@pytest.mark.parametrize(
    "shown",
    [
        '<p aria-hidden="true">仍然有效</p>', '<p class="tip on">仍然有效</p>', '<p class="paper">仍然有效</p>',
        '<p hidden style="display:block">仍然有效</p>', '<del style="text-decoration:none">仍然有效</del>',
        '<p class="maybe">仍然有效</p>', '<p class="narrow">仍然有效</p>',
        '<p id="tip" class="tip">仍然有效</p>', '<p hidden="until-found">仍然有效</p>',
        "<details><summary>如何退票</summary><p>仍然有效</p></details>", "<figure><p>仍然有效</p></figure>",
        '<a data-toggle="collapse" href="#more">更多</a><p id="more" style="display:none">仍然有效</p>',
        '<div style="visibility:hidden">x<b style="visibility:visible">仍然有效</b>y</div>',
        '<div class="tabs"><p class="panel">仍然有效</p></div>',
        '<div class="tabs"><i><b class="own">仍然有效</b></i></div>',
        '<p style="font-size:0"><span style="font-size:14px">仍然有效</span></p>', "<dialog open>仍然有效</dialog>",
        '<p style="font-size:0"><b class="text">仍然有效</b></p>', '<p class="panel">仍然有效</p>',
    ],
)  # fmt: skip
def test_what_a_person_sees_or_can_open_is_text(shown: str) -> None:
    sheet = (
        "<style>.tip{display:none} .tip.on{display:block} #tip{display:inline} .paper:hover{display:none}"
        "@media print{.paper{display:none}} @media (max-width: 600px) { .narrow{display:none} }"
        ".maybe{display:none} .js .maybe{display:block} .tabs .panel{display:none} .panel.open{display:block}"
        ".tabs > .own{display:none} .tabs + p{display:none} .tabs .tabs .panel{display:none}</style>"
    )
    parsed = read(page(f"<h1>退票</h1>{shown}<p>其他规定</p>", sheet), "a.html")
    assert "仍然有效" in parsed.text
    assert parsed.elements[-1].text == "其他规定"


def test_the_name_of_a_drawing_is_not_the_title_of_the_page() -> None:
    assert read(page("<svg><title>图标</title></svg><h1>退票规定</h1><p>可退</p>"), "a.html").title == "退票规定"


def test_a_page_nested_deeply_hides_the_same() -> None:
    parsed = read(page("<div>" * 300 + "<p hidden>旧 6800</p><p>新 <s>6800</s>9800 元</p>"), "a.html")
    assert parsed.text == "新\n\n9800 元"


def test_hidden_rows_cells_and_items_leave_no_place() -> None:
    parsed = read(
        page(
            "<ul><li>一</li><li hidden>二</li> <li><s>三</s></li></ul><table><tr><th>名称</th><th hidden>成本</th>"
            "<th>价</th></tr><tr><td>桌</td><td hidden>5</td><td>9</td></tr><tr style='display:none'><td>椅</td>"
            "<td>1</td><td>2</td></tr></table>"
        ),
        "a.html",
    )
    assert texts(parsed)[-1] == "| 名称 | 价 |\n| --- | --- |\n| 桌 | 9 |"
    assert not set("二三椅") & set(parsed.text)


def test_struck_through_markdown_is_left_out_but_not_in_code() -> None:
    source = "# 限额\n\n每晚 ~~600~~ 800 元，见 `~~raw~~`。\n\n- ~~旧条~~\n- 新条\n\n```\n~~x~~\n```\n"
    for data, name in ((source, "a.md"), (notebook(source), "a.ipynb")):
        assert texts(read(data, name)) == ["限额", "每晚 800 元，见 ~~raw~~。", "新条", "~~x~~"]


def test_links_of_markdown_say_where_they_lead() -> None:
    source = (
        "# [门户](https://it.corp.example)\n\n打开 [自助门户](https://it.corp.example/box)，或 [手册][m]。\n\n"
        "<https://lib.corp.example>，[本页](#x)，[文件](../a.docx)，[写信](mailto:hr@corp.example)\n\n"
        "| 系统 | 备注 |\n| --- | --- |\n| [报销](https://fee.corp.example) | 无 |\n\n`[a](https://b.example)`\n\n"
        "[m]: https://doc.corp.example/m\n"
    )
    for data, name in ((source, "a.md"), (notebook(source), "a.ipynb")):
        parsed = read(data, name)
        assert parsed.title == "门户"
        assert texts(parsed) == [
            "门户", "门户 (https://it.corp.example)",
            "打开 自助门户 (https://it.corp.example/box)，或 手册 (https://doc.corp.example/m)。",
            "https://lib.corp.example，本页，文件 (../a.docx)，写信 (hr@corp.example)",
            "| 系统 | 备注 |\n| --- | --- |\n| 报销 (https://fee.corp.example) | 无 |", "[a](https://b.example)",
        ]  # fmt: skip
        assert parsed.elements[-1].location.heading_path == ("门户",)


def test_links_of_pages_mails_and_books_say_where_they_lead() -> None:
    logo = '<p><a href="https://oa.corp.example"><img src="a.png"></a></p>'
    body = f'{logo}<p>进入<a href="https://oa.corp.example/login"><b>办公系统</b></a>处理。</p>'
    for data, name in ((page(body), "a.html"), (mail(body), "a.eml"), (book(body), "a.epub")):
        assert "进入办公系统 (https://oa.corp.example/login)处理。" in texts(read(data, name))[-1]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ('<base href="https://a.example/wiki/">', "表 (https://a.example/wiki/form?id=1)，页首"),
        ('<link rel="canonical" href="https://a.example/docs/page">', "表 (https://a.example/docs/form?id=1)，页首"),
        ('<link rel="canonical" href="https://a.example/d/p"><base href="/x/">', "表 (https://a.example/x/form?id=1)，页首"),
        ('<base href="https://[bad/">', "表，页首"),
        ("", "表，页首"),
    ],
)  # fmt: skip
def test_relative_links_are_said_where_the_page_tells_its_address(head: str, said: str) -> None:
    assert texts(read(page('<p><a href="form?id=1">表</a>，<a href="#top">页首</a></p>', head), "a.html")) == [said]


@pytest.mark.parametrize(
    "chrome",
    [
        "<nav>{}</nav>", "<header>{}</header>", "<footer>{}</footer>", '<div role="navigation">{}</div>',
        '<ul class="nav">{}</ul>',
    ],
)  # fmt: skip
def test_navigation_is_not_flooded_with_addresses(chrome: str) -> None:
    menu = chrome.format("".join(f'<li><a href="https://a.example/{n}">栏目{n}</a></li>' for n in range(9)))
    parsed = read(
        page(f"{menu}<p>见<a href='https://b.example/x'>附录</a></p><pre><a href='https://c.example'>c()</a></pre>"),
        "a.html",
    )
    assert texts(parsed)[-2:] == ["见附录 (https://b.example/x)", "c()"]
    assert "a.example" not in parsed.text


def test_the_target_of_a_heading_is_said_below_it() -> None:
    parsed = read(page('<h2>一、<a href="https://a.example/fee">报销系统</a></h2>开放时间<p>每天</p>'), "a.html")
    assert (parsed.title, texts(parsed)) == (
        "一、报销系统",
        ["一、报销系统", "一、报销系统 (https://a.example/fee)", "开放时间", "每天"],
    )
    card = read(page('<a href="https://a.example/c"><h3>通讯录</h3><p>查电话</p></a>'), "a.html")
    assert texts(card) == ["通讯录", "查电话 (https://a.example/c)"]
    alone = read(page('<a href="https://a.example/c_(d)"><h3>通讯录</h3></a>'), "a.html")
    assert texts(alone) == ["通讯录", "通讯录 (https://a.example/c_(d))"]


@pytest.mark.parametrize(
    "piece",
    [
        "<s>a</s>b", "<p hidden>a</p>b", "<a href='https://a.example'>", "<a href='https://a.example'><b>x</b>",
        "<h1><a href='http://a'>x", "<style>.a{", "<style>.a .b", "<style>{}", "<p class='a b c d'>",
        "<i style='visibility:hidden'>a</i>b", "<style>.a,</style>",
        "<style>.a .b{display:none}</style><p class='b'>", "<div class='a'><p class='b'>",
    ],
)  # fmt: skip
def test_many_marks_take_linear_time(piece: str) -> None:
    sheet = "<style>.a.b{display:inline} .c{color:red}</style>"

    def seconds(count: int) -> float:
        began = time.thread_time()
        read(page("<p>beginning</p>" + piece * count + "<p>end</p>", sheet), "a.html")
        return time.thread_time() - began

    seconds(1)
    assert any(seconds(8_000) < 12 * seconds(2_000) + 0.2 for _ in range(3))
