"""Pages of Confluence in its storage format: what macros show stays, and their settings go."""

from __future__ import annotations

import json

import pytest

from tests.ingest.test_parse_text import read

PAGE = (
    '<h2>告警</h2><p>见&nbsp;<ac:link><ri:page ri:content-title="升级流程"/></ac:link>、'
    '<ac:link><ri:page ri:content-title="X1"/>'
    "<ac:plain-text-link-body><![CDATA[通讯录]]></ac:plain-text-link-body></ac:link>："
    '<ac:structured-macro ac:name="status"><ac:parameter ac:name="colour">Green</ac:parameter>'
    '<ac:parameter ac:name="title">已上线</ac:parameter></ac:structured-macro>，自 <time datetime="2026-07-08" /></p>'
    '<ac:structured-macro ac:name="warning"><ac:parameter ac:name="icon">false</ac:parameter><ac:rich-text-body>'
    "<p>先通知主管。</p><ul><li>电话</li><li><p>短信</p></li></ul></ac:rich-text-body></ac:structured-macro>"
    '<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">bash</ac:parameter><ac:plain-text-body>'
    '<![CDATA[if [ $a < 3 ]; then\n  echo "&nbsp;"\nfi]]></ac:plain-text-body></ac:structured-macro>'
    '<ac:structured-macro ac:name="expand"><ac:parameter ac:name="title">历年记录</ac:parameter><ac:rich-text-body>'
    "<table><tbody><tr><th>级别</th><th>时间</th></tr><tr><td><p>P0</p></td><td>5 分钟</td></tr></tbody></table>"
    "</ac:rich-text-body></ac:structured-macro>"
    "<ac:task-list><ac:task><ac:task-id>7</ac:task-id><ac:task-status>incomplete</ac:task-status>"
    "<ac:task-body>检查备份</ac:task-body></ac:task></ac:task-list>"
    '<ac:structured-macro ac:name="excerpt"><ac:parameter ac:name="hidden">true</ac:parameter><ac:rich-text-body>'
    '<p>看不见</p></ac:rich-text-body></ac:structured-macro><ac:structured-macro ac:name="toc" />'
    '<ac:image ac:height="250"><ri:attachment ri:filename="a.png"/></ac:image><p>末行 <del>旧</del>'
    '<a href="https://wiki.corp.example/x">附录</a></p>'
)
SHOWN = [
    ("heading", "告警"), ("paragraph", "见 升级流程、通讯录：已上线，自 2026-07-08"), ("paragraph", "先通知主管。"),
    ("list_item", "电话"), ("list_item", "短信"), ("code", 'if [ $a < 3 ]; then\n  echo "&nbsp;"\nfi'),
    ("paragraph", "历年记录"), ("table", "| 级别 | 时间 |\n| --- | --- |\n| P0 | 5 分钟 |"), ("list_item", "检查备份"),
    ("paragraph", "末行 附录 (https://wiki.corp.example/x)"),
]  # fmt: skip
DECLARED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE ac:confluence SYSTEM "confluence.dtd">\n<ac:confluence '
    'xmlns:ac="http://www.atlassian.com/schema/confluence/4/ac/" xmlns:ri="http://www.atlassian.com/schema/confluence/'
    f'4/ri/" xmlns="http://www.w3.org/1999/xhtml">{PAGE}</ac:confluence>'
)
SPACE = (
    '<?xml version="1.0" encoding="UTF-8"?><hibernate-generic><object class="Space"><id name="id">1</id>'
    '<property name="name"><![CDATA[运维空间]]></property></object>{}</hibernate-generic>'
)


@pytest.mark.parametrize(("text", "name"), [(PAGE, "a.xml"), (PAGE, "a.html"), (PAGE, "page"), (DECLARED, "a.xml")])
def test_a_page_in_the_storage_format_shows_what_its_macros_show(text: str, name: str) -> None:
    parsed = read(text, name)
    assert [(element.kind, element.text) for element in parsed.elements] == SHOWN
    assert parsed.title == "告警"


def test_a_page_that_is_wrapped_with_its_title_has_that_title() -> None:
    parsed = read(f"<page><title>值班手册</title><body><storage>{PAGE}</storage></body></page>", "a.xml")
    assert parsed.title == "值班手册"
    assert [(element.kind, element.text) for element in parsed.elements] == SHOWN


def stored(number: int, title: str, body: str, more: str = "") -> str:
    """A page of a space and its body, as `entities.xml` has them."""
    body = body.replace("]]>", "]] >")
    return (
        f'<object class="BodyContent"><id name="id">{number}0</id><property name="body"><![CDATA[{body}]]></property>'
        f'<property name="content" class="Page"><id name="id">{number}</id></property></object><object class="Page">'
        f'<id name="id">{number}</id><property name="title"><![CDATA[{title}]]></property>{more}</object>'
    )


def test_the_export_of_a_space_has_its_current_pages_below_their_titles() -> None:
    older = '<property name="originalVersion" class="Page"><id name="id">5</id></property>'
    draft = '<property name="contentStatus"><![CDATA[draft]]></property>'
    parsed = read(
        SPACE.format(
            stored(5, "值班 & 手册", PAGE) + stored(6, "值班手册", "<p>旧版</p>", older)
            + stored(7, "草稿", "<p>草稿</p>", draft) + stored(8, "交接", "<h1>流程</h1><p>当面交接。</p>")
        ),
        "entities.xml",
    )  # fmt: skip
    assert parsed.title == "运维空间"
    assert [(element.kind, element.text) for element in parsed.elements[1:11]] == SHOWN
    assert parsed.elements[2].location.heading_path == ("值班 & 手册", "告警")
    assert parsed.elements[-1].location.heading_path == ("交接", "流程")
    assert not {"旧版", "草稿"} & {element.text for element in parsed.elements}


def test_a_page_of_html_that_only_has_such_tags_is_read_as_html() -> None:
    text = "<html><body><p>一行<br>二行<p>三行 <ac:link>四</ac:link></body></html>"
    assert read(text, "a.html").text == "一行 二行\n\n三行 四"


def test_icons_that_stand_for_an_answer_are_read() -> None:
    icon = '<ac:emoticon ac:name="{}" ac:emoji-shortname=":x:" />'.format
    cells = "".join(
        f"<tr><td>{name}</td><td>{icon(mark)}</td></tr>" for name, mark in (("导出", "tick"), ("打印", "cross"))
    )
    text = read(
        f"<table><tbody><tr><th>功能</th><th>支持</th></tr>{cells}</tbody></table><p>谢谢{icon('smile')}！</p>", "a.xml"
    ).text
    assert text == "| 功能 | 支持 |\n| --- | --- |\n| 导出 | ✔ |\n| 打印 | ✘ |\n\n谢谢！"
    image = '<p>State <img class="emoticon emoticon-tick" alt="(tick)" src="t.png"/> by Ann</p>'
    assert "State ✔ by Ann" in read(EXPORTED.replace("<p>Renew", f"{image}<p>Renew").encode(), "1.html").text


@pytest.mark.parametrize("form", ["storage", "view"])
def test_a_page_from_the_http_interface_is_read_as_a_page(form: str) -> None:
    body = PAGE if form == "storage" else "<h2>告警</h2><p>先通知主管。</p>"
    page = {"id": "5", "type": "page", "title": "值班手册", "body": {form: {"value": body, "representation": form}}}
    parsed = read(json.dumps(page), "5.json")
    assert parsed.title == "值班手册"
    assert [(element.kind, element.text) for element in parsed.elements[:2]] == [
        ("heading", "值班手册"),
        ("heading", "告警"),
    ]
    assert parsed.elements[2].location.heading_path == ("值班手册", "告警")
    both = read(json.dumps({"results": [page, {**page, "title": "交接"}]}), "all.json")
    assert [element.text for element in both.elements if not element.location.heading_path] == ["值班手册", "交接"]
    other = read(json.dumps({**page, "type": "task"}), "5.json")
    assert [element.kind for element in other.elements] == ["code"]


EXPORTED = """<!DOCTYPE html><html><head><title>Operations : Renewing certificates</title></head><body>
<div id="breadcrumb-section"><ol><li><a href="index.html">Operations</a></li></ol></div>
<h1 id="title-heading"><span id="title-text"> Operations : Renewing certificates </span></h1>
<div class="page-metadata">Created by <span class="author">Ann</span></div>
<div id="main-content"><div class="toc-macro rbtoc1"><ul><li><a href="#a">Contacts</a></li></ul></div>
<p>Renew 21 days before.</p><h2 id="a">Contacts</h2><p>Gateway team : 5520</p></div>
<div id="footer"><p>Document generated by Confluence on May 5, 2026</p></div></body></html>"""


def test_an_exported_page_is_read_without_what_stands_around_it() -> None:
    parsed = read(EXPORTED.encode(), "1245.html")
    assert parsed.title == "Renewing certificates"
    assert [element.text for element in parsed.elements] == [
        "Renewing certificates",
        "Renew 21 days before.",
        "Contacts",
        "Gateway team : 5520",
    ]


def test_pages_of_others_keep_what_stands_around_their_text() -> None:
    page = EXPORTED.replace('"title-text"', '"name"').replace("toc-macro", "contents")
    assert "Document generated by Confluence" in read(page.encode(), "1245.html").text
