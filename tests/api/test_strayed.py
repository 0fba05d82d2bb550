"""An answer in another language than the question's is shown, and every face says so; so does the record of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from selenium.webdriver import Chrome

from api.app import create_app
from assistant.events import Event, Finished
from ingest.document import Language
from tests.api.chat_page import needs_browser, page
from tests.api.scripted_assistant import ScriptedAssistant, a_good_answer, a_workspace
from tests.api.test_ask_route import events_of
from tests.api.test_dingtalk_render import shown
from tests.api.test_renumbering import completed

WARNINGS: list[tuple[Language, str]] = [
    ("en", "The model did not answer in the language of the question."),
    ("zh", "模型没有用提问的语言回答。"),
]


def strayed(language: Language, *, yes: bool = True) -> list[Event]:
    """An answer in English, to a question in `language`."""
    *before, end = a_good_answer("How much leave?")
    assert isinstance(end, Finished)
    return [*before, replace(end, language=language, strayed=yes)]


@pytest.mark.parametrize("yes", [True, False])
def test_one_json_and_the_stream_say_so(yes: bool) -> None:
    client = TestClient(create_app(a_workspace(ScriptedAssistant(strayed("zh", yes=yes)))), base_url="http://127.0.0.1")
    body = client.post("/v1/ask", json={"question": "有几天？"}).json()
    assert (body["strayed"], body["language"]) == (yes, "zh")
    stream = events_of(client.post("/v1/ask", json={"question": "有几天？", "stream": True}).text)
    assert stream[-1][1]["strayed"] is yes


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("language", "warning"), WARNINGS)
def test_an_openai_client_gets_a_sentence(stream: bool, language: Language, warning: str) -> None:
    text, beside = completed(strayed(language), stream=stream)
    assert beside["strayed"] is True
    assert text.endswith(f"> ⚠ {warning}")


@pytest.mark.parametrize(("language", "warning"), WARNINGS)
def test_a_bot_says_so(language: Language, warning: str) -> None:
    assert f"⚠ {warning}" in shown(strayed(language), "zh" if language == "zh" else "en")


@pytest.mark.parametrize(("language", "warning"), WARNINGS)
def test_the_record_and_the_transcript_of_a_conversation_say_so(language: Language, warning: str) -> None:
    client = TestClient(create_app(a_workspace(ScriptedAssistant(strayed(language)))), base_url="http://127.0.0.1")
    made = client.post("/v1/conversations", json={}).json()["conversation_id"]
    client.post("/v1/ask", json={"question": "?", "conversation_id": made})
    (kept,) = client.get(f"/v1/conversations/{made}").json()["exchanges"]
    assert (kept["strayed"], kept["language"]) == (True, language)
    assert f"> ⚠ {warning}" in client.get(f"/v1/conversations/{made}/export").text


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(("language", "warning"), [("en-US", WARNINGS[0][1]), ("zh-CN", WARNINGS[1][1])])
def test_the_page_says_so_also_after_a_reload(driver: Chrome, language: str, warning: str) -> None:
    with page(driver, ScriptedAssistant(strayed("zh")), language=language) as browser:
        browser.ask("有几天？")
        assert browser.one(".caution", warning).is_displayed()
        driver.refresh()
        assert browser.one(".caution", warning).is_displayed()
