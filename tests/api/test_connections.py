"""Clients that are slow, silent or many, over real sockets: the others do not notice."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from api.serving.connections import Connection, connection_limit
from api.serving.server import bind, serving_options
from api.settings import Settings
from tests.api.command_line import YOUJU, serving
from tests.api.test_serve_command import free_port, wait_for

HALF_A_HEADER = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
CHUNK = b"x" * 65536


class Hasty(Connection):
    """The same with less patience."""

    header_seconds = 0.5
    body_seconds = 0.5
    unread_seconds = 0.5


class Application:
    """Reads bodies, streams without end at `/stream`, and waits for `released` at `/held`."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.streamed_bytes = 0
        self.streams_ended = threading.Event()
        self.released = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                self.bodies.append(body)
                await self.answer(scope["path"], receive, send)
                return

    async def answer(self, path: str, receive: Receive, send: Send) -> None:
        if path == "/held":
            await asyncio.to_thread(self.released.wait)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(receive())
        while path == "/stream" and not gone.done():
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
            self.streamed_bytes += len(CHUNK)
            await asyncio.sleep(0)
        gone.cancel()
        if path == "/stream":
            self.streams_ended.set()
        await send({"type": "http.response.body", "body": b"ok"})


@contextlib.contextmanager
def answering(application: Application, **changes: object) -> Iterator[int]:
    """The application behind a server of ours that has little patience; its port."""
    options = {**serving_options(Settings(log_level="warning")), "http": Hasty, "lifespan": "off", **changes}
    server = uvicorn.Server(uvicorn.Config(application, **options))
    listening = bind("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    port = listening.getsockname()[1]
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield port
    finally:
        application.released.set()
        server.should_exit = True
        thread.join()


def opened(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(sent)
    return connection


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            got += piece
    return got


def first(connection: socket.socket, count: int) -> bytes:
    """The first bytes that come, in however many pieces; fewer only where the other side ended the connection."""
    got = b""
    while len(got) < count and (piece := connection.recv(count - len(got))):
        got += piece
    return got


def trickled_until_ended(connection: socket.socket, seconds: float = 20.0) -> bool:
    """Send a byte ten times a second; whether the other side ended the connection meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection.sendall(b"x")
        except (BrokenPipeError, ConnectionResetError):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (HALF_A_HEADER, b"HTTP/1.1 408 "),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + HALF_A_HEADER, b"HTTP/1.1 200 "),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhal", b"HTTP/1.1 408 "),
    ],
    ids=["silent", "half a header", "half a second header", "half a body"],
)
def test_a_request_that_does_not_come_ends_its_connection(sent: bytes, answer: bytes) -> None:
    application = Application()
    with answering(application) as port, opened(port, sent) as connection:
        assert everything(connection).startswith(answer)


def test_a_header_that_comes_a_byte_at_a_time_has_no_more_time_than_another() -> None:
    with answering(Application()) as port, opened(port, HALF_A_HEADER) as connection:
        assert trickled_until_ended(connection)


def test_a_body_that_comes_steadily_may_take_longer_than_one_pause() -> None:
    application = Application()
    with answering(application) as port, opened(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8000\r\n\r\n")
        for _ in range(8):  # 1.6 s at 5,000 bytes a second
            time.sleep(0.2)
            connection.sendall(b"y" * 1000)
        assert everything(connection).startswith(b"HTTP/1.1 200 ")
    assert application.bodies == [b"y" * 8000]


def test_a_body_that_trickles_is_given_up() -> None:
    with answering(Application()) as port, opened(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n")
        assert trickled_until_ended(connection)


def test_a_client_that_stops_reading_ends_its_stream() -> None:
    application = Application()
    with answering(application) as port, opened(port, b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n") as connection:
        assert first(connection, 10) == b"HTTP/1.1 2"
        assert application.streams_ended.wait(20)
        buffered = application.streamed_bytes
    assert buffered < 32 * 2**20  # what the two kernels hold, no more


def test_a_client_that_reads_slowly_keeps_its_stream() -> None:
    application = Application()
    with answering(application) as port, opened(port, b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n") as connection:
        for _ in range(20):  # 2 s, four times its patience
            assert connection.recv(2**20)
            time.sleep(0.1)
        assert not application.streams_ended.is_set()


def test_those_without_a_request_make_room_and_those_with_one_stay() -> None:
    application = Application()
    with contextlib.ExitStack() as clients, answering(application, http=Connection, limit_concurrency=8) as port:
        held = [clients.enter_context(opened(port, b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")) for _ in range(3)]
        silent = [clients.enter_context(opened(port, HALF_A_HEADER)) for _ in range(5)]
        time.sleep(1.5)
        for _ in range(5):
            assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        held += [clients.enter_context(opened(port, b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")) for _ in range(5)]
        time.sleep(0.5)
        refused = everything(clients.enter_context(opened(port)))
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"too_many_connections" in refused
        application.released.set()
        assert all(first(client, 12) == b"HTTP/1.1 200" for client in held)
        assert all(everything(client) == b"" for client in silent)


def test_the_limit_leaves_files_for_the_rest_of_the_server() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        assert connection_limit(1000) == 448
        assert connection_limit(100) == 100
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_three_hundred_half_headers_stop_nobody(tmp_path: Path) -> None:
    with contextlib.ExitStack() as clients, serving(tmp_path, max_connections="200") as (url, _):
        port = int(url.rpartition(":")[2])
        silent = [clients.enter_context(opened(port)) for _ in range(150)]
        time.sleep(1.5)
        for _ in range(150):
            clients.enter_context(opened(port)).send(HALF_A_HEADER)
        assert sum(everything(connection) == b"" for connection in silent[:100]) == 100  # they made room
        for _ in range(10):
            assert httpx.get(f"{url}/healthz", timeout=10).status_code == 200
            assert httpx.get(f"{url}/v1/documents", timeout=10).json() == {"documents": [], "next_cursor": None}


def test_a_server_with_few_files_survives_many_connections(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"

    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    with contextlib.ExitStack() as clients, log.open("wb") as said:
        process = subprocess.Popen(
            [YOUJU, "serve", "--port", str(port)],
            env={"YOUJU_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            stdout=said,
            stderr=said,
            preexec_fn=few_files,
        )
        clients.callback(process.kill)
        wait_for(f"http://127.0.0.1:{port}/readyz", 200)
        for _ in range(400):
            clients.enter_context(opened(port))
        time.sleep(3)
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=20).status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/v1/search?q=leave", timeout=20).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert log.stat().st_size < 10_000
        assert "Traceback" not in log.read_text()


def test_a_server_without_files_says_so_once_and_goes_on_when_there_are_some() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.starved_server", "4"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        assert wait_for(f"{url}/take", 200).status_code == 200
        # The first of these takes the file that the request above gave back.
        with contextlib.closing(opened(int(url.rpartition(":")[2]))):
            assert httpx.get(url, timeout=20).status_code == 200
        process.terminate()
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert said.count("No file is left") == 1
    assert "Traceback" not in said
    assert len(said) < 2000
