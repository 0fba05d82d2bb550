"""`/v1/search` and `/v1/documents`: hits, lists, passages among their neighbours, originals."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.cli.connection import Connection
from api.security.guard import current_reader
from ingest.access import Reader
from ingest.document import document_id
from tests.api.scripted_assistant import (
    CHUNKS,
    HANDBOOK,
    PRICES,
    SECRET,
    ScriptedAssistant,
    a_document,
    a_workspace,
)


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(a_workspace(ScriptedAssistant())), base_url="http://127.0.0.1")


@pytest.mark.parametrize("by_link", [True, False])
def test_search_gives_numbered_hits(client: TestClient, by_link: bool) -> None:
    if by_link:
        response = client.get("/v1/search", params={"q": "leave", "limit": 2})
    else:
        response = client.post("/v1/search", json={"query": "leave", "limit": 2})
    body = response.json()
    assert set(body) == {"query", "changed", "language", "hits", "timings_ms"}
    assert [hit["number"] for hit in body["hits"]] == [1, 2]
    hit = body["hits"][0]
    assert set(hit) == {
        "number", "score", "text", "document_id", "chunk_id", "title", "uri", "page", "location"
    }  # fmt: skip
    assert (hit["page"], hit["chunk_id"]) == (1, CHUNKS[0].id)
    assert body["timings_ms"] == {"search": 1.23}


@pytest.mark.parametrize("asked", [{}, {"query": ""}, {"query": "a", "limit": 0}, {"query": "a", "limit": 101}])
def test_a_search_that_is_not_well_formed_is_refused(client: TestClient, asked: dict[str, object]) -> None:
    response = client.post("/v1/search", json=asked)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")


def test_documents_are_listed_with_their_states(client: TestClient) -> None:
    listed = client.get("/v1/documents").json()["documents"]
    assert [document["document_id"] for document in listed] == [HANDBOOK, PRICES, SECRET]
    assert set(listed[0]) == {
        "document_id", "source", "title", "uri", "kind", "language", "revision", "chunks", "waiting", "author",
        "created", "modified", "pages", "notes", "access", "state", "error", "updated_at",
    }  # fmt: skip
    assert client.get("/v1/documents", params={"limit": 1}).json()["documents"] == listed[:1]
    assert client.get("/v1/documents", params={"source": "board"}).json()["documents"] == [listed[2]]


def test_documents_are_listed_a_page_at_a_time(client: TestClient) -> None:
    whole = client.get("/v1/documents").json()
    assert whole["next_cursor"] is None
    first = client.get("/v1/documents", params={"limit": 2}).json()
    second = client.get("/v1/documents", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert first["documents"] + second["documents"] == whole["documents"]
    assert second["next_cursor"] is None


def test_a_command_lists_the_documents_of_all_pages(client: TestClient) -> None:
    listed = Connection(client).documents(limit=1)
    assert [document["document_id"] for document in listed] == [HANDBOOK, PRICES, SECRET]


@pytest.mark.parametrize("cursor", ["", "x", "年假", "[]", document_id("local", "no such document")])
def test_a_cursor_that_no_page_gave_is_refused(client: TestClient, cursor: str) -> None:
    response = client.get("/v1/documents", params={"cursor": cursor})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unknown_cursor")
    assert client.get("/v1/documents", params={"limit": 10_001}).status_code == 400


def test_documents_of_one_kind_are_listed_and_the_kinds_are_those_of_the_answers(client: TestClient) -> None:
    listed = client.get("/v1/documents").json()["documents"]
    for kind in {document["kind"] for document in listed}:
        found = client.get("/v1/documents", params={"kind": kind}).json()["documents"]
        assert found == [document for document in listed if document["kind"] == kind]
    assert client.get("/v1/documents", params={"kind": "epub"}).json() == {"documents": [], "next_cursor": None}


@pytest.mark.parametrize("kind", ["PDF", "word", "", ".docx", "x" * 2000])
def test_an_unknown_kind_is_an_error_that_names_the_known_ones(client: TestClient, kind: str) -> None:
    response = client.get("/v1/documents", params={"kind": kind})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "unknown_kind")
    assert all(name in error["message"] for name in ("pdf", "docx", "md", "xlsx"))


def test_failed_documents_say_why() -> None:
    broken = a_document(
        document_id("local", "a.pdf"), "local", "a.pdf", "a", revision=None, state="failed",
        error_code="broken_pdf", error_message="It is cut off.",
    )  # fmt: skip
    whole = a_document(HANDBOOK, "local", "handbook.md", "Employee handbook")
    workspace = a_workspace(ScriptedAssistant(), [broken, whole])
    client = TestClient(create_app(workspace), base_url="http://127.0.0.1")
    listed = client.get("/v1/documents", params={"failed": True}).json()["documents"]
    assert [document["error"] for document in listed] == [{"code": "broken_pdf", "message": "It is cut off."}]
    assert client.get(f"/v1/documents/{broken.id}").json()["passages"] == []


def test_a_document_comes_with_its_passages_in_order(client: TestClient) -> None:
    body = client.get(f"/v1/documents/{HANDBOOK}").json()
    assert [passage["position"] for passage in body["passages"]] == [0, 1, 2, 3]
    assert body["title"] == "Employee handbook"


def test_a_cited_passage_stands_among_its_neighbours(client: TestClient) -> None:
    body = client.get(f"/v1/documents/{HANDBOOK}/passages/{CHUNKS[3].id}").json()
    assert body["passage"]["text"] == CHUNKS[3].text
    assert [passage["position"] for passage in body["before"]] == [1, 2]
    assert body["after"] == []
    assert body["document"]["document_id"] == HANDBOOK
    assert body["original_available"] is False


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/documents/nothing", "unknown_document"),
        ("/v1/documents/nothing/passages/x", "unknown_document"),
        ("/v1/documents/nothing/original", "unknown_document"),
        (f"/v1/documents/{HANDBOOK}/passages/x", "unknown_passage"),
        (f"/v1/documents/{HANDBOOK}/original", "unknown_original"),
    ],
)
def test_what_is_not_there_is_a_404_that_says_so(client: TestClient, path: str, code: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, code)
    assert response.json()["error"]["hint"]


def test_the_original_is_always_a_download(tmp_path: Path) -> None:
    file = tmp_path / "员工 手册.html"
    file.write_text("<script>alert(1)</script>")
    document = a_document(HANDBOOK, "local", "员工 手册.html", "手册", path=str(file))
    client = TestClient(create_app(a_workspace(ScriptedAssistant(), [document])), base_url="http://127.0.0.1")
    response = client.get(f"/v1/documents/{HANDBOOK}/original")
    assert response.content == file.read_bytes()
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment; filename*=utf-8''")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"/v1/documents/{HANDBOOK}/passages/{CHUNKS[0].id}").json()["original_available"] is True


@pytest.mark.parametrize(
    ("asked", "status"), [("bytes=9-99", 416), ("bytes=3-1", 400), ("bytes=", 400), ("pages=1-2", 400), ("x", 400)]
)
def test_a_range_that_the_original_does_not_have_is_an_error_of_ours(tmp_path: Path, asked: str, status: int) -> None:
    original = tmp_path / "handbook.pdf"
    original.write_bytes(b"%PDF-1.7")
    a_handbook = a_document(HANDBOOK, "local", "handbook.pdf", "Handbook", path=str(original))
    client = TestClient(create_app(a_workspace(ScriptedAssistant(), [a_handbook])), base_url="http://127.0.0.1")
    address = f"/v1/documents/{HANDBOOK}/original"
    part = client.get(address, headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PDF")
    refused = client.get(address, headers={"range": asked})
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, "invalid_range")
    assert refused.headers.get("content-range") == ("bytes */8" if status == 416 else None)


def test_an_original_that_may_not_be_read_any_more_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "handbook.md"
    file.write_text("Twenty days of leave.")
    document = a_document(HANDBOOK, "local", "handbook.md", "Handbook", path=str(file))
    client = TestClient(create_app(a_workspace(ScriptedAssistant(), [document])), base_url="http://127.0.0.1")

    def denied(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:  # whoever may read everything cannot take this right from themselves
        patched.setattr(Path, "open", denied)
        response = client.get(f"/v1/documents/{HANDBOOK}/original")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "original_unreadable")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "is_file", denied)
        assert client.get(f"/v1/documents/{HANDBOOK}/original").status_code == 404


@pytest.mark.parametrize("path", ["", "/passages/x", "/original"])
def test_what_the_caller_may_not_read_is_answered_like_what_does_not_exist(path: str) -> None:
    app = create_app(a_workspace(ScriptedAssistant()))
    app.dependency_overrides[current_reader] = lambda: Reader(frozenset({"everyone"}))
    client = TestClient(app, base_url="http://127.0.0.1")
    hidden = client.get(f"/v1/documents/{SECRET}{path}")
    missing = client.get(f"/v1/documents/nothing{path}")
    assert hidden.status_code == missing.status_code == 404
    assert _without_id(hidden.json()) == _without_id(missing.json())
    assert [document["document_id"] for document in client.get("/v1/documents").json()["documents"]] == [
        HANDBOOK,
        PRICES,
    ]


def _without_id(body: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: value for name, value in body["error"].items() if name != "request_id"}
