"""Serves a home for one command only: in a thread of the command's process, on a socket in a temporary folder."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from api.app import create_app, stop_answering
from api.serving.server import Server, local_socket
from api.settings import Settings
from api.workspace import Workspace
from ingest.errors import OwnedError

_START_SECONDS = 30.0


@contextlib.contextmanager
def private_server(settings: Settings, command: str, rebuild: bool) -> Iterator[str]:
    """Yields the path of the socket, on which the home of these settings is served for `youju <command>`.

    Raises what `Workspace.open` raises.
    """
    workspace = Workspace.open(settings, command=command, rebuild=rebuild)
    with (
        contextlib.closing(workspace),
        tempfile.TemporaryDirectory(prefix="youju-") as folder,
        local_socket(Path(folder)) as bound,
    ):
        app = create_app(workspace)
        server = Server(app, workspace.settings.model_copy(update={"log_level": "warning"}))

        async def serve() -> None:
            try:
                await server.serve(sockets=[bound])
            finally:
                await stop_answering(app)  # in this loop, whose connections to a model server are open

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield bound.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def _wait_until_started(server: Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise OwnedError("not_started", "The command could not start its own server.", "Run `youju doctor`.")
        time.sleep(0.01)
