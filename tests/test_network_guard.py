"""The guard of the tests themselves: it must hold in this process and in its children."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

_TRY = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"


def test_a_connection_that_leaves_the_machine_is_forbidden() -> None:
    with pytest.raises(PermissionError, match="may not reach the network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_child_process_is_held_by_the_same_guard() -> None:
    done = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, text=True, check=False)
    assert "may not reach the network" in done.stderr


def test_loopback_is_allowed() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=1) as client,
    ):
        assert client.getpeername() == server.getsockname()
