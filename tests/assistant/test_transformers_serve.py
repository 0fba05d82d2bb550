"""The adapter and the chain against a real `transformers serve`, with a tiny random Qwen3, in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from assistant.models import stream
from assistant.models.server import ServerChatModel
from assistant.request import Message, Request
from tests.assistant.test_answer import assistant, events_of, finished
from tests.assistant.test_local import collect
from tests.chat_models import run, server_model
from tests.model_server_process import free_port, model_server, processor_seconds
from tests.tiny_qwen import build_tiny_qwen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ASKED = (Message("system", "只依据资料回答。"), Message("user", "年假有几天？"))
_LONG, _HEARD = 4000, 20
"""Tokens of an answer, and pieces of it after which its asker leaves."""
_QUIET_SECONDS = 0.05
"""Less processor time than this in a second is no writing of an answer."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_qwen(tmp_path_factory.mktemp("models") / "tiny-qwen3")


@pytest.fixture(scope="module")
def serving(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The server's address (…/v1) and its process."""
    port = free_port()
    program = [sys.executable, "-c", "from transformers.cli.transformers import main; main()"]
    command = [*program, "serve", str(tiny), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    log = tmp_path_factory.mktemp("serve") / "log"
    with model_server(command, port, log, {"HF_HUB_OFFLINE": "1", "PATH": ""}) as process:
        yield f"http://127.0.0.1:{port}/v1", process


@pytest.fixture
def url(serving: tuple[str, subprocess.Popen[bytes]]) -> str:
    return serving[0]


def opened(url: str, tiny: Path, **settings: Any) -> ServerChatModel:
    return server_model(url, model=str(tiny), **settings)


def test_an_answer_streams(url: str, tiny: Path) -> None:
    model = opened(url, tiny, model_server="transformers")
    pieces, usage = asyncio.run(collect(model, max_tokens=16, temperature=0.5))
    assert len(pieces) > 1
    assert usage.prompt_tokens > 10
    assert 0 < usage.completion_tokens <= 16


def test_the_safe_minimum_is_understood(url: str, tiny: Path) -> None:
    pieces, _ = asyncio.run(collect(opened(url, tiny), max_tokens=8, temperature=0.5))
    assert pieces


def test_an_answer_at_its_limit_of_tokens_is_cut(url: str, tiny: Path) -> None:
    async def last(model: ServerChatModel) -> str | None:
        return [piece async for piece in stream(model, Request(ASKED, temperature=0.5, max_tokens=8))][-1].finish

    assert run(opened(url, tiny), last) == "length"


def test_an_asker_who_leaves_stops_the_server(serving: tuple[str, subprocess.Popen[bytes]], tiny: Path) -> None:
    """Counted in processor time, which does not depend on what else the machine has to do."""
    url, process = serving

    async def leave(model: ServerChatModel) -> float:
        """Returns about how much the rest of the answer would take."""
        began, said = 0.0, 0
        async with aclosing(stream(model, Request(ASKED, temperature=0.5, max_tokens=_LONG))) as pieces:
            async for _ in pieces:
                began, said = began or processor_seconds(process), said + 1
                if said > _HEARD:
                    break
        return (processor_seconds(process) - began) / _HEARD * (_LONG - _HEARD)

    rest = run(opened(url, tiny), leave)
    left = processor_seconds(process)
    assert rest > 2, "it would have gone on for long"
    assert processor_seconds_once_quiet(process) - left < 0.2 * rest


def processor_seconds_once_quiet(process: subprocess.Popen[bytes]) -> float:
    """The processor time of a process that takes next to none any more, or still some after half a minute."""
    taken, quiet = processor_seconds(process), 0
    for _ in range(30):
        time.sleep(1)
        before, taken = taken, processor_seconds(process)
        quiet = quiet + 1 if taken - before < _QUIET_SECONDS else 0
        if quiet == 3:
            break
    return taken


def test_a_question_goes_all_the_way(url: str, tiny: Path) -> None:
    """What a random model writes has no sources, and its limit of tokens cuts it: both are said."""
    house = assistant(model=str(tiny), model_url=url, model_max_tokens=24, model_context_tokens=4096)
    events = events_of(house, "年假有几天？")
    end = finished(events)
    assert events[1].type == "evidence_found"
    assert end.answer.strip()
    assert (end.cut, end.grounded, end.refused) == (True, False, False)
    assert end.usage.prompt_tokens > 100
