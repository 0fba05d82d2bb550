"""`youju sources` and `youju ingest --source, --all`, as their user runs them."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.security.guard import current_reader
from api.settings import Settings
from api.workspace import Workspace
from ingest.access import Reader
from ingest.sources.settings import FolderSettings, FsspecSettings, WebSettings
from tests.api.command_line import run_here, run_youju, youju_json


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose settings have a folder, one that is not there, and one that is switched off."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("docs", "off"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "一.txt").write_text("员工每年享有十天年假。")
    (tmp_path / "docs" / "draft.txt").write_text("A draft.")
    sources = [
        ("docs", f'path = "{tmp_path}/docs"\nexclude = ["draft*"]\nschedule = "0 3 * * *"'),
        ("gone", f'path = "{tmp_path}/gone"'),
        ("off", f'path = "{tmp_path}/off"\nenabled = false'),
    ]
    text = "".join(f'[[sources]]\nname = "{name}"\ntype = "folder"\n{rest}\n' for name, rest in sources)
    (home / "youju.toml").write_text(text)
    return home


@pytest.mark.slow
def test_sources_are_checked_ingested_one_by_one_or_all_and_listed(home: Path, tmp_path: Path) -> None:
    checked = youju_json(home, "sources", "check", "docs")
    assert (checked["found"], checked["new"], checked["gone"]) == (1, 1, 0)
    assert [document["uri"] for document in checked["documents"]] == [f"{tmp_path}/docs/一.txt"]
    assert youju_json(home, "documents")["documents"] == []

    assert youju_json(home, "ingest", "--source", "docs")["new"] == 1

    every = run_youju(home, "ingest", "--all", "--json")
    assert every.returncode == 1
    docs, gone = json.loads(every.stdout)["runs"]
    assert (docs["source"], docs["unchanged"], docs["failures"]) == ("docs", 1, [])
    assert (gone["source"], gone["error"]["code"]) == ("gone", "path_missing")

    listed = {source["name"]: source for source in youju_json(home, "sources")["sources"]}
    assert list(listed) == ["docs", "gone", "off"]
    assert (listed["docs"]["documents"], listed["docs"]["last_run"]["state"]) == (1, "done")
    assert listed["docs"]["next_run_at"]
    assert (listed["gone"]["documents"], listed["gone"]["last_run"]["error"]["code"]) == (0, "path_missing")
    assert not listed["off"]["enabled"]
    refused = run_youju(home, "sources", "remove", "docs", "--yes")
    assert (refused.returncode, "source_in_use" in refused.stderr) == (2, True)
    shown = run_youju(home, "sources")
    assert "off (off)" in shown.stdout
    assert "path_missing" in shown.stdout


@pytest.mark.parametrize("arguments", [(), ("--all", "x"), ("--source", "docs", "x")])
def test_ingest_is_told_exactly_one_thing(home: Path, arguments: tuple[str, ...]) -> None:
    done = run_here(home, "ingest", *arguments)
    assert done.returncode == 2
    assert "--source NAME" in done.stderr


@pytest.mark.usefixtures("inline")
def test_a_source_that_the_settings_lost_is_listed_as_left_over(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Hotels cost at most 120 a night.")
    source = FolderSettings(name="old", type="folder", path=tmp_path / "docs")
    with closing(Workspace.open(Settings(home=tmp_path / "home", sources=(source,)), command="test")) as workspace:
        client = TestClient(create_app(workspace), base_url="http://127.0.0.1")
        client.post("/v1/runs", json={"source": "old"})
        assert client.get("/v1/sources").json()["sources"][0]["type"] == "folder"
    with closing(Workspace.open(Settings(home=tmp_path / "home"), command="test")) as workspace:
        client = TestClient(create_app(workspace), base_url="http://127.0.0.1")
        (left,) = client.get("/v1/sources").json()["sources"]
        assert (left["name"], left["type"], left["documents"], left["enabled"]) == ("old", None, 1, False)
        assert client.get("/v1/sources/old/check").status_code == 404
        assert client.delete("/v1/sources/push").json()["error"]["code"] == "source_in_use"
        assert client.delete("/v1/sources/old").json()["deleted"] == 1
        assert client.get("/v1/sources").json()["sources"] == []
        assert client.delete("/v1/sources/old").status_code == 404


def test_sources_are_for_the_operator(tmp_path: Path) -> None:
    with closing(Workspace.open(Settings(home=tmp_path / "home"), command="test")) as workspace:
        app = create_app(workspace)
        app.dependency_overrides[current_reader] = lambda: Reader(frozenset({"everyone"}))
        client = TestClient(app, base_url="http://127.0.0.1")
        assert client.get("/v1/sources").status_code == 403
        assert client.get("/v1/sources/docs/check").status_code == 403


@pytest.mark.slow
def test_the_address_of_a_source_is_listed_without_its_user_and_its_query(tmp_path: Path) -> None:
    sources = (
        FsspecSettings(name="bucket", type="fsspec", url="s3://key-4f21c9@bucket/folder?token=query-77aa"),
        WebSettings(name="site", type="web", start=("https://host.example/docs?token=query-77aa",)),
    )
    with (
        closing(Workspace.open(Settings(home=tmp_path, sources=sources), command="test")) as workspace,
        TestClient(create_app(workspace), base_url="http://127.0.0.1:8000") as client,
    ):
        listed = client.get("/v1/sources").json()["sources"]
    assert {source["name"]: source["place"] for source in listed} == {
        "bucket": "s3://bucket/folder",
        "site": "https://host.example/docs",
    }
