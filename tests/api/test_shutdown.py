"""SIGTERM while answers are under way: each asker is told, the model is stopped, and the process is gone soon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from tests.api.command_line import serving
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace
from tests.api.served import served
from tests.api.test_executors import Jobs
from tests.api.test_runs_route import Running
from tests.api.test_serve_command import free_port, wait_for
from tests.api.test_stopped_answers import ASKED, CHAT, WORDS, becomes
from tests.assistant.board_home import store_of
from tests.fake_openai_server import FakeOpenAIServer

SECONDS = 20.0
"""Twice the time that a server gives those who do not take the hint."""


class Asker:
    """Reads one answer to its end, in a thread."""

    def __init__(self, url: str, path: str, *, stream: bool) -> None:
        self.status, self.lines = 0, [""]
        self._url, self._body = url + path, {**(ASKED if path == "/v1/ask" else CHAT), "stream": stream}
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        with httpx.stream("POST", self._url, json=self._body, timeout=60) as response:
            self.status = response.status_code
            self.lines += [line for line in response.iter_lines() if line]

    def last(self) -> dict[str, Any]:
        """The data of the last event, or the whole answer."""
        self._thread.join(SECONDS)
        read: dict[str, Any] = json.loads(self.lines[-1].removeprefix("data: "))
        return read


def asked(url: str, model: FakeOpenAIServer) -> list[Asker]:
    """Askers of each kind, whose answers are being written."""
    asking = [
        Asker(url, "/v1/ask", stream=True),
        Asker(url, "/v1/chat/completions", stream=True),
        Asker(url, "/v1/ask", stream=False),
        Asker(url, "/v1/chat/completions", stream=False),
    ]
    begun = "both streams have their headers, and the model server is in the middle of each answer"
    assert becomes(lambda: len(model.requests) == 4 and model.pieces >= 20, 60), begun
    assert becomes(lambda: all(asker.status for asker in asking[:2]), 60), begun
    return asking


def check_told(asking: list[Asker], model: FakeOpenAIServer) -> None:
    streamed, chatted, whole, completed = (asker.last()["error"] for asker in asking)
    assert [asker.status for asker in asking] == [200, 200, 503, 503]
    assert (streamed["code"], streamed["hint"]) == ("server_stopping", "Ask again in a moment.")
    assert asking[0].lines[-2] == "event: failed"
    assert (chatted["code"], chatted["type"]) == ("server_stopping", "server_error")
    assert whole["code"] == completed["code"] == "server_stopping"
    assert becomes(lambda: model.disconnects == 4)


def test_a_server_that_is_stopped_tells_every_asker(tmp_path: Path, inline: None) -> None:
    home, leave = tmp_path / "home", {"leave.md": "# Leave\n\nThere are fifteen days of annual leave.\n"}
    (tmp_path / "docs").mkdir()
    with store_of(leave, tmp_path / "docs", home):
        pass
    with (
        FakeOpenAIServer([WORDS]) as model,
        serving(home, model_url=model.url, model="fake-qwen") as (url, process),
    ):
        asking = asked(url, model)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        check_told(asking, model)
        assert process.wait(SECONDS) == 0
        assert time.monotonic() - began < SECONDS


@contextlib.contextmanager
def workers(port: int, model_url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.stopping_workers", str(port), model_url],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def test_several_workers_that_are_stopped_tell_every_asker() -> None:
    port = free_port()
    with FakeOpenAIServer([WORDS]) as model, workers(port, model.url) as process:
        wait_for(f"http://127.0.0.1:{port}/readyz", 200)
        asking = asked(f"http://127.0.0.1:{port}", model)
        process.send_signal(signal.SIGTERM)
        check_told(asking, model)
        _, said = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        assert "Traceback" not in said


def test_who_does_not_take_the_hint_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.serving.server._SHUTDOWN_SECONDS", 1)
    app, begun = FastAPI(), threading.Event()

    @app.get("/forever")
    async def forever() -> None:
        begun.set()
        await asyncio.sleep(600)

    with ThreadPoolExecutor(1) as asking:
        with served(app) as url:
            answer = asking.submit(httpx.get, f"{url}/forever", timeout=60, trust_env=False)
            assert begun.wait(60)
            began = time.monotonic()
        assert time.monotonic() - began < 15
        assert answer.exception(60) is not None or answer.result().status_code >= 500


def test_a_run_and_whoever_follows_one_are_told(tmp_path: Path) -> None:
    jobs = Jobs()
    wiki = {"type": "folder", "name": "wiki", "path": str(tmp_path)}
    with closing(Workspace.open(Settings(home=tmp_path / "home"), command="test")) as workspace:
        followed = a_workspace(ScriptedAssistant(), sources=[wiki])
        followed.store, followed.ingestor = workspace.store, SimpleNamespace(run=jobs.work)
        with contextlib.ExitStack() as open_streams, Running(workspace) as running:
            client = open_streams.enter_context(httpx.Client(timeout=60))
            with served(create_app(followed)) as url:
                lines = [
                    open_streams.enter_context(stream).iter_lines()
                    for stream in (
                        client.stream("POST", f"{url}/v1/runs", json={"source": "wiki"}),
                        client.stream("GET", f"{url}/v1/runs/{running.run_id}/events"),
                    )
                ]
                assert all(next(each) for each in lines)
                reading = open_streams.enter_context(ThreadPoolExecutor(2))
                rest = [reading.submit(list, each) for each in lines]
            ends = [[line for line in each.result(SECONDS) if line][-2:] for each in rest]
        assert jobs.stopped == 1
    for name, data in ends:
        assert name == "event: failed"
        assert json.loads(data.removeprefix("data: "))["error"]["code"] == "server_stopping"
