"""What web pages draw: image maps, SVG and the VML of Office. Their texts are read, and where they lead is said."""

from __future__ import annotations

import re

import pytest

from tests.ingest.test_parse_html_marks import book, mail, page, texts
from tests.ingest.test_parse_page_pictures import in_page
from tests.ingest.test_parse_page_pictures import read as read_with
from tests.ingest.test_parse_text import read
from tests.ingest.test_parse_web_archives import archive, part

MAP = (
    '<p>厂区图</p><img src="a.png" alt="总图" usemap="#Plan"><map name="plan">'
    '<area shape="rect" coords="0,0,9,9" href="https://corp.example/hall1" alt="一号车间">'
    '<area href="https://corp.example/hall1" alt="一号车间"><area href="https://corp.example/hall2" title="二号车间">'
    '<area href="gate.html" alt="大门"><area href="mailto:safety@corp.example"><area nohref alt="空地">'
    "</map><p>末行</p>"
)
CLOSED = re.sub("<(area|img)([^>]*)>", r"<\1\2/>", MAP.replace("nohref", 'nohref=""'))
AREAS = [
    "一号车间 (https://corp.example/hall1)", "二号车间 (https://corp.example/hall2)", "大门", "safety@corp.example",
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (page(MAP).encode(), "a.html"),
        (archive("", part(page(MAP))), "a.mht"),
        (book(MAP), "a.epub"),
        (mail(MAP), "a.eml"),
        (f"# 图\n\n<div>{MAP}</div>\n".encode(), "a.md"),
        (f"<ac:layout>{CLOSED}</ac:layout>".encode(), "a.html"),
    ],
)
def test_the_areas_of_an_image_map_are_links_behind_its_picture(data: bytes, name: str) -> None:
    said = texts(read(data, name))
    first = said.index("总图")
    assert said[first + 1 : first + 6] == [*AREAS, "末行"]


def test_an_image_map_is_said_once_and_in_a_cell_in_its_place() -> None:
    twice = MAP + '<img src="b.png" usemap="#plan">'
    assert texts(read(page(twice).encode(), "a.html")).count(AREAS[0]) == 1
    areas = '<map id="m"><area href="https://a.example/x" alt="门"></map>'
    table = '<table><tr><th>图</th><th>注</th></tr><tr><td><img usemap="#m"></td><td>无</td></tr></table>'
    assert "| 门 (https://a.example/x) | 无 |" in texts(read(page(table + areas).encode(), "a.html"))[-1]
    assert texts(read(page(areas + "<p>无图</p>").encode(), "a.html")) == ["无图"]


def test_relative_areas_are_resolved_where_the_page_says_its_address() -> None:
    saved = archive("", part(page(MAP), "https://corp.example/site/map.html"))
    assert "大门 (https://corp.example/site/gate.html)" in texts(read(saved, "a.mht"))


SVG = (
    '<svg width="400" height="300"><title>审批流程</title><desc>说明</desc><style>text {}</style>'
    '<defs><text>模板</text></defs><a href="https://corp.example/1"><text y="1">提交</text></a>'
    '<a xlink:href="https://corp.example/2"><text y="2"><tspan>部门</tspan><tspan>审批</tspan></text></a>'
    '<text><tspan x="0" dy="0">First</tspan><tspan x="0" dy="1em">second</tspan></text>'
    "<switch><foreignObject><div>盖章<br>归档</div></foreignObject><text>盖章…</text></switch>"
    '<text visibility="hidden">隐</text><text display="none">藏</text></svg>'
)
LINES = ["提交 (https://corp.example/1)", "部门审批 (https://corp.example/2)", "First", "second", "盖章", "归档"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (page(f"<p>前</p>{SVG}<p>后</p>").encode(), "a.html"),
        (archive("", part(page(f"<p>前</p><div>{SVG}</div><p>后</p>"))), "a.mht"),
        (book(f"<p>前</p>{SVG}<p>后</p>"), "a.epub"),
        (mail(f"<p>前 {SVG}</p><p>后</p>"), "a.eml"),
    ],
)
def test_the_lines_of_svg_in_a_page_are_read_where_it_stands(data: bytes, name: str) -> None:
    said = texts(read(data, name))
    assert said[said.index("前") :] == ["前", *LINES, "后"]


def test_the_title_of_an_svg_without_text_is_read_unless_it_is_an_icon() -> None:
    large = "<svg viewBox='0 0 640 480'><title>厂区图</title><path/></svg>"
    icon = "<svg viewBox='0 0 24 24'><title>关闭</title><path/></svg>"
    linked = f'<p><a href="https://a.example/x">{icon}</a></p>'
    parsed = read(page(f"<p>前</p>{large}<p>中{icon}</p>{linked}").encode(), "a.html")
    assert [(each.kind, each.text) for each in parsed.elements] == [
        ("paragraph", "前"), ("paragraph", "厂区图"), ("paragraph", "中"), ("paragraph", "关闭 (https://a.example/x)"),
    ]  # fmt: skip


def test_pictures_in_svg_are_read_or_counted() -> None:
    drawn = f'<svg><image xlink:href="{in_page("Serial 4711")}"/><image href="https://a.example/b.png"/></svg>'
    parsed = read_with(page(f"<p>Words</p>{drawn}"), "a.html")
    assert texts(parsed) == ["Words", "Serial 4711"]
    assert parsed.notes == {"pictures_not_read": 1}


def office(inside: str) -> str:
    """VML as Office writes it into pages, for itself only."""
    return f"<!--[if gte vml 1]>{inside}<![endif]-->"


BOX = '<v:shape id="s1" href="https://corp.example/form"><v:textbox><div><p>填写申请</p></div></v:textbox></v:shape>'


@pytest.mark.parametrize("shape", [BOX, office(BOX), office(f"<v:group>{BOX}</v:group>")])
@pytest.mark.parametrize("packed", [False, True])
def test_texts_and_links_of_shapes_are_read(shape: str, packed: bool) -> None:
    whole = page(f"<p>前</p>{shape}<p>后</p>")
    parsed = read(archive("", part(whole)), "a.mht") if packed else read(whole.encode(), "a.html")
    assert texts(parsed) == ["前", "填写申请 (https://corp.example/form)", "后"]


def test_what_browsers_show_instead_of_a_shape_is_read_once() -> None:
    instead = (
        '<![if !vml]><span><table><tr><td><![endif]><div v:shape="s1" class=shape><p>填写申请</p></div>'
        '<![if !vml]></td></tr></table></span><map name=M0><area href="https://corp.example/form" alt="表"></map>'
        '<img src="a.gif" v:shapes="s1 s2" usemap="#M0"><![endif]>'
    )
    drawn = office(f'{BOX}<v:shape id="s2"><v:imagedata src="a.emz"/></v:shape>')
    parsed = read(page(f"<p>前{drawn}{instead}</p><p>后</p>").encode(), "a.html")
    assert [text for text in texts(parsed) if "申请" in text] == ["填写申请"]
    assert [text for text in texts(parsed) if "example" in text] == ["表 (https://corp.example/form)"]
    assert parsed.notes == {"pictures_not_read": 1}


def test_a_button_that_is_written_twice_for_outlook_is_read_once() -> None:
    button = '<!--[if mso]><v:roundrect href="https://a.example/pay"><center>付款</center></v:roundrect><![endif]-->'
    link = '<!--[if !mso]><!--><a href="https://a.example/pay">付款</a><!--<![endif]-->'
    assert texts(read(mail(f"<div>{button}{link}</div>"), "a.eml"))[-1] == "付款 (https://a.example/pay)"
    assert sum("付款" in text for text in texts(read(mail(button + link), "a.eml"))) == 1


def test_pictures_and_letters_of_shapes_are_read() -> None:
    shown = f'<v:shape alt="铭牌"><v:imagedata src="{in_page("Serial 4711")}"/></v:shape>'
    letters = '<v:shape><v:textpath string="安全第一"/></v:shape>'
    for drawn in (shown + letters, office(shown + letters)):
        said = texts(read_with(page(f"<p>前</p><div>{drawn}</div><p>后</p>"), "a.html"))
        assert (said[0], said[-1]) == ("前", "后")
        assert sorted(said[1:-1]) == ["Serial 4711", "安全第一", "铭牌"]
    hidden = office('<v:shape style="visibility: hidden"><v:textbox><p>隐</p></v:textbox></v:shape>')
    assert texts(read(page(f"<p>前</p>{hidden}").encode(), "a.html")) == ["前"]


@pytest.mark.parametrize("end", ["<!-- 注 -->", "<![endif]>", "<?x y?>"])
def test_a_comment_at_the_end_of_a_link_is_no_part_of_it(end: str) -> None:
    linked = f'<p>见<a href="https://a.example/x"><span>附录{end}</span>{end}</a>。</p>'
    assert texts(read(page(linked).encode(), "a.html")) == ["见附录 (https://a.example/x)。"]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (
            '<iframe srcdoc="&lt;p&gt;班车时刻&lt;/p&gt;&lt;p hidden&gt;旧的&lt;/p&gt;">?</iframe>',
            ["前", "班车时刻", "后"],
        ),
        ('<iframe srcdoc="班车时刻" hidden></iframe>', ["前", "后"]),
        ('<iframe srcdoc="<html><body><h2>班车</h2>时刻</body></html>"></iframe>', ["前", "班车", "时刻", "后"]),
        ('<iframe srcdoc=" "></iframe>', ["前", "后"]),
        ('<iframe srcdoc="<!doctype html>"></iframe>', ["前", "后"]),
        ('<iframe srcdoc="<iframe srcdoc=&quot;班车&quot;></iframe>"></iframe>', ["前", "班车", "后"]),
    ],
)
def test_the_page_that_a_frame_has_in_itself_is_read(frame: str, said: list[str]) -> None:
    assert texts(read(page(f"<p>前</p>{frame}<p>后</p>").encode(), "a.html")) == said
