"""The page and the conversations that the server keeps: they are there after a reload, and opened, renamed, deleted."""

from __future__ import annotations

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from assistant.conversation import Turn
from assistant.events import Event, EvidenceFound, TextDelta
from tests.api.chat_page import Browser, needs_browser, page
from tests.api.scripted_assistant import ScriptedAssistant, a_good_answer, a_refusal

pytestmark = [pytest.mark.browser, needs_browser]

LEAVE = "Every employee has 15 days of annual leave 1. Ask in the portal 2."


def answered(browser: Browser, question: str, number: int = 1) -> None:
    browser.ask(question)
    browser.one(f".turn:nth-child({number}):not([data-state=asking]) .answer-text")


@pytest.mark.parametrize(
    ("language", "name", "count"), [("en-US", "Conversations", "2 questions"), ("zh-CN", "对话记录", "2 个问题")]
)
def test_a_conversation_is_listed_and_opened_with_its_sources(
    driver: Chrome, language: str, name: str, count: str
) -> None:
    assistant = ScriptedAssistant()
    with page(driver, assistant, language=language) as browser:
        answered(browser, "How much leave?")
        answered(browser, "X200 多少钱？", 2)
        browser.one("#fresh").click()
        assert browser.all(".turn") == []
        assert browser.one("#kept").text == name
        browser.one("#kept").click()
        assert browser.one("#kept-title").text == name
        assert count in browser.one(".kept-open", "How much leave?").text
        browser.one(".kept-open").click()
        browser.until(lambda _: not browser.all("#kept-dialog"))
        assert [turn.text for turn in browser.all(".asked")] == ["How much leave?", "X200 多少钱？"]
        assert browser.one(".answer-text").text == LEAVE
        browser.one(".marker").click()
        assert "15 days of annual leave" in browser.one("#panel .cited mark").text
        answered(browser, "And then?", 3)
        assert browser.complaints() == []
    turns = assistant.asked[-1][1]
    assert [turn.text for turn in turns if turn.role == "user"] == ["How much leave?", "X200 多少钱？"]


def test_a_conversation_is_there_after_a_reload_and_a_new_chat_is_another_one(driver: Chrome) -> None:
    assistant = ScriptedAssistant(a_refusal("No.", "en"))
    with page(driver, assistant) as browser:
        answered(browser, "first")
        driver.refresh()
        browser.one(".turn[data-state=refused]", "No evidence in the documents")
        answered(browser, "second", 2)
        browser.one("#fresh").click()
        answered(browser, "third")
        driver.refresh()
        browser.one(".asked", "third")
        assert len(browser.all(".asked")) == 1
        browser.one("#kept").click()
        browser.one(".kept-open", "third")
        assert [each.text.split("\n")[0] for each in browser.all(".kept-open")] == ["third", "first"]
        assert browser.complaints() == []
    assert [turns for _, turns, _ in assistant.asked] == [(), (Turn("user", "first"), Turn("assistant", "No.")), ()]


def test_conversations_are_searched_by_words(driver: Chrome) -> None:
    with page(driver, ScriptedAssistant()) as browser:
        answered(browser, "How much leave?")
        browser.one("#fresh").click()
        answered(browser, "X200 多少钱？")
        browser.one("#kept").click()
        browser.until(lambda _: len(browser.all(".kept-open")) == 2)
        search = browser.one("#kept-search")
        search.send_keys("15 days")
        browser.until(lambda _: [each.text.split("\n")[0] for each in browser.all(".kept-open")] == ["How much leave?"])
        search.send_keys(" nowhere")
        browser.one("#kept-none", "No conversation has these words.")
        search.clear()
        search.send_keys("1280")
        browser.one(".kept-open", "X200 多少钱？")
        assert browser.complaints() == []


def test_a_conversation_is_renamed_and_deleted(driver: Chrome) -> None:
    with page(driver, ScriptedAssistant()) as browser:
        answered(browser, "How much leave?")
        browser.one("#kept").click()
        browser.one(".kept-item button", "Rename").click()
        field = browser.one(".kept-item input")
        assert field.accessible_name == "New name of “How much leave?”"
        field.send_keys("not this" + Keys.ESCAPE)
        browser.one(".kept-open", "How much leave?")
        browser.one(".kept-item button", "Rename").click()
        browser.one(".kept-item input").send_keys("Leave <b>2026</b>" + Keys.ENTER)
        browser.one(".kept-open", "Leave <b>2026</b>")
        browser.one(".kept-item button", "Delete").click()
        browser.one(".kept-item button", "Really delete?").click()
        browser.one("#kept-none", "No conversations are kept yet.")
        browser.one("#kept-close").click()
        browser.until(lambda _: not browser.all("#kept-dialog"))
        assert browser.all(".turn") == []
        browser.one("#welcome h1")
        driver.refresh()
        browser.one("#kept").click()
        browser.one("#kept-none")
        assert browser.complaints() == []


@pytest.mark.parametrize("setting", ["cancel", "finish"])
def test_an_answer_that_was_stopped_is_kept_as_stopped(driver: Chrome, setting: str) -> None:
    evidence = a_good_answer("leave?")[1]
    assert isinstance(evidence, EvidenceFound)
    script: list[Event | Exception] = [evidence, *[TextDelta("word ")] * 400]
    assistant = ScriptedAssistant(script, pause_seconds=0.03)
    with page(driver, assistant, when_reader_leaves=setting) as browser:
        browser.ask("leave?")
        browser.one(".answer-text", "word word")
        browser.one("#send").click()
        browser.one(".notices", "Stopped.")
        browser.until(lambda _: assistant.stopped.is_set())
        driver.refresh()
        assert "word word" in browser.one(".turn[data-state=stopped] .answer-text").text
        browser.one(".notices", "Stopped.")


def test_a_page_with_sources_in_its_address_asks_about_these_alone(driver: Chrome) -> None:
    assistant = ScriptedAssistant()
    with page(driver, assistant, path="/?sources=local") as browser:
        answered(browser, "How much leave?")
        browser.one(".marker").click()
        browser.one("#panel-close").click()
        browser.ask("And then?")
        browser.one(".turn:nth-child(2):not([data-state=asking]) .answer-text")
    assert [reader.sources for _, _, reader in assistant.asked] == [frozenset({"local"})] * 2
    with page(driver, assistant, path="/?sources=nowhere") as browser:
        browser.ask("How much leave?")
        assert "Check `sources` in the address" in browser.one(".problem").text


def test_a_conversation_that_is_full_says_the_way_out(driver: Chrome) -> None:
    with page(driver, ScriptedAssistant(), conversation_exchanges=1) as browser:
        answered(browser, "How much leave?")
        browser.ask("And then?")
        assert "Start a new chat." in browser.one(".problem", "This conversation is full.").text


@pytest.mark.parametrize("settings", [{"reader_key": "r-1"}, {"conversation_days": 0}])
def test_where_none_are_kept_the_page_has_the_turns(driver: Chrome, settings: dict[str, object]) -> None:
    assistant = ScriptedAssistant(a_refusal("No.", "en"))
    with page(driver, assistant, **settings) as browser:
        if "reader_key" in settings:
            browser.one("#key-value").send_keys("r-1" + Keys.ENTER)
            browser.until(lambda _: not browser.all("#key-dialog"))
        answered(browser, "first")
        answered(browser, "second", 2)
        assert browser.all("#kept") == []
        assert [complaint for complaint in browser.complaints() if "401" not in complaint] == []
    assert [turns for _, turns, _ in assistant.asked] == [(), (Turn("user", "first"), Turn("assistant", "No."))]
