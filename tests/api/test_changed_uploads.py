"""The title and the readers of an upload are changed alone, and no request without a document makes one."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from tests.api.served import served

KEY, READER_KEY = "operator-0123456789abcdef", "reader-0123456789abcdef"
LEAVE = "每位员工每年有十五天年假。".encode()
BYTES, JSON = {"content-type": "application/octet-stream"}, {"content-type": "application/json"}


def with_key(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Iterator[httpx.Client]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), api_key=KEY, reader_key=READER_KEY)  # type: ignore[arg-type]
    with (
        closing(Workspace.open(settings, command="test")) as workspace,
        served(create_app(workspace)) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False, headers=with_key(KEY)) as opened,
    ):
        yield opened


@pytest.fixture
def document(client: httpx.Client) -> str:
    """The id of an upload that is searchable."""
    asked = {"path": "leave.txt", "title": "年假", "access": "everyone", "wait": True}
    sent = client.post("/v1/documents", params=asked, content=LEAVE, headers=BYTES).json()
    assert sent["state"] == "ready"
    return str(sent["document_id"])


def changed(client: httpx.Client, identity: str, body: dict[str, Any]) -> httpx.Response:
    return client.patch(f"/v1/documents/{identity}", params={"wait": True}, json=body)


def test_a_title_alone_is_changed(client: httpx.Client, document: str) -> None:
    response = changed(client, document, {"title": " 年假  制度 "})
    assert (response.status_code, response.json()["state"], response.json()["replaced"]) == (200, "ready", False)
    shown = client.get(f"/v1/documents/{document}").json()
    assert (shown["title"], shown["access"], shown["uri"]) == ("年假 制度", ["everyone"], "leave.txt")
    assert client.get(f"/v1/documents/{document}/original").content == LEAVE
    hits = client.post("/v1/search", json={"query": "年假多少天"}).json()["hits"]
    assert hits[0]["title"] == "年假 制度"


def test_the_readers_alone_are_changed(client: httpx.Client, document: str) -> None:
    def readers_hits() -> list[Any]:
        sent = client.post("/v1/search", json={"query": "年假"}, headers=with_key(READER_KEY))
        return list(sent.json()["hits"])

    assert readers_hits()
    response = changed(client, document, {"access": ["group:hr", "user:li"]})
    assert (response.status_code, response.json()["state"]) == (200, "ready")
    shown = client.get(f"/v1/documents/{document}").json()
    assert (shown["title"], sorted(shown["access"])) == ("年假", ["group:hr", "user:li"])
    assert readers_hits() == []


def test_a_change_is_audited(client: httpx.Client, document: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "api.audit"):
        client.patch(f"/v1/documents/{document}", json={"access": ["everyone"]})
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "api.audit"]
    assert (line["action"], line["who"], line["document_id"], line["uri"], line["access"]) == (
        "change", "operator", document, "leave.txt", ["everyone"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"title": " "}, "invalid_request"),
        ({"title": "x" * 501}, "invalid_request"),
        ({"access": []}, "invalid_request"),
        ({"access": ["all"]}, "invalid_access"),
        ({"titel": "x"}, "invalid_request"),
    ],
)
def test_a_change_that_is_none_is_refused(client: httpx.Client, document: str, body: dict[str, Any], code: str) -> None:
    response = changed(client, document, body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert client.get(f"/v1/documents/{document}").json()["title"] == "年假"


def test_what_was_not_uploaded_is_not_changed(client: httpx.Client, document: str) -> None:
    assert changed(client, "nothing", {"title": "x"}).json()["error"]["code"] == "unknown_document"
    refused = client.patch(f"/v1/documents/{document}", json={"title": "x"}, headers=with_key(READER_KEY))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "operators_only")


def test_a_document_is_not_replaced_by_nothing(client: httpx.Client, document: str) -> None:
    address = f"/v1/documents/{document}"
    sent = [
        client.put(address),
        client.put(address, params={"title": "New"}),
        client.put(address, content=b"", headers=BYTES),
        client.put(address, files={"file": ("leave.txt", b"")}),
        client.post("/v1/documents", params={"path": "leave.txt"}),
    ]
    assert [(each.status_code, each.json()["error"]["code"]) for each in sent] == [(400, "empty")] * 5
    assert client.get(f"{address}/original").content == LEAVE
    assert client.get(address).json()["title"] == "年假"


def test_fields_in_json_are_no_document(client: httpx.Client, document: str) -> None:
    body = json.dumps({"title": "New", "access": ["everyone"]})
    for sent in (
        client.post("/v1/documents", content=body, headers=JSON),
        client.post("/v1/documents", params={"title": "New"}, content=body, headers=JSON),
        client.put(f"/v1/documents/{document}", content=body, headers=JSON),
    ):
        assert (sent.status_code, sent.json()["error"]["code"]) == (400, "invalid_request")
        assert "PATCH" in sent.json()["error"]["hint"]
    kept = client.post("/v1/documents", params={"path": "data.json"}, content=body, headers=JSON)
    assert kept.status_code == 202
    assert client.get(f"/v1/documents/{document}/original").content == LEAVE
