"""Homes of tests: a copied database is what the migrations make, and files lie in memory only where there is room."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from ingest.home import database
from ingest.settings import IngestSettings
from tests import cheap_homes


def dumped(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "youju.db")) as connection:
        return list(connection.iterdump())


def opened(home: Path) -> None:
    database.open_database(IngestSettings(home=home)).dispose()


def test_a_copied_database_is_what_the_migrations_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path / "copied")
    monkeypatch.setattr(database, "_migrate", cheap_homes._migrate)
    opened(tmp_path / "migrated")
    assert sorted(dumped(tmp_path / "copied")) == sorted(dumped(tmp_path / "migrated"))


def test_a_database_that_has_anything_in_it_is_migrated_as_ever(tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    with closing(sqlite3.connect(home / "youju.db")) as connection:
        connection.execute("CREATE TABLE something (number INTEGER)")
    opened(home)
    assert any("CREATE TABLE something" in line for line in dumped(home))
    assert any("CREATE TABLE documents" in line for line in dumped(home))


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for memory; afterwards, temporary files are where they were."""
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    monkeypatch.setattr(cheap_homes, "_MEMORY", tmp_path)
    monkeypatch.setenv("TMPDIR", "set here, so that it is put back")
    return tmp_path


@pytest.mark.parametrize(
    ("free", "flags", "there"),
    [(8 * 2**30, 0, True), (64 * 2**20, 0, False), (8 * 2**30, cheap_homes.NO_PROGRAMS, False)],
)
def test_files_lie_in_memory_where_there_is_room_and_programs_may_be_run(
    memory: Path, monkeypatch: pytest.MonkeyPatch, free: int, flags: int, there: bool
) -> None:
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=free))
    monkeypatch.setattr("os.statvfs", lambda path: SimpleNamespace(f_flag=flags))
    cheap_homes.keep_files_in_memory()
    assert (os.environ.get("TMPDIR") == str(memory)) is there
    if there:
        assert tempfile.gettempdir() == str(memory)


def test_who_says_where_files_lie_is_obeyed(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "elsewhere")
    cheap_homes.keep_files_in_memory()
    assert os.environ["TMPDIR"] == "elsewhere"
