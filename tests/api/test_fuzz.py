"""Whatever is sent, the answer is in our shape and never our mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from ingest.document import document_id
from tests.api.served import served

JSON = {"content-type": "application/json"}

HUGE = "1" + "0" * 30
SEGMENTS = [
    HUGE,
    "-" + HUGE,
    "0",
    "1" * 5000,
    "x" * 8000,
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%FF%FE",
    "%0A",
    "..",
    "NaN",
    "文",
]
"""Parts of paths and values of queries."""

TEXTS = [
    '"\\ud800"',
    '"a\\udfffb"',
    '"\\u0000"',
    '"' + "x" * 200_000 + '"',
    '""',
    "1e999",
    "-" + HUGE,
    "NaN",
    "null",
    "{}",
]
"""JSON, as it is written."""

BODIES = [
    b"",
    b"{",
    b"[" * 10_000,
    b"[" * 10_000 + b"]" * 10_000,
    b'{"question": ' + b'{"a": ' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    b"NaN",
    b"Infinity",
    b"\xff\xfe\x00",
    b'"\xed\xa0\x80"',
    b'{"question": "\xff"}',
    '{"question": "\ud800", "query": "\ud800"}'.encode("utf-16-le", "surrogatepass"),
    b'{"question": "a", "question": "\\ud800", "all": true, "all": 1, "query": "a", "query": ["b"]}',
    b'{"\\ud800": 1, "\\u0000": 2}',
    b"null",
    b"1" * 5000,
]
TYPES = ["application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=" + "b" * 257, "x", ""]

VALID: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/v1/ask"): {"question": "a", "conversation": [{"role": "user", "text": "b"}]},
    ("post", "/v1/conversations"): {"title": "a"},
    ("patch", "/v1/conversations/{conversation_id}"): {"title": "a"},
    ("post", "/v1/search"): {"query": "a", "limit": 1},
    ("post", "/v1/chat/completions"): {"model": "youju", "messages": [{"role": "user", "content": "a"}], "n": 1},
    ("post", "/v1/documents/failed/retry"): {"documents": ["a"], "all": False},
    ("post", "/v1/documents/failed/drop"): {"documents": ["a"], "all": False},
    ("patch", "/v1/documents/{document_id}"): {"title": "a", "access": ["everyone"]},
    ("post", "/v1/runs"): {"source": "wiki", "allow_deletions": False},
    ("post", "/v1/verify"): {"repair": False, "thorough": False, "sources": False},
}
"""A good body of each route that takes JSON; a part of it is then made bad."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), max_file_mb=1)
    with closing(Workspace.open(settings, command="test")) as workspace:
        yield create_app(workspace)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False)


def check(response: httpx.Response, sent: object) -> None:
    """Not our mistake, and where it is an error, in one of our two shapes."""
    assert response.status_code < 500 or response.status_code == 503, (sent, response.status_code, response.text[:300])
    if response.status_code >= 400 and response.request.method != "HEAD":
        error = response.json()["error"]
        assert {"code", "message"} <= set(error), sent
        assert error["message"], sent
        assert len(response.content) < 10_000, sent


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]


def address(path: str, segment: str) -> str:
    parts = [segment if part.startswith("{") else part for part in path.split("/")]
    return "/".join(f"{segment}.png" if part == "{page}.png" else part for part in parts).replace(
        f"{segment}/pages/{segment}", f"x/pages/{segment}"
    )


def test_odd_paths(app: FastAPI, client: TestClient) -> None:
    for method, path, _ in operations(app):
        if "{" in path:
            for segment in SEGMENTS:
                check(client.request(method, address(path, segment)), (method, path, segment))


@pytest.mark.slow
def test_odd_queries(app: FastAPI, client: TestClient) -> None:
    for method, path, operation in operations(app):
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        for name in names:
            for value in [segment for segment in SEGMENTS if len(segment) <= 5000]:
                sent = client.request(method, f"{path.replace('{', '').replace('}', '')}?{name}={value}", content=b"x")
                check(sent, (method, path, name, value))


@pytest.mark.slow
def test_odd_bodies(app: FastAPI, client: TestClient) -> None:
    for method, path, _ in operations(app):
        if method in ("post", "put", "patch"):
            for body in BODIES:
                for kind in TYPES if len(body) < 100 else ["application/json"]:
                    sent = client.request(method, address(path, "1"), content=body, headers={"content-type": kind})
                    check(sent, (method, path, body[:60], kind))


def test_every_part_of_a_good_body_made_bad(app: FastAPI, client: TestClient) -> None:
    taking_json = {
        (method, path)
        for method, path, operation in operations(app)
        if set(operation.get("requestBody", {}).get("content", {})) == {"application/json"}
    }
    assert taking_json == set(VALID)
    for (method, path), good in VALID.items():
        whole = json.dumps(good)
        for part in parts_of(good):
            for text in TEXTS:
                body = whole.replace(part, text, 1)
                check(client.request(method, path, content=body.encode(), headers=JSON), (path, body[:100]))


def parts_of(value: Any) -> list[str]:
    """Every value inside, and every value that holds others, as it is written."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [written for each in inner for written in (json.dumps(each), *parts_of(each))]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/ask", '{"question": "\\ud800"}', "question"),
        ("/v1/ask", '{"question": "a\\u0000"}', "question"),
        ("/v1/ask", '{"question": "a", "conversation": [{"role": "user", "text": "\\ud800"}]}', "conversation.0.text"),
        ("/v1/search", '{"query": "\\ud800"}', "query"),
        ("/v1/documents/failed/retry", '{"documents": ["a", "\\ud800"]}', "documents.1"),
        ("/v1/documents/failed/drop", '{"documents": ["\\u0000"]}', "documents.0"),
        ("/v1/runs", '{"source": "\\ud800"}', "source"),
        ("/v1/chat/completions", '{"model": "\\ud800", "messages": [{"role": "user", "content": "a"}]}', "model"),
        (
            "/v1/chat/completions",
            '{"model": "youju", "messages": [{"role": "user", "content": [{"type": "text", "text": "\\ud800"}]}]}',
            "messages.0.content.0.text",
        ),
    ],
)
def test_text_that_cannot_be_used_is_refused_by_the_name_of_its_field(
    client: TestClient, path: str, body: str, field: str
) -> None:
    response = client.post(path, content=body, headers=JSON)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "invalid_request")
    assert error["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("given", ["path=a%00.txt", "path=a.txt&title=%00", "path=a.txt&access=user:%00"])
def test_what_an_upload_says_of_itself_is_text(client: TestClient, given: str) -> None:
    asked = client.post(f"/v1/documents?{given}", content=b"x")
    assert (asked.status_code, asked.json()["error"]["code"]) == (400, "invalid_request")
    name, _, value = given.rpartition("&")[2].replace("%00", "\x00").partition("=")
    form = client.post("/v1/documents", data={name: value}, files={"file": ("b.txt", b"x")})
    assert (form.status_code, form.json()["error"]["code"]) == (400, "invalid_request")
    assert client.get(f"/v1/documents/{document_id('push', 'b.txt')}/upload").status_code == 404


def test_whole_characters_written_in_two_halves_are_text(client: TestClient) -> None:
    body = '{"query": "\\ud83d\\ude00 leave"}'
    assert client.post("/v1/search", content=body, headers=JSON).json()["query"] == "\U0001f600 leave"


@pytest.mark.parametrize("length", [257, 5000])
def test_a_boundary_that_is_too_long_is_a_broken_form(client: TestClient, length: int) -> None:
    kind = {"content-type": f"multipart/form-data; boundary={'b' * length}"}
    response = client.post("/v1/documents", content=b"x", headers=kind)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_form")


@pytest.mark.parametrize("number", [HUGE, str(2**63), "-1", "0"])
def test_an_index_number_that_no_database_has(client: TestClient, number: str) -> None:
    for response in (client.post(f"/v1/index/{number}/switch"), client.delete(f"/v1/index/{number}")):
        assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")
    assert client.post(f"/v1/index/{2**63 - 1}/switch").status_code == 404


def test_odd_bytes_over_the_wire(app: FastAPI) -> None:
    with served(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        for segment in (segment for segment in SEGMENTS if len(segment) <= 5000):
            check(client.get(f"/v1/documents/{segment}"), segment)
            check(client.get(f"/v1/search?q={segment}"), segment)
        for key in ("é".encode(), b"x" * 300, b"\xff", quote("键").encode()):
            check(client.delete("/v1/documents/x", headers={b"idempotency-key": key}), key)
