"""A statement that its passage does not support stands without a mark, and every face says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from selenium.webdriver import Chrome

from api.app import create_app
from assistant.cite import Citer
from assistant.events import Event, Evidence, EvidenceFound, Finished, Searched
from ingest.document import Language
from tests.api.chat_page import needs_browser, page
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace
from tests.api.test_ask_route import events_of
from tests.api.test_dingtalk_render import shown
from tests.api.test_renumbering import completed
from tests.canned_retrieval import hits_of, passage

TRAVEL = passage("Hotels are paid up to CNY 650 per night. Claims are due within 30 days.", title="Travel")
SAID = "Hotels are paid up to CNY 650 [1]. 🙂 Claims are due within 90 days [1]. Claims are due within 30 days [1]."


def checked(text: str, language: Language = "en") -> list[Event]:
    """The events of an answer as the chain gives them."""
    found = tuple(Evidence(number, hit) for number, hit in enumerate(hits_of(TRAVEL), start=1))
    citer = Citer(found, "")
    events: list[Event] = [Searched("a1", "q", language, 1), EvidenceFound(found), *citer.feed(text), *citer.finish()]
    finished = Finished("a1", citer.text, tuple(citer.citations), language, bool(citer.citations), False, "scripted")
    return [*events, replace(finished, unsupported=tuple(citer.unsupported))]


def test_one_json_and_the_stream_give_its_place() -> None:
    client = TestClient(create_app(a_workspace(ScriptedAssistant(checked(SAID)))), base_url="http://127.0.0.1")
    body = client.post("/v1/ask", json={"question": "How long?"}).json()
    [found] = body["unsupported"]
    assert body["answer"][found["start"] : found["end"]].endswith("Claims are due within 90 days")
    assert "90 days [1]" not in body["answer"]
    assert (found["number"], len(body["citations"]), body["grounded"]) == (1, 2, True)
    stream = events_of(client.post("/v1/ask", json={"question": "How long?", "stream": True}).text)
    assert [data for name, data in stream if name == "unsupported"] == [found]
    names = [name for name, _ in stream]
    assert names.index("cited") < names.index("unsupported") < names.index("finished")


@pytest.mark.parametrize("stream", [False, True])
def test_an_openai_client_gets_its_place_and_a_sentence(stream: bool) -> None:
    text, beside = completed(checked(SAID), stream=stream)
    [found] = beside["unsupported"]
    assert text[found["start_index"] : found["end_index"]].endswith("Claims are due within 90 days")
    assert text.endswith("> ⚠ One statement has no support in the passage that was cited for it, and no mark.")


@pytest.mark.parametrize(
    ("language", "warning"),
    [
        ("zh", "⚠ 有 2 处陈述在所引原文中找不到依据，未加编号。"),
        ("en", "⚠ 2 statements have no support in the passages that were cited for them, and carry no mark."),
    ],
)
def test_a_bot_counts_them(language: Any, warning: str) -> None:
    said = shown(checked(f"{SAID} Trains cost CNY 5 [7].", language), language)
    assert warning in said


def test_without_any_support_one_sentence_says_all() -> None:
    said = shown(checked("Claims are due within 90 days [1]."), "en")
    assert "⚠ No source of this answer could be verified." in said
    assert "no support" not in said


@pytest.mark.browser
@needs_browser
def test_the_page_puts_a_sign_where_the_mark_would_be(driver: Chrome) -> None:
    with page(driver, ScriptedAssistant(checked(SAID)), language="en-US") as browser:
        browser.ask("How long?")
        browser.one(".caution", "One statement has no support")
        sign = browser.one(".answer-text .unsupported")
        assert "does not support" in str(sign.get_attribute("title"))
        assert "90 days?. Claims" in browser.one(".answer-text").text
        driver.refresh()
        browser.one(".caution", "One statement has no support")
        assert "90 days?. Claims" in browser.one(".answer-text").text


def test_the_record_and_the_transcript_of_a_conversation_have_it() -> None:
    doubtful = [
        replace(event, citations=tuple(replace(each, support="not_checkable") for each in event.citations))
        if isinstance(event, Finished)
        else event
        for event in checked(SAID)
    ]
    client = TestClient(create_app(a_workspace(ScriptedAssistant(doubtful))), base_url="http://127.0.0.1")
    made = client.post("/v1/conversations", json={}).json()["conversation_id"]
    body = client.post("/v1/ask", json={"question": "How long?", "conversation_id": made}).json()
    (kept,) = client.get(f"/v1/conversations/{made}").json()["exchanges"]
    assert kept["unsupported"] == body["unsupported"]
    assert kept["citations"] == body["citations"]
    text = client.get(f"/v1/conversations/{made}/export").text
    assert "> ⚠ [1] could not be checked against the source." in text
    assert "One statement has no support in the passage that was cited for it, and no mark." in text
