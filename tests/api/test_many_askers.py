"""Many people ask at the same moment: all are answered, over a real model server, or told that there is no room."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from assistant.answer import Assistant
from assistant.gate.fitted import FittedGate
from assistant.models.from_settings import open_model
from tests.api.served import served
from tests.canned_retrieval import CannedRetriever, passage
from tests.fake_openai_server import FakeOpenAIServer, Reply

LEAVE = passage("Every employee has 17 days of annual leave a year.", title="Handbook")
QUESTION = "How many days of annual leave does an employee have?"
ANSWER = "Every employee has 17 days of annual leave [1]. "


@contextmanager
def asked(settings: Settings, model: FakeOpenAIServer, **changed: Any) -> Iterator[str]:
    """A server whose answers come from `model`: its address."""
    chosen = settings.model_copy(update={"model": "qwen", "model_url": model.url, **changed})
    workspace = Workspace.open(settings, command="test")
    try:
        house = Assistant(CannedRetriever([LEAVE]), FittedGate(0.5), open_model(chosen, hub=False), chosen)
        with served(create_app(replace(workspace, assistant=house))) as url:
            yield url
    finally:
        workspace.close()


async def stream(client: httpx.AsyncClient, url: str, path: str) -> str:
    """The last event of an answer to the question."""
    body: dict[str, Any] = {"question": QUESTION, "stream": True}
    if path != "/v1/ask":
        body = {"model": "youju", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    response = await client.post(f"{url}{path}", json=body)
    assert response.status_code == 200, response.text
    return response.text.strip().rsplit("\n\n", 1)[-1]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "end"), [("/v1/ask", "event: finished"), ("/v1/chat/completions", "data: [DONE]")])
def test_a_hundred_answers_at_once_all_come_to_their_end(settings: Settings, path: str, end: str) -> None:
    async def ask(url: str) -> list[str]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=120, limits=limits, trust_env=False) as client:
            return await asyncio.gather(*(stream(client, url, path) for _ in range(100)))

    with FakeOpenAIServer([Reply(5 * ANSWER, pause_seconds=0.02)]) as model, asked(settings, model) as url:
        ends = asyncio.run(ask(url))
    assert [last.split("\n")[0] for last in ends] == [end] * 100


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_answers_at_once_lose_no_word_and_cross_none(settings: Settings) -> None:
    def words(number: int) -> str:
        return "".join(f"case{number}word{word} " for word in range(25)) + f"end{number}."

    def script(body: dict[str, Any]) -> Reply:
        number = int(re.findall(r"case (\d+)", body["messages"][-1]["content"])[-1])
        return Reply(words(number), piece_chars=5 + number % 7, pause_seconds=0.02)

    async def ask(client: httpx.AsyncClient, url: str, number: int) -> tuple[str, str]:
        """The words as they came, and the whole answer."""
        response = await client.post(f"{url}/v1/ask", json={"question": f"{QUESTION} (case {number})", "stream": True})
        events = [block.partition("\ndata: ") for block in response.text.strip().split("\n\n")]
        deltas = [json.loads(data)["text"] for name, _, data in events if name.endswith("text_delta")]
        return "".join(deltas), json.loads(events[-1][2]).get("answer", events[-1][2])

    async def ask_all(url: str) -> list[tuple[str, str]]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=300, limits=limits, trust_env=False) as client:
            return await asyncio.gather(*(ask(client, url, number) for number in range(200)))

    with FakeOpenAIServer(script) as model, asked(settings, model, answers_at_once=200) as url:
        answers = asyncio.run(ask_all(url))
    assert answers == [(words(number), words(number)) for number in range(200)]


def test_the_question_for_which_there_is_no_place_is_told_to_come_again(settings: Settings) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def script(body: dict[str, Any]) -> Reply:
        begun.set()
        go_on.wait(30)
        return Reply(ANSWER)

    with (
        FakeOpenAIServer(script) as model,
        asked(settings, model, answers_at_once=1, answers_waiting=0) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        first = threading.Thread(target=lambda: client.post("/v1/ask", json={"question": QUESTION}))
        first.start()
        assert begun.wait(30)
        answers = [
            client.post("/v1/ask", json={"question": QUESTION}),
            client.post("/v1/ask", json={"question": QUESTION, "stream": True}),
            client.post(
                "/v1/chat/completions",
                json={"model": "youju", "messages": [{"role": "user", "content": QUESTION}], "stream": True},
            ),
        ]
        go_on.set()
        first.join()
        assert client.post("/v1/ask", json={"question": QUESTION}).json()["grounded"]
    assert [answer.status_code for answer in answers] == [503] * 3
    assert [json.loads(answer.text)["error"]["code"] for answer in answers] == ["too_many_questions"] * 3
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
