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
            self._answer(listed)

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


COMPLETION = b'{"choices": [{"message": {"content": "Hi"}}]}'


def test_the_command_tells_a_server_that_has_the_model_from_one_that_has_not(tmp_path: Path) -> None:
    with FakeOpenAIServer([Reply("ok")], model="qwen3") as server:
        for model, state in (("qwen3", "ok"), ("qwen4", "bad")):
            done = run_here(tmp_path, "doctor", "--json", model=model, model_url=server.url)
            found = next(each for each in json.loads(done.stdout)["findings"] if each["name"] == "chat model")
            assert (found["state"], done.returncode) == (state, 2 if state == "bad" else 0), found
        assert "no model called qwen4; it has qwen3" in found["detail"]
        wrong = run_here(tmp_path, "doctor", model="qwen3", model_url=server.url.removesuffix("/v1"))
    assert "answers 404" in wrong.stdout
    assert wrong.returncode == 2


def test_only_the_first_names_are_shown() -> None:
    with a_server((200, a_list(*(f"model-{number}" for number in range(40))))) as (url, sent):
        state, said = look(url)
    assert state == "bad"
    assert "it has model-0, model-1, model-2, model-3, model-4 and 35 more" in said
    assert sent == []


@pytest.mark.parametrize("listed", [(404, b""), (200, b"<html>"), (200, b'{"models": []}'), (200, b"[" * 100_000)])
def test_a_server_without_a_list_is_asked_for_one_token(listed: Answer) -> None:
    with a_server(listed, (200, COMPLETION)) as (url, sent):
        assert look(url)[0] == "ok"
    assert [(body["model"], body["max_tokens"]) for body in sent] == [("qwen", 1)]


@pytest.mark.parametrize(
    ("completed", "said"),
    [
        ((404, b'{"error": "no such model"}'), "no such model"),
        ((200, b"<html>Welcome"), "<html>Welcome"),
        ((200, b'{"choices": []}'), "does not answer as a chat server"),
        ((500, b"out of memory"), "answers 500: out of memory"),
        ((401, KEY.encode()), "refuses the key"),
    ],
)
def test_what_came_instead_of_an_answer_is_said(completed: Answer, said: str) -> None:
    with a_server((404, b"")) as (url, _), a_server((404, b""), completed) as (other, _):
        assert look(url)[0] == "bad"
        state, found = look(other)
    assert state == "bad"
    assert said in found
    assert KEY not in found


@pytest.mark.parametrize("listed", [(500, b"broken"), (302, b""), (429, b"slow down"), (403, b""), (204, b"")])
def test_any_other_status_is_bad(listed: Answer) -> None:
    with a_server(listed, (200, COMPLETION)) as (url, sent):
        assert look(url)[0] == "bad"
    assert sent == []


def test_an_answer_that_is_too_large_or_packed_is_not_read() -> None:
    with a_server((200, b"x" * 3 * 2**20)) as (url, _):
        assert look(url) == (
            "bad",
            f"the answer of {url} was not read: it is larger than 1024 KiB | Check YOUJU_MODEL_URL.",
        )
    with a_server((200, a_list("qwen")), coding="gzip") as (url, _):
        assert look(url)[0] == "bad"


def test_what_the_server_says_is_repeated_without_secrets() -> None:
    with a_server((500, f"{KEY} http://me:hunter2pw@inside/".encode())) as (url, _):
        said = look(url.replace("//", "//me:hunter2pw@"))[1]
    assert "hunter2pw" not in said
    assert KEY not in said
