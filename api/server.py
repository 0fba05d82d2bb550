"""The process that serves: HTTP for everybody, and a local socket for the command line of the same user."""

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

from api.connections import Connection, Listener, connection_limit
from api.settings import Settings
from ingest.errors import ConfigurationError

_LONGEST_SOCKET_PATH = 100  # the system's limit is 108 bytes
_SHUTDOWN_SECONDS = 10
_WORKER_START_SECONDS = 30
"""A worker that answers no question of its parent for that long is started anew; importing takes seconds."""
_KEEP_ALIVE_SECONDS = 65
"""Longer than the minute for which nginx keeps its connections: who ends one that the other uses loses a request."""


class LocalDoor:
    """Marks requests that came over the local socket: only this user can open it, so it is the operator."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            server = scope.get("server")
            # A TCP connection always has a port; the address is this end's own, the peer cannot choose it.
            scope.setdefault("state", {})["local"] = server is not None and server[1] is None
        await self.app(scope, receive, send)


class Server(uvicorn.Server):
    """Uvicorn on sockets that are already bound. `serve(sockets=…)` runs it until it is told to exit.

    It does not run the application's lifespan: without it the application does nothing beside answering, no model
    is warmed and no bot runs. With `takes_signals` it exits on SIGINT and SIGTERM.
    """

    def __init__(self, app: ASGIApp, settings: Settings, *, takes_signals: bool = True) -> None:
        super().__init__(uvicorn.Config(LocalDoor(app), lifespan="off", **serving_options(settings)))
        self._takes_signals = takes_signals
        self.answering = asyncio.Event()
        """Set once connections are accepted; for the loop that serves."""
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
        """Exit on SIGINT and SIGTERM, and leave it at that: the parent raises them again, before we could close."""
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
    """What every server of ours tells uvicorn, in one process or in several."""
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
    """A TCP socket bound to the address, or ConfigurationError with the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small answers at once only where it sees that it is TCP.
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
    """The address of a bound TCP socket, to be opened in a browser."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def local_socket(home: Path) -> Iterator[Listener]:
    """A socket below `home` that only this user can open; it is removed afterwards.

    Raises ConfigurationError `socket_folder_unsafe` where another user can put a socket of his own in its place.
    """
    path = socket_path(home)
    with contextlib.suppress(FileExistsError):  # what is there instead of a folder is looked at next
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
    """Where the local socket of a home is. A home too deep for a socket's name has it in a private folder."""
    path = home.resolve() / "youju.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"youju-{os.getuid()}" / f"{digest}.sock"


def check_socket_folder(path: Path, home: Path) -> None:
    """Raise ConfigurationError where a local socket is in a folder that is not this user's alone.

    Outside the home that is a folder under a name that everybody knows: another user may have made it first.
    """
    folder = path.parent
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return  # nobody answers there, which connecting will say
    if folder == home.resolve():
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigurationError(
            "socket_folder_unsafe",
            f"The folder {folder} of the local socket is not a folder of this user alone.",
            "Have it removed by whoever made it, or set YOUJU_HOME to a folder with a shorter path.",
        )


def serve_with_workers(settings: Settings, factory: str = "api.worker:make_worker_app") -> None:
    """Serve what `factory` makes, in several processes, until interrupted. Paths cannot be handed over in this mode.

    Raises ConfigurationError where the address cannot be listened on.
    """
    config = uvicorn.Config(factory, factory=True, workers=settings.workers, **serving_options(settings))
    with contextlib.closing(bind(settings.host, settings.port)) as listening:
        Multiprocess(config, [listening]).run()
