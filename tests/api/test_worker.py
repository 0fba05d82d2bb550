"""One of several serving processes: what it is started with, it has from the settings alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.serving.worker import make_worker_app

_PACKAGES = ("ingest", "assistant", "api", "api.audit")


@pytest.fixture
def as_before() -> Iterator[None]:
    """What a worker changes in its process is put back."""
    levels, mask = {name: logging.getLogger(name).level for name in _PACKAGES}, os.umask(0o022)
    yield
    os.umask(mask)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("as_before")
def test_a_worker_logs_as_the_settings_say_and_leaves_its_home_to_no_other_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOUJU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("YOUJU_LOG_LEVEL", "debug")
    app = make_worker_app()
    app.state.workspace.close()
    assert [logging.getLogger(name).level for name in _PACKAGES[:3]] == [logging.DEBUG] * 3
    assert logging.getLogger("api.audit").level == logging.INFO
    assert (tmp_path / "home" / "youju.db").stat().st_mode & 0o077 == 0
