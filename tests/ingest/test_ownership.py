"""The lock on a home: one owner, who is named, and who loses it by dying."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingest.errors import ConfigurationError, OwnedError, UnavailableError
from ingest.home.lock import Ownership, check_room, find_owner

_HOLD = """
import sys, pathlib
from ingest.home.lock import Ownership
owner = Ownership.take(pathlib.Path(sys.argv[1]), "serve")
owner.announce(socket="/tmp/s", url="http://127.0.0.1:1")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    with Ownership.take(tmp_path, "ingest"), pytest.raises(OwnedError) as raised:
        Ownership.take(tmp_path, "ask")
    assert raised.value.code == "home_in_use"
    assert "youju ingest" in raised.value.message
    assert "youju serve" in raised.value.hint


def test_whoever_only_asks_for_the_owner_does_not_keep_the_next_one_out(tmp_path: Path) -> None:
    Ownership.take(tmp_path, "ingest").close()
    asking = os.open(tmp_path / "owner.lock", os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    answered = threading.Timer(0.04, os.close, (asking,))
    answered.start()
    with Ownership.take(tmp_path, "serve"):
        owner = find_owner(tmp_path)
    answered.join()
    assert owner is not None
    assert owner.command == "serve"


def test_an_owner_that_is_killed_lets_go(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        owner = find_owner(tmp_path)
        holder.kill()
        holder.wait()
    assert owner is not None
    assert (owner.command, owner.socket, owner.pid) == ("serve", "/tmp/s", holder.pid)
    assert find_owner(tmp_path) is None
    Ownership.take(tmp_path, "ingest").close()


def test_a_home_without_room_is_an_error_and_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(tmp_path)
    usage = shutil.disk_usage(tmp_path)._replace(free=20 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UnavailableError) as raised:
        check_room(tmp_path)
    assert raised.value.code == "home_full"
    assert "YOUJU_HOME" in raised.value.hint


def test_a_home_that_cannot_be_written_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="YOUJU_HOME"):
        Ownership.take(tmp_path / "file", "ingest")
