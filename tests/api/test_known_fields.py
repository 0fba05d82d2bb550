"""Requests that name what a route does not know are refused, and `sources` keeps a search to what it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from api.app import create_app
from api.http.errors import OPENAI_PATHS
from api.settings import Settings
from api.workspace import Workspace
from ingest.sources.from_settings import open_paths

KEY, READER_KEY = "operator-0123456789abcdef", "reader-0123456789abcdef"


def with_key(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Iterator[Workspace]:
    """A file of `local` for everyone, and two uploads: one for everyone, one for the board."""
    file = tmp_path_factory.mktemp("documents") / "leave.txt"
    file.write_text("Every employee has fifteen days of annual leave.")
    settings = Settings(home=tmp_path_factory.mktemp("home"), api_key=KEY, reader_key=READER_KEY)  # type: ignore[arg-type]
    with closing(Workspace.open(settings, command="test")) as opened:
        opened.ingestor.run(open_paths([file], settings))
        yield opened


@pytest.fixture(scope="module")
def client(workspace: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(workspace), base_url="http://127.0.0.1", headers=with_key(KEY)) as opened:
        sent = opened.post(
            "/v1/documents",
            params={"path": "bonus.txt", "access": "group:board", "wait": True},
            content=b"The annual bonus is nine monthly salaries.",
        )
        assert sent.json()["state"] == "ready"
        yield opened


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/search", {"query": "leave", "source": "local"}, "source: there is no such field. Did you mean sources?"),
        ("/v1/search", {"query": "leave", "filters": {"source": "local"}}, "filters: there is no such field."),
        ("/v1/ask", {"question": "leave?", "session_id": "7"}, "session_id: there is no such field."),
        ("/v1/ask", {"question": "leave?", "limit": 1}, "limit: there is no such field."),
        (
            "/v1/ask",
            {"question": "leave?", "conversation": [{"role": "user", "text": "a", "content": "b"}]},
            "conversation.0: content: there is no such field.",
        ),
        ("/v1/verify", {"repairs": True}, "Did you mean repair?"),
        ("/v1/runs", {"source": "wiki", "allow_deletion": True}, "Did you mean allow_deletions?"),
        ("/v1/runs", {}, "give either paths or a source."),
        ("/v1/documents/failed/retry", {"al": True}, "Did you mean all?"),
    ],
)
def test_an_unknown_field_is_an_error_that_names_it_and_the_right_one(
    client: TestClient, path: str, body: dict[str, Any], said: str
) -> None:
    response = client.post(path, json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")
    assert said in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/search?q=leave&source=local", "source: there is no such query parameter. Did you mean sources?"),
        ("/v1/search?q=leave&page=2", "page: there is no such query parameter."),
        ("/v1/documents?sources=local", "Did you mean source?"),
        ("/v1/index?limit=1", "There are none here."),
        ("/v1/runs?limit=1&page=2", "page: there is no such query parameter."),
    ],
)
def test_an_unknown_query_parameter_is_an_error_that_names_it(client: TestClient, path: str, said: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")
    assert said in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/ask", {"question": "leave?", "stream": 1}, "stream: Input should be a valid boolean."),
        ("/v1/search", {"query": "leave", "limit": "5"}, "limit: Input should be a valid integer."),
        ("/v1/search", {"query": "leave", "limit": True}, "limit: Input should be a valid integer."),
        ("/v1/search", {"query": "leave", "limit": 5.5}, "limit: Input should be a valid integer."),
        ("/v1/verify", {"sources": 0}, "sources: Input should be a valid boolean."),
        ("/v1/runs", {"source": "wiki", "allow_deletions": "yes"}, "allow_deletions: Input should be a valid boolean."),
        ("/v1/documents/failed/drop", {"all": "true"}, "all: Input should be a valid boolean."),
        (
            "/v1/chat/completions",
            {"model": "youju", "messages": [{"role": "user", "content": "leave?"}], "stream": "true"},
            "stream: Input should be a valid boolean.",
        ),
    ],
)
def test_a_value_of_another_type_is_not_taken_for_one(
    client: TestClient, path: str, body: dict[str, Any], said: str
) -> None:
    response = client.post(path, json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")
    assert response.json()["error"]["message"].startswith(said)


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(client: TestClient) -> None:
    assert client.post("/v1/search", json={"query": "leave", "limit": 5.0}).status_code == 200


def test_an_unknown_name_is_repeated_a_little(client: TestClient) -> None:
    responses = [client.post("/v1/search", json={"query": "a", "x" * 9000: 1}), client.get(f"/v1/index?{'x' * 9000}=1")]
    assert [response.status_code for response in responses] == [400, 400]
    assert all(len(response.content) < 2000 for response in responses)


def test_an_unknown_field_of_an_upload_is_an_error(client: TestClient) -> None:
    form = {"files": {"file": ("a.txt", b"Leave.")}, "data": {"acces": "group:hr"}}
    response = client.post("/v1/documents", **form)  # type: ignore[arg-type]
    assert response.status_code == 400
    assert "acces: there is no such field of the form. Did you mean access?" in response.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/models?x=1", "/healthz?x=1", "/?x=1", "/web/chat.js?v=2"])
def test_other_clients_routes_and_the_page_take_any_parameter(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_every_body_of_ours_refuses_what_it_does_not_know(client: TestClient) -> None:
    bodies = {
        route.path: route.original_route.body_field.field_info.annotation.model_config.get("extra")
        for route in iter_route_contexts(client.app.routes)  # type: ignore[attr-defined]
        if getattr(route.original_route, "body_field", None) is not None
    }
    ours = {path: extra for path, extra in bodies.items() if not path.startswith(OPENAI_PATHS)}
    assert len(ours) >= 6
    assert set(ours.values()) == {"forbid"}


def test_sources_keep_a_search_and_an_answer_to_what_they_name(client: TestClient) -> None:
    def found(sources: list[str] | None) -> list[set[str]]:
        body = {} if sources is None else {"sources": sources}
        searched = client.post("/v1/search", json={"query": "annual", **body}).json()["hits"]
        linked = client.get("/v1/search", params={"q": "annual", **body}).json()["hits"]
        asked = client.post("/v1/ask", json={"question": "annual leave bonus?", **body}).json()["evidence"]
        chat = {"model": "youju", "messages": [{"role": "user", "content": "annual leave bonus?"}], **body}
        completed = client.post("/v1/chat/completions", json=chat).json()["search_results"]
        names = [{hit["uri"].rpartition("/")[2] for hit in hits} for hits in (searched, linked, asked)]
        return [*names, {f"{hit['title']}.txt" for hit in completed}]

    assert found(None) == [{"leave.txt", "bonus.txt"}] * 4
    assert found(["local"]) == [{"leave.txt"}] * 4
    assert found(["push"]) == [{"bonus.txt"}] * 4
    assert found(["push", "local"]) == [{"leave.txt", "bonus.txt"}] * 4


def test_a_source_that_one_may_not_read_is_as_unknown_as_one_that_is_none(client: TestClient) -> None:
    hidden, missing = (
        client.post("/v1/search", json={"query": "bonus", "sources": ["local", name]}, headers=with_key(READER_KEY))
        for name in ("push", "none")
    )
    assert hidden.status_code == missing.status_code == 404
    said = [response.json()["error"]["message"] for response in (hidden, missing)]
    assert said[0].replace("push", "none") == said[1]
    chat = {"model": "youju", "messages": [{"role": "user", "content": "bonus?"}], "sources": ["push"]}
    completed = client.post("/v1/chat/completions", json=chat, headers=with_key(READER_KEY))
    assert (completed.status_code, completed.json()["error"]["code"]) == (404, "unknown_source")
    assert completed.json()["error"]["message"].startswith(said[0])
    kept = client.post("/v1/search", json={"query": "annual", "sources": ["local"]}, headers=with_key(READER_KEY))
    assert {hit["title"] for hit in kept.json()["hits"]} == {"leave"}
    assert client.post("/v1/search", json={"query": "annual", "sources": []}).status_code == 400
