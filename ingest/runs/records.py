"""Runs of the ingestion as SQL records, which every process can read, and what a run reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from ingest.errors import RequestError, YoujuError
from ingest.home.database import metadata
from ingest.runs.lease import holding

State = Literal["running", "done", "failed", "interrupted", "cancelled"]
Trigger = Literal["manual", "schedule", "push", "watch"]

_KEPT_RUNS = 200  # per source
_KEPT_FAILURES = 1000  # per run; the documents that failed are in the catalog, every one

_runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("trigger", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False, default=False),  # somebody asked for it to end
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("finished_at", sa.String(32)),
    sa.Column("report", sa.JSON, nullable=False),  # the counts
    sa.Column("error", sa.JSON),  # code, message and hint of what made it fail
    sa.Index("runs_by_source", "source", "started_at"),
)
_failures = sa.Table(
    "run_failures",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # from 1 on
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("code", sa.String(60), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("run_failures_by_run", "run_id", "number", unique=True),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be ingested, and why. `code` is stable."""

    uri: str
    code: str
    message: str


@dataclass(slots=True)
class Report:
    """What a run has done so far. `found` counts what the source listed, and what had to go into an index that is
    being built; of these, `rebuilt` is there. `chunks` counts what was written, `embedded` those of them whose vectors
    had to be computed."""

    run_id: str
    found: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0
    deleted: int = 0
    failed: int = 0
    rebuilt: int = 0
    chunks: int = 0
    embedded: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many of the documents found are dealt with, one way or another."""
        return self.new + self.changed + self.unchanged + self.moved + self.rebuilt + self.failed

    def counts(self) -> dict[str, float]:
        """The figures without the failures, and `done`: what progress is shown by."""
        named = (each.name for each in fields(self) if each.name not in ("run_id", "failures"))
        return {**{name: getattr(self, name) for name in named}, "done": self.done}

    def pace(self) -> tuple[float, float | None]:
        """Documents per second so far, those that had not changed left out, and the seconds left; None: unknown."""
        worked = self.new + self.changed + self.moved + self.rebuilt + self.failed
        rate = worked / self.seconds if self.seconds else 0.0
        return rate, max(self.found - self.done, 0) / rate if rate else None


OnProgress = Callable[[Report], None]
"""Is called with the report as it stands, often, from the thread of the run and from the one that feeds it."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its record has it. The `failures` of its report are left out: `Runs.failures` has them.

    `state` is `interrupted` also where the process that ran it died and could not write that down. Times are ISO
    8601 in UTC. `error` has the code, message and hint of what made it fail.
    """

    id: str
    source: str
    trigger: Trigger
    state: State
    started_at: str
    finished_at: str | None
    report: Report
    error: YoujuError | None


class Runs:
    """The record of runs, in SQL: written by the process that runs, read by any. Safe to call from several threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads_only=True)

    # What lists ask.

    def runs(self, *, source: str | None = None, limit: int = 50) -> list[Run]:
        """The newest runs first, of one source or of all."""
        query = sa.select(_runs).order_by(_runs.c.started_at.desc(), _runs.c.id).limit(limit)
        return self._read(query if source is None else query.where(_runs.c.source == source))

    def run(self, run_id: str) -> Run:
        """One run; RequestError if it is not known, or too old to be kept."""
        found = self._read(sa.select(_runs).where(_runs.c.id == run_id))
        if not found:
            raise RequestError("unknown_run", "There is no such run.", "List them with `youju runs` or at /v1/runs.")
        return found[0]

    def failures(self, run_id: str, *, after: int = 0) -> list[Failure]:
        """The failures of a run in the order they occurred, the first `after` left out; at most 1,000 are kept."""
        query = sa.select(_failures).where(_failures.c.run_id == run_id, _failures.c.number > after)
        with self._reader.begin() as connection:
            rows = connection.execute(query.order_by(_failures.c.number)).all()
        return [Failure(row.uri, row.code, row.message) for row in rows]

    def cancel(self, run_id: str) -> Run:
        """Ask a run to end, whichever process it is in: it does within two seconds or so, cleanly.

        Raises RequestError where there is no such run, or it is over.
        """
        run = self.run(run_id)
        with self._engine.begin() as connection:
            asked = connection.execute(
                sa.update(_runs).where(_runs.c.id == run_id, _runs.c.state == "running").values(cancelled=True)
            )
        if run.state != "running" or not asked.rowcount:
            over = self.run(run_id).state  # it may have ended meanwhile
            raise RequestError("run_over", f"That run is over: {over}.", "Nothing needs to be cancelled.")
        return run

    # What a run writes.

    def start(self, run_id: str, source: str, trigger: Trigger) -> None:
        """Record that a run begins. Whoever calls holds the source, so runs of it that never ended were interrupted."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(_runs)
                .where(_runs.c.source == source, _runs.c.state == "running")
                .values(state="interrupted", finished_at=_now())
            )
            connection.execute(
                sa.insert(_runs).values(
                    id=run_id, source=source, trigger=trigger, state="running", started_at=_now(), report={}
                )
            )
            _prune(connection, source)

    def is_cancelled(self, run_id: str) -> bool:
        """Whether somebody asked for this run to end."""
        with self._reader.begin() as connection:
            return bool(connection.scalar(sa.select(_runs.c.cancelled).where(_runs.c.id == run_id)))

    def progress(self, report: Report, *, failures: Sequence[Failure] = (), after: int = 0) -> None:
        """Record how far a run is, and those of its failures that come after the first `after`."""
        with self._engine.begin() as connection:
            self._write(connection, report, {}, failures, after)

    def finish(
        self,
        report: Report,
        state: State,
        *,
        error: YoujuError | None = None,
        failures: Sequence[Failure] = (),
        after: int = 0,
    ) -> None:
        """Record how a run ended. A run that somebody else declared over stays as it was declared."""
        values: dict[str, Any] = {"state": state, "finished_at": _now()}
        if error is not None:
            values["error"] = {"code": error.code, "message": error.message, "hint": error.hint}
        with self._engine.begin() as connection:
            self._write(connection, report, values, failures, after)

    def _write(
        self,
        connection: sa.Connection,
        report: Report,
        values: dict[str, Any],
        failures: Sequence[Failure],
        after: int,
    ) -> None:
        alive = (_runs.c.id == report.run_id, _runs.c.state == "running")
        updated = connection.execute(sa.update(_runs).where(*alive).values(report=report.counts(), **values))
        rows = [
            {"run_id": report.run_id, "number": number, "uri": each.uri, "code": each.code, "message": each.message}
            for number, each in enumerate(failures, start=after + 1)
            if number <= _KEPT_FAILURES
        ]
        if rows and updated.rowcount:
            connection.execute(sa.insert(_failures), rows)

    def _read(self, query: sa.Select[Any]) -> list[Run]:
        with self._reader.begin() as connection:
            rows = connection.execute(query).all()
        running = {row.id for row in rows if row.state == "running"}
        died = running - holding(self._engine, running)
        if died:
            # Or ended meanwhile, which is written down before the lease is given up.
            with self._reader.begin() as connection:
                rows = connection.execute(query).all()
        return [_run(row, died=row.state == "running" and row.id in died) for row in rows]


def _run(row: sa.Row[Any], *, died: bool) -> Run:
    counted = {each.name for each in fields(Report)} - {"run_id", "failures"}
    report = Report(row.id, **{name: value for name, value in row.report.items() if name in counted})
    error = YoujuError(**row.error) if row.error else None
    return Run(
        row.id,
        row.source,
        row.trigger,
        "interrupted" if died else row.state,
        row.started_at,
        row.finished_at,
        report,
        error,
    )


def _prune(connection: sa.Connection, source: str) -> None:
    """Forget the oldest runs of a source, and their failures."""
    newest = sa.select(_runs.c.id).where(_runs.c.source == source).order_by(_runs.c.started_at.desc(), _runs.c.id)
    old = list(connection.scalars(newest.offset(_KEPT_RUNS).limit(500)))
    if old:
        connection.execute(sa.delete(_failures).where(_failures.c.run_id.in_(old)))
        connection.execute(sa.delete(_runs).where(_runs.c.id.in_(old)))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
