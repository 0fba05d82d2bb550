"""Runs as the faces show them: their JSON, and the events of a run that somebody follows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from api.http.schemas import CountsBody, FailureBody
from ingest.runs.records import Run, Runs, State, Trigger

LOOK_SECONDS = 0.5
"""The pause between two looks at the record of a run that somebody follows."""

Events = list[tuple[str, dict[str, Any]]]


class RunErrorBody(BaseModel):
    """The error that made a run fail."""

    code: str
    message: str
    hint: str


class RunBody(CountsBody):
    """A run and its progress or result. Times are ISO 8601 in UTC."""

    source: str
    trigger: Trigger
    state: State
    started_at: str
    finished_at: str | None
    error: RunErrorBody | None
    done: int
    documents_per_second: float
    seconds_left: float | None

    @classmethod
    def of(cls, run: Run) -> RunBody:
        return cls.model_validate(_fields(run))


class RunsBody(BaseModel):
    """Runs, the newest first."""

    runs: list[RunBody]


class RunWithFailuresBody(RunBody):
    """A run and the documents that it could not ingest, at most 1,000 of them."""

    failures: list[FailureBody]

    @classmethod
    def read(cls, runs: Runs, run_id: str) -> RunWithFailuresBody:
        """Returns the run with this id. Raises RequestError if there is none."""
        run = runs.run(run_id)
        return cls.model_validate({**_fields(run), "failures": [asdict(each) for each in runs.failures(run_id)]})


class Following:
    """Follows a run through its record. The run may be in any process. Call `look` again and again until `over`."""

    def __init__(self, runs: Runs, run_id: str) -> None:
        self.over = False
        self._runs = runs
        self._run_id = run_id
        self._failures = 0
        self._last: Run | None = None

    def look(self) -> Events:
        """Returns the events since the last look. Raises RequestError if there is no such run (any more).

        There is a `failure` for each document that failed, a `progress` if anything changed, and `finished` at the end.
        """
        # The run is read before its failures. A run that is over has written all of them, so `finished` comes after the
        # last one.
        run = self._runs.run(self._run_id)
        failures = self._runs.failures(self._run_id, after=self._failures)
        self._failures += len(failures)
        events: Events = [("failure", asdict(failure)) for failure in failures]
        body = RunBody.of(run).model_dump()
        if run != self._last:
            events.append(("progress", body))
        if run.state != "running":
            self.over = True
            events.append(("finished", body))
        self._last = run
        return events


def _fields(run: Run) -> dict[str, Any]:
    rate, left = run.report.pace()
    error = run.error
    return {
        **run.report.counts(),
        "run_id": run.id,
        "source": run.source,
        "trigger": run.trigger,
        "state": run.state,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "error": {"code": error.code, "message": error.message, "hint": error.hint} if error is not None else None,
        "documents_per_second": round(rate, 2),
        "seconds_left": round(left, 1) if left is not None and run.state == "running" else None,
    }
