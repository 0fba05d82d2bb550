"""The serving process: HTTP for everybody, and a local socket for the command line of the same user."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

from api.serving.connections import Connection, Listener, connection_limit
from api.settings import Settings
from ingest.errors import ConfigurationError

_LONGEST_SOCKET_PATH = 100  # the system's limit is 108 bytes
_SHUTDOWN_SECONDS = 10
_WORKER_START_SECONDS = 30
"""If a worker does not answer its parent for this long, it is started again. Importing takes seconds."""
_KEEP_ALIVE_SECONDS = 65
"""Longer than the minute for which nginx keeps its connections.

If the server closed one first, a request could be lost.
"""


class LocalDoor:
    """Marks requests from the local socket as the operator's, because only this user can open it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            server = scope.get("server")
            # A TCP connection always has a port. The address is that of this end, so the client cannot choose it.
            scope.setdefault("state", {})["local"] = server is not None and server[1] is None
        await self.app(scope, receive, send)


class Server(uvicorn.Server):
    """Uvicorn on sockets that are already bound. `serve(sockets=…)` runs it until it is told to exit.

    It does not run the application's lifespan, which would warm the models and run the bot. Without it the application
    only answers. With `takes_signals` it exits on SIGINT and SIGTERM.
    """

    def __init__(self, app: ASGIApp, settings: Settings, *, takes_signals: bool = True) -> None:
        super().__init__(uvicorn.Config(LocalDoor(app), lifespan="off", **serving_options(settings)))
        self._takes_signals = takes_signals
        self.answering = asyncio.Event()
        """Set once connections are accepted. Only the serving loop may use it."""
        self.stopping = asyncio.Event()
        """Set once the server has begun to stop."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.stopping.set()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Exit on SIGINT and SIGTERM and do no more. Uvicorn would raise them again before we could close."""
        if not self._takes_signals or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sign: signal.signal(sign, self.handle_exit) for sign in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)


def serving_options(settings: Settings) -> dict[str, Any]:
    """Returns the options that all our servers give to uvicorn, in one process or in several."""
    return {
        "http": Connection,
        "ws": "none",
        "loop": "asyncio",
        "log_level": settings.log_level,
        "log_config": None,
        "access_log": settings.log_level == "debug",
        "server_header": False,
        "limit_concurrency": connection_limit(settings.max_connections),
        "timeout_keep_alive": _KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": _SHUTDOWN_SECONDS,
        "timeout_worker_healthcheck": _WORKER_START_SECONDS,
    }


def bind(host: str, port: int) -> Listener:
    """Returns a TCP socket bound to the address. Raises ConfigurationError with the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, because asyncio sends small answers at once only if it sees that the socket is TCP.
    bound = Listener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host.strip("[]"), port))
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            "address_unusable",
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            "Stop what listens there, or choose another port with --port or YOUJU_PORT.",
        ) from None
    return bound


def url_of(bound: socket.socket) -> str:
    """Returns the address of a bound TCP socket, which can be opened in a browser."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def local_socket(home: Path) -> Iterator[Listener]:
    """Yields a socket below `home` that only this user can open. It is removed afterwards.

    Raises ConfigurationError `socket_folder_unsafe` if another user could put a socket in its place.
    """
    path = socket_path(home)
    with contextlib.suppress(FileExistsError):  # if something else is there, the next check finds it
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    check_socket_folder(path, home)
    path.unlink(missing_ok=True)
    bound = Listener(socket.AF_UNIX)
    try:
        before = os.umask(0o177)
        try:
            bound.bind(str(path))
        finally:
            os.umask(before)
        yield bound
    finally:
        bound.close()
        path.unlink(missing_ok=True)


def socket_path(home: Path) -> Path:
    """Returns the path of a home's local socket.

    If the path is too long for a socket, it is in a private folder elsewhere.
    """
    path = home.resolve() / "youju.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"youju-{os.getuid()}" / f"{digest}.sock"


def check_socket_folder(path: Path, home: Path) -> None:
    """Raise ConfigurationError if a local socket is in a folder that other users may use.

    Outside the home, the name of that folder is known to everybody. Another user may have created it first.
    """
    folder = path.parent
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return  # nobody answers there: connecting will report it
    if folder == home.resolve():
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigurationError(
            "socket_folder_unsafe",
            f"The folder {folder} of the local socket is not a folder of this user alone.",
            "Have it removed by whoever made it, or set YOUJU_HOME to a folder with a shorter path.",
        )


def serve_with_workers(settings: Settings, factory: str = "api.serving.worker:make_worker_app") -> None:
    """Serve the application of `factory` in several processes until interrupted. This mode does not accept paths.

    Raises ConfigurationError if the server cannot listen on the address.
    """
    config = uvicorn.Config(factory, factory=True, workers=settings.workers, **serving_options(settings))
    with contextlib.closing(bind(settings.host, settings.port)) as listening:
        Multiprocess(config, [listening]).run()
