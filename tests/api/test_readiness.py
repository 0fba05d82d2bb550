"""A server is ready while questions can be answered from what the catalog says there is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from ingest.errors import ConfigurationError
from ingest.sources.folder import FolderSource
from tests.api.command_line import run_youju
from tests.api.served import served


def eventually(url: str, holds: Callable[[httpx.Response], bool]) -> Any:
    deadline = time.monotonic() + 60
    while not holds(response := httpx.get(f"{url}/readyz", trust_env=False)):
        assert time.monotonic() < deadline, response.text
        time.sleep(0.05)
    return response.json()


@pytest.mark.usefixtures("inline")
def test_a_server_whose_index_was_emptied_is_not_ready_until_it_is_filled_again(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.health._LOOK_SECONDS", 0.1)
    monkeypatch.setattr("api.routes.health._RETRY_SECONDS", 0.1)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Gates\n\nThe north gate opens at seven.")
    with closing(Workspace.open(settings, command="test")) as workspace, served(create_app(workspace)) as url:
        eventually(url, lambda answer: answer.status_code == 200)
        workspace.ingestor.run(FolderSource([tmp_path / "docs"]))
        index = workspace.store.index
        index.remove(list(index.inventory()))
        body = eventually(url, lambda answer: answer.status_code == 503)
        assert body["parts"]["search"] == {"state": "failed", "code": "index_missing"}
        repaired = httpx.post(f"{url}/v1/verify", json={"repair": True}, timeout=120, trust_env=False)
        assert "1 of 1 documents are searchable" in repaired.text
        eventually(url, lambda answer: answer.status_code == 200)


@pytest.mark.usefixtures("inline")
def test_what_only_some_questions_need_is_loaded_once_when_the_server_is_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, states, go_on = threading.Event(), [], threading.Event()

    def slow(*, reads: bool) -> None:
        states.append((app.state.readiness.search, reads))
        begun.set()
        go_on.wait(30)
        raise ConfigurationError("dictionary_missing", "There is none.", "Install it.")

    monkeypatch.setattr("api.routes.health.warm", slow)
    monkeypatch.setattr("api.routes.health._LOOK_SECONDS", 0.05)
    with closing(Workspace.open(settings, command="test")) as workspace:
        app = create_app(workspace)
        with served(app) as url:
            assert begun.wait(60)
            eventually(url, lambda answer: answer.status_code == 200)
            go_on.set()
            time.sleep(0.3)  # several looks later
            eventually(url, lambda answer: answer.status_code == 200)
    assert states == [("ready", True)]  # without a chat model, the evidence is read


@pytest.mark.slow
def test_the_command_that_the_error_names_mends_a_home_without_its_index(tmp_path: Path) -> None:
    home, docs = tmp_path / "home", tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# Gates\n\nThe north gate opens at seven.")
    assert run_youju(home, "ingest", str(docs)).returncode == 0
    (home / "index").rename(tmp_path / "away")
    for command in (["serve", "--port", "0"], ["search", "gate"], ["ingest", str(docs)]):
        refused = run_youju(home, *command)
        assert refused.returncode == 2
        assert "`youju verify --repair`" in refused.stderr
        assert "[index_missing]" in refused.stderr
    assert run_youju(home, "verify").returncode == 2
    assert run_youju(home, "verify", "--repair").returncode == 0
    assert "a.md" in run_youju(home, "search", "gate").stdout
