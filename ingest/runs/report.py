"""Counts the work of a run, in all of its threads, and reports its progress."""

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

    `started` is when the run began, in seconds of the monotonic clock.
    """

    report: Report
    on_progress: OnProgress | None = None
    started: float = field(default_factory=time.monotonic)
    _counted: dict[str, str] = field(default_factory=dict)  # the figure in which a published document is, by uri
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def has_refused_deletions(self) -> bool:
        """Returns True if so many documents were gone from the source that the run deletes nothing."""
        return any(each.code == MANY_DELETIONS for each in self.report.failures)

    def listed(self, count: int) -> None:
        """Report now and then how many documents have been listed so far. A listing may take an hour."""
        if time.monotonic() - self.started - self.report.seconds > LISTING_REPORT_SECONDS:
            self.report.found = count
            self.progress()

    def found(self, changes: Changes) -> None:
        """Count what the listing gave."""
        self.report.found = changes.listed
        self.report.unchanged = changes.unchanged
        self.progress()

    def postpone(self, postponed: Sequence[tuple[Reference, FailedTry]]) -> None:
        """Report again the documents that failed before and are not due yet."""
        for reference, failure in postponed:
            due = datetime.fromtimestamp(failure.retry_at, UTC).isoformat(sep=" ", timespec="minutes")
            message = f"{failure.message} Next try after {due}, or at once: `youju documents retry`."
            self.fail(Failure(reference.uri, failure.code, message))

    def refuse_deletions(self, why: Failure) -> None:
        """Report why nothing was deleted. This does not count as a failed document."""
        self.report.failures.append(why)

    def count(self, what: str, uri: str | None = None, *, many: int = 1) -> None:
        """Add documents to the count with the name `what`: new, changed or moved. The one with this `uri` may still
        fail.
        """
        with self._counting:
            if uri is not None:
                self._counted[uri] = what
        self.add(what, many)

    def add(self, figure: str, many: int) -> None:
        """Add to a count of the report."""
        with self._counting:
            setattr(self.report, figure, getattr(self.report, figure) + many)

    def wait_for(self, passages: int) -> None:
        """Set how many passages of the source wait for their vectors. Earlier runs may have left some."""
        with self._counting:
            self.report.waiting = passages

    def fail(self, failure: Failure) -> None:
        """Add a document that could not be ingested. One whose words were published is no longer counted for them."""
        with self._counting:
            self._uncount(failure.uri)
            self.report.failed += 1
            self.report.failures.append(failure)

    def _uncount(self, uri: str) -> None:
        counted = self._counted.pop(uri, None)
        if counted is not None:
            setattr(self.report, counted, getattr(self.report, counted) - 1)

    def progress(self) -> None:
        """Report how far the run is."""
        self.report.seconds = round(time.monotonic() - self.started, 3)
        if self.on_progress is not None:
            self.on_progress(self.report)

    def stop_clock(self) -> None:
        """Set the seconds of the report to the time that has passed so far."""
        self.report.seconds = round(time.monotonic() - self.started, 3)
