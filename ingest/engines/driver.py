"""Runs a library in a process of its own, because it may end its process. Calls go to it over one pipe.

Threads of our process: any thread may call `ask`; the thread "driver" reads all answers and gives each one to its
caller.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol

from ingest.engines.local import follow
from ingest.errors import UnavailableError

_POLL_SECONDS = 0.2
_END_SECONDS = 15.0


class Answering(Protocol):
    """Answers the calls in the driver's process. Each call has a thread of its own."""

    def __call__(self, lane: int, verb: str, payload: Any) -> Any:
        """Returns the answer. An error of ours is returned, not raised."""
        ...


class Driver:
    """The driver's process, as our process sees it. Safe to call from several threads. The first call starts it.

    `connect(argument)` runs in that process. It returns a function that answers the calls, and one that ends the
    library. If the library cannot be reached, every call is answered with the same error of ours.
    """

    def __init__(self, connect: Callable[[Any], tuple[Answering, Callable[[], None]]], argument: object) -> None:
        self._connect = connect
        self._argument = argument
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._tickets = itertools.count()
        self._asked: dict[int, queue.SimpleQueue[Any]] = {}
        self._gone = False

    def ask(self, lane: int, verb: str, payload: Any, is_over: Callable[[], bool]) -> Any:
        """Returns the answer to a call, or None once `is_over` returns True.

        If the process is gone, the answer is UnavailableError `ray_lost`. It is returned, not raised.
        """
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        ticket = next(self._tickets)
        with self._lock:
            self._start()
            if self._gone:
                return _lost()
            # Registered before the call is sent: the answer may come at once, and the reading thread must know its
            # caller.
            self._asked[ticket] = answer
        self._send((ticket, lane, verb, payload))
        try:
            while not is_over():
                with suppress(queue.Empty):
                    return answer.get(timeout=_POLL_SECONDS)
        finally:
            with self._lock:
                self._asked.pop(ticket, None)
        return None

    def tell(self, lane: int, verb: str) -> None:
        """Make a call without waiting for its answer."""
        with self._lock:
            running = self._pipe is not None and not self._gone
        if running:
            self._send((next(self._tickets), lane, verb, None))

    def close(self) -> None:
        """End the process. It has some seconds to end by itself before it is killed."""
        with self._lock:
            process, pipe = self._process, self._pipe
            self._gone = True
            self._process = self._pipe = None
        if process is None or pipe is None:
            return
        self._send(None, pipe)
        process.join(_END_SECONDS)
        process.kill()
        process.join()

    def _start(self) -> None:
        if self._process is not None or self._gone:
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._connect, self._argument), daemon=True)
        self._process.start()
        theirs.close()
        threading.Thread(target=self._read, args=(self._pipe,), name="driver", daemon=True).start()

    def _send(self, message: object, pipe: Connection | None = None) -> None:
        pipe = pipe or self._pipe
        # If the process is gone, the thread that reads the answers notices it too.
        with self._sending, suppress(OSError):
            if pipe is not None:
                pipe.send(message)

    def _read(self, pipe: Connection) -> None:
        with suppress(EOFError, OSError):
            while True:
                ticket, answer = pipe.recv()
                with self._lock:
                    waiting = self._asked.get(ticket)
                if waiting is not None:
                    waiting.put(answer)
        with self._lock:
            self._gone = True
            for waiting in self._asked.values():
                waiting.put(_lost())
        pipe.close()


def _lost() -> UnavailableError:
    return UnavailableError(
        "ray_lost",
        "The connection to the Ray cluster was lost.",
        "Check the cluster (ray status) and run again: it goes on from what has been published.",
    )


def _serve(pipe: Connection, connect: Callable[[Any], Any], argument: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=follow, args=(os.getppid(),), daemon=True).start()
    sending = threading.Lock()
    answering, end = connect(argument)

    def answer(ticket: int, *call: Any) -> None:
        result = answering(*call)
        with sending, suppress(OSError):
            pipe.send((ticket, result))

    with suppress(EOFError, OSError):
        while (message := pipe.recv()) is not None:
            threading.Thread(target=answer, args=message, daemon=True).start()
    end()
    os._exit(0)  # threads that still wait for an answer are left behind
