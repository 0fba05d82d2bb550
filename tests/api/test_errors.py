"""What callers are told: which status, how much of their own words, and when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.http.body_limit import BODY_LIMIT_BYTES
from api.http.errors import status_of
from api.http.excerpts import MOST_CHARS, excerpt, one_line
from api.http.page_files import PAGE_FILES
from api.settings import Settings
from api.workspace import Workspace
from assistant.events import Failed
from ingest.errors import OwnedError, UnavailableError
from ingest.runs.exclusive import exclusively
from tests.api.scripted_assistant import ScriptedAssistant, a_breakdown, a_workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with closing(Workspace.open(Settings(home=tmp_path_factory.mktemp("home")), command="test")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(workspace: Workspace) -> TestClient:
    return TestClient(create_app(workspace), base_url="http://127.0.0.1:8000")


def scripted(assistant: ScriptedAssistant) -> TestClient:
    return TestClient(create_app(a_workspace(assistant)), base_url="http://127.0.0.1:8000")


def test_what_is_under_way_is_a_conflict_and_not_an_outage(client: TestClient, workspace: Workspace) -> None:
    assert status_of(OwnedError("run_under_way", "")) == status_of(OwnedError("home_in_use", "")) == 409
    with exclusively(workspace.store, workspace.settings, "wiki"):
        refused = client.delete("/v1/index/1")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] in ("run_under_way", "index_in_use")
    assert "retry-after" not in refused.headers


@pytest.mark.parametrize(("wait", "header"), [(17, "17"), (None, "5")])
def test_a_busy_model_is_an_outage_that_says_when_to_come_again(wait: int | None, header: str) -> None:
    script = [*a_breakdown()[:-1], Failed("model_busy", "The model server answered 429.", "Ask again.", wait)]
    chat = {"model": "youju", "messages": [{"role": "user", "content": "leave?"}]}
    for path, body in (("/v1/ask", {"question": "leave?"}), ("/v1/chat/completions", chat)):
        answer = scripted(ScriptedAssistant(script)).post(path, json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, header)


def test_an_outage_says_when_to_come_again() -> None:
    away = UnavailableError("index_unavailable", "Qdrant does not answer.", "Start it.")
    asked = {"question": "leave?"}
    chat = {"model": "youju", "messages": [{"role": "user", "content": "leave?"}]}
    answers = [
        scripted(ScriptedAssistant(search_error=away)).post("/v1/search", json={"query": "leave"}),
        scripted(ScriptedAssistant([away])).post("/v1/ask", json=asked),
        scripted(ScriptedAssistant(a_breakdown())).post("/v1/ask", json=asked),
        scripted(ScriptedAssistant(a_breakdown())).post("/v1/chat/completions", json=chat),
    ]
    assert [answer.status_code for answer in answers] == [503] * 4
    assert [int(answer.headers["retry-after"]) for answer in answers] == [5] * 4


def test_only_the_two_upload_routes_take_large_bodies(client: TestClient) -> None:
    too_large = b'{"documents": ["' + b"x" * BODY_LIMIT_BYTES + b'"]}'
    for method, path in (
        ("POST", "/v1/documents/failed/retry"),
        ("POST", "/v1/documents/failed/drop"),
        ("PUT", "/v1/documents"),
        ("POST", "/v1/documents/x"),
        ("PUT", "/v1/documents/x/original"),
    ):
        response = client.request(method, path, content=too_large, headers={"content-type": "application/json"})
        if response.status_code != 405:  # nothing reads a body that no route takes
            assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large"), path
    kept = client.post("/v1/documents", params={"path": "large.txt"}, content=b"x" * (BODY_LIMIT_BYTES + 1))
    assert kept.status_code == 202


@pytest.mark.parametrize("path", ["/v1/documents/failed/retry", "/v1/chat/completions"])
def test_an_error_repeats_a_little_of_what_was_sent_and_no_more(client: TestClient, path: str) -> None:
    long = "长" * 300_000
    body = (
        {"documents": [long]} if "failed" in path else {"model": long, "messages": [{"role": "user", "content": "a"}]}
    )
    response = client.post(path, json=body)
    assert response.status_code == 404
    assert len(response.content) < 10_000
    assert "…" in response.json()["error"]["message"]


def test_excerpts_can_be_encoded_and_stay_on_one_line() -> None:
    assert excerpt("short") == "short"
    assert len(excerpt("x" * 10**6)) == MOST_CHARS + 1
    assert excerpt("\udcff").encode() == b"?"
    assert one_line("a\nb\x1b\u2028\ud800\U0001f600年") == "a\\nb\\x1b\\u2028\\ud800\\U0001f600\\u5e74"


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz", 503), ("/", 200), ("/web/chat.js", 200), ("/web/unknown", 404)]
)
def test_the_head_is_that_of_the_answer(client: TestClient, path: str, status: int) -> None:
    head, whole = client.head(path), client.get(path)
    assert head.status_code == whole.status_code == status
    assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/documents", "GET, POST"),
        ("/v1/documents/x", "DELETE, GET, PATCH, PUT"),
        ("/v1/search", "GET, POST"),
        ("/v1/index/1", "DELETE"),
        ("/healthz", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_taken_is_answered_with_those_that_are(
    client: TestClient, path: str, methods: str
) -> None:
    refused = client.request("TRACE", path)
    assert (refused.status_code, refused.headers["allow"]) == (405, methods)


def test_the_file_names_of_the_page_are_those_of_its_folder() -> None:
    folder = Path(__file__).parents[2] / "api" / "web"
    assert set(PAGE_FILES) == {path.name for path in folder.iterdir() if path.suffix in (".js", ".css", ".svg")}
