"""Limits the connections of clients: how many there are, how long each may make the server wait, and how they end.

Uvicorn waits without limit for the rest of a header, for a body, and for a client that reads. Asyncio logs every
connection for which no file is left. `Connection` and `Listener` replace these parts. Both need asyncio's own loop and
h11. All of it runs in the thread of the loop.
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
"""The next thing that the client has to send. Uvicorn's own `timeout_keep_alive` limits the wait for a request."""

logger = logging.getLogger("api.connections")  # operators filter by this name

_MOST_FILES = 65_536
_FILES_OF_OURS = 128
"""Files for the database, the index, documents that are read, and connections that are just being refused."""
_FILES_PER_CONNECTION = 2
"""The connection's own file, and the file of the model server's connection that it waits for."""
_FEWEST_CONNECTIONS = 16

_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_SECONDS = 0.9  # asyncio tries again after a second
_BURST = 16
_FRESH_SECONDS = 1.0
_LOG_SECONDS = 60.0


class _Seldom:
    """A warning that is logged at most once a minute, with the number of times that it was due."""

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
    """Let this process and its children open as many files as the system allows, at most 65,536. Returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _MOST_FILES if soft == resource.RLIM_INFINITY else soft


def connection_limit(wanted: int) -> int:
    """Returns how many connections a server accepts: `wanted`, or as many as the limit on open files allows."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    room = max(_FEWEST_CONNECTIONS, (files - _FILES_OF_OURS) // _FILES_PER_CONNECTION)
    if room < wanted:
        logger.warning("At most %d connections are taken, since only %d files may be open", room, files)
    return min(wanted, room)


class Listener(socket.socket):
    """A listening socket for asyncio's `create_server`.

    It gives out a few connections at a time, so that they are counted before the next ones are accepted. While no file
    is left, it gives out none, tries again every second, and logs this once a minute.
    """

    _accepted = 0
    _paused = False

    def accept(self) -> tuple[socket.socket, Any]:
        """Returns the next connection. Raises BlockingIOError if there is none, or if none should be accepted now."""
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
                # The error is raised once. At each such error asyncio adds a pause of a second, but still calls again
                # at once.
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
        """Lets a worker process get this socket at its start. Do not store the result."""
        return _received, (reduction.DupFd(self.fileno()), self.family, self.type, self.proto)


def _received(duplicate: Any, family: int, kind: int, protocol: int) -> Listener:
    return Listener(family, kind, protocol, fileno=duplicate.detach())


def _is_not_about_files(record: logging.LogRecord) -> bool:
    # `Listener` has logged this in one line. Asyncio's line has a traceback.
    return "socket.accept() out of system resource" not in record.getMessage()


class Connection(H11Protocol):
    """One client's connection. `limit_concurrency` of uvicorn's configuration limits the connections of its server.

    At the limit, the connection that has been without a request for longest is closed. If all have a request, the new
    one gets 503. `scope["state"]["stopping"]` is an asyncio.Event that is set when the server begins to stop.
    """

    header_seconds: ClassVar[float] = 15.0
    """The longest time from the start of a connection, or the first byte of a later request, to the end of
    the header.
    """
    body_seconds: ClassVar[float] = 30.0
    """The longest pause between two pieces of a body.

    A body may also be below `body_bytes_per_second` for this long.
    """
    body_bytes_per_second: ClassVar[float] = 500.0
    unread_seconds: ClassVar[float] = 60.0
    """The longest time that a client may leave all sent bytes unread."""

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
        """Count the connection, or refuse it."""
        if self._limit is not None and len(self.connections) >= self._limit and not self._make_room():
            self.transport = transport
            _full.warn(self._limit)
            self._refuse(503, "too_many_connections", "The server has too many connections.", "Try again in a moment.")
            return
        super().connection_made(transport)
        # Writing pauses while any byte is unsent. So `unread_seconds` also holds for the end of an answer.
        transport.set_write_buffer_limits(high=0)
        self._await_client()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers and forget the connection."""
        for timer in (self._patience, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request, and see what has to come next."""
        self._received_at = self.loop.time()
        self._received_bytes += len(data)
        super().data_received(data)
        self._await_client()

    def on_response_complete(self) -> None:
        """Prepare for the next request."""
        super().on_response_complete()
        self._received_bytes = len(self.conn.trailing_data[0])
        if self._received_bytes and self.conn.their_state is h11.IDLE:
            self._unset_keepalive_if_required()  # the next header has begun
        self._await_client()

    def pause_writing(self) -> None:
        """Start the timer, because the client reads more slowly than the server sends."""
        super().pause_writing()
        if self.client is None:
            return  # the local socket: if its user suspends a command, its run must go on
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(self.unread_seconds, self._unread)

    def resume_writing(self) -> None:
        """Stop the timer, because the client has read everything."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()

    def shutdown(self) -> None:
        """Tell the running answer that the server stops, and end the connection after it."""
        self._stopping.set()
        super().shutdown()

    @property
    def idle_since(self) -> float | None:
        """Returns since when there is no request, in seconds of the loop's clock. Returns None while there is one."""
        return self._awaited_since if self._awaited in ("header", "request") else None

    def _make_room(self) -> bool:
        """End the connection that has been without a request for longest. Returns False if there is none."""
        latest = self.loop.time() - _FRESH_SECONDS  # a younger one may be about to send its request
        idle = [
            (each.idle_since, id(each), each)
            for each in self.connections
            if isinstance(each, Connection) and each.idle_since is not None and each.idle_since < latest
        ]
        if not idle:
            return False
        longest = min(idle)[2]
        self.connections.discard(longest)  # at once, because `connection_lost` comes later
        longest.transport.abort()
        return True

    def _await_client(self) -> None:
        """Limit the time for what the client has to send next."""
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
        if self.flow.read_paused:  # the server itself is slow here
            self._awaited_since = self._received_at = now
        earned = self._received_bytes / self.body_bytes_per_second
        return min(self._received_at, self._awaited_since + earned) + self.body_seconds - now

    def _refuse(self, status: int, code: str, message: str, hint: str) -> None:
        """End the connection. Send an error if no answer has begun."""
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
