"""Answers that their askers stop, seen from the model server: no request goes on, and no file stays open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from assistant.answer import Assistant
from assistant.gate.fitted import FittedGate
from assistant.models.from_settings import open_model
from tests.api.scripted_assistant import a_workspace
from tests.api.served import served
from tests.canned_retrieval import CannedRetriever, passage
from tests.fake_openai_server import FakeOpenAIServer, Reply

QUESTION = "How much annual leave is there?"
ASKED = {"question": QUESTION, "stream": True}
CHAT = {"model": "youju", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
WORDS = Reply("Employees have fifteen days of annual leave. " * 1500, pause_seconds=0.05)
SILENCE = Reply("Fifteen days of annual leave.", pause_seconds=600)
"""Begins, and then says nothing."""


def a_house(model_url: str) -> Any:
    settings = Settings(model_url=model_url, model="fake-qwen")
    found = CannedRetriever([passage("There are fifteen days of annual leave.", title="Leave")])
    return a_workspace(Assistant(found, FittedGate(0.5), open_model(settings, hub="unused"), settings))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def becomes(happened: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not happened() and time.monotonic() < until:
        time.sleep(0.02)
    return happened()


async def stop(client: httpx.AsyncClient, url: str, times: int, after: str) -> None:
    """Ask, read until there is `after` in a line, and go away."""
    for _ in range(times):
        async with client.stream("POST", url, json=ASKED if url.endswith("/v1/ask") else CHAT) as response:
            assert response.status_code == 200
            async for line in response.aiter_lines():
                if after in line:
                    break


async def stop_often(url: str, times: int, after: str = "Empl") -> None:
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        await asyncio.gather(*(stop(client, url, times // 10, after) for _ in range(10)))


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions"])
@pytest.mark.parametrize("times", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_each_answer_that_is_stopped_is_stopped_at_the_model_server(path: str, times: int) -> None:
    with FakeOpenAIServer([WORDS]) as model, served(create_app(a_house(model.url))) as url:
        asyncio.run(stop_often(f"{url}{path}", 10))
        assert becomes(lambda: model.disconnects == 10)
        before = open_files()
        asyncio.run(stop_often(f"{url}{path}", times))
        assert becomes(lambda: model.disconnects == 10 + times)
        assert becomes(lambda: open_files() <= before + 5)


@pytest.mark.parametrize(("path", "after"), [("/v1/ask", "evidence_found"), ("/v1/chat/completions", "role")])
def test_an_answer_that_is_stopped_in_a_silence_leaves_no_connection_to_the_model_server(path: str, after: str) -> None:
    with FakeOpenAIServer([SILENCE]) as model, served(create_app(a_house(model.url))) as url:
        before = open_files()
        asyncio.run(stop_often(f"{url}{path}", 50, after))
        # The fake model sleeps over its end of each connection; this process has closed its own.
        assert becomes(lambda: open_files() <= before + 50 + 5)
