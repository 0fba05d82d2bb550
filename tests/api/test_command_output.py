"""What commands print for people: the version, times with their zone, titles with places, promises that hold."""

from __future__ import annotations

import importlib.metadata
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.command_line import json_here, run_here, run_youju, serving

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?\+05:30")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Path:
    """A home with a text, one whose heading says its title again, and two that cannot be read."""
    folder, home = tmp_path_factory.mktemp("documents"), tmp_path_factory.mktemp("home")
    (folder / "sizes.txt").write_text("The small box holds four litres.")
    (folder / "policy.md").write_text(
        "# Travel policy\n\nA hotel costs at most 120 a night.\n\n## Trains\n\nSecond class.\n"
    )
    (folder / "empty.txt").write_bytes(b"")
    (folder / "photo.jpg").write_text("version https://git-lfs.github.com/spec/v1 oid sha256:4d7a size 1234")
    assert run_here(home, "ingest", str(folder)).returncode == 1
    return home


@pytest.fixture
def far_away() -> Iterator[None]:
    """The clock of this machine is in a zone that nobody takes for UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


def test_the_version_is_printed(tmp_path: Path) -> None:
    done = run_youju(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"youju {importlib.metadata.version('youju')}\n")


def test_times_have_the_offset_of_their_zone(home: Path, far_away: None) -> None:
    run = json_here(home, "runs")["runs"][0]
    assert run["started_at"].endswith("+00:00")
    listed, shown = run_here(home, "runs").stdout, run_here(home, "runs", "show", run["run_id"]).stdout
    assert _TIME.search(listed)
    assert len(_TIME.findall(shown)) == 2
    assert _TIME.search(run_here(home, "index", "list").stdout)


@pytest.mark.parametrize(("command", "query"), [("search", "hotel"), ("ask", "How much may a hotel cost a night?")])
def test_a_place_that_says_the_title_again_is_left_out(home: Path, command: str, query: str) -> None:
    said = run_here(home, command, query).stdout
    assert "Travel policy" in said
    assert "Travel policy · Travel policy" not in said


@pytest.mark.parametrize(("command", "query"), [("search", "small box"), ("ask", "How much does the small box hold?")])
def test_nothing_stands_where_there_is_no_place(home: Path, command: str, query: str) -> None:
    titles = [
        line for line in run_here(home, command, query).stdout.splitlines() if "sizes" in line and "/" not in line
    ]
    assert titles
    assert not [line for line in titles if line.rstrip().endswith("·")]


def test_a_place_below_the_title_is_said(home: Path) -> None:
    assert "Travel policy · Trains" in run_here(home, "search", "second class trains").stdout


def test_a_reason_is_said_once_and_a_picture_that_is_none_is_refused(home: Path) -> None:
    failed: dict[str, Any] = {
        Path(each["uri"]).name: each["error"] for each in json_here(home, "documents", "--failed")["documents"]
    }
    assert set(failed) == {"empty.txt", "photo.jpg"}
    assert failed["empty.txt"]["message"].lower().count("has no content") == 1
    assert failed["photo.jpg"]["code"] == "corrupt"


def test_verify_promises_no_repair_that_cannot_be(home: Path) -> None:
    said = run_here(home, "verify").stdout
    assert "could not be ingested" in said
    assert "mends what it can" not in said
    assert "Put right what made them fail" in said
    tried = run_here(home, "verify", "--repair")
    assert tried.returncode == 1
    assert "--repair" not in tried.stdout


def test_a_source_that_the_running_server_does_not_know_is_noted(tmp_path: Path) -> None:
    home, docs = tmp_path / "home", tmp_path / "docs"
    home.mkdir()
    docs.mkdir()
    with serving(home):
        assert "Restart" not in run_here(home, "sources").stderr
        (home / "youju.toml").write_text(f'[[sources]]\nname = "docs"\ntype = "folder"\npath = "{docs}"\n')
        done = run_here(home, "sources")
        assert re.search(r"sources\s+otherwise\s+than.*docs.*Restart it", done.stderr, re.S), done.stderr
        refused = run_here(home, "ingest", "--source", "docs")
        assert "once it is restarted" in refused.stderr
    assert "Restart" not in run_here(home, "sources").stderr


@pytest.mark.parametrize(
    ("question", "said"), [("年假有几天？", "还没有收录任何文档"), ("How much leave?", "no documents yet")]
)
def test_ask_says_that_there_are_no_documents(tmp_path: Path, question: str, said: str) -> None:
    done = run_here(tmp_path, "ask", question)
    assert said in done.stderr
    assert "youju ingest" in done.stderr


def test_ask_does_not_say_so_where_there_are_some(home: Path) -> None:
    assert "no documents yet" not in run_here(home, "ask", "What is the weather on Mars?").stderr
