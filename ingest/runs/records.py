"""Defines the records of runs in SQL, which every process can read, and the report of a run."""

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
_KEPT_FAILURES = 1000  # per run; the catalog has every document that failed

_runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("trigger", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False, default=False),  # true if somebody asked for the run to end
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("finished_at", sa.String(32)),
    sa.Column("report", sa.JSON, nullable=False),  # the counts
    sa.Column("error", sa.JSON),  # code, message and hint of the error that made it fail
    sa.Index("runs_by_source", "source", "started_at"),
)
_failures = sa.Table(
    "run_failures",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # begins with 1
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("code", sa.String(60), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("run_failures_by_run", "run_id", "number", unique=True),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be ingested, and the reason. `code` is stable."""

    uri: str
    code: str
    message: str


@dataclass(slots=True)
class Report:
    """What a run has done so far, in counts of documents.

    `found` counts the documents that the source listed, and those that had to go into an index that is being built.
    `rebuilt` counts how many of the latter are there. `chunks` counts the chunks that were published. `embedded` counts
    the chunks whose vectors were computed, and `waiting` those that are published and found by their words only, until
    theirs are.
    """

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
    waiting: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Returns how many of the found documents can be found by their words, including those that had not changed, or
        failed.
        """
        worked = self.new + self.changed + self.unchanged + self.moved + self.rebuilt + self.failed
        return min(worked, self.found)  # vectors that an earlier run left may fail in a document that had not changed

    def counts(self) -> dict[str, float]:
        """Returns the counts and `done`, without the failures. Displays of progress use them."""
        named = (each.name for each in fields(self) if each.name not in ("run_id", "failures"))
        return {**{name: getattr(self, name) for name in named}, "done": self.done}

    def pace(self) -> tuple[float, float | None]:
        """Returns the documents per second so far, and the seconds that are left, for their vectors too. The rate
        leaves out unchanged documents. The seconds are None if they are unknown.
        """
        worked = self.new + self.changed + self.moved + self.rebuilt + self.failed
        rate = worked / self.seconds if self.seconds else 0.0
        words = max(self.found - self.done, 0) / rate if rate else None
        if not self.waiting:
            return rate, words
        if not self.embedded or (words is None and self.done < self.found):
            return rate, None
        return rate, (words or 0.0) + self.waiting * self.seconds / self.embedded


OnProgress = Callable[[Report], None]
"""Is called often with the current report, in the run's thread."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands in its record. Its report has no `failures`; `Runs.failures` gives them.

    `state` is also `interrupted` if the process of the run died and could not record this. Times are ISO 8601 in UTC.
    `error` has the code, message and hint of the error that made it fail.
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
    """The records of runs, in SQL. The process of a run writes its record, and any process reads it. Safe to call from
    several threads.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads_only=True)

    # These methods are for lists.

    def runs(self, *, source: str | None = None, limit: int = 50) -> list[Run]:
        """Returns the newest runs of one source or of all sources, the newest first."""
        query = sa.select(_runs).order_by(_runs.c.started_at.desc(), _runs.c.id).limit(limit)
        return self._read(query if source is None else query.where(_runs.c.source == source))

    def run(self, run_id: str) -> Run:
        """Returns one run. Raises RequestError if it is unknown, or so old that its record was removed."""
        found = self._read(sa.select(_runs).where(_runs.c.id == run_id))
        if not found:
            raise RequestError("unknown_run", "There is no such run.", "List them with `youju runs` or at /v1/runs.")
        return found[0]

    def failures(self, run_id: str, *, after: int = 0) -> list[Failure]:
        """Returns the failures of a run in the order in which they occurred, without the first `after`. At most 1,000
        are kept.
        """
        query = sa.select(_failures).where(_failures.c.run_id == run_id, _failures.c.number > after)
        with self._reader.begin() as connection:
            rows = connection.execute(query.order_by(_failures.c.number)).all()
        return [Failure(row.uri, row.code, row.message) for row in rows]

    def cancel(self, run_id: str) -> Run:
        """Ask a run to end, whichever process it is in. It ends cleanly, within about two seconds.

        Raises RequestError if there is no such run, or if it is over.
        """
        run = self.run(run_id)
        with self._engine.begin() as connection:
            asked = connection.execute(
                sa.update(_runs).where(_runs.c.id == run_id, _runs.c.state == "running").values(cancelled=True)
            )
        if run.state != "running" or not asked.rowcount:
            over = self.run(run_id).state  # read again, because it may have ended in the meantime
            raise RequestError("run_over", f"That run is over: {over}.", "Nothing needs to be cancelled.")
        return run

    # These methods are for the run itself.

    def start(self, run_id: str, source: str, trigger: Trigger) -> None:
        """Record that a run begins. The caller holds the source. So other runs of it that have no end were
        interrupted.
        """
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
        """Returns True if somebody asked for this run to end."""
        with self._reader.begin() as connection:
            return bool(connection.scalar(sa.select(_runs.c.cancelled).where(_runs.c.id == run_id)))

    def progress(self, report: Report, *, failures: Sequence[Failure] = (), after: int = 0) -> None:
        """Record the progress of a run, and its new failures. `after` is the number of failures recorded before."""
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
        """Record how a run ended. If another process has already recorded an end, that end stays."""
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
            # Some of them may have ended in the meantime. A run records its end before it gives up its lease, so
            # reading the records again shows it.
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
    """Delete the oldest runs of a source, and their failures."""
    newest = sa.select(_runs.c.id).where(_runs.c.source == source).order_by(_runs.c.started_at.desc(), _runs.c.id)
    old = list(connection.scalars(newest.offset(_KEPT_RUNS).limit(500)))
    if old:
        connection.execute(sa.delete(_failures).where(_failures.c.run_id.in_(old)))
        connection.execute(sa.delete(_runs).where(_runs.c.id.in_(old)))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
