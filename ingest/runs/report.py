"""Counting what a run does, from all of its threads, and telling whoever follows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ingest.document import FailedTry, Reference
from ingest.runs.changes import MANY_DELETIONS, Changes
from ingest.runs.records import Failure, OnProgress, Report

LISTING_REPORT_SECONDS = 0.5


@dataclass(slots=True)
class Counter:
    """Keeps the report of a run while it goes over its source. Safe to call from several threads.

    `started` is when the run began, by the monotonic clock.
    """

    report: Report
    on_progress: OnProgress | None = None
    started: float = field(default_factory=time.monotonic)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def has_refused_deletions(self) -> bool:
        """Whether so much was gone from the source that the run deletes nothing."""
        return any(each.code == MANY_DELETIONS for each in self.report.failures)

    def listed(self, count: int) -> None:
        """Tell now and then how many documents have been listed so far: a listing may take an hour."""
        if time.monotonic() - self.started - self.report.seconds > LISTING_REPORT_SECONDS:
            self.report.found = count
            self.progress()

    def found(self, changes: Changes) -> None:
        """Take down what the listing gave."""
        self.report.found = changes.listed
        self.report.unchanged = changes.unchanged
        self.progress()

    def postpone(self, postponed: Sequence[tuple[Reference, FailedTry]]) -> None:
        """Report again what failed before and is not due yet."""
        for reference, failure in postponed:
            due = datetime.fromtimestamp(failure.retry_at, UTC).isoformat(sep=" ", timespec="minutes")
            message = f"{failure.message} Next try after {due}, or at once: `youju documents retry`."
            self.fail(Failure(reference.uri, failure.code, message))

    def refuse_deletions(self, why: Failure) -> None:
        """Say why nothing was deleted. No document has failed by it."""
        self.report.failures.append(why)

    def count(self, what: str, many: int = 1) -> None:
        """Add documents to the figure of this name: new, changed, moved."""
        self.add(what, many)

    def add(self, figure: str, many: int) -> None:
        """Add to a figure of the report that means the same whatever the run is for."""
        with self._counting:
            setattr(self.report, figure, getattr(self.report, figure) + many)

    def fail(self, failure: Failure) -> None:
        """Add a document that could not be ingested."""
        with self._counting:
            self.report.failed += 1
            self.report.failures.append(failure)

    def progress(self) -> None:
        """Tell how far the run is."""
        self.report.seconds = round(time.monotonic() - self.started, 3)
        if self.on_progress is not None:
            self.on_progress(self.report)

    def stop_clock(self) -> None:
        """Write down how long it has taken so far."""
        self.report.seconds = round(time.monotonic() - self.started, 3)
