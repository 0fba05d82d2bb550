"""The server adapter against a real HTTP server that follows a script."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import pytest
from aiohttp.client_proto import ResponseHandler

from assistant.errors import ModelError, ModelRejectedError, ModelTimeoutError, ModelUnavailableError
from assistant.models import complete, stream
from assistant.models.from_settings import open_model
from assistant.models.server import ServerChatModel
from assistant.models.servers.kinds import servers
from assistant.request import Message, Request
from assistant.settings import AssistantSettings
from ingest.errors import ConfigurationError
from tests.chat_models import run, server_model
from tests.fake_openai_server import FakeOpenAIServer, Reply

T = TypeVar("T")
MESSAGES = (
    Message("system", "rules"),
    Message("user", "earlier"),
    Message("assistant", "said"),
    Message("user", "now"),
)


def opened(url: str, **settings: Any) -> ServerChatModel:
    return server_model(url, model="qwen", **settings)


def ask(model: ServerChatModel, **options: Any) -> str:
    return run(model, lambda opened: complete(opened, Request(MESSAGES, **options)))


def ask_failing(model: ServerChatModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ask(model)
    return caught.value


def test_an_answer_streams_in_pieces_and_ends_with_the_servers_usage() -> None:
    async def collect(model: ServerChatModel) -> list[Any]:
        return [piece async for piece in stream(model, Request(MESSAGES, temperature=0.2, max_tokens=99))]

    with FakeOpenAIServer([Reply("Ten days of leave [1].", pause_seconds=0.1)]) as server:
        pieces = run(opened(server.url, model_api_key="secret"), collect)
        body = server.requests[0]
    assert len(pieces) > 3
    assert "".join(piece.text for piece in pieces) == "Ten days of leave [1]."
    assert pieces[-1].usage.prompt_tokens == 42
    assert server.keys == ["Bearer secret"]
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert (body["model"], body["stream"], body["temperature"], body["max_tokens"]) == ("qwen", True, 0.2, 99)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 20}),
        ("sglang", {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 20}),
        ("llamacpp", {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 20}),
        ("lmdeploy", {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 20}),
        ("transformers", {"chat_template_kwargs": {"enable_thinking": False}, "top_k": None, "stream_options": None}),
        ("ollama", {"reasoning_effort": "none", "chat_template_kwargs": None}),
        ("dashscope", {"enable_thinking": False, "chat_template_kwargs": None}),
        ("openai", {"chat_template_kwargs": None, "enable_thinking": None, "top_k": None}),
        ("auto", {"chat_template_kwargs": {"enable_thinking": False}, "top_k": None}),
    ],
)
def test_each_kind_of_server_is_told_in_its_own_way_not_to_think(kind: str, sent: dict[str, Any]) -> None:
    with FakeOpenAIServer([Reply("ok")]) as server:
        ask(opened(server.url, model_server=kind))
        assert {name: server.requests[0].get(name) for name in sent} == sent


@pytest.mark.parametrize("kind", [kind for kind, server in servers().items() if server.wire == "openai"])
def test_only_servers_that_keep_caches_apart_are_given_a_salt_that_is_one_for_each_start(kind: str) -> None:
    with FakeOpenAIServer([Reply("ok")]) as server:
        for _ in range(2):
            run(opened(server.url, model_server=kind), asked_twice)
        first, again, *other = [body.get("cache_salt", "") for body in server.requests]
    assert (first, other[0]) == (again, other[1])
    if kind in ("vllm", "sglang"):
        assert first != other[0]
        assert re.fullmatch(r"[\w-]{43}", first)
    else:
        assert first == other[0] == ""


async def asked_twice(model: ServerChatModel) -> None:
    for _ in range(2):
        await complete(model, Request(MESSAGES))


def test_hosted_addresses_are_recognised() -> None:
    assert opened("https://dashscope.aliyuncs.com/compatible-mode/v1").server.thinking_off == {"enable_thinking": False}
    assert not opened("https://api.openai.com/v1").server.thinking_off
    assert opened("http://10.0.0.5:11434/v1").server.thinking_off == {"reasoning_effort": "none"}


def test_a_server_that_is_down_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = ask_failing(opened(f"http://user:pass@127.0.0.1:{port}/v1"))
    assert isinstance(error, ModelUnavailableError)
    assert error.code == "model_unreachable"
    assert "pass" not in str(error)
    assert "YOUJU_MODEL_URL" in error.hint


@pytest.mark.parametrize("reply", [Reply("late", delay_seconds=5), Reply("slowly", pause_seconds=5)])
def test_a_silent_server_times_out(reply: Reply) -> None:
    with FakeOpenAIServer([reply]) as server:
        error = ask_failing(opened(server.url, model_timeout_seconds=0.2))
    assert isinstance(error, ModelTimeoutError)
    assert error.code == "model_silent"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=401, error={"error": {"message": "Incorrect API key provided: sk-leak"}}), "model_unauthorized"),
        (Reply(status=404, error={"error": {"message": "The model `qwen` does not exist."}}), "model_unknown"),
        (Reply(status=500, error="boom"), "model_rejected"),
        (Reply(status=400, error={"message": "maximum context length is 4096 tokens"}), "model_context_exceeded"),
        (Reply("Ten days of", cut_after=3), "model_stream_cut"),
        (Reply("Ten days of", says_done=False), "model_stream_cut"),
        (Reply("Ten", error_in_stream="CUDA out of memory"), "model_rejected"),
        (Reply("on and " * 20_000, piece_chars=1000), "model_endless"),
    ],
)
def test_errors_of_the_server_have_codes_and_hints(reply: Reply, code: str) -> None:
    with FakeOpenAIServer([reply]) as server:
        error = ask_failing(opened(server.url, model_api_key="sk-leak-full"))
    assert isinstance(error, ModelRejectedError)
    assert error.code == code
    assert error.hint
    assert "sk-leak" not in f"{error} {error.hint}"


def test_a_long_error_message_is_shortened() -> None:
    with FakeOpenAIServer([Reply(status=500, error={"error": {"message": "x" * 5000}})]) as server:
        assert len(str(ask_failing(opened(server.url)))) < 500


def test_an_address_that_is_no_chat_server_is_said_to_be_none() -> None:
    with FakeOpenAIServer([Reply("ok")]) as server:
        assert ask_failing(opened(server.url.removesuffix("/v1"))).code == "model_unknown"


def test_closing_the_stream_closes_the_connection() -> None:
    async def leave_early(model: ServerChatModel) -> None:
        async with aclosing(stream(model, Request(MESSAGES))) as pieces:
            async for _ in pieces:
                break

    with FakeOpenAIServer([Reply("word " * 400, pause_seconds=0.02)]) as server:
        run(opened(server.url), leave_early)
        assert server.wait_for_disconnect()
        assert server.pieces < 50


def test_cancelling_the_task_closes_the_connection() -> None:
    async def cancel(model: ServerChatModel) -> None:
        task = asyncio.create_task(complete(model, Request(MESSAGES)))
        assert await asyncio.to_thread(server.wait_for_piece)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with FakeOpenAIServer([Reply("word " * 400, pause_seconds=0.02)]) as server:
        run(opened(server.url), cancel)
        assert server.wait_for_disconnect()


@pytest.mark.parametrize("variable", ["LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGCHAIN_TRACING"])
def test_tracing_variables_send_nothing_anywhere(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOpenAIServer([Reply("fine")]) as server, FakeOpenAIServer([Reply("trace")]) as tracer:
        monkeypatch.setenv(variable, "true")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", tracer.url)
        monkeypatch.setenv("LANGSMITH_API_KEY", "key")
        assert ask(opened(server.url)) == "fine"
        assert tracer.touched == 0
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"model": "qwen", "model_url": "127.0.0.1:1"}, "model_url_invalid"),
        ({"model": "qwen", "model_url": "http://127.0.0.1:port/v1"}, "model_url_invalid"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, str], code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_model(AssistantSettings(**settings), hub=False)  # type: ignore[arg-type]
    assert caught.value.code == code


class _WebPage(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html><body>Welcome</body></html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_web_page_in_place_of_an_answer_says_which_setting_to_check() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _WebPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        error = ask_failing(opened(f"http://127.0.0.1:{server.server_port}/v1"))
        server.shutdown()
        thread.join()
    assert error.code == "model_protocol"
    assert "YOUJU_MODEL_URL" in error.hint


def test_words_that_come_between_two_reads_are_received_together(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[int] = []
    data_received = ResponseHandler.data_received

    def counted(self: ResponseHandler, data: bytes) -> None:
        if data:
            received.append(len(data))
        data_received(self, data)

    monkeypatch.setattr(ResponseHandler, "data_received", counted)
    with FakeOpenAIServer([Reply(60 * "word", pause_seconds=0.005)]) as server:
        began = time.monotonic()
        assert ask(opened(server.url)) == 60 * "word"
        reads = (time.monotonic() - began) / 0.05 + 4  # four of them sooner
    # Each read waits for the next bytes, and takes what has come meanwhile: at most two receipts. There are 64 writes.
    assert len(received) <= 2 * reads + 4


def test_a_server_that_falls_silent_between_two_reads_is_still_noticed() -> None:
    with FakeOpenAIServer([Reply("Ten days.", pause_seconds=3)]) as server:
        assert ask_failing(opened(server.url, model_timeout_seconds=1)).code == "model_silent"
