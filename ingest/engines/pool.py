"""A pool of workers for one stage. It gives items to workers, and results to the thread that reads them.

    items ──► [feeder] ──► waiting ──► [a thread per worker] ──► results ──► reader
                              ▲                 │
                              └── worker lost ──┘

One thread takes the items (the feeder), one thread serves each worker, and the caller of `run` reads the results. The
feeder waits while there is no room, and only reading a result makes room. So a slow reader slows down the whole pool.
A worker may be a child process or an actor on some node. The pool does not know which.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ingest.engines import ENDED_WORKER, Division
from ingest.errors import DocumentError, YoujuError

Item = TypeVar("Item")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_ATTEMPTS = 3
_FEEDER_SECONDS = 30.0
_SPARE_ITEMS = 1


class Lost:
    """The answer of a worker that vanished, though not because of the item. Another worker has to do the item."""


class Worker(Protocol):
    """Does one item at a time. One thread uses it. Any thread may call `stop`."""

    def ready(self, is_over: Callable[[], bool]) -> bool:
        """Wait until the worker can take an item.

        Returns False once `is_over` returns True. Raises YoujuError if it never can.
        """
        ...

    def call(self, item: Any, is_over: Callable[[], bool]) -> Any:
        """Returns the stage's result for the item, its error, or `Lost`."""
        ...

    def stop(self) -> None:
        """End the worker at once. The next call starts it again."""
        ...


@dataclass(slots=True)
class _Task:
    item: Any
    attempts: int = 0


class Pool(Generic[Item, Result]):
    """An `Engine` over these workers.

    Setting `stop` ends runs at once and without an error. Items in work then have no result. `division` says how an
    item that ended its worker is tried again in parts. At most two items per worker and one more are in work or wait to
    be read.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        stop: threading.Event | None = None,
        division: Division[Item, Result] | None = None,
    ) -> None:
        self._stop = stop or threading.Event()
        self._workers = workers
        self._division = division
        self._closed = threading.Event()
        self._feeders: list[threading.Thread] = []
        self._listing = threading.Lock()  # a listed feeder has started: `close` may come at any moment

    def run(self, items: Iterable[Item]) -> Iterator[tuple[Item, Result | YoujuError]]:
        """See `Engine.run`."""
        run = _Run(2 * len(self._workers) + _SPARE_ITEMS, len(self._workers), self._is_stopped)
        feeder = threading.Thread(target=run.feed, args=(items,), name="feeder", daemon=True)
        threads = [
            threading.Thread(target=self._work, args=(worker, run), name="worker", daemon=True)
            for worker in self._workers
        ]
        with self._listing:
            feeder.start()
            self._feeders = [*(thread for thread in self._feeders if thread.is_alive()), feeder]
        for thread in threads:
            thread.start()
        try:
            yield from run.results()
        finally:
            run.leave()
            for thread in threads:
                thread.join()
            # If the reader left early, the feeder may still wait for an item that is slow to come. `close` waits for
            # it.
            if run.is_fed:
                feeder.join()

    def close(self) -> None:
        """Stop the workers at once. Their items have no result, and no new item begins.

        Waits up to 30 seconds for the thread that takes the items, so that nothing runs on after this call.
        """
        # Set before the workers are stopped. In the other order a thread could start its worker again after it was
        # stopped.
        self._closed.set()
        for worker in self._workers:
            worker.stop()
        with self._listing:
            feeders = list(self._feeders)
        for feeder in feeders:
            if feeder is not threading.current_thread():
                feeder.join(_FEEDER_SECONDS)
                if feeder.is_alive():
                    logger.warning("What lists the items still waits for one, and is left behind")

    def _work(self, worker: Worker, run: _Run) -> None:
        error: BaseException | None = None
        try:
            while worker.ready(run.is_over) and (task := run.take()) is not None:
                task.attempts += 1
                run.put_back(task, self._do(worker, task, run))
        except BaseException as raised:  # the thread that reads the results raises it
            error = raised
        run.worker_is_done(error)

    def _do(self, worker: Worker, task: _Task, run: _Run) -> Any:
        result = _called(worker, task.item, run)
        parts = self._parts(task.item, result)
        if len(parts) > 1 and self._division is not None:
            results = []
            for part in parts:
                if isinstance(done := _called(worker, part, run), Lost):
                    result = done
                    break
                results.append((part, done))
            else:
                return self._division.merge(results)
        if isinstance(result, Lost) and task.attempts >= _ATTEMPTS:
            return DocumentError(
                "worker_crashed",
                f"The machine that worked on it was lost, {task.attempts} times.",
                "Run again; if it happens again, the document brings machines down.",
            )
        return result

    def _parts(self, item: Any, result: Any) -> Sequence[Any]:
        ended = isinstance(result, DocumentError) and result.code in ENDED_WORKER
        return self._division.split(item) if ended and self._division is not None else ()

    def _is_stopped(self) -> bool:
        return self._closed.is_set() or self._stop.is_set()


def _called(worker: Worker, item: Any, run: _Run) -> Any:
    result = worker.call(item, run.is_over)
    if isinstance(result, YoujuError) and not isinstance(result, DocumentError):
        raise result
    return result


class _Run:
    """The state that the threads of one run share. Every change is made under `_changed`."""

    def __init__(self, room: int, workers: int, is_stopped: Callable[[], bool]) -> None:
        self._changed = threading.Condition()
        self._room = room  # how many more items may be taken
        self._waiting: deque[_Task] = deque()
        self._under_way = 0
        self._results: deque[tuple[Any, Any]] = deque()
        self._is_stopped = is_stopped
        self._workers = workers
        self._error: BaseException | None = None
        self._left = False
        self.is_fed = False

    def is_over(self) -> bool:
        """Returns True if nothing that is still in work is needed."""
        return self._left or self._is_stopped() or self._is_finished()

    def leave(self) -> None:
        """Say that nobody reads the results any more."""
        with self._changed:
            self._left = True
            self._changed.notify_all()

    def feed(self, items: Iterable[Any]) -> None:
        """Take the items, one whenever there is room. Runs in the thread "feeder"."""
        error: BaseException | None = None
        try:
            taken = map(_Task, items)
            while self._wait_for_room() and (task := next(taken, None)) is not None:
                with self._changed:
                    self._waiting.append(task)
                    self._changed.notify_all()
            if (close := getattr(items, "close", None)) is not None:
                close()
        except BaseException as raised:  # the thread that reads the results raises it
            error = raised
        with self._changed:
            self._error = self._error or error
            self.is_fed = True
            self._changed.notify_all()

    def take(self) -> _Task | None:
        """Returns the next task. Waits for one. Returns None when no more will come."""
        with self._changed:
            while not self.is_over():
                if self._waiting:
                    self._under_way += 1
                    return self._waiting.popleft()
                self._changed.wait(_POLL_SECONDS)
        return None

    def put_back(self, task: _Task, result: Any) -> None:
        """Put the result of the task among the results. If its worker was lost, the task waits for another worker."""
        with self._changed:
            # When the run is over, its workers are ended. An item that was in work then has not failed.
            if not (self._left or self._is_stopped()):
                if isinstance(result, Lost):
                    self._waiting.appendleft(task)
                else:
                    self._results.append((task.item, result))
            self._under_way -= 1
            self._changed.notify_all()

    def worker_is_done(self, error: BaseException | None) -> None:
        """Say that a worker takes no more items."""
        with self._changed:
            self._workers -= 1
            self._error = self._error or error
            self._changed.notify_all()

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yields the results until no more will come."""
        while (found := self._read()) is not None:
            yield found

    def _read(self) -> tuple[Any, Any] | None:
        with self._changed:
            while not self._results:
                if self._error is not None:
                    raise self._error
                if self._workers == 0:
                    return None
                self._changed.wait(_POLL_SECONDS)
            self._room += 1
            self._changed.notify_all()
            return self._results.popleft()

    def _wait_for_room(self) -> bool:
        with self._changed:
            while not (self._left or self._is_stopped() or self._error):
                if self._room:
                    self._room -= 1
                    return True
                self._changed.wait(_POLL_SECONDS)
        return False

    def _is_finished(self) -> bool:
        return self.is_fed and not self._waiting and not self._under_way
