"""Leases: what one process at a time may do, on whatever host it runs, agreed upon in SQL.

A lease belongs to an `owner` and runs out unless it is renewed; whoever holds one renews it from a thread of its
own. The clock is the database's, so that the clocks of the hosts need not agree. A holder that died is noticed at
once by a process of the same machine, and by everybody else when its lease runs out.
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
_RENEWALS = 9  # per lease: a database that is away for a while must not cost a run its lease

_leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(220), primary_key=True),
    sa.Column("owner", sa.String(36)),  # null: nobody
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
    # Not now(): that is when the transaction began, which may have waited for a lock since.
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


class Lease:
    """A lease that is held. Use it as a context, or `release` it; it is renewed until then.

    `lost` is set when it could not be renewed in time, or somebody else has it: what it was taken for must stop.
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
        """Take the lease `name` as `owner`, an id never used before; None where another process holds it.

        With `sole` the caller knows by other means that nobody else can be holding it, and it is taken anyway.
        """
        lease = cls(engine, name, owner, seconds)
        _ensure(engine, name)
        if not lease._take(command, sole=sole):
            return None
        lease._thread.start()
        return lease

    def release(self) -> None:
        """Give it up, so that the next one need not wait. May be called again."""
        if self._released.is_set():
            return
        self._released.set()
        self._thread.join()
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.update(_leases).where(*self._mine()).values(owner=None, expires=0.0))
        except YoujuError as error:
            logger.warning("The lease %r could not be given back and will run out by itself: %s", self.name, error)

    def check(self) -> None:
        """Raise UnavailableError if the lease is lost. Asks nobody: `fenced` does."""
        if self.lost.is_set() or time.monotonic() > self._safe_until:
            raise _lost(self.name)

    def fenced(self, engine: sa.Engine) -> sa.Engine:
        """The same engine, except that nothing written through it is committed once the lease is another's.

        However long a process was suspended, and whatever it believes: the lease is read in the transaction that
        it guards. Transactions with the option `reads_only` are left alone.
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
            # Locked means that its holder is committing something, or that another process is just taking it.
            free = sa.select(_leases).where(_leases.c.name == self.name).with_for_update(skip_locked=True)
            row = connection.execute(free).first()
            # As for a renewal: from before the database looks at its clock, however long the commit then takes.
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
            except Exception as error:  # whatever it is, the lease is not renewed
                if time.monotonic() > self._safe_until:
                    logger.warning("The lease %r could not be renewed in time: %s", self.name, error)
                    self.lost.set()
                    return
                continue
            if not renewed.rowcount:
                logger.warning("The lease %r was taken over", self.name)
                self.lost.set()
                return
            # From before the statement: the database may have run it at any moment since.
            self._safe_until = asked + self._seconds

    def _confirm(self, connection: sa.Connection) -> None:
        if connection.get_execution_options().get("reads_only"):
            return
        # Shared, so that whoever takes it over waits for this commit.
        if (
            connection.execute(sa.select(_leases.c.name).where(*self._mine()).with_for_update(read=True)).first()
            is None
        ):
            self.lost.set()
            raise _lost(self.name)


def holder_of(engine: sa.Engine, name: str) -> Holder | None:
    """Who holds the lease `name` now, or None."""
    return next(iter(_held(engine, _leases.c.name == name).values()), None)


def holding(engine: sa.Engine, owners: Collection[str]) -> frozenset[str]:
    """Those of these owners that hold a lease now."""
    return frozenset(_held(engine, _leases.c.owner.in_(owners))) if owners else frozenset()


def held_names(engine: sa.Engine, prefix: str) -> frozenset[str]:
    """The names of the leases held now that begin so, without that beginning."""
    query = sa.select(_leases, now_by_database().label("now")).where(_leases.c.name.startswith(prefix, autoescape=True))
    with engine.execution_options(reads_only=True).begin() as connection:
        rows = connection.execute(query).all()
    return frozenset(row.name.removeprefix(prefix) for row in rows if _is_held(row, row.now))


def _held(engine: sa.Engine, which: sa.ColumnElement[bool]) -> dict[str, Holder]:
    """The leases that are held, by owner."""
    query = sa.select(_leases, now_by_database().label("now")).where(which)
    with engine.execution_options(reads_only=True).begin() as connection:
        rows = connection.execute(query).all()
    return {row.owner: _holder(row) for row in rows if _is_held(row, row.now)}


def _holder(row: sa.Row[Any]) -> Holder:
    return Holder(row.host, row.machine, row.pid, row.started, row.command, row.owner)


def _is_held(row: sa.Row[Any], now: float) -> bool:
    return row.owner is not None and row.expires > now and not is_dead(_holder(row))


def _ensure(engine: sa.Engine, name: str) -> None:
    """Make the row of a lease, held by nobody, if there is none: a row that is there can be locked."""
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
