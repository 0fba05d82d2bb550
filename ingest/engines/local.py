"""Stages in child processes of this machine, each item supervised for time and memory.

A worker that hangs, crashes or eats memory costs the item it was working on, never the run. Workers live long,
because starting one costs seconds, and run at a lower priority than the process that serves questions.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

from ingest.errors import DocumentError, YoujuError

Item = TypeVar("Item")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_NICENESS = 10
_FOLLOW_SECONDS = 1.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may take. `start_seconds` is added to the first item of a worker, for its imports."""

    seconds: float
    memory_mb: int
    items_per_worker: int = 2000
    start_seconds: float = 60.0


class LocalEngine(Generic[Item, Result]):
    """A pool of processes for one stage. `make_stage(argument)` is called once in each worker.

    Setting `stop` ends runs early, at once and quietly: what is under way has no result then.
    """

    def __init__(
        self,
        make_stage: Callable[[Any], Callable[[Item], Result]],
        argument: object,
        *,
        workers: int,
        limits: Limits,
        stop: threading.Event | None = None,
    ) -> None:
        self._stop = stop or threading.Event()
        self._workers = [_Worker(make_stage, argument, limits) for _ in range(workers)]
        self._closed = threading.Event()

    def run(self, items: Iterable[Item]) -> Iterator[tuple[Item, Result | YoujuError]]:
        """See `Engine.run`. At most three items per worker are under way or waiting to be fetched."""
        tasks: queue.Queue[Item | _End] = queue.Queue(len(self._workers))
        results: queue.Queue[tuple[Item, Result | YoujuError] | _End] = queue.Queue(len(self._workers))
        stopped = threading.Event()
        threads = [threading.Thread(target=self._feed, args=(items, tasks, stopped), daemon=True)]
        threads += [
            threading.Thread(target=self._work, args=(worker, tasks, results, stopped), daemon=True)
            for worker in self._workers
        ]
        for thread in threads:
            thread.start()
        try:
            yield from _collect(results, len(self._workers))
        finally:
            stopped.set()
            for thread in threads[1:]:
                thread.join()

    def close(self) -> None:
        """Stop the workers, whatever they are doing: what they were doing has no result, and nothing new begins."""
        self._closed.set()
        for worker in self._workers:
            worker.stop()

    def _feed(self, items: Iterable[Item], tasks: queue.Queue[Item | _End], stopped: threading.Event) -> None:
        end = _End()
        try:
            for item in items:
                if not _put(tasks, item, stopped):
                    return
        except BaseException as error:  # carried to the thread that reads the results
            end = _End(error)
        for _ in self._workers:
            _put(tasks, end, stopped)

    def _work(
        self,
        worker: _Worker,
        tasks: queue.Queue[Item | _End],
        results: queue.Queue[tuple[Item, Result | YoujuError] | _End],
        stopped: threading.Event,
    ) -> None:
        end = _End()
        try:
            while not self._is_over(stopped):
                task = _get(tasks, stopped)
                if isinstance(task, _End):
                    end = task
                    break
                result = worker.call(task, lambda: self._is_over(stopped))
                # An item whose worker was ended under it has not failed.
                if self._is_over(stopped) or not _put(results, (task, result), stopped):
                    break
        except BaseException as error:  # carried to the thread that reads the results
            end = _End(error)
        _put(results, end, stopped)

    def _is_over(self, stopped: threading.Event) -> bool:
        return stopped.is_set() or self._closed.is_set() or self._stop.is_set()


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a queue, and the error that ended it early, if one did."""

    error: BaseException | None = None


def _collect(results: queue.Queue[Any], workers: int) -> Iterator[Any]:
    ended = 0
    while ended < workers:
        result = results.get()
        if not isinstance(result, _End):
            yield result
            continue
        if result.error is not None:
            raise result.error
        ended += 1


def _put(target: queue.Queue[Any], value: object, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        with suppress(queue.Full):
            target.put(value, timeout=_POLL_SECONDS)
            return True
    return False


def _get(origin: queue.Queue[Any], stopped: threading.Event) -> Any:
    while not stopped.is_set():
        with suppress(queue.Empty):
            return origin.get(timeout=_POLL_SECONDS)
    return _End()


class _Worker:
    """One child process and the pipe to it. Used by one thread at a time; `stop` by any."""

    def __init__(self, make_stage: Callable[[Any], Callable[[Any], Any]], argument: object, limits: Limits) -> None:
        self._make_stage = make_stage
        self._argument = argument
        self._limits = limits
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._items = 0

    def call(self, item: object, is_over: Callable[[], bool]) -> Any:
        """The stage's result for the item, or the error it met."""
        pipe = self._ready()
        allowed = self._limits.seconds + (self._limits.start_seconds if self._items == 0 else 0.0)
        deadline = time.monotonic() + allowed
        self._items += 1
        try:
            pipe.send(item)
            while not pipe.poll(_POLL_SECONDS):
                if is_over():
                    return self._give_up("interrupted", "The run was interrupted.", "Run it again.")
                if time.monotonic() > deadline:
                    return self._give_up(
                        "timeout",
                        f"It took longer than {self._limits.seconds:g} seconds.",
                        "Raise YOUJU_PARSE_TIMEOUT_SECONDS, or split the document.",
                    )
                if self._memory_mb() > self._limits.memory_mb:
                    return self._give_up(
                        "out_of_memory",
                        f"It took more than {self._limits.memory_mb} MiB of memory.",
                        "Raise YOUJU_PARSE_MEMORY_MB, or split the document.",
                    )
            result = pipe.recv()
        except (EOFError, OSError):
            return self._give_up(
                "worker_crashed",
                "The process that read it crashed.",
                "The file is probably damaged: save it anew.",
            )
        if self._items >= self._limits.items_per_worker:
            self.stop()
        return result

    def stop(self) -> None:
        """End the process. The next call starts a new one."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        self._items = 0
        if process is not None:
            process.kill()
            process.join()
            process.close()
        if pipe is not None:
            pipe.close()

    def _ready(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, self._make_stage, self._argument), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

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
            return 0.0  # it is gone, which the pipe will tell, or this system has no /proc
        return int(pages) * _PAGE_BYTES / 2**20


def _follow(parent: int) -> None:
    """End this process soon after its parent was killed, also in the middle of an item."""
    while os.getppid() == parent:
        time.sleep(_FOLLOW_SECONDS)
    os._exit(1)


def _serve(pipe: Connection, make_stage: Callable[[Any], Callable[[Any], Any]], argument: object) -> None:
    """What a worker does until its parent closes the pipe, or dies, which closes it too."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    with suppress(OSError):
        os.nice(_NICENESS)
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    stage: Callable[[Any], Any] | None = None
    with suppress(EOFError, BrokenPipeError):
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
