"""`youju doctor` says whether the model server has the model, and never that a server is well which is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.cli.model_server import look_at_model_server
from api.settings import Settings
from tests.api.command_line import run_here
from tests.fake_openai_server import FakeOpenAIServer, Reply

KEY = "sk-doctor-0123456789"
Answer = tuple[int, bytes]


@contextmanager
def a_server(listed: Answer, completed: Answer = (404, b""), coding: str = "") -> Iterator[tuple[str, list[Any]]]:
    """A server with these answers to /models and /chat/completions: its address, and the bodies it was sent."""
    sent: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

        def do_GET(self) -> None:
            self._answer(listed if self.path == "/v1/models" else (404, b""))

        def do_POST(self) -> None:
            sent.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(completed)

        def _answer(self, answer: Answer) -> None:
            self.send_response(answer[0])
            if coding:
                self.send_header("content-encoding", coding)
            self.end_headers()
            self.wfile.write(answer[1])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", sent
    finally:
        server.shutdown()
        server.server_close()


def look(url: str, model: str = "qwen") -> tuple[str, str]:
    settings = Settings(model=model, model_url=url, model_api_key=KEY)  # type: ignore[arg-type]
    finding = look_at_model_server(settings)
    return finding.state, f"{finding.detail} | {finding.hint}"


def a_list(*names: str) -> bytes:
    return json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode()


COMPLETION = b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}'


def test_the_command_tells_a_server_that_has_the_model_from_one_that_has_not(tmp_path: Path) -> None:
    with FakeOpenAIServer([Reply("ok")], model="qwen3") as server:
        for model, state in (("qwen3", "ok"), ("qwen4", "bad")):
            done = run_here(tmp_path, "doctor", "--json", model=model, model_url=server.url)
            found = next(each for each in json.loads(done.stdout)["findings"] if each["name"] == "chat model")
            assert (found["state"], done.returncode) == (state, 2 if state == "bad" else 0), found
        assert "no model called qwen4; it has qwen3" in found["detail"]
        wrong = run_here(tmp_path, "doctor", model="qwen3", model_url=server.url.removesuffix("/v1"))
    assert "answered 404" in wrong.stdout
    assert f"Set YOUJU_MODEL_URL to {server.url}." in wrong.stdout.replace("\n", " ").replace("  ", " ")
    assert wrong.returncode == 2


def test_a_model_that_is_not_named_is_the_only_one_of_the_server() -> None:
    with FakeOpenAIServer([Reply("ok")], model="qwen3") as server:
        found = look_at_model_server(Settings(model_url=server.url))
    assert found.state == "ok"
    assert f"qwen3 at {server.url}" in found.detail


def test_only_the_first_names_are_shown() -> None:
    with a_server((200, a_list(*(f"model-{number}" for number in range(40))))) as (url, sent):
        state, said = look(url)
    assert state == "bad"
    assert "it has model-0, model-1, model-2, model-3, model-4 and 35 more" in said
    assert sent == []


@pytest.mark.parametrize(
    "listed", [(404, b""), (500, b"broken"), (200, b"<html>"), (200, b'{"models": []}'), (200, b"[" * 100_000)]
)
def test_a_server_without_a_list_is_well_if_it_answers(listed: Answer) -> None:
    with a_server(listed, (200, COMPLETION)) as (url, sent):
        assert look(url)[0] == "ok"
    assert [(body["model"], body["max_tokens"]) for body in sent] == [("qwen", 16)]


@pytest.mark.parametrize(
    ("completed", "said"),
    [
        ((404, b'{"error": "no such model"}'), "no such model"),
        ((200, b"<html>Welcome"), "not a chat completion"),
        ((200, b'{"choices": []}'), "not a chat completion"),
        ((500, b"out of memory"), "answered 500: out of memory"),
        ((401, KEY.encode()), "YOUJU_MODEL_API_KEY"),
        ((302, b""), "answered 302"),
        ((204, b""), "not a chat completion"),
    ],
)
def test_what_came_instead_of_an_answer_is_said(completed: Answer, said: str) -> None:
    with a_server((404, b""), completed) as (url, _):
        state, found = look(url)
    assert state == "bad"
    assert said in found
    assert KEY not in found


def test_a_key_that_the_server_refuses_is_said_before_anything_is_asked() -> None:
    with a_server((403, KEY.encode()), (403, KEY.encode())) as (url, _):
        state, found = look(url)
    assert state == "bad"
    assert "YOUJU_MODEL_API_KEY" in found
    assert KEY not in found


def test_a_model_that_thinks_before_it_answers_is_noted() -> None:
    with FakeOpenAIServer([Reply("ok", reasoning="Let me see.")], model="qwen3") as server:
        state, said = look(server.url, "qwen3")
    assert state == "note"
    assert "thinks before it answers" in said
    with FakeOpenAIServer([Reply("<think>\nLet me see.\n</think>\n\nok")], model="qwen3") as server:
        assert look(server.url, "qwen3")[0] == "note"
    with FakeOpenAIServer([Reply("<think>\n\n</think>\n\nok")], model="qwen3") as server:
        assert look(server.url, "qwen3")[0] == "ok"


def test_ollama_is_proved_by_its_own_interface() -> None:
    with FakeOpenAIServer([Reply("ok")], model="qwen3:8b", native=True) as server:
        assert look(server.url, "qwen4") == (
            "bad",
            f"{server.url} has no model called qwen4; it has qwen3:8b | Set YOUJU_MODEL to a name that the server has.",
        )
        state, said = look(server.url, "qwen3:8b")
        assert server.requests[-1]["options"]["num_predict"] == 16
    assert state == "ok"
    assert "Ollama, by its own interface, context of 16384 tokens" in said
    with FakeOpenAIServer([Reply("ok", reasoning="Let me see.")], model="qwen3:8b", native=True) as server:
        assert look(server.url, "qwen3:8b")[0] == "note"
        assert f"Set YOUJU_MODEL_URL to {server.url}." in look(server.url.removesuffix("/api"), "qwen3:8b")[1]


def test_a_small_window_of_ollama_by_v1_points_to_its_own_interface() -> None:
    listed = {"data": [{"id": "qwen3:8b", "owned_by": "library"}]}
    with a_server((200, json.dumps(listed).encode()), (200, COMPLETION)) as (url, _):
        state, said = look(url, "qwen3:8b")
    assert state == "note"
    assert "context of 4096 tokens" in said
    assert f"Set YOUJU_MODEL_URL to {url.removesuffix('/v1')}/api" in said


def test_a_window_that_is_smaller_than_the_setting_is_noted() -> None:
    listed = {"data": [{"id": "qwen", "owned_by": "vllm", "max_model_len": 4096}]}
    with a_server((200, json.dumps(listed).encode()), (200, COMPLETION)) as (url, _):
        for tokens, state in ((16384, "note"), (4096, "ok")):
            found = look_at_model_server(Settings(model="qwen", model_url=url, model_context_tokens=tokens))
            assert found.state == state
            assert "vLLM, context of 4096 tokens" in found.detail


def test_an_answer_that_is_too_large_or_packed_is_not_read() -> None:
    with a_server((200, b"x" * 5 * 2**20), (200, b"x" * 20 * 2**20)) as (url, _):
        assert look(url)[0] == "bad"
    with a_server((200, a_list("qwen")), coding="gzip") as (url, _):
        assert look(url)[0] == "bad"


def test_what_the_server_says_is_repeated_without_secrets() -> None:
    with a_server((404, b""), (500, f"{KEY} http://me:hunter2pw@inside/".encode())) as (url, _):
        said = look(url.replace("//", "//me:hunter2pw@"))[1]
    assert "hunter2pw" not in said
    assert KEY not in said
