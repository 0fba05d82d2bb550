"""Which key opens which route: what is not granted is for the operator alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from api.app import create_app
from api.security.audit import ACTIONS
from api.security.grants import OPEN_PATHS, PAGE_PATHS, READER_ROUTES, grant_of
from api.security.keys import EVERYBODY
from api.settings import Settings
from api.workspace import Workspace
from ingest.access import OPERATOR
from tests.api.scripted_assistant import HANDBOOK, PRICES, SECRET, ScriptedAssistant, a_workspace
from tests.api.served import served

KEY, READER_KEY = "operator-0123456789abcdef", "reader-0123456789abcdef"

READ = {
    "/openapi.json", "/v1/ask", "/v1/search", "/v1/chat/completions", "/v1/models", "/v1/models/{model_id}",
    "/v1/documents", "/v1/documents/{document_id}", "/v1/documents/{document_id}/passages/{chunk_id}",
    "/v1/documents/{document_id}/pages/{page}.png", "/v1/documents/{document_id}/original",
    "/v1/conversations", "/v1/conversations/{conversation_id}", "/v1/conversations/{conversation_id}/export",
    "/v1/conversations/{conversation_id}/stop",
}  # fmt: skip
ASKED = {
    ("POST", "/v1/ask"), ("POST", "/v1/search"), ("POST", "/v1/chat/completions"), ("POST", "/v1/conversations"),
    ("PATCH", "/v1/conversations/{conversation_id}"), ("DELETE", "/v1/conversations/{conversation_id}"),
    ("POST", "/v1/conversations/{conversation_id}/stop"),
}  # fmt: skip
"""What may be opened to readers, written down a second time: opening more takes two hands."""


def with_key(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def client_of(app: FastAPI, key: str = "") -> TestClient:
    return TestClient(app, base_url="https://kb.example", headers=with_key(key) if key else {})


@pytest.fixture
def app() -> FastAPI:
    settings: dict[str, Any] = {
        "api_key": KEY, "reader_key": READER_KEY, "host": "0.0.0.0", "dingtalk_http": False,
    }  # fmt: skip
    return create_app(a_workspace(ScriptedAssistant(), **settings))


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path that the application answers."""
    return [
        (method, route.path)
        for route in iter_route_contexts(app.routes)
        for method in sorted(route.methods or {"WEBSOCKET"})
        if route.path is not None
    ]


def test_every_route_is_open_or_a_reader_s_or_the_operator_s(app: FastAPI) -> None:
    routes = routes_of(app)
    assert len(routes) > 30
    for method, path in routes:
        reading = path in READ and (method in ("GET", "HEAD") or (method, path) in ASKED)
        expected = (
            "open" if path in OPEN_PATHS else "page" if path in PAGE_PATHS else "reader" if reading else "operator"
        )
        assert grant_of(method, path) == expected, (method, path)
    assert set(READER_ROUTES) <= set(routes)


def test_every_route_that_is_not_granted_refuses_the_reader_s_key(app: FastAPI) -> None:
    client = client_of(app, READER_KEY)
    closed = [(method, path) for method, path in routes_of(app) if grant_of(method, path) == "operator"]
    assert len(closed) > 15
    for method, path in closed:
        response = client.request(method, path.replace("{index_id}", "1"))
        assert (response.status_code, response.json()["error"]["code"]) == (403, "operators_only"), (method, path)


def test_every_route_that_is_not_open_refuses_whoever_has_no_key(app: FastAPI) -> None:
    client = client_of(app)
    for method, path in routes_of(app):
        if grant_of(method, path) not in ("open", "page"):
            assert client.request(method, path).status_code == 401, (method, path)


@pytest.mark.parametrize("path", ["/v2/ask", "/metrics", "/nothing", "/web/", "/web/a/b", "//v1/ask", "/v1", "/V1/ask"])
def test_a_path_that_is_no_route_needs_a_key_like_any_other(app: FastAPI, path: str) -> None:
    assert client_of(app).get(f"https://kb.example{path}").status_code == 401
    assert client_of(app, READER_KEY).get(f"https://kb.example{path}").status_code == 403
    assert client_of(app, KEY).get(f"https://kb.example{path}").status_code in (200, 307, 404)


def test_a_route_that_is_added_later_is_the_operator_s() -> None:
    app = create_app(a_workspace(ScriptedAssistant(), api_key=KEY, reader_key=READER_KEY))
    asked: list[object] = []

    @app.get("/admin")
    def admin() -> None:
        asked.append("admin")

    assert client_of(app).get("/admin").status_code == 401
    assert client_of(app, READER_KEY).get("/admin").status_code == 403
    assert asked == []
    assert client_of(app, KEY).get("/admin").status_code == 200


def test_the_page_and_the_probes_are_asked_as_nobody(app: FastAPI) -> None:
    readers: list[object] = []

    @app.middleware("http")
    async def noted(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        readers.append(request.scope["state"].get("reader"))
        return response

    client = client_of(app, KEY)
    for path in ("/", "/web/chat.js", "/healthz", "/readyz", "/dingtalk/callback"):
        client.get(path)
    client.get("/v1/models")
    client.get("/v1/models", headers=with_key(READER_KEY))
    assert readers == [None, None, None, None, None, OPERATOR, EVERYBODY]


def test_a_websocket_is_turned_away(app: FastAPI) -> None:
    @app.websocket("/v1/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()

    with pytest.raises(WebSocketDisconnect), client_of(app, KEY).websocket_connect("/v1/live"):
        pass


def test_a_reader_reads_what_is_for_everyone(app: FastAPI) -> None:
    client = client_of(app, READER_KEY)
    listed = client.get("/v1/documents").json()["documents"]
    assert [document["document_id"] for document in listed] == [HANDBOOK, PRICES]
    assert client.get(f"/v1/documents/{HANDBOOK}").status_code == 200
    for path in ("", "/passages/x", "/pages/1.png", "/original"):
        hidden, missing = (client.get(f"/v1/documents/{each}{path}") for each in (SECRET, "nothing"))
        assert hidden.status_code == missing.status_code == 404
        assert hidden.json()["error"]["message"] == missing.json()["error"]["message"]


@pytest.fixture(scope="module")
def two_documents(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Iterator[str]:
    """The address of a server with a document for everyone and one for the board."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), api_key=KEY, reader_key=READER_KEY)  # type: ignore[arg-type]
    with closing(Workspace.open(settings, command="test")) as workspace, served(create_app(workspace)) as url:
        with httpx.Client(base_url=url, headers=with_key(KEY), timeout=120, trust_env=False) as operator:
            for path, text, access in (
                ("leave.txt", "Every employee has fifteen days of annual leave.", "everyone"),
                ("bonus.txt", "The annual bonus of the board is nine monthly salaries.", "group:board"),
            ):
                sent = operator.post(
                    "/v1/documents", params={"path": path, "access": access, "wait": True}, content=text.encode()
                )
                assert sent.json()["state"] == "ready"
        yield url


@pytest.mark.slow
def test_the_reader_key_asks_and_searches_in_what_is_for_everyone(two_documents: str) -> None:
    found: dict[str, set[str]] = {}
    for key in (KEY, READER_KEY):
        with httpx.Client(base_url=two_documents, headers=with_key(key), timeout=60, trust_env=False) as client:
            asked = client.post("/v1/ask", json={"question": "What is the annual bonus of the board?"}).json()
            hits = client.get("/v1/search", params={"q": "annual bonus board"}).json()["hits"]
            listed = client.get("/v1/documents").json()["documents"]
            found[key] = {each["uri"] for each in (*asked["evidence"], *hits, *listed)}
            sdk = client.post(
                "/v1/chat/completions",
                json={"model": "youju", "messages": [{"role": "user", "content": "annual bonus of the board?"}]},
            )
            assert sdk.status_code == 200
            assert ("nine" in sdk.text) == (key == KEY)
    assert found == {KEY: {"leave.txt", "bonus.txt"}, READER_KEY: {"leave.txt"}}


@pytest.mark.slow
def test_the_reader_key_changes_nothing(two_documents: str, tmp_path: Path) -> None:
    with httpx.Client(base_url=two_documents, headers=with_key(READER_KEY), timeout=60, trust_env=False) as client:
        before = client.get("/v1/documents").json()["documents"]
        identity = before[0]["document_id"]
        refused = [
            client.post("/v1/documents", params={"path": "leave.txt"}, content=b"No leave."),
            client.put(f"/v1/documents/{identity}", content=b"No leave."),
            client.delete(f"/v1/documents/{identity}"),
            client.post("/v1/documents/failed/retry", json={"all": True}),
            client.post("/v1/documents/failed/drop", json={"all": True}),
        ]
        assert {response.status_code for response in refused} == {403}
        assert client.get("/v1/documents").json()["documents"] == before


def test_with_the_reader_s_key_alone_nobody_else_is_let_in() -> None:
    app = create_app(a_workspace(ScriptedAssistant(), reader_key=READER_KEY))
    client = TestClient(app, base_url="http://127.0.0.1")
    assert client.get("/v1/models").status_code == 401
    assert client.get("/v1/models", headers=with_key(READER_KEY)).status_code == 200
    assert client.post("/v1/verify", json={}, headers=with_key(READER_KEY)).status_code == 403


def test_the_documents_say_which_key_each_route_takes() -> None:
    marks = {"operator": "operator", "reader": "R", "open": "–", "page": "–"}
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`(?:GET|POST|PUT|PATCH|DELETE) .*?) \| (R|operator|–) \|", text, re.M)
    documented = {
        (method, path): mark for row, mark in rows for method, path in re.findall(r"`([A-Z]+) (/[^`]*)`", row)
    }
    assert len(documented) > 30
    assert documented == {route: marks[grant_of(*route)] for route in documented}


def test_every_route_that_changes_something_is_audited(app: FastAPI) -> None:
    changing = {
        (method, path)
        for method, path in routes_of(app)
        if method not in ("GET", "HEAD") and grant_of(method, path) == "operator"
    }
    assert changing == set(ACTIONS)
