"""What a home holds, and the socket that leads to it, are for the user who owns it and for nobody else."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli.connection import connect
from api.serving.server import check_socket_folder, local_socket, socket_path
from api.settings import Settings
from ingest.errors import ConfigurationError
from ingest.home.lock import Ownership
from tests.api.command_line import YOUJU, run_youju


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="y", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A home too deep for a socket in it."""
    home = tmp_path / ("deep" * 20) / ("home" * 20)
    home.mkdir(parents=True, mode=0o700)
    return home


def loosest(home: Path) -> dict[str, str]:
    """Whatever other users may read or write, with its mode."""
    paths = [home, *home.rglob("*")]
    return {str(path): oct(mode) for path in paths if (mode := path.stat().st_mode) & 0o077}


@pytest.mark.slow
def test_nobody_else_can_read_what_a_command_writes(tmp_path: Path) -> None:
    home, folder = tmp_path / "new" / "home", tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# Gates\n\nThe north gate opens at seven.")
    environment = {**os.environ, "YOUJU_HOME": str(home)}
    done = subprocess.run([YOUJU, "ingest", str(folder)], env=environment, umask=0o022, check=False, timeout=180)
    assert done.returncode == 0
    assert any(home.rglob("segments"))
    assert loosest(home) == {}


@pytest.mark.slow
def test_a_home_that_others_can_read_is_reported_with_the_remedy(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    finding = json.loads(run_youju(home, "doctor", "--json").stdout)["findings"][2]
    assert (finding["name"], finding["state"]) == ("home", "note")
    command = finding["hint"].split("`")[1]
    subprocess.run(command, shell=True, check=True)
    assert json.loads(run_youju(home, "doctor", "--json").stdout)["findings"][2]["state"] == "ok"
    assert loosest(home) == {}


def test_a_server_warns_of_a_home_that_others_can_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "youju.db").write_text("this is no database, so the server ends at once" * 100)
    said = run_youju(home, "serve", "--port", "0").stderr
    assert "Other users of this machine can read" in said


def test_the_socket_of_a_deep_home_is_in_a_folder_of_this_user_alone(deep: Path, short: Path) -> None:
    with local_socket(deep) as bound:
        path = Path(bound.getsockname())
        assert path == socket_path(deep)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        check_socket_folder(path, deep)


def planted(folder: Path, how: str) -> None:
    """What another user may have put where the folder of the socket is to be."""
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    if how == "open to others":
        folder.mkdir(mode=0o700)
        folder.chmod(0o777)
    elif how == "a link":
        folder.symlink_to(elsewhere)
    elif how == "a dangling link":
        folder.symlink_to(folder.with_name("nowhere"))
    elif how == "a file":
        folder.write_text("")
    elif how == "somebody else's":
        folder.mkdir(mode=0o700)
        os.chown(folder, 12345, -1)


PLANTED = ("open to others", "a link", "a dangling link", "a file", "somebody else's")


@pytest.mark.parametrize("how", PLANTED)
def test_a_server_binds_no_socket_in_a_folder_that_another_user_made(deep: Path, short: Path, how: str) -> None:
    _needs_root(how)
    planted(socket_path(deep).parent, how)
    with pytest.raises(ConfigurationError) as raised, local_socket(deep):
        pass
    assert raised.value.code == "socket_folder_unsafe"
    assert "YOUJU_HOME" in raised.value.hint
    assert list(short.glob("elsewhere/*")) == []


@pytest.mark.parametrize("how", [how for how in PLANTED if how not in ("a dangling link", "a file")])
def test_a_command_talks_to_no_socket_in_a_folder_that_another_user_made(deep: Path, short: Path, how: str) -> None:
    _needs_root(how)
    path = socket_path(deep)
    planted(path.parent, how)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as stranger, Ownership.take(deep, "serve") as owner:
        stranger.bind(str(path))
        stranger.listen()
        owner.announce(socket=str(path), url="http://127.0.0.1:1")
        with pytest.raises(ConfigurationError) as raised, connect(Settings(home=deep), command="search"):
            pass
    assert raised.value.code == "socket_folder_unsafe"


def _needs_root(how: str) -> None:
    if how == "somebody else's" and os.getuid() != 0:
        pytest.skip("only root can make a folder somebody else's")
