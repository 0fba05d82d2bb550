"""OpenDocument and RTF: struck-through text is left out. OpenDocument: links say where they lead."""

from __future__ import annotations

import pytest

from tests.ingest.test_parse_opened import opened, read

STRUCK = (
    '<style:style style:name="{}" style:family="{}"><style:text-properties style:text-line-through-{}/></style:style>'
)
STYLES = (
    STRUCK.format("T1", "text", 'style="solid"')
    + STRUCK.format("T2", "text", 'style="none" style:text-line-through-type="none"')
    + STRUCK.format("P1", "paragraph", 'type="double"')
    + STRUCK.format("C1", "table-cell", 'style="solid"')
    + '<style:style style:name="T3" style:family="text" style:parent-style-name="T1"/>'
)
PRICE = '每晚<text:span text:style-name="{}">600</text:span>800 元'
CELL = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
ROW = "<table:table-row>{}</table:table-row>"
FEE = '<text:a xlink:href="https://fee.example"><text:span>800</text:span></text:a>'
HEADER = ROW.format(CELL.format("", "一级") + CELL.format("", "二级"))
LIMITS = ROW.format(CELL.format(' table:style-name="C1"', "600") + CELL.format("", FEE))
TABLE = f'<table:table table:name="限额">{HEADER}{LIMITS}</table:table>'
LINK = '<text:a xlink:href="https://it.example/{}">{}</text:a>'


@pytest.mark.parametrize("style", ["T1", "T3"])
def test_struck_through_text_of_opendocument_is_left_out(style: str) -> None:
    price = PRICE.format(style)
    body = (
        f'<office:text><text:h text:outline-level="1">{price}</text:h><text:p>{price}</text:p>'
        '<text:p text:style-name="P1">作废</text:p>'
        '<text:p text:style-name="P1">旧<text:span text:style-name="T2">新</text:span></text:p></office:text>'
    )
    assert [e.text for e in read(opened("text", body, STYLES), "a.odt").elements] == [
        "每晚800 元", "每晚800 元", "新",
    ]  # fmt: skip


def test_tables_and_sheets_of_opendocument_leave_out_struck_cells_and_keep_links() -> None:
    for kind, name in (("text", "a.odt"), ("spreadsheet", "a.ods")):
        parsed = read(opened(kind, f"<office:{kind}>{TABLE}</office:{kind}>", STYLES), name)
        assert parsed.elements[-1].text == "| 一级 | 二级 |\n| --- | --- |\n|  | 800 (https://fee.example) |"


def test_links_of_opendocument_say_where_they_lead() -> None:
    body = (
        f'<office:text><text:h text:outline-level="1">{LINK.format("a", "门户")}</text:h>'
        f'<text:p>打开{LINK.format("b", "手册")}，<text:a xlink:href="#页首">页首</text:a></text:p></office:text>'
    )
    parsed = read(opened("text", body), "a.odt")
    assert (parsed.title, [e.text for e in parsed.elements]) == (
        "门户",
        ["门户", "门户 (https://it.example/a)", "打开手册 (https://it.example/b)，页首"],
    )


def test_the_target_of_a_slide_title_is_said_below_it() -> None:
    frame = "<draw:frame{}><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    title = frame.format(' presentation:class="title"', LINK.format("a", "门户"))
    slide = f"<draw:page>{title}{frame.format('', LINK.format('b', '手册'))}</draw:page>"
    parsed = read(opened("presentation", f"<office:presentation>{slide}</office:presentation>"), "a.odp")
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("heading", "门户"), ("paragraph", "门户 (https://it.example/a)"), ("paragraph", "手册 (https://it.example/b)"),
    ]  # fmt: skip


CLICK = '<office:event-listeners><presentation:event-listener presentation:action="show" xlink:href="{}"/>{}'
BOX = "<draw:custom-shape>{}<text:p>{}</text:p></draw:custom-shape>"
FRAME = '<draw:a xlink:href="https://it.example/{}"><draw:frame>{}</draw:frame></draw:a>'


def test_links_of_shapes_of_opendocument_say_where_they_lead() -> None:
    clicked = CLICK.format("https://it.example/room", "</office:event-listeners>")
    jump = CLICK.format("#page2", "</office:event-listeners>")
    boxes = (
        BOX.format(clicked, "订会议室</text:p><text:p>8 点起") + BOX.format(jump, "下一页") + BOX.format(clicked, "")
    )
    frames = FRAME.format("a", "<draw:text-box><text:p>手册</text:p></draw:text-box>")
    slide = f"<draw:page>{boxes}{frames}{FRAME.format('b', '<svg:desc>菜单</svg:desc>')}</draw:page>"
    parsed = read(opened("presentation", f"<office:presentation>{slide}</office:presentation>"), "a.odp")
    assert [e.text for e in parsed.elements] == [
        "订会议室", "8 点起 (https://it.example/room)", "下一页", "https://it.example/room",
        "手册 (https://it.example/a)", "菜单 (https://it.example/b)",
    ]  # fmt: skip


def test_links_of_pictures_in_a_text_of_opendocument_say_where_they_lead() -> None:
    picture = FRAME.format("a", "<svg:title>菜单</svg:title>")
    table = f"<table:table>{HEADER}{ROW.format(CELL.format('', 800) + CELL.format('', picture))}</table:table>"
    parsed = read(opened("text", f"<office:text><text:p>见{picture}。</text:p>{table}</office:text>"), "a.odt")
    assert [e.text for e in parsed.elements] == [
        "见。", "菜单 (https://it.example/a)",
        "| 一级 | 二级 |\n| --- | --- |\n| 800 | 菜单 (https://it.example/a) |",
    ]  # fmt: skip


def test_a_slide_title_that_is_a_link_as_a_whole_says_its_target() -> None:
    title = '<draw:frame presentation:class="title"><draw:text-box><text:p>门户</text:p></draw:text-box>{}</draw:frame>'
    clicked = CLICK.format("https://it.example/a", "</office:event-listeners>")
    slide = f"<draw:page>{title.format(clicked)}</draw:page>"
    parsed = read(opened("presentation", f"<office:presentation>{slide}</office:presentation>"), "a.odp")
    assert [e.text for e in parsed.elements] == ["门户", "门户 (https://it.example/a)"]


def test_rtf_leaves_out_what_is_struck_through_hidden_or_deleted() -> None:
    words = (
        r"{\rtf1\ansi\ansicpg936 "
        r"each night {\strike 600 }\striked1 x\'d5\u20803?\striked0 800{\v secret}{\deleted gone}"
        r"\strike y\plain  yuan\par {\strike old\par}new\strike0\par}"
    )
    assert [e.text for e in read(words.encode(), "a.rtf").elements] == ["each night 800 yuan", "new"]


def test_each_header_and_footer_of_a_text_is_read_once_if_a_page_shows_it() -> None:
    def page(name: str, header: str, more: str = "") -> str:
        return (
            f'<style:master-page style:name="{name}"{more}><style:header><text:p>{header}</text:p></style:header>'
            "<style:footer><text:p>人事部修订</text:p></style:footer>"
            '<style:footer-left style:display="false"><text:p>不显示</text:p></style:footer-left></style:master-page>'
        )

    pages = (
        page("Standard", "内部资料")
        + page("Cover", "封面", ' style:next-style-name="Inner"')
        + page("Inner", "内部资料")
        + page("Unused", "无人使用")
    )
    uses = '<style:style style:name="P2" style:family="paragraph" style:master-page-name="Cover"/>'
    body = '<office:text><text:p text:style-name="P2">员工每年享有十天年假。</text:p></office:text>'
    # In a flat file they stand in the same part as the text.
    parsed = read(opened("text", body, f"{uses}<office:master-styles>{pages}</office:master-styles>"), "a.odt")
    assert [e.text for e in parsed.elements] == ["内部资料", "封面", "员工每年享有十天年假。", "人事部修订"]
