"""Who is let in, and what every response carries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app
from api.http.body_limit import BODY_LIMIT_BYTES
from api.http.headers import SECURITY_HEADERS
from api.serving.starting import Starting
from ingest.access import OPERATOR
from ingest.errors import UnavailableError
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace

KEY = "k-7f3a9c"
ASK = {"question": "How much leave?"}


def app_of(assistant: ScriptedAssistant | None = None, **settings: Any) -> FastAPI:
    return create_app(a_workspace(assistant or ScriptedAssistant(), **settings))


def client_of(app: ASGIApp, base_url: str = "http://127.0.0.1:8000") -> TestClient:
    return TestClient(app, base_url=base_url)


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"}, {"x-api-key": KEY}]
)
def test_the_key_lets_in_as_the_operator_under_any_name(headers: dict[str, str]) -> None:
    assistant = ScriptedAssistant()
    client = client_of(app_of(assistant, api_key=KEY, host="0.0.0.0"), "https://kb.example")
    response = client.post("/v1/ask", json=ASK, headers={**headers, "origin": "https://other.example"})
    assert response.status_code == 200
    assert assistant.asked[0][2] == OPERATOR


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {KEY}"}, {"x-api-key": "k-é"}, {"x-api-key": ""}],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/ask"),
        ("POST", "/v1/search"),
        ("GET", "/v1/search?q=a"),
        ("GET", "/v1/documents"),
        ("GET", "/v1/documents/x/original"),
        ("GET", "/v1/nothing"),
    ],
)
def test_without_the_key_nothing_under_v1_answers(headers: dict[str, str], method: str, path: str) -> None:
    assistant = ScriptedAssistant()
    given = {name.encode(): value.encode() for name, value in headers.items()}
    response = client_of(app_of(assistant, api_key=KEY)).request(method, path, json=ASK, headers=given)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"
    assert response.headers["www-authenticate"] == "Bearer"
    assert assistant.asked == []


def test_every_documented_route_under_v1_wants_the_key() -> None:
    app = app_of(api_key=KEY)
    routes = [(method, path) for path, item in app.openapi()["paths"].items() for method in item]
    guarded = [route for route in routes if route[1].startswith("/v1/")]
    client = client_of(app)
    assert len(guarded) >= 8
    assert {client.request(method, path).status_code for method, path in guarded} == {401}
    assert {path for _, path in routes} - {path for _, path in guarded} == {"/healthz", "/readyz"}


def test_the_page_and_the_probes_need_no_key() -> None:
    client = client_of(app_of(api_key=KEY, host="0.0.0.0"), "https://kb.example")
    assert client.get("/").status_code == 200
    assert client.get("/web/chat.js").status_code == 200
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/documents", "/v1/models", "/openapi.json"])
def test_without_a_key_another_host_name_is_turned_away(path: str) -> None:
    response = client_of(app_of(), "http://evil.example:8000").get(path)
    assert response.status_code == 403
    assert "evil" not in response.text


@pytest.mark.parametrize("base_url", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"])
def test_without_a_key_this_machine_is_let_in_by_each_of_its_names(base_url: str) -> None:
    assert client_of(app_of(), base_url).post("/v1/ask", json=ASK).status_code == 200


@pytest.mark.parametrize("host", ["[", "[::1", "]", "127.0.0.1@evil.example"])
def test_without_a_key_a_host_that_is_no_host_is_turned_away(host: str) -> None:
    assert client_of(app_of()).get("/", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:3000", "null", "http://["])
def test_without_a_key_another_site_may_not_ask(origin: str) -> None:
    assistant = ScriptedAssistant()
    response = client_of(app_of(assistant)).post("/v1/ask", json=ASK, headers={"origin": origin})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "foreign_origin")
    assert assistant.asked == []


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/v1/documents"), ("POST", "/v1/ask"), ("GET", "/x")]
)
def test_without_a_key_nobody_comes_through_a_proxy(header: str, method: str, path: str) -> None:
    assistant = ScriptedAssistant()
    client = client_of(app_of(assistant))
    refused = client.request(method, path, json=ASK, headers={header: "10.0.0.9"})
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "proxied_without_key"
    assert "YOUJU_API_KEY" in refused.json()["error"]["hint"]
    assert assistant.asked == []
    assert client.get("/healthz", headers={header: "10.0.0.9"}).status_code == 200
    assert client.get("/readyz", headers={header: "10.0.0.9"}).status_code == 503  # not warmed, but asked


def test_with_a_key_a_proxy_may_stand_before() -> None:
    client = client_of(app_of(api_key=KEY))
    headers = {"x-forwarded-for": "10.0.0.9", "via": "1.1 proxy", "x-api-key": KEY}
    assert client.post("/v1/ask", json=ASK, headers=headers).status_code == 200


def test_without_a_key_the_local_socket_is_let_in_whatever_stands_before_it() -> None:
    app = app_of()

    async def from_the_socket(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["local"] = True
        await app(scope, receive, send)

    client = client_of(from_the_socket, "http://youju")
    assert client.get("/v1/documents", headers={"via": "1.1 proxy"}).status_code == 200


def test_what_is_said_while_starting_keeps_browsers_strict_too() -> None:
    for path in ("/", "/healthz", "/v1/ask"):
        response = client_of(Starting()).get(path)
        later = client_of(app_of()).get("/healthz")
        for name in SECURITY_HEADERS:
            assert response.headers[name] == later.headers[name]


def test_without_a_key_the_own_page_may_ask() -> None:
    headers = {"origin": "http://127.0.0.1:8000"}
    assert client_of(app_of()).post("/v1/ask", json=ASK, headers=headers).status_code == 200


def test_the_local_socket_lets_in_whatever_the_headers_say() -> None:
    app = app_of(api_key=KEY)

    async def from_the_socket(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["local"] = True
        await app(scope, receive, send)

    client = client_of(from_the_socket, "http://youju")
    assert client.get("/v1/documents").status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/documents", "/nothing", "/healthz"])
def test_every_response_carries_an_id_and_the_headers_that_keep_browsers_strict(path: str) -> None:
    first, second = (client_of(app_of()).get(path) for _ in range(2))
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["x-frame-options"] == "DENY"
    policy = first.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "access-control-allow-origin" not in first.headers


def test_a_body_that_announces_too_much_is_not_read() -> None:
    response = client_of(app_of()).post("/v1/ask", content=b"x", headers={"content-length": "999999999"})
    assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")


def test_the_key_is_looked_at_before_the_size_of_the_body() -> None:
    response = client_of(app_of(api_key=KEY)).post("/v1/ask", content=b"x", headers={"content-length": "999999999"})
    assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthorized")
    assert response.headers["x-request-id"] == response.json()["error"]["request_id"]


def test_a_body_that_grows_too_long_is_cut_off() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        for _ in range(64):
            read += 65536
            yield b"x" * 65536

    response = client_of(app_of()).post("/v1/ask", content=endless(), headers={"content-type": "application/json"})
    assert read > BODY_LIMIT_BYTES
    assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/x", 404), ("GET", "/v1/ask", 405)])
def test_an_unknown_route_answers_in_our_shape(method: str, path: str, code: int) -> None:
    response = client_of(app_of()).request(method, path)
    assert response.status_code == code
    assert set(response.json()["error"]) == {"code", "message", "hint", "request_id"}


def test_readyz_waits_for_the_first_search_and_names_what_is_missing() -> None:
    error = UnavailableError("index_unavailable", "Qdrant does not answer.", "Start it.")
    app = app_of(ScriptedAssistant(search_error=error))
    assert client_of(app).get("/readyz").json()["parts"]["search"] == {"state": "loading", "code": None}
    with client_of(app) as started:
        broken = _once_looked(started)
        assert broken.status_code == 503
        assert broken.json()["parts"]["search"] == {"state": "failed", "code": "index_unavailable"}
        assert started.get("/healthz").json() == {"status": "alive"}
    with client_of(app_of()) as healthy:
        ready = {"ready": True, "parts": {"search": {"state": "ready", "code": None}}}
        assert _once_looked(healthy).json() == ready
    with client_of(app_of(ScriptedAssistant(is_model_away=True))) as alone:
        answer = _once_looked(alone)
        assert (answer.status_code, answer.json()["ready"]) == (200, True), "searching goes on"
        assert answer.json()["parts"]["model"] == {"state": "failed", "code": "model_down"}


def _once_looked(client: TestClient) -> httpx.Response:
    """What `/readyz` says once the server has looked for the first time."""
    deadline = time.monotonic() + 10
    while (answer := client.get("/readyz")).json()["parts"]["search"]["state"] == "loading":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return answer
