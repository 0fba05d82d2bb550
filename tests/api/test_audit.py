"""The audit log: who changed what, from where, and how it was answered, on one line each."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.serving.logs import configure_logging
from api.serving.server import LocalDoor
from api.settings import Settings
from api.workspace import Workspace
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace
from tests.api.served import served

KEY, READER_KEY = "operator-0123456789abcdef", "reader-0123456789abcdef"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Iterator[str]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), api_key=KEY, reader_key=READER_KEY)  # type: ignore[arg-type]
    with closing(Workspace.open(settings, command="test")) as workspace, served(create_app(workspace)) as address:
        yield address


@pytest.fixture
def operator(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"x-api-key": KEY}, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def _audit_at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "api.audit")


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(record.getMessage()) for record in caplog.records if record.name == "api.audit"]


def test_an_upload_and_its_end_are_written_down(operator: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    sent = operator.post("/v1/documents", params={"path": "hr/年假.txt", "access": "group:hr"}, content=b"leave")
    identity = sent.json()["document_id"]
    operator.put(f"/v1/documents/{identity}", content=b"more leave")
    operator.delete(f"/v1/documents/{identity}")
    uploaded, replaced, deleted = lines_of(caplog)
    assert uploaded.pop("request_id") == sent.headers["x-request-id"]
    assert uploaded == {
        "action": "upload",
        "who": "operator",
        "client": "127.0.0.1",
        "document_id": identity,
        "uri": "hr/年假.txt",
        "digest": sent.json()["digest"],
        "access": ["group:hr"],
        "status": 202,
        "outcome": "accepted",
    }
    for line, action, status in ((replaced, "replace", 202), (deleted, "delete", 200)):
        assert (line["action"], line["document_id"], line["uri"], line["status"]) == (
            action, identity, "hr/年假.txt", status,
        )  # fmt: skip
    assert "more leave" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/v1/documents/failed/retry", {"all": True}, {"action": "retry", "documents": "all", "status": 200}),
        ("POST", "/v1/documents/failed/drop", {"documents": ["x"]}, {"action": "give_up", "status": 404}),
        ("POST", "/v1/index/7/switch", None, {"action": "switch_index", "index_id": "7", "status": 404}),
        ("DELETE", "/v1/index/1", None, {"action": "drop_index", "index_id": "1", "outcome": "refused"}),
        ("POST", "/v1/runs", {"source": "wiki"}, {"action": "start_run", "source": "wiki", "status": 404}),
        ("POST", "/v1/runs/r-1/cancel", None, {"action": "cancel_run", "run_id": "r-1", "status": 404}),
        ("DELETE", "/v1/sources/wiki", None, {"action": "remove_source", "name": "wiki", "status": 404}),
        ("POST", "/v1/verify", {}, {"action": "verify", "status": 200, "outcome": "accepted"}),
    ],
)
def test_what_changes_something_is_written_down_with_what_it_is_about(
    operator: httpx.Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    body: Any,
    expected: dict[str, Any],
) -> None:
    operator.request(method, path, json=body)
    (line,) = lines_of(caplog)
    assert line["who"] == "operator"
    assert {name: line[name] for name in expected} == expected


def test_what_a_reader_was_refused_is_written_down(url: str, caplog: pytest.LogCaptureFixture) -> None:
    response = httpx.delete(f"{url}/v1/documents/x", headers={"x-api-key": READER_KEY}, trust_env=False)
    assert response.status_code == 403
    (line,) = lines_of(caplog)
    assert (line["who"], line["action"], line["document_id"], line["outcome"]) == ("reader", "delete", "x", "refused")


def test_a_reader_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(a_workspace(ScriptedAssistant(), api_key=KEY, reader_key=READER_KEY))
    client = TestClient(app, base_url="http://127.0.0.1")
    for _ in range(200):
        client.delete("/v1/documents/x", headers={"x-api-key": READER_KEY})
    client.delete("/v1/index/x", headers={"x-api-key": KEY})
    assert [line["who"] for line in lines_of(caplog)] == ["reader"] * 60 + ["operator"]


def test_strangers_and_questions_are_not_in_it(
    url: str, operator: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    httpx.delete(f"{url}/v1/documents/x", headers={"x-api-key": "wrong"}, trust_env=False)
    httpx.delete(f"{url}/v1/documents/x", trust_env=False)
    operator.post("/v1/search", json={"query": "leave"})
    assert lines_of(caplog) == []


def test_nothing_that_is_sent_can_begin_a_line_of_its_own(
    operator: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    operator.delete("/v1/documents/x%0A2026-01-01 INFO api.audit: {}%1b[2K" + "y" * 5000)
    operator.post("/v1/runs", json={"source": "a\u2028b\r\nc"})
    messages = [record.getMessage() for record in caplog.records if record.name == "api.audit"]
    assert len(messages) == 2
    assert all(message.isascii() and message.isprintable() and len(message) < 1000 for message in messages)


def test_the_command_line_is_written_down_as_local(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Workspace.open(Settings(home=tmp_path / "home"), command="test")) as workspace:
        app = LocalDoor(create_app(workspace))
        (tmp_path / "a.txt").write_text("leave")

        async def over_the_socket(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "server": ("/home/youju.sock", None), "client": None}, receive, send)

        client = TestClient(over_the_socket, base_url="http://localhost")
        client.post("/v1/runs", json={"paths": [str(tmp_path / "no such file")]})
    (line,) = lines_of(caplog)
    assert (line["who"], line["client"], line["paths"]) == ("local", "local", [str(tmp_path / "no such file")])


def test_the_audit_log_is_kept_at_any_level() -> None:
    names = ("ingest", "assistant", "api", "api.audit")
    before = {name: logging.getLogger(name).level for name in names}
    try:
        configure_logging("error")
        assert logging.getLogger("api.audit").isEnabledFor(logging.INFO)
        assert not logging.getLogger("api.runs").isEnabledFor(logging.WARNING)
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
