"""An answer as one DingTalk message says what could not be checked, in the language of the answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from api.channels.render import render
from api.dingtalk.markdown import spaced
from assistant.events import Event, Finished
from assistant.request import AnswerLanguage
from tests.api.dingtalk_rig import broken, evidence, grounded
from tests.api.scripted_assistant import CHUNKS, a_greeting, a_refusal, near
from tests.api.test_renumbering import written


def shown(events: list[Event], language: AnswerLanguage, public_url: str | None = None) -> str:
    async def told():  # type: ignore[no-untyped-def]
        for event in events:
            yield event

    return asyncio.run(render(told(), language, spaced, public_url)).markdown


@pytest.mark.parametrize(
    ("said", "language", "warning"),
    [
        ("公司明年上市。", "zh", "⚠ 这个回答没有能核实的出处，请谨慎使用。"),
        ("We go public next year.", "en", "⚠ No source of this answer could be verified. Use it with care."),
    ],
)
def test_an_answer_without_support_says_so(said: str, language: AnswerLanguage, warning: str) -> None:
    assert shown(written(said), language) == f"{said}\n\n{warning}"


def test_a_source_that_could_not_be_checked_is_marked() -> None:
    said = shown(written("机房由信息部负责[6]。Robots clean the canteen every day [4]."), "zh")
    assert "⚠ [4] 未能与原文核对，请打开原文确认。" in said
    assert "- [4] 食堂制度 · 第 1 页 · 未核对\n- [6] 机房制度 · 第 1 页" in said


def test_a_refusal_and_a_checked_answer_carry_no_warning() -> None:
    assert "⚠" not in shown(a_refusal("文档中没有。", "zh"), "zh")
    checked = written("机房由信息部负责[6]。")
    assert isinstance(checked[-1], Finished)
    assert "⚠" not in shown([*checked[:-1], replace(checked[-1], language="en")], "en")


def test_a_source_names_its_section_and_links_to_its_passage_where_the_page_has_an_address() -> None:
    source = evidence(1, "员工_手册", page=3, heading_path=("员工_手册", "假期", "[年假](https://evil.example)"))
    events = grounded("年假 10 天。[1]", source)
    words = "员工＿手册 · 假期 › ［年假］(`https://evil.example`) · 第 3 页"
    assert f"- [1] {words}" in shown(events, "zh")
    link = "https://youju.example/kb/#/documents/document-1/passages/chunk-1"
    assert f"- [1] [{words}]({link})" in shown(events, "zh", "https://youju.example/kb/")


def test_an_error_code_is_written_so_that_a_search_finds_it() -> None:
    assert "（代码：`model_busy`）" in shown(broken("model_busy"), "zh")
    assert "(code: `model_busy`)" in shown(broken("model_busy"), "en")


@pytest.mark.parametrize(
    ("language", "heading", "page"),
    [("zh", "最接近的内容（不是答案）", "第 2 页"), ("en", "Closest passages (not an answer)", "p. 2")],
)
def test_a_refusal_shows_the_nearest_passages_without_numbers(
    language: AnswerLanguage, heading: str, page: str
) -> None:
    events = a_refusal("No.", language, near(1, CHUNKS[1], "Unused days lapse."))
    words = f"Employee handbook · Leave › Annual leave · {page}"
    assert shown(events, language) == f"No.\n\n**{heading}**\n\n- {words} — Unused days lapse."
    link = f"https://youju.example/#/documents/{CHUNKS[1].document_id}/passages/{CHUNKS[1].id}"
    assert f"- [{words}]({link}) — Unused" in shown(events, language, "https://youju.example")


def test_the_words_of_a_nearest_passage_make_no_markup() -> None:
    hostile = replace(CHUNKS[1], text="![a](https://evil.example/?s)\n**<b>x**")
    said = shown(a_refusal("No.", "en", near(1, hostile, "")), "en")
    assert "](" not in said
    assert "<b>" not in said
    assert "`https://evil.example/?s`" in said


def test_small_talk_carries_no_warning_and_is_not_remembered() -> None:
    async def told():  # type: ignore[no-untyped-def]
        for event in a_greeting("您好！", "zh"):
            yield event

    rendered = asyncio.run(render(told(), "zh", spaced))
    assert (rendered.markdown, rendered.answer) == ("您好！", "")
