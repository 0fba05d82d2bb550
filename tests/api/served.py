"""An application behind a real uvicorn on a free loopback port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from api.serving.server import bind, serving_options, url_of
from api.settings import Settings


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve `app` as `youju serve` does and give its base URL; it is stopped at the end."""
    with running(uvicorn.Server(uvicorn.Config(app, **serving_options(Settings(log_level="warning"))))) as url:
        yield url


@contextmanager
def running(server: uvicorn.Server) -> Iterator[str]:
    """Run a server in a thread called `server` and give its base URL; it is stopped at the end."""
    listening = bind("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="server", daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the server did not start")
        time.sleep(0.01)
    try:
        yield url_of(listening)
    finally:
        server.should_exit = True
        thread.join(20)
