"""`/v1/runs` and `youju runs`: what ran, followed and cancelled from outside the process that runs it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.security.guard import current_reader
from api.settings import Settings
from api.workspace import Workspace
from ingest.access import Reader
from ingest.runs.exclusive import exclusively
from ingest.runs.records import Failure
from tests.api.command_line import json_here, run_here, run_youju
from tests.api.served import served

RUN_FIELDS = {
    "run_id", "source", "trigger", "state", "started_at", "finished_at", "error", "found", "done", "new", "changed",
    "unchanged", "moved", "deleted", "failed", "rebuilt", "chunks", "embedded", "waiting", "seconds",
    "documents_per_second", "seconds_left",
}  # fmt: skip


class Running:
    """A run that goes on, in a thread, until it is told to end."""

    def __init__(self, workspace: Workspace) -> None:
        self.run_id = ""
        self.end = threading.Event()
        self._begun = threading.Event()
        self._workspace = workspace
        self._thread = threading.Thread(target=self._go)

    def _go(self) -> None:
        with exclusively(self._workspace.store, self._workspace.settings, "wiki", stop=self.end) as held:
            held.report.found, held.report.new, held.report.failed, held.report.seconds = 10, 3, 1, 2.0
            held.report.failures.append(Failure("a.pdf", "encrypted", "It has a password."))
            self.run_id = held.report.run_id
            self._begun.set()
            while not held.stop.is_set():
                time.sleep(0.01)

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._begun.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()
        self._thread.join()


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    with closing(Workspace.open(settings, command="serve")) as opened:
        yield opened


@pytest.fixture
def client(workspace: Workspace) -> TestClient:
    return TestClient(create_app(workspace), base_url="http://127.0.0.1")


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_runs_are_listed_newest_first(client: TestClient, workspace: Workspace) -> None:
    assert client.get("/v1/runs").json() == {"runs": []}
    with exclusively(workspace.store, workspace.settings, "older", trigger="schedule"):
        pass
    with Running(workspace) as running:
        newest, oldest = client.get("/v1/runs").json()["runs"]
        assert set(newest) == RUN_FIELDS
        assert (newest["run_id"], newest["state"], newest["source"]) == (running.run_id, "running", "wiki")
        assert (oldest["state"], oldest["trigger"]) == ("done", "schedule")
        assert client.get("/v1/runs", params={"source": "older"}).json()["runs"] == [oldest]
        assert client.get("/v1/runs", params={"limit": 1}).json()["runs"] == [newest]
    one = client.get(f"/v1/runs/{running.run_id}").json()
    assert set(one) == RUN_FIELDS | {"failures"}
    assert (one["state"], one["new"], one["seconds_left"]) == ("interrupted", 3, None)
    assert one["failures"] == [{"uri": "a.pdf", "code": "encrypted", "message": "It has a password."}]


def test_an_unknown_run_is_not_there(client: TestClient) -> None:
    for response in (client.get("/v1/runs/x"), client.get("/v1/runs/x/events"), client.post("/v1/runs/x/cancel")):
        assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_run")
    assert client.get("/v1/runs", params={"limit": 0}).status_code == 400


def test_runs_are_for_the_operator_alone(client: TestClient) -> None:
    client.app.dependency_overrides[current_reader] = lambda: Reader(frozenset({"everyone"}))  # type: ignore[attr-defined]
    for response in (client.get("/v1/runs"), client.get("/v1/runs/x"), client.post("/v1/runs", json={"source": "a"})):
        assert response.json()["error"]["code"] == "operators_only"


def test_a_run_is_followed_until_it_ends_and_cancelled_from_outside(workspace: Workspace) -> None:
    with served(create_app(workspace)) as url, Running(workspace) as running, httpx.Client(base_url=url) as client:
        with client.stream("GET", f"/v1/runs/{running.run_id}/events", timeout=30) as response:
            events = _events(response.iter_lines())
            seen = [next(events)]
            while not seen[-1][1].get("found"):
                seen.append(next(events))
            progress = seen[-1][1]
            assert set(progress) == RUN_FIELDS
            assert (progress["documents_per_second"], progress["seconds_left"]) == (2.0, 3.0)
            asked = time.monotonic()
            assert client.post(f"/v1/runs/{running.run_id}/cancel").json()["state"] == "running"
            seen += list(events)
        assert time.monotonic() - asked < 15
        assert [data for name, data in seen if name == "failure"] == [
            {"uri": "a.pdf", "code": "encrypted", "message": "It has a password."}
        ]
        assert (seen[-1][0], seen[-1][1]["state"]) == ("finished", "cancelled")
        again = client.post(f"/v1/runs/{running.run_id}/cancel")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "run_over")
        late = list(_events(iter(client.get(f"/v1/runs/{running.run_id}/events").text.splitlines())))
        assert [name for name, _ in late] == ["failure", "progress", "finished"]


def test_the_command_line_follows_and_cancels_what_another_process_runs(workspace: Workspace) -> None:
    home = workspace.settings.home
    with Running(workspace) as running:
        (listed,) = json_here(home, "runs")["runs"]
        assert (listed["run_id"], listed["state"]) == (running.run_id, "running")
        shown = run_here(home, "runs", "--source", "wiki")
        assert shown.returncode == 0
        assert running.run_id[:8] in shown.stdout
        cancelled = run_youju(home, "runs", "cancel", running.run_id[:8])
        assert cancelled.returncode == 0, cancelled.stderr
        followed = run_youju(home, "runs", "follow", running.run_id[:8])
        assert followed.returncode == 1
        assert "cancelled: 4 of 10 documents, 1 failed" in followed.stdout
        assert "encrypted" in followed.stderr
    assert json_here(home, "runs", "show", running.run_id)["failures"][0]["uri"] == "a.pdf"
    missing = run_here(home, "runs", "cancel", "nothing")
    assert missing.returncode == 2
    assert "[unknown_run]" in missing.stderr


def test_a_source_of_the_settings_is_run_by_its_name(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "一.txt").write_text("员工每年享有十天年假。")
    source = {"name": "handbook", "type": "folder", "path": str(folder)}
    settings = Settings(home=settings.home, sources=[source])  # type: ignore[list-item]
    with closing(Workspace.open(settings, command="serve")) as workspace:
        client = TestClient(create_app(workspace), base_url="http://127.0.0.1")
        *_, (name, report) = _events(iter(client.post("/v1/runs", json={"source": "handbook"}).text.splitlines()))
        assert (name, report["new"]) == ("finished", 1)
        assert client.get("/v1/runs").json()["runs"][0]["source"] == "handbook"
        for asked, code in (({"source": "x"}, "unknown_source"), ({}, "invalid_request")):
            assert client.post("/v1/runs", json=asked).json()["error"]["code"] == code
        refused = client.post("/v1/runs", json={"paths": [str(folder)]})
        assert refused.json()["error"]["code"] == "paths_not_accepted"
