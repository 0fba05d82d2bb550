"""A model server that is away for a moment is asked again, as long as nobody has heard anything of the answer."""

from __future__ import annotations

import logging
import socket
import time

import pytest

from assistant.errors import ModelBusyError, ModelUnavailableError
from assistant.models import complete
from assistant.models.server import ServerChatModel
from assistant.request import Request
from tests.assistant.test_server import MESSAGES, ask, ask_failing, opened
from tests.chat_models import run
from tests.fake_openai_server import FakeOpenAIServer, Reply

FINE = Reply("fine")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_away_for_a_moment_is_asked_again(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with FakeOpenAIServer([Reply(status=status, error={"message": "key sk-4711 waits"}), FINE]) as server:
        assert ask(opened(server.url, model_api_key="sk-4711")) == "fine"
        assert len(server.requests) == 2
    assert f"answered {status}" in caplog.text
    assert "sk-4711" not in caplog.text


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_what_another_try_would_not_change_is_not_tried(status: int) -> None:
    with FakeOpenAIServer([Reply(status=status), FINE]) as server:
        ask_failing(opened(server.url))
        assert len(server.requests) == 1


def test_tries_are_few_for_somebody_waits() -> None:
    with FakeOpenAIServer([Reply(status=503)] * 9) as server:
        assert isinstance(ask_failing(opened(server.url)), ModelBusyError)
        assert len(server.requests) == 3


@pytest.mark.parametrize(("seconds", "requests"), [("1", 2), ("600", 1)])
def test_the_pause_that_a_server_asks_for_is_made_or_told(seconds: str, requests: int) -> None:
    with FakeOpenAIServer([Reply(status=429, headers={"Retry-After": seconds}), FINE]) as server:
        model, began = opened(server.url), time.monotonic()
        if requests == 1:
            error = ask_failing(model)
            assert isinstance(error, ModelBusyError)
            assert error.retry_seconds == 600
        else:
            assert ask(model) == "fine"
            assert time.monotonic() - began >= 1.0
        assert len(server.requests) == requests


def test_an_answer_that_has_begun_is_not_asked_for_again() -> None:
    with FakeOpenAIServer([Reply("The first words", cut_after=1), FINE]) as server:
        assert ask_failing(opened(server.url)).code == "model_stream_cut"
        assert len(server.requests) == 1


def test_a_connection_that_is_refused_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        assert isinstance(ask_failing(opened(url)), ModelUnavailableError)
    assert caplog.text.count("Trying again in") == 2


def test_after_a_try_that_failed_the_connections_serve_the_next_question() -> None:
    async def twice(model: ServerChatModel) -> list[str]:
        return [await complete(model, Request(MESSAGES)), await complete(model, Request(MESSAGES))]

    with FakeOpenAIServer([Reply(status=503), FINE, Reply(status=503), FINE]) as server:
        assert run(opened(server.url), twice) == ["fine", "fine"]
