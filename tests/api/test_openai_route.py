"""The OpenAI-compatible routes, through the real openai SDK against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import openai
import pytest

from api.app import create_app
from assistant.conversation import Turn
from assistant.events import Finished
from tests.api.scripted_assistant import (
    CHUNKS,
    ScriptedAssistant,
    a_breakdown,
    a_good_answer,
    a_greeting,
    a_refusal,
    a_workspace,
    near,
)
from tests.api.served import served

KEY = "k-7f3a9c"


@contextmanager
def client_of(assistant: ScriptedAssistant, key: str = KEY, **settings: Any) -> Iterator[openai.OpenAI]:
    with (
        served(create_app(a_workspace(assistant, api_key=KEY, **settings))) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client,
    ):
        yield client


def test_the_sdk_lists_the_one_model() -> None:
    with client_of(ScriptedAssistant()) as client:
        assert [model.id for model in client.models.list()] == ["youju"]
        assert client.models.retrieve("youju").owned_by == "youju"


def test_the_sdk_gets_an_answer_with_its_citations_and_usage() -> None:
    assistant = ScriptedAssistant()
    with client_of(assistant, public_url="https://kb.example/") as client:
        answer = client.chat.completions.create(
            model="youju",
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": [{"type": "text", "text": "How much leave?"}]},
            ],
            temperature=0.9,
            user="someone",
        )
    message = answer.choices[0].message
    assert assistant.asked[0][:2] == ("How much leave?", (Turn("user", "Hello"), Turn("assistant", "Hello.")))
    assert message.content is not None
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (12, 46)
    assert message.annotations is not None
    first = message.annotations[0].url_citation
    assert message.content[first.start_index : first.end_index] == "[1]"
    assert first.title == "Employee handbook p. 2"
    assert first.url.startswith("https://kb.example/#/documents/")
    results = answer.model_extra["search_results"]  # type: ignore[index]
    assert results[0]["url"] == first.url
    assert "15 days" in results[0]["snippet"]


def test_the_sdk_streams_an_answer_with_its_citations_and_usage() -> None:
    with client_of(ScriptedAssistant()) as client:
        chunks = list(
            client.chat.completions.create(
                model="youju",
                messages=[{"role": "user", "content": "X200 的价格？"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    *told, counted = chunks
    deltas = [chunk.choices[0].delta for chunk in told]
    assert (
        "".join(delta.content or "" for delta in deltas) == "X200 的价格是 **1280 元** [1]。\n\n- X300 是 1980 元 [1]"
    )
    assert deltas[0].role == "assistant"
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    with_results = [index for index, chunk in enumerate(told) if "search_results" in (chunk.model_extra or {})]
    assert with_results == [len(told) - 1]
    assert told[-1].choices[0].finish_reason == "stop"
    annotations = deltas[-1].model_extra["annotations"]  # type: ignore[index]
    assert annotations[0]["url_citation"]["title"] == "价格表 工作表 2026 A1:B3"
    assert all(chunk.usage is None for chunk in told)
    assert counted.choices == []
    assert counted.usage is not None
    assert counted.usage.completion_tokens == 34


def test_an_answer_that_was_cut_says_so_as_openai_does() -> None:
    *before, end = a_good_answer("leave?")
    assert isinstance(end, Finished)
    with client_of(ScriptedAssistant([*before, replace(end, cut=True)])) as client:
        asked: Any = {"model": "youju", "messages": [{"role": "user", "content": "leave?"}]}
        assert client.chat.completions.create(**asked).choices[0].finish_reason == "length"
        *_, last = client.chat.completions.create(**asked, stream=True)
        assert last.choices[0].finish_reason == "length"


def test_the_sdks_own_accumulator_ends_with_the_whole_message() -> None:
    with (
        client_of(ScriptedAssistant()) as client,
        client.chat.completions.stream(
            model="youju", messages=[{"role": "user", "content": "How much leave?"}]
        ) as stream,
    ):
        final = stream.get_final_completion().choices[0].message
    assert final.content is not None
    assert final.content.endswith("Ask in the portal [2].")
    assert len(final.annotations or []) == 2


def test_without_the_option_a_stream_has_no_usage() -> None:
    with (
        client_of(ScriptedAssistant()) as client,
        client.chat.completions.with_streaming_response.create(
            model="youju", messages=[{"role": "user", "content": "leave?"}], stream=True
        ) as response,
    ):
        text = "".join(response.iter_text())
    assert response.headers["content-type"].startswith("text/event-stream")
    assert '"usage"' not in text
    assert text.endswith("data: [DONE]\n\n")


def test_a_refusal_is_an_ordinary_message() -> None:
    with client_of(ScriptedAssistant(a_refusal("The documents do not say.", "en"))) as client:
        answer = client.chat.completions.create(model="youju", messages=[{"role": "user", "content": "Moon?"}])
    message = answer.choices[0].message
    assert (message.content, message.refusal, message.annotations) == ("The documents do not say.", None, [])


def test_a_wrong_key_is_an_authentication_error() -> None:
    with client_of(ScriptedAssistant(), key="wrong") as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.models.list()
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="youju", messages=[{"role": "user", "content": "a"}])
    assert caught.value.code == "invalid_api_key"


def test_another_model_is_not_found() -> None:
    with client_of(ScriptedAssistant()) as client:
        with pytest.raises(openai.NotFoundError) as caught:
            client.models.retrieve("gpt-4o")
        with pytest.raises(openai.NotFoundError) as asked:
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "a"}])
    assert caught.value.code == asked.value.code == "model_not_found"
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([], "invalid_request"),
        ([{"role": "user", "content": ""}], "invalid_request"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "invalid_request"),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    ],
                }
            ],
            "unsupported_content",
        ),
        ([{"role": "user", "content": "长" * 100_000}], "question_too_long"),
    ],
)
def test_what_cannot_be_asked_is_a_clear_error(messages: Any, code: str) -> None:
    with client_of(ScriptedAssistant()) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="youju", messages=messages)
    assert 400 <= caught.value.status_code < 500
    assert (caught.value.code, caught.value.type) == (code, "invalid_request_error")


@pytest.mark.parametrize(
    "content", ['"leave \\ud800?"', '[{"type": "text", "text": "leave \\ud800?"}, {"type": "text", "text": null}]']
)
def test_half_a_character_is_refused_and_the_field_named(content: str) -> None:
    assistant = ScriptedAssistant()
    body = f'{{"model": "youju", "messages": [{{"role": "user", "content": {content}}}]}}'
    with served(create_app(a_workspace(assistant))) as url:
        response = httpx.post(f"{url}/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "invalid_request")
    assert error["message"].startswith("messages.0.content")
    assert assistant.asked == []


def test_a_model_that_fails_is_a_server_error() -> None:
    with client_of(ScriptedAssistant(a_breakdown())) as client, pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="youju", messages=[{"role": "user", "content": "leave?"}])
    assert (caught.value.status_code, caught.value.code) == (503, "model_unreachable")
    assert "15 days" in caught.value.response.json()["search_results"][0]["snippet"]


def test_a_model_that_fails_at_once_leaves_the_evidence_in_the_stream() -> None:
    searched, found, _, failed = a_breakdown()
    results: list[Any] = []
    with client_of(ScriptedAssistant([searched, found, failed])) as client:
        stream = client.chat.completions.create(
            model="youju", messages=[{"role": "user", "content": "leave?"}], stream=True
        )
        with pytest.raises(openai.APIError):
            results.extend((chunk.model_extra or {}).get("search_results") for chunk in stream)
    assert "15 days" in results[-1][0]["snippet"]


@pytest.mark.parametrize(
    ("script", "code"),
    [(a_breakdown(), "model_unreachable"), ([*a_good_answer("leave?")[:3], RuntimeError("secret")], "internal_error")],
)
def test_an_error_in_the_middle_of_a_stream_reaches_the_sdk(script: list[Any], code: str) -> None:
    heard: list[str | None] = []
    with client_of(ScriptedAssistant(script)) as client:
        stream = client.chat.completions.create(
            model="youju", messages=[{"role": "user", "content": "leave?"}], stream=True
        )
        with pytest.raises(openai.APIError) as caught:
            heard.extend(chunk.choices[0].delta.content for chunk in stream)
    assert "Every employee" in "".join(filter(None, heard))
    assert caught.value.code == code
    assert "secret" not in str(caught.value)


def test_invalid_json_is_an_error_in_openais_shape() -> None:
    with served(create_app(a_workspace(ScriptedAssistant()))) as url:
        response = httpx.post(f"{url}/v1/chat/completions", content=b"{", headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("language", "heading"), [("zh", "最接近的内容（不是答案）"), ("en", "Closest passages (not an answer)")]
)
def test_a_refusal_ends_with_links_to_the_nearest_passages_which_do_not_come_back(language: Any, heading: str) -> None:
    script = a_refusal(
        "No.", language, near(1, CHUNKS[1], "Unused days lapse."), near(2, CHUNKS[4], "| X200 | 1280 元 |")
    )
    assistant = ScriptedAssistant(script)
    with client_of(assistant, public_url="https://kb.example") as client:
        asked: Any = {"model": "youju", "messages": [{"role": "user", "content": "Who is the CEO?"}]}
        whole = client.chat.completions.create(**asked)
        chunks = list(client.chat.completions.create(**asked, stream=True))
        said = whole.choices[0].message
        again = [{"role": "assistant", "content": said.content}, {"role": "user", "content": "And the CFO?"}]
        client.chat.completions.create(model="youju", messages=[*asked["messages"], *again])
    assert said.content == "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    url = f"https://kb.example/#/documents/{CHUNKS[1].document_id}/passages/{CHUNKS[1].id}"
    first, second = said.content.split("\n")[3:]
    assert said.content.startswith(f"No.\n\n> {heading}\n")
    assert first == f"> - [Employee handbook p. 2]({url}) — Unused days lapse."
    assert second.endswith(" — X200 · 1280 元")
    extra = whole.model_extra or {}
    assert (said.annotations, extra["search_results"], extra["refused"]) == ([], [], True)
    assert [each["url"] for each in extra["nearest"]] == [url, extra["nearest"][1]["url"]]
    assert (chunks[-1].model_extra or {})["nearest"] == extra["nearest"]
    assert assistant.asked[-1][1] == (Turn("user", "Who is the CEO?"), Turn("assistant", "No."))


def test_the_words_of_a_document_make_no_markup_in_a_refusal() -> None:
    hostile = replace(
        CHUNKS[1], title="[x](https://evil.example)\n# y", text="![a](https://evil.example/?s) <img src=x>"
    )
    with client_of(ScriptedAssistant(a_refusal("No.", "en", near(1, hostile, "")))) as client:
        asked: Any = {"model": "youju", "messages": [{"role": "user", "content": "?"}]}
        said = client.chat.completions.create(**asked).choices[0].message.content or ""
    assert said.count("](") == 1
    assert "<img" not in said
    assert "](https://evil" not in said
    assert said.count("\n") == 3


def test_a_reply_to_small_talk_carries_no_notice() -> None:
    with client_of(ScriptedAssistant(a_greeting("您好！", "zh"))) as client:
        asked: Any = {"model": "youju", "messages": [{"role": "user", "content": "你好"}]}
        whole = client.chat.completions.create(**asked)
        streamed = list(client.chat.completions.create(**asked, stream=True))
    assert whole.choices[0].message.content == "您好！"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) == "您好！"
    assert (whole.model_extra or {})["small_talk"] is True
