"""`youju serve` as whoever watches it sees it: from the first second to the last."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.api.command_line import started


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def wait_for(url: str, *statuses: int) -> httpx.Response:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(url, timeout=10)
        except httpx.TransportError:
            time.sleep(0.01)
            continue
        if answer.status_code in statuses:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{url} did not answer with {statuses}")


def test_a_server_says_that_it_lives_before_it_can_do_anything(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path, "serve", "--port", str(port)) as process:
        assert wait_for(f"http://127.0.0.1:{port}/healthz", 200).json() == {"status": "alive"}
        early = httpx.get(f"http://127.0.0.1:{port}/v1/documents")
        assert early.status_code == 503
        assert early.json()["error"]["code"] == "starting"
        assert early.headers["retry-after"] == "1"
        page = httpx.get(f"http://127.0.0.1:{port}/")
        assert "正在启动" in page.text
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["ready"] is False
        assert wait_for(f"http://127.0.0.1:{port}/v1/documents", 200).json() == {"documents": [], "next_cursor": None}
        assert wait_for(f"http://127.0.0.1:{port}/readyz", 200).json()["ready"] is True
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "alive"}
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_server_can_be_interrupted_while_it_starts(tmp_path: Path, sign: signal.Signals) -> None:
    port = free_port()
    with started(tmp_path, "serve", "--port", str(port)) as process:
        wait_for(f"http://127.0.0.1:{port}/healthz", 200)
        process.send_signal(sign)
        printed, said = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in said
        assert "ready" not in printed


def test_a_home_that_has_an_owner_is_left_alone(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    with started(tmp_path, "serve", "--port", str(first)):
        wait_for(f"http://127.0.0.1:{first}/v1/documents", 200)
        with started(tmp_path, "serve", "--port", str(second)) as late:
            _, said = late.communicate(timeout=30)
            assert late.returncode == 2
            assert "[home_in_use]" in said
        assert (tmp_path / "youju.sock").exists()
        assert httpx.get(f"http://127.0.0.1:{first}/v1/documents").status_code == 200
