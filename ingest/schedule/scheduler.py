"""Scheduled ingestion. Of several servers, the one that holds the lease starts the runs that are due.

The thread "schedule" holds the lease and starts runs. Each run and each watcher has a thread of its own. SQL holds the
next due time of each source. A run may be missed because no server was up or another run was going on. It is then
caught up once. A run that was interrupted, or whose server died, continues at the next start, but not for ever. A run
that failed because something did not answer is tried again soon, a few times. After that it waits until it is due.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Protocol

import sqlalchemy as sa

from ingest.errors import OwnedError, UnavailableError, YoujuError
from ingest.home.database import metadata
from ingest.runs.lease import LEASE_SECONDS, Lease
from ingest.runs.records import Trigger
from ingest.schedule.timetable import Timetable
from ingest.sources.settings import SourceSettings

_LEASE = "scheduler"
_LOOK_SECONDS = 1.0
_STAND_BY_SECONDS = 5.0  # how often a server without the lease asks for it
_BUSY_SECONDS = 15.0  # the pause after another run was in the way
_AGAIN_SECONDS = (60.0, 300.0, 900.0)  # pauses after something did not answer
_TRIES = 2  # after so many runs died with their server, the source waits until it is due again

_schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("expression", sa.String(200), nullable=False),
    sa.Column("time_zone", sa.String(60), nullable=False),
    sa.Column("due", sa.Float, nullable=False),  # seconds since 1970
    sa.Column("attempts", sa.Integer, nullable=False),  # runs for this due time that were started
)

logger = logging.getLogger(__name__)


class RunSource(Protocol):
    """Runs a source to its end, or until `stop` is set. Raises OwnedError if another run is in the way."""

    def __call__(self, source: str, trigger: Trigger, stop: threading.Event) -> None: ...


Watcher = Callable[[Callable[[], None], threading.Event], None]
"""Calls its first argument whenever the source has changed. It ends when its second argument is set."""


def timetables(sources: Iterable[SourceSettings]) -> dict[str, Timetable]:
    """Returns the timetable of each enabled source with a schedule, by the name of the source.

    Raises ConfigurationError, which names the source, if a schedule is invalid.
    """
    return {
        source.name: Timetable(source.schedule, source.time_zone, source.name)
        for source in sources
        if source.enabled and source.schedule is not None
    }


def next_run_at(database: sa.Engine, source: SourceSettings) -> datetime | None:
    """Returns the next time for this source in its schedule, in UTC. A past time means that it is due.

    None means never.
    """
    found = timetables([source]).get(source.name)
    if found is None:
        return None
    row = _read(database, source.name)
    if row is not None and (row.expression, row.time_zone) == (found.expression, found.time_zone):
        return datetime.fromtimestamp(row.due, UTC)
    return found.next_after(datetime.now(UTC))


@dataclass(slots=True)
class _Wanted:
    """A run that should begin. `due` is in seconds since 1970, or None if the run was requested."""

    source: str
    trigger: Trigger
    due: float | None


class Scheduler:
    """Starts runs when they are due or requested. It has its own threads, from `start` to `close`."""

    def __init__(
        self,
        database: sa.Engine,
        tables: Mapping[str, Timetable],
        run: RunSource,
        *,
        watchers: Mapping[str, Watcher] = MappingProxyType({}),
        parallel: int = 1,
        sole: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """At most `parallel` runs go on at once, and never two of one source. `now` returns the time with its zone.

        Each watcher, by the name of its source, has a thread as long as this scheduler leads. With `sole`, the caller
        knows that there is no other server, so this scheduler leads at once.
        """
        self.leads = threading.Event()
        """Set while this scheduler holds the lease: of all servers, only this one starts runs."""
        self._database = database
        self._tables = tables
        self._run = run
        self._watchers = watchers
        self._parallel = parallel
        self._sole = sole
        self._now = now
        self._lease_seconds = lease_seconds
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._lock = threading.Lock()  # protects the next three
        self._due: dict[str, float] = {}
        self._requested: dict[str, Trigger] = {}
        self._running: dict[str, threading.Thread] = {}
        self._busy_until: dict[str, float] = {}  # in seconds of the monotonic clock
        self._unavailable: dict[str, int] = {}  # runs in a row that failed because something did not answer
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread and return at once."""
        self._thread = threading.Thread(target=self._stand_by, name="schedule", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Interrupt the runs and wait until they have ended. The next start continues them."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            # The schedule's thread ends first. After that no run can begin, so the list of running threads is complete.
            self._thread.join()
        with self._lock:
            running = list(self._running.values())
        for thread in running:
            thread.join()

    def request(self, source: str, trigger: Trigger) -> None:
        """Run this source soon.

        A second request before the run begins changes nothing. A request during the run runs it once more.
        """
        with self._lock:
            self._requested.setdefault(source, trigger)
        self._wake.set()

    def _stand_by(self) -> None:
        """Take the lease whenever it is free, and lead while it is held."""
        complained = False
        while not self._closing.is_set():
            try:
                lease = Lease.take(
                    self._database,
                    _LEASE,
                    str(uuid.uuid4()),
                    command="serve",
                    seconds=self._lease_seconds,
                    sole=self._sole,
                )
                if lease is not None:
                    with lease:
                        self._lead(lease)
                complained = False
            except YoujuError as error:
                if not complained:
                    logger.warning("The schedule waits: %s", error)
                complained = True
            except Exception:  # a mistake of ours must not end the schedule, because the server goes on
                logger.exception("The schedule begins anew")
            finally:
                self.leads.clear()
            self._closing.wait(_STAND_BY_SECONDS)

    def _lead(self, lease: Lease) -> None:
        due = _align(self._database, self._tables, self._now())
        with self._lock:
            self._due = due
        with self._watching():
            self.leads.set()
            while not (self._closing.is_set() or lease.lost.is_set()):
                for wanted in self._ready():
                    self._begin(wanted)
                self._wake.wait(_LOOK_SECONDS)
                self._wake.clear()

    @contextmanager
    def _watching(self) -> Iterator[None]:
        stop = threading.Event()
        threads = [
            threading.Thread(
                target=watcher, args=(partial(self.request, name, "watch"), stop), name=f"watch {name}", daemon=True
            )
            for name, watcher in self._watchers.items()
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _ready(self) -> Sequence[_Wanted]:
        """Returns the runs that may begin now: first the requested ones, then the due ones, the longest due first."""
        now, tick = self._now().timestamp(), time.monotonic()
        with self._lock:
            wanted = [_Wanted(source, trigger, None) for source, trigger in self._requested.items()]
            wanted += [
                _Wanted(source, "schedule", due)
                for source, due in sorted(self._due.items(), key=lambda item: item[1])
                if due <= now and source not in self._requested
            ]
            free = [
                each
                for each in wanted
                if each.source not in self._running and self._busy_until.get(each.source, 0.0) <= tick
            ]
            return free[: max(self._parallel - len(self._running), 0)]

    def _begin(self, wanted: _Wanted) -> None:
        if wanted.due is not None and not self._take_up(wanted):
            return
        thread = threading.Thread(target=self._carry_out, args=(wanted,), name=f"run of {wanted.source}", daemon=True)
        # The request is removed before the run begins. A request that comes during the run then stays for one more run.
        with self._lock:
            self._requested.pop(wanted.source, None)
            self._running[wanted.source] = thread
        thread.start()

    def _take_up(self, wanted: _Wanted) -> bool:
        """Count an attempt in SQL before the run begins, so that it counts even if the server dies in the run.

        Returns False if the run is not due any more, or if it was attempted too often.
        """
        assert wanted.due is not None
        row = _read(self._database, wanted.source)
        if row is None or row.due != wanted.due:  # the server that led before has finished it
            with self._lock:
                if row is None:
                    self._due.pop(wanted.source, None)
                else:
                    self._due[wanted.source] = row.due
            return False
        if row.attempts >= _TRIES:
            logger.warning("The runs of %r died with their server; it is left until it is next due", wanted.source)
            self._set_next(wanted)
            return False
        _write(self._database, wanted.source, wanted.due, due=wanted.due, attempts=row.attempts + 1)
        return True

    def _carry_out(self, wanted: _Wanted) -> None:
        """Run the source, and record what follows for its next time. Runs in the thread of the run."""
        try:
            self._run(wanted.source, wanted.trigger, self._closing)
            self._ended(wanted)
        except OwnedError as error:
            logger.info("The run of %r waits: %s", wanted.source, error)
            self._put_off(wanted, _BUSY_SECONDS)
        except UnavailableError as error:
            logger.warning("The run of %r failed: %s", wanted.source, error)
            self._try_again_soon(wanted)
        except YoujuError as error:
            logger.warning("The run of %r failed: %s", wanted.source, error)
            self._ended(wanted)
        except Exception:
            logger.exception("The run of %r failed", wanted.source)
            self._ended(wanted)
        finally:
            # Last, because the next due time is recorded by now. With the old one, the source would begin again at
            # once.
            with self._lock:
                del self._running[wanted.source]
            self._wake.set()

    def _try_again_soon(self, wanted: _Wanted) -> None:
        """Wait longer each time, but never beyond the time when the source is due anyway. Give up after a few times."""
        failed = self._unavailable.get(wanted.source, 0)
        if self._closing.is_set() or failed >= len(_AGAIN_SECONDS):
            self._ended(wanted)
            return
        seconds = _AGAIN_SECONDS[failed]
        table, now = self._tables.get(wanted.source), self._now()
        if table is not None and (table.next_after(now) - now).total_seconds() <= seconds:
            self._ended(wanted)
            return
        self._unavailable[wanted.source] = failed + 1
        logger.info("The run of %r is tried again in %g minutes", wanted.source, seconds / 60)
        self._put_off(wanted, seconds)

    def _ended(self, wanted: _Wanted) -> None:
        self._unavailable.pop(wanted.source, None)
        if wanted.due is None:
            return
        try:
            if self._closing.is_set():
                # The server ended the run in good order, so this attempt did not fail.
                _write(self._database, wanted.source, wanted.due, due=wanted.due, attempts=0)
            else:
                self._set_next(wanted)
        except YoujuError as error:
            logger.warning("The next run of %r could not be recorded: %s", wanted.source, error)
            self._busy_until[wanted.source] = time.monotonic() + _BUSY_SECONDS

    def _put_off(self, wanted: _Wanted, seconds: float) -> None:
        self._busy_until[wanted.source] = time.monotonic() + seconds
        if wanted.due is None:
            with self._lock:
                self._requested.setdefault(wanted.source, wanted.trigger)
            return
        try:
            _write(self._database, wanted.source, wanted.due, due=wanted.due, attempts=0)
        except YoujuError as error:
            logger.warning("That the run of %r waits could not be recorded: %s", wanted.source, error)

    def _set_next(self, wanted: _Wanted) -> None:
        assert wanted.due is not None
        due = self._tables[wanted.source].next_after(self._now()).timestamp()
        _write(self._database, wanted.source, wanted.due, due=due, attempts=0)
        with self._lock:
            self._due[wanted.source] = due


def _align(database: sa.Engine, tables: Mapping[str, Timetable], now: datetime) -> dict[str, float]:
    """Make the record match the settings. A new or changed schedule is due next in the future.

    Returns the due time of each source, in seconds since 1970.
    """
    due: dict[str, float] = {}
    with database.begin() as connection:
        rows = {row.source: row for row in connection.execute(sa.select(_schedules))}
        for source, table in tables.items():
            row = rows.pop(source, None)
            if row is not None and (row.expression, row.time_zone) == (table.expression, table.time_zone):
                due[source] = row.due
                continue
            due[source] = table.next_after(now).timestamp()
            connection.execute(sa.delete(_schedules).where(_schedules.c.source == source))
            connection.execute(
                sa.insert(_schedules).values(
                    source=source,
                    expression=table.expression,
                    time_zone=table.time_zone,
                    due=due[source],
                    attempts=0,
                )
            )
        for source in rows:
            connection.execute(sa.delete(_schedules).where(_schedules.c.source == source))
    return due


def _read(database: sa.Engine, source: str) -> sa.Row[tuple[str, str, str, float, int]] | None:
    query = sa.select(_schedules).where(_schedules.c.source == source)
    with database.execution_options(reads_only=True).begin() as connection:
        return connection.execute(query).first()


def _write(database: sa.Engine, source: str, before: float, *, due: float, attempts: int) -> None:
    """Change a schedule, but only if it is still due at `before`. Another server may have changed it."""
    row = (_schedules.c.source == source, _schedules.c.due == before)
    with database.begin() as connection:
        connection.execute(sa.update(_schedules).where(*row).values(due=due, attempts=attempts))
