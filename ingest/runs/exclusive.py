"""Surrounds a run: no other run works on its source, its record is kept, and it is told when it has to end."""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from ingest.errors import OwnedError, YoujuError
from ingest.home.lock import Ownership
from ingest.runs.lease import Lease, held_names, holder_of
from ingest.runs.records import Report, Runs, State, Trigger
from ingest.settings import IngestSettings
from ingest.store import Store

_RECORD_EVERY_SECONDS = 1.0
_LOOK_SECONDS = 0.2
_PREFIX = "source:"

logger = logging.getLogger(__name__)


class Stop(threading.Event):
    """An event that also counts as set as soon as one of `others` is set."""

    def __init__(self, others: Sequence[threading.Event]) -> None:
        super().__init__()
        self._others = others

    def is_set(self) -> bool:
        return super().is_set() or any(other.is_set() for other in self._others)

    def wait(self, timeout: float | None = None) -> bool:
        """See `threading.Event.wait`. The other events are checked several times a second."""
        deadline = time.monotonic() + timeout if timeout is not None else math.inf
        while not self.is_set() and (left := deadline - time.monotonic()) > 0:
            super().wait(min(left, _LOOK_SECONDS))
        return self.is_set()


class Recorder:
    """Records the progress of a run once a second, in a thread of its own. This thread sets `cancelled` when somebody
    asks for the run to end.
    """

    def __init__(self, runs: Runs, report: Report) -> None:
        self.cancelled = threading.Event()
        self._runs = runs
        self._report = report
        self._written: dict[str, float] = {}
        self._failures_written = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._record, name=f"record of run {report.run_id}", daemon=True)
        self._thread.start()

    def finish(self, state: State, error: YoujuError | None) -> None:
        """Record how the run ended. Called in the run's thread."""
        # The thread has ended before the end is written, so that both threads never write the same failures.
        self._over.set()
        self._thread.join()
        failures = self._report.failures[self._failures_written :]
        self._runs.finish(self._report, state, error=error, failures=failures, after=self._failures_written)

    def _record(self) -> None:
        while not self._over.wait(_RECORD_EVERY_SECONDS):
            try:
                if self._runs.is_cancelled(self._report.run_id):
                    self.cancelled.set()
                self._write()
            except Exception as error:  # the run itself goes on, and `finish` still records its end
                logger.warning("The progress of a run could not be recorded: %s", error)

    def _write(self) -> None:
        counts = self._report.counts()
        failures = self._report.failures[self._failures_written :]
        if counts != self._written or failures:
            self._runs.progress(self._report, failures=failures, after=self._failures_written)
            self._written = counts
            self._failures_written += len(failures)


@dataclass(frozen=True, slots=True)
class ExclusiveRun:
    """A run whose source no other run works on.

    `store` is the home. Its catalog commits nothing for a run that has lost its lease. `report` is the run's report.
    `stop` is set when the run has to end: the caller wants it, somebody cancelled the run, or its lease is lost.
    """

    store: Store
    report: Report
    stop: threading.Event


@contextmanager
def exclusively(
    store: Store,
    settings: IngestSettings,
    source: str,
    *,
    trigger: Trigger = "manual",
    stop: threading.Event | None = None,
) -> Iterator[ExclusiveRun]:
    """Keep other runs away from the source, and record this run from here to the end of the context.

    Raises OwnedError if another run works on the source, on any host. With the embedded index, it raises OwnedError if
    another run works on any source. Raises UnavailableError at the end if the lease was lost in the meantime.
    """
    with ExitStack() as held:
        embedded = store.ownership is not None
        if embedded:
            held.callback(Ownership.take(settings.home, "ingest", "run.lock").close)
        # The lock of the home proves that no other process uses its database.
        sole = embedded and settings.database_url is None
        lease = Lease.take(store.database, f"{_PREFIX}{source}", str(uuid.uuid4()), command="ingest", sole=sole)
        if lease is None:
            raise _under_way(store, source)
        held.callback(lease.release)
        report = Report(lease.owner)
        fenced = replace(store, catalog=store.catalog.through(lease.fenced(store.database)))
        store.runs.start(lease.owner, source, trigger)
        recorder = Recorder(store.runs, report)
        run = ExclusiveRun(
            fenced, report, Stop([recorder.cancelled, lease.lost, *([stop] if stop is not None else [])])
        )
        try:
            yield run
        except BaseException as error:
            recorder.finish(*_end(run, recorder, error))
            raise
        # The end is recorded before the lease is released. Without a lease, a running run would be taken for dead.
        recorder.finish(*_end(run, recorder, None))
        lease.check()


def _end(run: ExclusiveRun, recorder: Recorder, error: BaseException | None) -> tuple[State, YoujuError | None]:
    """Returns how a run ended, and the error that made it fail, or None."""
    state: State = "cancelled" if recorder.cancelled.is_set() else "interrupted"
    if not run.stop.is_set() and (error is None or isinstance(error, Exception)):
        state = "failed" if error is not None else "done"
    if isinstance(error, YoujuError):
        return state, error
    if isinstance(error, Exception):
        hint = "The log of the process that ran it says more."
        return state, YoujuError("internal_error", "Something went wrong.", hint)
    return state, None


def busy_sources(store: Store) -> frozenset[str]:
    """Returns the names of the sources that a run works on now, on any host."""
    return held_names(store.database, _PREFIX)


def _under_way(store: Store, source: str) -> OwnedError:
    holder = holder_of(store.database, f"{_PREFIX}{source}")
    return OwnedError(
        "run_under_way",
        f"The source {source!r} is being brought in by {holder or 'another process'}.",
        f"Follow that run with `youju runs follow {holder.owner if holder else 'ID'}`, or cancel it there.",
    )
