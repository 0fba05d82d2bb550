"""`youju verify` and `POST /v1/verify`: whether everything is searchable, said to people and to programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.security.guard import current_reader
from api.settings import Settings
from api.workspace import Workspace
from ingest.access import Reader
from ingest.store import Store
from tests.api.command_line import run_here
from tests.ingest.filled_home import publish, reference

FIELDS = {
    "documents", "searchable", "chunks", "orphans", "busy", "seconds", "documents_per_second", "complete", "sentence",
    "problems",
}  # fmt: skip
A, B = reference("/docs/年假.txt"), reference("/docs/访客.txt")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two documents, of which one is marked for nobody behind the catalog's back."""
    home = tmp_path / "home"
    with closing(Store.open(Settings(home=home), command="test")) as store:
        publish(store, A, ["员工每年享有十天年假。"])
        publish(store, B, ["访客必须在前台登记。"])
        store.index.set_access(B.document_id, [])
    return home


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    workspace = Workspace.open(Settings(home=home), command="test")
    with closing(workspace), TestClient(create_app(workspace), base_url="http://localhost") as client:
        yield client


def events(text: str) -> list[tuple[str, Any]]:
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def test_it_ends_with_what_is_not_searchable_and_repairs_it_when_told(home: Path) -> None:
    named = run_here(home, "verify")
    assert named.returncode == 1
    *_, sentence, problem, reason, advice = named.stdout.splitlines()
    assert sentence == "1 of 2 documents are searchable; this one is not, because"
    assert "access_differs" in problem
    assert B.uri in problem
    assert "other readers" in reason
    assert "--repair" in advice

    mended = run_here(home, "verify", "--repair", "--json")
    assert mended.returncode == 0, "what was wrong was repaired"
    report = json.loads(mended.stdout)
    assert set(report) == FIELDS
    assert [(p["uri"], p["document_id"], p["code"], p["repaired"]) for p in report["problems"]] == [
        (B.uri, B.document_id, "access_differs", True)
    ]
    proved = run_here(home, "verify", "--no-sources")
    assert proved.returncode == 0
    assert proved.stdout.splitlines()[-1] == "2 of 2 documents are searchable."


def test_the_route_tells_how_far_it_is_and_what_it_found(client: TestClient) -> None:
    *progress, (name, found) = events(client.post("/v1/verify", json={}).text)
    assert name == "finished"
    assert {kind for kind, _ in progress} <= {"progress"}
    assert set(found) == FIELDS
    (problem,) = found["problems"]
    assert (problem["uri"], problem["code"], problem["hides"]) == (B.uri, "access_differs", True)
    assert found["sentence"] == "1 of 2 documents are searchable; this one is not, because"


def test_an_index_that_is_away_is_an_event(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace: Workspace = client.app.state.workspace  # type: ignore[attr-defined]
    workspace.store.index.close()
    *_, (name, said) = events(client.post("/v1/verify", json={}).text)
    assert name == "failed"
    assert said["error"]["code"] == "index_closed"


def test_readers_may_not_verify(client: TestClient) -> None:
    client.app.dependency_overrides[current_reader] = lambda: Reader(frozenset({"everyone"}))  # type: ignore[attr-defined]
    refused = client.post("/v1/verify", json={"repair": True})
    assert refused.json()["error"]["code"] == "operators_only"
