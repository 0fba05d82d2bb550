"""What a model writes reaches the reader without images and tags, and with links of cited chunks only."""

from __future__ import annotations

import random
import re

import pytest
from markdown_it import MarkdownIt

from assistant.cite import Citer
from tests.assistant.test_cite import evidence, run
from tests.canned_retrieval import passage

PORTAL = "https://portal.example/leave?x=1"
LEAVE = passage(f"入口见 {PORTAL}。年假为十五天。", title="员工手册")
OTHER = passage("访客可在 https://visitor.example/ 登记。", title="访客")


def said(text: str) -> str:
    """What is said of `text`, the same in pieces of any size."""
    found = {run(text, LEAVE, OTHER, piece=piece).text for piece in (1, 3, 7, 1000)}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("![图](http://evil.example/?q=1) 年假", "图 年假"),
        ("![](http://evil.example/)年假", "年假"),
        ('![图](<http://evil.example/> "标题")年假', "图年假"),
        ("[![图](http://evil.example/)](http://evil.example/)", "[ 图] (http: //evil.example/)"),
        ("![图][x]\n\n[x]: http://evil.example/", "![图][x]\n\n[x] : http: //evil.example/"),
        ('<img src="http://evil.example/"> <IMG SRC=x>年假', " 年假"),
        ("<svg onload=x><iframe src=y>", "＜svg onload=x>＜iframe src=y>"),
    ],
)
def test_no_image_and_no_tag_is_passed_on(text: str, left: str) -> None:
    assert said(text) == left


def test_an_image_is_not_passed_on_though_a_cited_chunk_has_its_address() -> None:
    assert said(f"年假为十五天[1]，![入口]({PORTAL})") == "年假为十五天[1]，入口"


def test_a_link_stays_where_a_cited_chunk_has_its_target() -> None:
    linked = f"见[入口]({PORTAL})，年假为十五天[1]。"
    assert said(linked) == linked
    assert said(f"年假为十五天[1]。再见[入口]({PORTAL})。") == f"年假为十五天[1]。再见[入口]({PORTAL})。"
    assert said(f"年假为十五天[1]，见 <{PORTAL}>。") == f"年假为十五天[1]，见 <{PORTAL}>。"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("见[入口](http://evil.example/)，年假为十五天[1]。", "见入口，年假为十五天[1]。"),
        (f"见[入口]({PORTAL[:-2]})，年假为十五天[1]。", "见入口，年假为十五天[1]。"),
        (f"见[入口]({PORTAL})。", "见入口。"),
        ("见[登记](https://visitor.example/)，年假为十五天[1]。", "见登记，年假为十五天[1]。"),
        ("见[入口](javascript:alert(1))，年假", "见[入口] (javascript:alert(1))，年假"),
        ('<a href="http://evil.example/">入口</a>', "入口"),
        ("见 <http://evil.example/>。", "见 ＜http: //evil.example/>。"),
    ],
)
def test_of_any_other_link_the_text_stays(text: str, left: str) -> None:
    assert said(text) == left


def test_an_address_in_the_text_stays_whole_where_a_cited_chunk_has_it() -> None:
    for stays in (
        f"年假为十五天[1]，见 {PORTAL}。",
        f"见{PORTAL}，年假为十五天[1]。",
        f"入口见 {PORTAL}。年假为十五天。[1]",
        "年假为十五天[1]，见 `http://evil.example/`。",
    ):
        assert said(stays) == stays


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("年假为十五天[1]，见 http://evil.example/?q=1。", "年假为十五天[1]，见 http: //evil.example/?q=1。"),
        ("见https://visitor.example/。年假为十五天[1]。", "见https: //visitor.example/。年假为十五天[1]。"),
        (f"年假为十五天[1]，见 {PORTAL}&q=1", f"年假为十五天[1]，见 https: {PORTAL[6:]}&q=1"),
        ("WWW.evil.example ftp://evil.example 年假", "WWW. evil.example ftp: //evil.example 年假"),
        ("hot http www. https: 年假", "hot http www.  https: 年假"),
    ],
)
def test_any_other_address_in_the_text_is_no_link_for_any_program(text: str, left: str) -> None:
    assert said(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("年假为十五天[1](http://evil.example/)。", "年假为十五天[1]。"),
        ("年假为十五天[1][1](http://evil.example/)。", "年假为十五天[1] (http: //evil.example/)。"),
        ("年假为十五天。\n\n[1]: http://evil.example/", "年假为十五天。\n\n[1] : http: //evil.example/"),
    ],
)
def test_a_marker_never_becomes_a_link(text: str, left: str) -> None:
    assert said(text) == left


def test_what_is_taken_out_puts_nothing_together() -> None:
    assert said("<[](x)img src=y>") == "< img src=y>"
    assert said("[a][](x)(http://evil.example/)") == "[a] (http: //evil.example/)"
    assert said("[[](x)7]") == "[ 7]"
    assert said("[7[7]]") == said("[7</a>]") == "[7 ]"


@pytest.mark.parametrize(
    "text",
    [
        "一个 ` 在前\n后面 `![](http://evil.example/)` 完",
        "  ```\n代码\n```\n![](http://evil.example/)",
        "- ```\n![](http://evil.example/)",
        "| ` | ![](http://evil.example/) ` |",
        "\\`![](http://evil.example/)`",
        "a ```b``` c\n```\n![](http://evil.example/)",
    ],
)
def test_what_may_not_be_code_for_every_reader_is_none(text: str) -> None:
    assert "evil" not in said(text)


def test_code_stays_as_it_is() -> None:
    code = "写作 `![](x)`、`<img>`：\n```html\n<img src=x>[a](b)\n```\n"
    assert said(code) == code


def test_an_unfinished_link_is_held_no_longer_than_anything_else() -> None:
    for opening in ("[", "![", "<a ", "[x]("):
        citer = Citer(evidence(LEAVE), "")
        assert sum(len(event.text) for event in citer.feed(opening + "字" * 3000) if event.type == "text_delta") > 2000


EVIL = "http://evil.example/"
PIECES = (
    "![", "[", "]", "](", f"({EVIL})", ")", "`", "``", "```", "\n", "\n\n", "```\n", "~~~\n", "  ```\n", "    ",
    f"<img src={EVIL}>", f"<a href='{EVIL}'>", "</a>", "<", ">", "!", "\\", "|", "- ", "> ", "1. ", f"[x]: {EVIL}",
    "[x]", "[1]", "[7]", "[1]: ", "年假为十五天", "。", " ", "x", f"<{EVIL}>", "<br>", "<div>", "<!--", "-->",
    f"({PORTAL})", ":", EVIL, "'", '"', "&", "\t", "# ", "**", "---\n", "7", "7]",
)  # fmt: skip


@pytest.mark.parametrize("times", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_whatever_is_put_together_no_reader_of_markdown_sees_a_link_an_image_or_a_wrong_marker(times: int) -> None:
    chosen = random.Random(7)
    reader = MarkdownIt("commonmark", {"html": True})
    for _ in range(times):
        text = "".join(chosen.choice(PIECES) for _ in range(chosen.randint(2, 25)))
        passed = run(text, LEAVE, OTHER, piece=chosen.choice((1, 3, 1000))).text
        shown = re.sub(r"<code.*?</code>", " ", reader.render(passed), flags=re.DOTALL)
        assert not re.search(r"<img|<a [^>]*evil|<div|<!--|\[7\]", shown), text
