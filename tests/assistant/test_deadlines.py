"""How long a model server may take, over real connections."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from assistant.errors import ModelTimeoutError
from assistant.models import stream
from assistant.models.server import ServerChatModel
from assistant.request import Request
from tests.assistant.test_server import MESSAGES, ask, ask_failing, opened
from tests.chat_models import run
from tests.fake_openai_server import FakeOpenAIServer, Reply


async def heard(model: ServerChatModel, pause_seconds: float = 0.0) -> tuple[str, str]:
    """What was said before the error, and the error's code."""
    said = ""
    try:
        async for piece in stream(model, Request(MESSAGES)):
            said += piece.text
            await asyncio.sleep(pause_seconds)
    except ModelTimeoutError as error:
        return said, error.code if error.hint else "without a way out"
    return said, ""


THINKS = Reply("Ten days.", reasoning="hm " * 200, pause_seconds=0.05)


@pytest.mark.parametrize("reply", [THINKS, Reply("<think>" + "hm " * 200 + "</think>Ten days.", pause_seconds=0.05)])
def test_thinking_is_a_sign_of_life_and_not_the_first_word(reply: Reply) -> None:
    limits: dict[str, Any] = {"model_timeout_seconds": 5, "model_first_token_seconds": 0.5}
    with FakeOpenAIServer([reply]) as server:
        began = time.monotonic()
        error = ask_failing(opened(server.url, **limits))
        assert time.monotonic() - began < 4
        assert server.wait_for_disconnect()
    assert error.code == "model_slow_start"
    assert "YOUJU_MODEL_FIRST_TOKEN_SECONDS" in error.hint
    assert "0.5 seconds" in error.message


def test_a_model_that_has_begun_may_take_longer_than_to_its_first_word() -> None:
    with FakeOpenAIServer([Reply("Ten days.", piece_chars=1, pause_seconds=0.1)]) as server:
        assert ask(opened(server.url, model_first_token_seconds=0.6)) == "Ten days."


def test_what_was_said_until_the_deadline_of_the_answer_stays() -> None:
    with FakeOpenAIServer([Reply("word " * 400, pause_seconds=0.05)]) as server:
        said, code = run(opened(server.url, model_answer_seconds=1.0), heard)
        assert server.wait_for_disconnect()
    assert code == "model_slow"
    assert said.startswith("word word")


def test_a_reader_who_is_slow_does_not_use_up_the_models_time() -> None:
    async def slowly(model: ServerChatModel) -> tuple[str, str]:
        return await heard(model, pause_seconds=0.8)

    with FakeOpenAIServer([Reply("Ten days.", pause_seconds=0.2)]) as server:
        assert run(opened(server.url, model_answer_seconds=1.5), slowly) == ("Ten days.", "")


def test_after_a_deadline_the_next_answer_is_whole() -> None:
    async def twice(model: ServerChatModel) -> list[tuple[str, str]]:
        return [await heard(model), await heard(model)]

    with FakeOpenAIServer([THINKS, Reply("Eleven days.")]) as server:
        first, second = run(opened(server.url, model_first_token_seconds=0.5), twice)
    assert (first, second) == (("", "model_slow_start"), ("Eleven days.", ""))
