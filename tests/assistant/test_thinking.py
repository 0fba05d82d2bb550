"""Thinking is never shown, the answer always, whatever way a server separates them; and each reply is by itself."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.models import complete
from assistant.models.server import ServerChatModel
from assistant.models.thinking import ThinkingFilter
from assistant.request import Request
from tests.assistant.test_server import MESSAGES, ask, ask_failing, opened
from tests.chat_models import run
from tests.fake_openai_server import FakeOpenAIServer, Reply

THINKERS = ["Qwen/Qwen3-4B-Thinking-2507", "Qwen/QwQ-32B", "deepseek-ai/DeepSeek-R1"]
ABOUT_TAGS = "Thinking ends with </think>, then comes the answer."


def named(url: str, model: str, **settings: Any) -> ServerChatModel:
    chosen = opened(url, **settings)
    return chosen.model_copy(update={"model": model})


async def twice(model: ServerChatModel) -> list[str]:
    return [await complete(model, Request(MESSAGES)) for _ in range(2)]


@pytest.mark.parametrize(
    "reply",
    [
        Reply("Ten days.", reasoning="The user asks…", reasoning_field="reasoning_content"),
        Reply("Ten days.", reasoning="The user asks…", reasoning_field="reasoning"),
        Reply("<think>The user asks…</think>\n\nTen days."),
        Reply("\n<think>\n\n</think>\n\nTen days.", piece_chars=1),
        Reply("<think>\n\n</think>\n\nTen days.", reasoning="The user asks…"),
    ],
)
@pytest.mark.parametrize("model", ["qwen", *THINKERS])
def test_thinking_is_never_shown(reply: Reply, model: str) -> None:
    with FakeOpenAIServer([reply]) as server:
        assert ask(named(server.url, model)) == "Ten days."


@pytest.mark.parametrize("model", THINKERS)
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_the_answer_of_a_thinking_model_behind_a_reasoning_parser_streams(model: str, field: str) -> None:
    async def pieces(opened: ServerChatModel) -> list[str]:
        return [piece.text async for piece in opened.answer(Request(MESSAGES))]

    reply = Reply("Ten days of leave [1].", reasoning="Let me see…", reasoning_field=field, pause_seconds=0.06)
    with FakeOpenAIServer([reply]) as server:
        told = run(named(server.url, model), pieces)
    assert "".join(told) == "Ten days of leave [1]."
    assert len(told) > 3, "the answer is held back to its end"


@pytest.mark.parametrize("chars", [1, 4, 1000])
def test_a_model_that_always_thinks_is_held_back_until_its_closing_tag(chars: int) -> None:
    with FakeOpenAIServer([Reply(f"Let me see…</think>\n\n{ABOUT_TAGS}", piece_chars=chars)]) as server:
        assert ask(named(server.url, THINKERS[0])) == ABOUT_TAGS


def test_the_chain_of_thought_of_a_thinking_model_is_no_answer() -> None:
    with FakeOpenAIServer([Reply("", reasoning="Let me see… perhaps ten.")]) as server:
        assert ask_failing(named(server.url, THINKERS[0])).code == "model_empty"


def test_what_a_thinking_model_says_without_any_tag_is_its_answer() -> None:
    with FakeOpenAIServer([Reply("Ten days [1].")]) as server:
        assert ask(named(server.url, THINKERS[0])) == "Ten days [1]."


@pytest.mark.parametrize("model", ["qwen", THINKERS[0]])
@pytest.mark.parametrize(
    "reply",
    [
        Reply("<think>Let me see…", finish_reason="length"),
        Reply("<think>Let me see…", finish_reason="stop"),
        Reply("", reasoning="Let me see…", finish_reason="length"),
    ],
)
def test_thinking_that_was_cut_is_no_answer(reply: Reply, model: str) -> None:
    with FakeOpenAIServer([reply]) as server:
        assert ask_failing(named(server.url, model)).code == "model_empty"


def test_text_that_may_be_thinking_is_not_shown_where_nobody_says_that_the_model_ended() -> None:
    event = b'data: {"choices": [{"delta": {"content": "Let me see"}}]}\n\ndata: [DONE]\n\n'
    with FakeOpenAIServer([Reply(raw=[event])]) as server:
        assert ask_failing(named(server.url, THINKERS[0])).code == "model_empty"
        assert ask(opened(server.url)) == "Let me see"


def test_thinking_that_filled_the_limit_names_the_limit() -> None:
    with FakeOpenAIServer([Reply("Let me see…", finish_reason="length")]) as server:
        error = ask_failing(named(server.url, THINKERS[0]))
    assert error.code == "model_empty"
    assert "YOUJU_MODEL_MAX_TOKENS" in error.hint


def test_an_answer_hidden_in_the_reasoning_field_is_found() -> None:
    with FakeOpenAIServer([Reply("", reasoning="Ten days [1].", reasoning_field="reasoning")]) as server:
        assert ask(opened(server.url)) == "Ten days [1]."
    with FakeOpenAIServer([Reply("", reasoning="Let me see…</think>Ten days [1].")]) as server:
        assert ask(named(server.url, THINKERS[0])) == "Ten days [1]."


def test_reasoning_of_a_model_that_was_not_told_to_be_silent_is_no_answer() -> None:
    with FakeOpenAIServer([Reply("", reasoning="Let me see…")]) as server:
        assert ask_failing(opened(server.url, model_server="openai")).code == "model_empty"


@pytest.mark.parametrize("chars", [1, 4, 1000])
def test_an_answer_about_the_closing_tag_is_whole_and_changes_nothing_for_the_next(
    chars: int, caplog: pytest.LogCaptureFixture
) -> None:
    script = [Reply(ABOUT_TAGS, piece_chars=chars), Reply("Ten days.")]
    with FakeOpenAIServer(script) as server:
        assert run(opened(server.url), twice) == [ABOUT_TAGS, "Ten days."]
    assert caplog.text.count("</think>") == 1, "the operator is told, since it may have been thinking"


def test_one_odd_reply_does_not_spoil_the_next() -> None:
    odd = [Reply("a</think>b"), Reply("<think>only"), Reply("", reasoning="x</think>"), Reply("x" * 70_000)]
    for reply in odd:

        async def odd_then_plain(model: ServerChatModel) -> str:
            with suppress(ModelError):
                await complete(model, Request(MESSAGES))
            return await complete(model, Request(MESSAGES))

        with FakeOpenAIServer([reply, Reply("Ten days.")]) as server:
            assert run(opened(server.url), odd_then_plain) == "Ten days."


def test_text_that_is_held_back_is_released_when_the_thinking_turns_out_to_be_elsewhere() -> None:
    filtered = ThinkingFilter(opened=True)
    assert filtered.feed("Ten ") == ""
    assert filtered.separate() == "Ten "
    assert filtered.feed("days, </think>") == "days, </think>"
    assert filtered.separate() == ""
