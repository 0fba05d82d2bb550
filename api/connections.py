"""Connections that clients open: how many, how long each may keep the server waiting, and how they end.

Uvicorn waits for ever for the rest of a header, for a body and for a reader; asyncio logs each connection that it has
no file for. `Connection` and `Listener` stand in for their parts. Both need asyncio's own loop and h11.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import resource
import socket
import time
from multiprocessing import reduction
from typing import Any, ClassVar, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

Awaited = Literal["request", "header", "body", "nothing"]
"""What the client has to send next. A request is awaited by uvicorn's own `timeout_keep_alive`."""

logger = logging.getLogger(__name__)

_MOST_FILES = 65_536
_FILES_OF_OURS = 128
"""Left for the database, the index, documents that are read, and connections that are just being turned away."""
_FILES_PER_CONNECTION = 2
"""Its own, and that of the request to the model server that it waits for."""
_FEWEST_CONNECTIONS = 16

_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_SECONDS = 0.9  # asyncio looks again after a second
_BURST = 16
_FRESH_SECONDS = 1.0
_LOG_SECONDS = 60.0


class _Seldom:
    """A warning that is logged at most once a minute, with how often there was cause for it."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._count = 0
        self._next = 0.0

    def warn(self, *values: object) -> None:
        self._count += 1
        now = time.monotonic()
        if now < self._next:
            return
        logger.warning(f"{self._message} (%d times since this was last said)", *values, self._count)
        self._count, self._next = 0, now + _LOG_SECONDS


_no_files = _Seldom("No file is left for a new connection; new ones wait until there is. Raise `ulimit -n`.")
_full = _Seldom("%d connections are open, all with a request; a new one was turned away")


def raise_open_files() -> int:
    """Let this process and its children open as many files as the system allows it, at most 65,536; how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _MOST_FILES if soft == resource.RLIM_INFINITY else soft


def connection_limit(wanted: int) -> int:
    """How many connections a listening server takes: `wanted`, or what the limit on open files has room for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    room = max(_FEWEST_CONNECTIONS, (files - _FILES_OF_OURS) // _FILES_PER_CONNECTION)
    if room < wanted:
        logger.warning("At most %d connections are taken, since only %d files may be open", room, files)
    return min(wanted, room)


class Listener(socket.socket):
    """A listening socket for asyncio's `create_server`.

    It hands out a few connections at a time, so that those are counted before the next are accepted. While no file is
    left it hands out none, asks again every second, and says so in the log once a minute.
    """

    _accepted = 0
    _paused = False

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. Raises BlockingIOError where there is none, or none should be taken now."""
        if self._paused or self._accepted >= _BURST:
            raise BlockingIOError
        loop = asyncio.get_running_loop()
        if not self._accepted:
            loop.call_soon(self._begin_burst)
        self._accepted += 1
        try:
            return super().accept()
        except OSError as error:
            if error.errno in _OUT_OF_FILES:
                # Raised once: asyncio stops listening for a second at each, and asks on at once all the same.
                self._paused = True
                loop.call_later(_PAUSE_SECONDS, self._go_on)
                logging.getLogger("asyncio").addFilter(_is_not_about_files)
                _no_files.warn()
            raise

    def _begin_burst(self) -> None:
        self._accepted = 0

    def _go_on(self) -> None:
        self._paused = False

    def __reduce__(self) -> tuple[Any, ...]:
        """For the start of a worker process; not to be kept."""
        return _received, (reduction.DupFd(self.fileno()), self.family, self.type, self.proto)


def _received(duplicate: Any, family: int, kind: int, protocol: int) -> Listener:
    return Listener(family, kind, protocol, fileno=duplicate.detach())


def _is_not_about_files(record: logging.LogRecord) -> bool:
    # `Listener` has said it in one line; asyncio's has a traceback.
    return "socket.accept() out of system resource" not in record.getMessage()


class Connection(H11Protocol):
    """One client. `limit_concurrency` of uvicorn's configuration is the number of connections of its server.

    Beyond that number the one that has been without a request for longest makes room; where each has one, the new
    one gets 503. `scope["state"]["stopping"]` is an asyncio.Event that is set when the server begins to stop.
    """

    header_seconds: ClassVar[float] = 15.0
    """From the first moment of a connection, or the first byte of a further request, to the end of the header."""
    body_seconds: ClassVar[float] = 30.0
    """Between two pieces of a body; also how long it may come more slowly than `body_bytes_per_second`."""
    body_bytes_per_second: ClassVar[float] = 500.0
    unread_seconds: ClassVar[float] = 60.0
    """How long a client may take no byte of what was sent to it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limit, self.limit_concurrency = self.limit_concurrency, None
        self._stopping = asyncio.Event()
        self.app_state = {**self.app_state, "stopping": self._stopping}
        self._awaited: Awaited = "nothing"
        self._awaited_since = self._received_at = self.loop.time()
        self._received_bytes = self._unread_bytes = 0
        self._patience: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, or turn it away."""
        if self._limit is not None and len(self.connections) >= self._limit and not self._make_room():
            self.transport = transport
            _full.warn(self._limit)
            self._refuse(503, "too_many_connections", "The server has too many connections.", "Try again in a moment.")
            return
        super().connection_made(transport)
        # Paused whenever something is unsent, so that `unread_seconds` also holds for the last of an answer.
        transport.set_write_buffer_limits(high=0)
        self._await_client()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        for timer in (self._patience, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request, and see what is to come next."""
        self._received_at = self.loop.time()
        self._received_bytes += len(data)
        super().data_received(data)
        self._await_client()

    def on_response_complete(self) -> None:
        """Be ready for the next request."""
        super().on_response_complete()
        self._received_bytes = len(self.conn.trailing_data[0])
        if self._received_bytes and self.conn.their_state is h11.IDLE:
            self._unset_keepalive_if_required()  # the next header has begun
        self._await_client()

    def pause_writing(self) -> None:
        """The client does not take what was sent as fast as it comes."""
        super().pause_writing()
        if self.client is None:
            return  # the local socket: a command line that its user suspends keeps its run
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(self.unread_seconds, self._unread)

    def resume_writing(self) -> None:
        """The client has taken all of it."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()

    def shutdown(self) -> None:
        """Tell what is being answered that the server stops, and end the connection after it."""
        self._stopping.set()
        super().shutdown()

    @property
    def idle_since(self) -> float | None:
        """Since when there is no request, by the loop's clock; None while there is one."""
        return self._awaited_since if self._awaited in ("header", "request") else None

    def _make_room(self) -> bool:
        """End the connection that has been without a request for longest; False where there is none to end."""
        latest = self.loop.time() - _FRESH_SECONDS  # younger ones may be about to send theirs
        idle = [
            (each.idle_since, id(each), each)
            for each in self.connections
            if isinstance(each, Connection) and each.idle_since is not None and each.idle_since < latest
        ]
        if not idle:
            return False
        longest = min(idle)[2]
        self.connections.discard(longest)  # it is told only after this
        longest.transport.abort()
        return True

    def _await_client(self) -> None:
        """Give the client its time for what it has to send next."""
        awaited: Awaited = "nothing"
        if self.conn.their_state is h11.SEND_BODY:
            awaited = "body"
        elif self.conn.their_state is h11.IDLE:
            awaited = "header" if self.timeout_keep_alive_task is None else "request"
        if awaited == self._awaited:
            return
        self._awaited, self._awaited_since = awaited, self.loop.time()
        if self._patience is not None:
            self._patience.cancel()
        if awaited in ("header", "body") and not self.transport.is_closing():
            seconds = self.header_seconds if awaited == "header" else self.body_seconds
            self._patience = self.loop.call_later(seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        if self.transport.is_closing():
            return
        if self._awaited == "body" and (seconds := self._seconds_left_for_body()) > 0:
            self._patience = self.loop.call_later(seconds, self._lose_patience)
        elif self._received_bytes == 0:
            self.transport.close()
        else:
            self._refuse(408, "request_too_slow", "The request did not come in time.", "Send it again.")

    def _seconds_left_for_body(self) -> float:
        now = self.loop.time()
        if self.flow.read_paused:  # it is this server that takes its time
            self._awaited_since = self._received_at = now
        earned = self._received_bytes / self.body_bytes_per_second
        return min(self._received_at, self._awaited_since + earned) + self.body_seconds - now

    def _refuse(self, status: int, code: str, message: str, hint: str) -> None:
        """End the connection, with an answer where none has begun."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        error = {"code": code, "message": message, "hint": hint, "request_id": None}
        body = json.dumps({"error": error}).encode()
        reason = {408: "Request Timeout", 503: "Service Unavailable"}[status]
        retry = "retry-after: 1\r\n" if status == 503 else ""
        header = (
            f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\n{retry}"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(header.encode() + body)
        self.transport.close()

    def _unread(self) -> None:
        unread = self.transport.get_write_buffer_size()
        if unread >= self._unread_bytes:
            self.transport.abort()
            return
        self._unread_bytes = unread
        self._stall = self.loop.call_later(self.unread_seconds, self._unread)
