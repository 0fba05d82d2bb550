"""A thousand clients that go away in the middle: each stops its request at the model server, and nothing stays open."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import time
from types import TracebackType
from typing import Any

import httpx
import pytest

from api.settings import Settings
from tests.api.test_many_askers import QUESTION, asked

_STOPS, _AT_ONCE, _BEFORE = 1000, 4, 50
_HEADER = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_NOTHING = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"


class Watching:
    """A model server that begins each second answer, and then watches until its client leaves.

    `begun` has the requests that came, by their number, and `left` the moments at which their clients were gone.
    """

    def __init__(self) -> None:
        self.begun: set[int] = set()
        self.left: dict[int, float] = {}
        self.url = ""
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watching:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = None
        try:
            while True:
                header = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", header.lower())
                body = await reader.readexactly(int(length[1]) if length else 0)
                if header.startswith(b"POST"):
                    break
                writer.write(_NOTHING)
            number = int(re.findall(rb"case (\d+)", body)[-1])
            self.begun.add(number)
            if number % 2:
                data = json.dumps({"choices": [{"index": 0, "delta": {"content": "Every employee has "}}]})
                event = f"data: {data}\n\n".encode()
                writer.write(_HEADER + f"{len(event):x}\r\n".encode() + event + b"\r\n")
            await reader.read(1)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if number is not None:
                self.left[number] = time.monotonic()
            writer.close()


async def leave(client: httpx.AsyncClient, url: str, model: Watching, number: int) -> float:
    """Ask, and go away: at the first word, or, where the model says none, while it reads. Returns the moment."""
    body = {"question": f"{QUESTION} (case {number})", "stream": True}
    wanted = "event: text_delta" if number % 2 else "event: evidence_found"
    async with client.stream("POST", f"{url}/v1/ask", json=body) as response:
        async for line in response.aiter_lines():
            if line == wanted:
                break
            assert line != "event: failed"
        for _ in range(1000):
            if number in model.begun:
                break
            await asyncio.sleep(0.01)
        return time.monotonic()


async def leave_all(url: str, model: Watching, numbers: range) -> dict[int, float]:
    waiting, moments = iter(numbers), {}

    async def some(client: httpx.AsyncClient) -> None:
        for number in waiting:
            moments[number] = await leave(client, url, model, number)

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
        await asyncio.gather(*(some(client) for _ in range(_AT_ONCE)))
    return moments


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path for each would be one more thing to close


def settled(model: Watching, numbers: range) -> int:
    until = time.monotonic() + 10
    while not set(numbers) <= model.left.keys() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    return open_files()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")  # noqa: PTH112
def test_a_thousand_stops_reach_the_model_server_within_a_second_and_leave_nothing_open(settings: Settings) -> None:
    with Watching() as model:
        fake: Any = model  # all that is asked of it is its address
        with asked(settings, fake) as url:
            asyncio.run(leave_all(url, model, range(_BEFORE)))
            before = settled(model, range(_BEFORE))
            numbers = range(_BEFORE, _BEFORE + _STOPS)
            moments = asyncio.run(leave_all(url, model, numbers))
            after = settled(model, numbers)
    late = sorted(model.left[number] - moments[number] for number in numbers)
    print(f"open files {before} and {after}; seen after {late[len(late) // 2]:.3f} s, at most {late[-1]:.3f} s")
    assert set(numbers) <= model.left.keys()
    assert late[-1] < 1.0
    assert after <= before + 4
