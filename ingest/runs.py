"""Runs of the ingestion: their records, and what a run reports."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime

import sqlalchemy as sa

from ingest.database import metadata

_runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),  # running, done, failed, interrupted
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("finished_at", sa.String(32)),
    sa.Column("report", sa.JSON, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be ingested, and why. `code` is stable."""

    uri: str
    code: str
    message: str


@dataclass(slots=True)
class Report:
    """What a run has done so far. `found` counts what the source listed, `chunks` what was written."""

    run_id: str
    found: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0
    deleted: int = 0
    failed: int = 0
    chunks: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many of the documents found are dealt with, one way or another."""
        return self.new + self.changed + self.unchanged + self.failed

    def counts(self) -> dict[str, float]:
        """The figures without the failures, and `done`: what progress is shown by."""
        named = (each.name for each in fields(self) if each.name not in ("run_id", "failures"))
        return {**{name: getattr(self, name) for name in named}, "done": self.done}


OnProgress = Callable[[Report], None]
"""Is called with the report as it stands, often, from the thread of the run and from the one that feeds it."""


class Runs:
    """The record of runs, in SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start(self, source: str) -> str:
        """Record that a run begins. Runs that never ended were interrupted: only one is under way at a time."""
        run_id = str(uuid.uuid4())
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(_runs)
                .where(_runs.c.source == source, _runs.c.state == "running")
                .values(state="interrupted", finished_at=_now())
            )
            connection.execute(
                sa.insert(_runs).values(id=run_id, source=source, state="running", started_at=_now(), report={})
            )
        return run_id

    def finish(self, report: Report, state: str) -> None:
        """Record how a run ended: `done`, `failed` or `interrupted`."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(_runs)
                .where(_runs.c.id == report.run_id)
                .values(state=state, finished_at=_now(), report=asdict(report))
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
