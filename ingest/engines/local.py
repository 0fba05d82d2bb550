"""Runs stages in child processes of this machine. The time and the memory of each item are limited.

If a worker hangs, crashes or takes too much memory, its item fails, but the run goes on. Workers live long, because
starting one takes seconds. They have a lower priority than the process that serves questions.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, TypeVar

from ingest.engines import Division, Limits, MakeStage
from ingest.engines.heartbeat import listen_with
from ingest.engines.pool import Pool
from ingest.errors import DocumentError, UnavailableError, YoujuError
from ingest.home.processes import return_memory

Item = TypeVar("Item")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_NICENESS = 10
_FOLLOW_SECONDS = 1.0
_TRIM_SECONDS = 5.0
_NEW_OBJECTS = 10_000
"""After so many new objects a worker looks for cycles among them. It makes millions, and few are in cycles. After 700,
which is Python's own choice, looking would take a twentieth of its time.
"""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class _Sign(Enum):
    """The signs that a worker sends before it has a result."""

    READY = "ready"
    ALIVE = "alive"


class LocalEngine(Pool[Item, Result]):
    """A pool of processes for one stage. `make_stage(argument)` is called once in each worker. See `Pool`."""

    def __init__(
        self,
        make_stage: MakeStage,
        argument: object,
        *,
        workers: int,
        limits: Limits,
        stop: threading.Event | None = None,
        division: Division[Item, Result] | None = None,
    ) -> None:
        children = [Child(make_stage, argument, limits) for _ in range(workers)]
        super().__init__(children, stop=stop, division=division)


class Child:
    """One child process and the pipe to it. One thread at a time uses it. Any thread may call `stop`."""

    def __init__(self, make_stage: MakeStage, argument: object, limits: Limits) -> None:
        self._make_stage = make_stage
        self._argument = argument
        self._limits = limits
        self._changing = threading.Lock()  # held while the process is started or ended
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._is_ready = False
        self._items = 0

    def ready(self, is_over: Callable[[], bool]) -> bool:
        """See `Worker.ready`. The process starts while its first item is still on its way."""
        with suppress(OSError):  # `call` reports it
            self._started(is_over)
        return not is_over()

    def call(self, item: object, is_over: Callable[[], bool]) -> Any:
        """Returns the stage's result for the item, or its error.

        If the process does not start in time, UnavailableError `worker_not_started` is returned, not raised.
        """
        try:
            pipe = self._started(is_over)
            if pipe is None:
                return self._give_up("interrupted", "The run was interrupted.", "Run it again.")
            if (error := self._wait_until_ready(pipe, is_over)) is not None:
                return error
            result = self._answer(pipe, item, is_over)
        except (EOFError, OSError):
            return self._give_up("worker_crashed", "The process that worked on it crashed.", self._limits.crash_hint)
        if self._items >= self._limits.items_per_worker:
            self.stop()
        return result

    def stop(self) -> None:
        """End the process and the processes that it started. The next call starts a new one."""
        with self._changing:
            process = self._process
            # The pipe closes itself when nobody uses it any more. Another thread may be reading from it now. If it were
            # closed under that thread, a new file could get its number, and the thread would read from that file.
            self._process = self._pipe = None
            self._is_ready = False
            self._items = 0
            if process is not None:
                with suppress(OSError, TypeError):  # it is gone, or is not yet the leader of its group
                    os.killpg(process.pid, signal.SIGKILL)  # type: ignore[arg-type]
                process.kill()
                process.join()
                process.close()

    def _started(self, is_over: Callable[[], bool]) -> Connection | None:
        """Returns the pipe to the process, and starts the process if there is none.

        Returns None if the run is over by then.
        """
        with self._changing:
            # `is_over` is asked under the lock. If the caller of `stop` has said before that the run is over, two cases
            # remain: the process was started and `stop` ends it, or it is never started.
            if self._pipe is None and not is_over():
                context = multiprocessing.get_context("spawn")
                ours, theirs = context.Pipe()
                with theirs:
                    arguments = (theirs, self._make_stage, self._argument)
                    process = context.Process(target=_serve, args=arguments, daemon=True)
                    process.start()
                self._process, self._pipe = process, ours
            return self._pipe

    def _wait_until_ready(self, pipe: Connection, is_over: Callable[[], bool]) -> YoujuError | None:
        """Wait for the sign that the process takes items. Returns an error if it does not come."""
        allowed = self._limits.seconds + self._limits.start_seconds
        deadline = time.monotonic() + allowed
        while not self._is_ready:
            sign = self._received(pipe, deadline, is_over)
            if isinstance(sign, DocumentError) and sign.code == "timeout":
                return UnavailableError(
                    "worker_not_started",
                    f"A worker process did not start within {allowed:g} seconds.",
                    "Look at the log and at what else this machine does, then run again: it goes on from there.",
                )
            if isinstance(sign, YoujuError):
                return sign
            self._is_ready = sign is _Sign.READY
        return None

    def _answer(self, pipe: Connection, item: object, is_over: Callable[[], bool]) -> Any:
        """Send the item and return its result."""
        data = ForkingPickler.dumps(item)
        # A thread of its own writes, while this thread watches. If the process reads nothing, the write would block for
        # ever. This thread then ends the process, and that ends the write.
        threading.Thread(target=_hand_over, args=(pipe, data), name="item", daemon=True).start()
        first = self._items == 0
        self._items += 1
        deadline = time.monotonic() + self._limits.seconds + (self._limits.start_seconds if first else 0.0)
        result = self._received(pipe, deadline, is_over)
        while isinstance(result, _Sign):
            deadline = time.monotonic() + self._limits.seconds
            result = self._received(pipe, deadline, is_over, in_steps=True)
        return result

    def _received(
        self, pipe: Connection, deadline: float, is_over: Callable[[], bool], *, in_steps: bool = False
    ) -> Any:
        """Returns the next thing that the process sends.

        If the run is over or a limit is exceeded, the process is ended and an error is returned.
        """
        while not pipe.poll(_POLL_SECONDS):
            if is_over():
                return self._give_up("interrupted", "The run was interrupted.", "Run it again.")
            if (error := self._excess(deadline, in_steps=in_steps)) is not None:
                return self._give_up(*error)
        return pipe.recv()

    def _excess(self, deadline: float, *, in_steps: bool) -> tuple[str, str, str] | None:
        limits = self._limits
        if time.monotonic() > deadline:
            said = "It got no further for" if in_steps else "It took longer than"
            return "timeout", f"{said} {limits.seconds:g} seconds.", limits.time_hint
        if self._memory_mb() > limits.memory_mb:
            return "out_of_memory", f"It took more than {limits.memory_mb} MiB of memory.", limits.memory_hint
        return None

    def _give_up(self, code: str, message: str, hint: str) -> DocumentError:
        self.stop()
        return DocumentError(code, message, hint)

    def _memory_mb(self) -> float:
        process = self._process
        if process is None:
            return 0.0
        try:
            pages = Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError, ValueError):
            return 0.0  # it is gone, as the pipe will show, or this system has no /proc
        return int(pages) * _PAGE_BYTES / 2**20


def _hand_over(pipe: Connection, data: memoryview) -> None:
    with suppress(OSError):  # the process is gone: the thread that waits for the answer sees it
        pipe.send_bytes(data)


def follow(parent: int) -> None:
    """End this process and its children soon after its parent was killed, even in the middle of an item."""
    while os.getppid() == parent:
        time.sleep(_FOLLOW_SECONDS)
    with suppress(OSError):
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _serve(pipe: Connection, make_stage: MakeStage, argument: object) -> None:
    """The loop of a worker. It ends when its parent closes the pipe. A parent that dies closes it too."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("ingest.network.retrying").setLevel(logging.INFO)  # it logs that a run waits for a server
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends its workers
    with suppress(OSError):
        os.setpgid(0, 0)  # programs that the worker starts end with it
        os.nice(_NICENESS)
    threading.Thread(target=follow, args=(os.getppid(),), daemon=True).start()
    listen_with(lambda: pipe.send(_Sign.ALIVE))
    gc.set_threshold(_NEW_OBJECTS)
    stage: Callable[[Any], Any] | None = None
    with suppress(Exception):  # the first item meets the error again and reports it
        stage = make_stage(argument)
    trimmed = time.monotonic()
    with suppress(EOFError, BrokenPipeError):
        pipe.send(_Sign.READY)
        while True:
            item = pipe.recv()
            try:
                if stage is None:
                    stage = make_stage(argument)
                result = stage(item)
            except YoujuError as error:
                result = error
            except Exception as error:
                logger.exception("A worker met an error that nobody foresaw")
                result = DocumentError(
                    "stage_failed", f"{type(error).__name__}: {str(error)[:300]}", "Report this with the document."
                )
            pipe.send(result)
            if time.monotonic() - trimmed > _TRIM_SECONDS:
                return_memory()
                trimmed = time.monotonic()
