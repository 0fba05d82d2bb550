"""`/openapi.json` says what is so: which routes need a key, and which errors they answer with."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from api.app import create_app
from api.security.grants import grant_of
from ingest.errors import UnavailableError
from tests.api.scripted_assistant import HANDBOOK, ScriptedAssistant, a_breakdown, a_workspace

KEY, READER_KEY = "operator-0123456789abcdef", "reader-0123456789abcdef"
ASKED = {"question": "leave?"}
CHAT = {"model": "youju", "messages": [{"role": "user", "content": "leave?"}]}


def client_of(assistant: ScriptedAssistant, key: str = KEY) -> TestClient:
    app = create_app(a_workspace(assistant, api_key=KEY, reader_key=READER_KEY))
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return TestClient(app, base_url="http://127.0.0.1", headers=headers, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    described: dict[str, Any] = client_of(ScriptedAssistant()).get("/openapi.json").json()
    return described


def check_described(schema: dict[str, Any], method: str, path: str, response: Response) -> None:
    """Compare an error that was sent with what the description of its route says."""
    described = schema["paths"][path][method.lower()]["responses"]
    assert str(response.status_code) in described, (method, path, response.text)
    content = described[str(response.status_code)]["content"]["application/json"]["schema"]
    _compare(schema, content, response.json(), f"{method} {path} {response.status_code}")


def _compare(schema: dict[str, Any], described: dict[str, Any], sent: Any, place: str) -> None:
    if "$ref" in described:
        described = schema["components"]["schemas"][described["$ref"].rpartition("/")[2]]
    if "anyOf" in described:
        known = [
            schema["components"]["schemas"].get(each.get("$ref", "").rpartition("/")[2]) for each in described["anyOf"]
        ]
        described = next((each for each in known if each and set(each["properties"]) == set(sent or ())), described)
        assert None in known or "anyOf" not in described, (place, sent)
    if described.get("type") == "object":
        assert set(sent) == set(described["properties"]) == set(described["required"]), place
        for name, inner in described["properties"].items():
            _compare(schema, inner, sent[name], place)
    elif described.get("type") == "string":
        assert isinstance(sent, str), place


def test_the_keys_are_those_of_the_grants(schema: dict[str, Any]) -> None:
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "api_key"}
    assert schema["security"] == [{"bearer": []}, {"api_key": []}]
    seen = set()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            grant = grant_of(method.upper(), path)
            seen.add(grant)
            open_to_all = grant in ("open", "page")
            assert (operation.get("security") == []) is open_to_all, (method, path)
            assert ("401" in operation["responses"]) is not open_to_all
            if not open_to_all:
                said = operation["description"].rpartition("Takes")[2]
                assert ("operator's key" in said, "reader's" in said) == (True, grant == "reader"), path
    assert seen == {"open", "reader", "operator"}


def test_a_server_without_keys_says_that_it_takes_requests_without() -> None:
    app = create_app(a_workspace(ScriptedAssistant()))
    described = TestClient(app, base_url="http://127.0.0.1").get("/openapi.json").json()
    assert described["security"] == [{}, {"bearer": []}, {"api_key": []}]


def test_streams_waiting_uploads_and_parts_of_files_are_described(schema: dict[str, Any]) -> None:
    def types(method: str, path: str, status: int) -> set[str]:
        return set(schema["paths"][path][method]["responses"][str(status)].get("content", {}))

    both = {"application/json", "text/event-stream"}
    assert types("post", "/v1/ask", 200) == types("post", "/v1/chat/completions", 200) == both
    for method, path in (("post", "/v1/runs"), ("post", "/v1/verify"), ("get", "/v1/runs/{run_id}/events")):
        assert types(method, path, 200) == {"text/event-stream"}
    document = "/v1/documents/{document_id}"
    for method, path in (("post", "/v1/documents"), ("put", document), ("patch", document)):
        assert types(method, path, 200) == types(method, path, 202) == {"application/json"}
    assert types("get", f"{document}/original", 206) == {"application/octet-stream", "multipart/byteranges"}
    assert types("get", f"{document}/pages/{{page}}.png", 304) == set()


def test_no_error_is_promised_that_is_never_sent(schema: dict[str, Any]) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(schema["components"]["schemas"])
    unprocessable = {
        path
        for path, operations in schema["paths"].items()
        for each in operations.values()
        if "422" in each["responses"]
    }
    assert unprocessable == {"/v1/documents/{document_id}/pages/{page}.png"}


def test_every_reference_in_the_description_has_its_schema(schema: dict[str, Any]) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return found.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    known = {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert references(schema) <= known


def test_every_refusal_for_a_key_is_as_described(schema: dict[str, Any]) -> None:
    nobody, reader = client_of(ScriptedAssistant(), ""), client_of(ScriptedAssistant(), READER_KEY)
    for path, operations in schema["paths"].items():
        for method in operations:
            grant = grant_of(method.upper(), path)
            if grant != "open":
                check_described(schema, method, path, nobody.request(method, path))
            if grant == "operator":
                check_described(schema, method, path, reader.request(method, path))
    wrong = client_of(ScriptedAssistant(), "wrong-0123456789abcdef")
    answers = [wrong.get("/v1/documents") for _ in range(12)]
    assert answers[-1].status_code == 429
    check_described(schema, "get", "/v1/documents", answers[-1])


def test_the_errors_that_routes_answer_with_are_as_described(schema: dict[str, Any]) -> None:
    away = UnavailableError("index_unavailable", "Qdrant does not answer.", "Start it.")
    good, broken = client_of(ScriptedAssistant()), client_of(ScriptedAssistant(a_breakdown()))
    lost = client_of(ScriptedAssistant([away], search_error=away))
    bug = client_of(ScriptedAssistant([RuntimeError("unforeseen")]))
    large = b'{"question": "' + b"x" * 2**21 + b'"}'
    sent = [
        (400, "post", "/v1/ask", good.post("/v1/ask", json={})),
        (413, "post", "/v1/ask", good.post("/v1/ask", content=large, headers={"content-type": "application/json"})),
        (500, "post", "/v1/ask", bug.post("/v1/ask", json=ASKED)),
        (503, "post", "/v1/ask", broken.post("/v1/ask", json=ASKED)),
        (503, "post", "/v1/ask", lost.post("/v1/ask", json=ASKED)),
        (503, "post", "/v1/search", lost.post("/v1/search", json={"query": "leave"})),
        (400, "get", "/v1/search", good.get("/v1/search")),
        (404, "get", "/v1/documents/{document_id}", good.get("/v1/documents/none")),
        (404, "get", "/v1/documents/{document_id}/original", good.get(f"/v1/documents/{HANDBOOK}/original")),
        (400, "post", "/v1/chat/completions", good.post("/v1/chat/completions", json={})),
        (404, "post", "/v1/chat/completions", good.post("/v1/chat/completions", json={**CHAT, "model": "x"})),
        (503, "post", "/v1/chat/completions", broken.post("/v1/chat/completions", json=CHAT)),
        (404, "get", "/v1/models/{model_id}", good.get("/v1/models/x")),
        (400, "get", "/v1/runs", good.get("/v1/runs?limit=0")),
    ]
    for status, method, path, response in sent:
        assert response.status_code == status, (path, response.text)
        check_described(schema, method, path, response)
