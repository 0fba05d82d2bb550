"""The reply to small talk says what the assistant is and what the asker may search, in the asker's language."""

from __future__ import annotations

import re

import pytest

from assistant.introduction import introduction
from ingest.catalog.holdings import Holdings

HELD = Holdings(17, ("hr", "push"), tuple(f"文件 {number}" for number in range(17)))


@pytest.mark.parametrize(
    ("question", "language", "begins", "counted"),
    [
        (
            "你好",
            "zh",
            "您好！我是有据，根据公司的文档回答问题",
            "现在您可以查 2 个来源（hr、push）里的 17 份文档，例如：",
        ),
        (
            "請問您在嗎",
            "zh",
            "您好！我是有據，根據公司的文件回答問題",
            "現在您可以查 2 個來源（hr、push）裡的 17 份文件",
        ),
        ("hi", "en", "Hello! I am Youju. I answer questions", "You can ask about 17 documents in 2 sources (hr, push)"),
    ],
)
def test_it_says_who_it_is_and_counts_what_there_is(question: str, language: str, begins: str, counted: str) -> None:
    said = introduction("greeting", question, language, HELD, "")  # type: ignore[arg-type]
    assert said.startswith(begins)
    assert counted in said
    assert re.findall(r"^- (.*)$", said, re.M) == [f"文件 {number}" for number in range(5)]


def test_the_name_of_the_company_is_said() -> None:
    assert "根据澜衡仪器的文档" in introduction("identity", "你是谁", "zh", HELD, "澜衡仪器")


def test_who_asks_for_the_documents_gets_all_of_a_few() -> None:
    said = introduction("documents", "有哪些文档？", "zh", HELD, "")
    assert said.count("\n- ") == 17
    assert "17 份文档：" in said


@pytest.mark.parametrize(("question", "language", "ends"), [("谢谢", "zh", "随时提问。"), ("bye", "en", "a question.")])
def test_thanks_and_goodbyes_get_one_short_paragraph(question: str, language: str, ends: str) -> None:
    for kind in ("thanks", "goodbye", "noted"):
        said = introduction(kind, question, language, HELD, "")  # type: ignore[arg-type]
        assert "17" in said
        assert said.endswith(ends)
        assert "\n" not in said


@pytest.mark.parametrize("kind", ["greeting", "thanks", "documents"])
@pytest.mark.parametrize("holdings", [None, Holdings(0, (), ()), Holdings(1, ("push",), ())])
def test_sentences_end_once_whatever_there_is(kind: str, holdings: Holdings | None) -> None:
    for question, language in (("你好", "zh"), ("hi", "en")):
        said = introduction(kind, question, language, holdings, "")  # type: ignore[arg-type]
        assert not re.search(r"。。|\.\.|  |：$|[^。.！!？?”\n]\n", said), said
        assert ("没有" in said or "no documents" in said) or holdings is None or holdings.documents


def test_titles_make_no_markup_and_no_links_and_stay_short() -> None:
    titles = (
        "[x](javascript:alert)",
        "![i](x)",
        "see http://evil.example",
        "**<b>`c`|d",
        "a\n\n# b",
        "长" * 500,
        "",
        "  ",
    )
    said = introduction("greeting", "hi", "en", Holdings(9, ("push",), titles), "")
    listed = re.findall(r"^- (.*)$", said, re.M)
    assert listed == ["x (javascript:alert)", "! i (x)", "b c d", "a b", "长" * 60 + "…"]
