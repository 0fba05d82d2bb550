"""Leases in SQL: a lease lets one process at a time do something, on any host.

A lease belongs to an `owner` and expires unless it is renewed. Its holder renews it in a thread of its own. All times
come from the database's clock, so the clocks of the hosts may differ. A process of the same machine notices at once
that a holder has died. All others notice it when the lease expires.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ingest.errors import UnavailableError, YoujuError
from ingest.home.database import metadata
from ingest.home.processes import Holder, current_holder, is_dead

LEASE_SECONDS = 45.0
"""How long a lease lasts after it was last renewed."""
_RENEWALS = 9  # per lease duration, so that a run keeps its lease if the database is unreachable for a while

_leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(220), primary_key=True),
    sa.Column("owner", sa.String(36)),  # null if nobody holds it
    sa.Column("expires", sa.Float, nullable=False),  # seconds since 1970, by the database's clock
    sa.Column("host", sa.String(200), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("machine", sa.String(200), nullable=False),
    sa.Column("command", sa.String(100), nullable=False),
    sa.Column("since", sa.Float, nullable=False),
)

logger = logging.getLogger(__name__)


class now_by_database(FunctionElement[float]):  # noqa: N801 - reads like the SQL function that it is
    """Seconds since 1970 by the clock of the database, at the moment of the statement."""

    type = sa.Float()
    inherit_cache = True


@compiles(now_by_database, "sqlite")
def _now_on_sqlite(element: now_by_database, compiler: Any, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now_by_database)
def _now(element: now_by_database, compiler: Any, **kw: Any) -> str:
    # now() would be wrong: it is the time when the transaction began, and it may have waited for a lock since then.
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


class Lease:
    """A lease that is held. Use it as a context, or call `release`. It is renewed until then.

    `lost` is set when the lease could not be renewed in time, or when another process has it. The work that it was
    taken for must then stop.
    """

    def __init__(self, engine: sa.Engine, name: str, owner: str, seconds: float) -> None:
        self.name = name
        self.owner = owner
        self.lost = threading.Event()
        self._engine = engine
        self._seconds = seconds
        self._released = threading.Event()
        self._safe_until = time.monotonic() + seconds
        self._thread = threading.Thread(target=self._renew, name=f"lease {name}", daemon=True)

    @classmethod
    def take(
        cls,
        engine: sa.Engine,
        name: str,
        owner: str,
        *,
        command: str = "",
        seconds: float = LEASE_SECONDS,
        sole: bool = False,
    ) -> Lease | None:
        """Take the lease `name` as `owner`, which must be an id that was never used before.

        Returns None if another process holds it. With `sole`, the caller knows in another way that nobody else can hold
        it. The lease is then taken in any case.
        """
        lease = cls(engine, name, owner, seconds)
        _ensure(engine, name)
        if not lease._take(command, sole=sole):
            return None
        lease._thread.start()
        return lease

    def release(self) -> None:
        """Give the lease up, so that the next owner need not wait. It may be called more than once."""
        if self._released.is_set():
            return
        # The renewing thread ends first. Otherwise it would find the row without this owner and set `lost`.
        self._released.set()
        self._thread.join()
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.update(_leases).where(*self._mine()).values(owner=None, expires=0.0))
        except YoujuError as error:
            logger.warning("The lease %r could not be given back and will run out by itself: %s", self.name, error)

    def check(self) -> None:
        """Raise UnavailableError if the lease is lost. This does not ask the database; `fenced` does."""
        if self.lost.is_set() or time.monotonic() > self._safe_until:
            raise _lost(self.name)

    def fenced(self, engine: sa.Engine) -> sa.Engine:
        """Returns the same engine, but it commits nothing that was written once another process has the lease.

        The lease is read inside the transaction that it guards. So this holds even if the process was suspended for a
        long time and believes that it still has the lease. Transactions with the option `reads_only` are not checked.
        """
        guarded = engine.execution_options()
        event.listen(guarded, "commit", self._confirm)
        return guarded

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        return _leases.c.name == self.name, _leases.c.owner == self.owner

    def _take(self, command: str, *, sole: bool) -> bool:
        us = current_holder()
        with self._engine.begin() as connection:
            # If the row is locked, its holder is committing something, or another process is taking the lease.
            free = sa.select(_leases).where(_leases.c.name == self.name).with_for_update(skip_locked=True)
            row = connection.execute(free).first()
            # As in a renewal, our clock is read before the database reads its own. So the lease never seems to last
            # longer here than in the database, even if the commit takes long.
            asked = time.monotonic()
            now = float(connection.scalar(sa.select(now_by_database())) or 0.0)
            if row is None or (not sole and _is_held(row, now)):
                return False
            connection.execute(
                sa.update(_leases)
                .where(_leases.c.name == self.name)
                .values(
                    owner=self.owner,
                    expires=now + self._seconds,
                    since=now,
                    command=command,
                    host=us.host,
                    pid=us.pid,
                    started=us.started,
                    machine=us.machine,
                )
            )
        self._safe_until = asked + self._seconds
        return True

    def _renew(self) -> None:
        while not self._released.wait(self._seconds / _RENEWALS):
            asked = time.monotonic()
            try:
                with self._engine.begin() as connection:
                    renewed = connection.execute(
                        sa.update(_leases).where(*self._mine()).values(expires=now_by_database() + self._seconds)
                    )
            except Exception as error:  # after any error the lease is not renewed
                if time.monotonic() > self._safe_until:
                    logger.warning("The lease %r could not be renewed in time: %s", self.name, error)
                    self.lost.set()
                    return
                continue
            if not renewed.rowcount:
                logger.warning("The lease %r was taken over", self.name)
                self.lost.set()
                return
            # This counts from before the statement, because the database may have run it at any moment since.
            self._safe_until = asked + self._seconds

    def _confirm(self, connection: sa.Connection) -> None:
        if connection.get_execution_options().get("reads_only"):
            return
        # A shared lock makes a process that takes the lease over wait for this commit.
        if (
            connection.execute(sa.select(_leases.c.name).where(*self._mine()).with_for_update(read=True)).first()
            is None
        ):
            self.lost.set()
            raise _lost(self.name)


def holder_of(engine: sa.Engine, name: str) -> Holder | None:
    """Returns the process that holds the lease `name` now, or None."""
    return next(iter(_held(engine, _leases.c.name == name).values()), None)


def holding(engine: sa.Engine, owners: Collection[str]) -> frozenset[str]:
    """Returns those of `owners` that hold a lease now."""
    return frozenset(_held(engine, _leases.c.owner.in_(owners))) if owners else frozenset()


def held_names(engine: sa.Engine, prefix: str) -> frozenset[str]:
    """Returns the names of the held leases that begin with `prefix`, without the prefix."""
    query = sa.select(_leases, now_by_database().label("now")).where(_leases.c.name.startswith(prefix, autoescape=True))
    with engine.execution_options(reads_only=True).begin() as connection:
        rows = connection.execute(query).all()
    return frozenset(row.name.removeprefix(prefix) for row in rows if _is_held(row, row.now))


def _held(engine: sa.Engine, which: sa.ColumnElement[bool]) -> dict[str, Holder]:
    """Returns the holders of those of these leases that are held, by owner."""
    query = sa.select(_leases, now_by_database().label("now")).where(which)
    with engine.execution_options(reads_only=True).begin() as connection:
        rows = connection.execute(query).all()
    return {row.owner: _holder(row) for row in rows if _is_held(row, row.now)}


def _holder(row: sa.Row[Any]) -> Holder:
    return Holder(row.host, row.machine, row.pid, row.started, row.command, row.owner)


def _is_held(row: sa.Row[Any], now: float) -> bool:
    return row.owner is not None and row.expires > now and not is_dead(_holder(row))


def _ensure(engine: sa.Engine, name: str) -> None:
    """Insert the row of a lease that nobody holds, if there is no row. Only an existing row can be locked."""
    nobody = {"owner": None, "expires": 0.0, "since": 0.0, "host": "", "pid": 0, "started": 0, "machine": ""}
    with engine.execution_options(reads_only=True).begin() as connection:
        if connection.scalar(sa.select(_leases.c.name).where(_leases.c.name == name)) is not None:
            return
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(_leases).values(name=name, command="", **nobody))
    except sa.exc.IntegrityError:
        return  # another process was quicker


def _lost(name: str) -> UnavailableError:
    return UnavailableError(
        "lease_lost",
        f"This process no longer holds {name!r}: it was away for too long, or the database was.",
        "Nothing was lost: the next run goes on from there.",
    )
