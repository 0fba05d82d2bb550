"""The schedule inside `youju serve`, as its operator meets it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.command_line import run_youju, serving

_SOURCE = """
[[sources]]
name = "handbook"
type = "folder"
path = "docs"
schedule = "{}"
time_zone = "Asia/Shanghai"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "年假.txt").write_text("员工每年享有十天年假。")
    (tmp_path / "youju.toml").write_text(_SOURCE.format("30 2 * * *"))
    return tmp_path / "home"


def _ended_runs(client: httpx.Client, count: int) -> list[dict[str, Any]]:
    """The runs, once there are so many and none is under way."""
    deadline = time.monotonic() + 120
    while True:
        found: list[dict[str, Any]] = client.get("/v1/runs").json()["runs"]
        if len(found) == count and all(run["state"] != "running" for run in found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@pytest.mark.slow
def test_a_server_runs_what_it_missed_and_says_so(home: Path) -> None:
    with serving(home):
        pass
    with closing(sqlite3.connect(home / "youju.db")) as database, database:
        (planned,) = database.execute("SELECT due FROM schedules").fetchone()
        assert time.time() < planned < time.time() + 86_400
        database.execute("UPDATE schedules SET due = 1")
    with serving(home) as (url, _), httpx.Client(base_url=url) as client:
        (run,) = _ended_runs(client, 1)
        assert (run["source"], run["trigger"], run["state"], run["new"]) == ("handbook", "schedule", "done", 1)
        assert client.get("/v1/search", params={"q": "年假"}).json()["hits"][0]["title"] == "年假"


@pytest.mark.slow
def test_a_watched_folder_is_brought_in_soon_after_it_changed(home: Path) -> None:
    with home.with_name("youju.toml").open("a") as file:
        file.write("watch = true\nwatch_seconds = 0.5\n")
    with serving(home) as (url, _), httpx.Client(base_url=url) as client:
        _ended_runs(client, 1)
        (home.with_name("docs") / "访客.txt").write_text("访客必须在前台登记。")
        newest, _first = _ended_runs(client, 2)
        assert (newest["trigger"], newest["new"], newest["unchanged"]) == ("watch", 1, 1)
        assert client.get("/v1/search", params={"q": "访客登记"}).json()["hits"][0]["title"] == "访客"


def test_a_schedule_that_cannot_be_understood_is_refused_at_the_start(home: Path) -> None:
    home.with_name("youju.toml").write_text(_SOURCE.format("99 2 * * *"))
    refused = run_youju(home, "serve", "--port", "0")
    assert refused.returncode == 2
    assert "'handbook'" in refused.stderr
    assert "[schedule_invalid]" in refused.stderr
