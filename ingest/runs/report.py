"""Counting what a run does, from all of its threads, and telling whoever follows it."""

from __future__ import annotations

import threading
import time

from ingest.runs import Failure, OnProgress, Report


class Tally:
    """Keeps the report of a run while it goes over its source. Safe to call from several threads.

    The second time, `rebuilding` another index, documents count as rebuilt, whatever they were to the first.
    """

    def __init__(self, report: Report, on_progress: OnProgress | None, *, rebuilding: bool) -> None:
        self.report = report
        self._on_progress = on_progress or (lambda report: None)
        self._rebuilding = rebuilding
        self._started = time.monotonic() - report.seconds
        self._counting = threading.Lock()

    def count(self, what: str, many: int = 1) -> None:
        """Add documents to the figure of this name: new, changed, moved."""
        self.add("rebuilt" if self._rebuilding else what, many)

    def add(self, figure: str, many: int) -> None:
        """Add to a figure of the report that means the same whatever the run is for."""
        with self._counting:
            setattr(self.report, figure, getattr(self.report, figure) + many)

    def fail(self, failure: Failure) -> None:
        """Add a document that could not be ingested."""
        with self._counting:
            if self._rebuilding and any(each.uri == failure.uri for each in self.report.failures):
                self.report.found -= 1  # it failed the same way just now, in the index that answers questions
                return
            self.report.failed += 1
            self.report.failures.append(failure)

    def seconds_since_progress(self) -> float:
        """How long ago anybody was told anything."""
        return time.monotonic() - self._started - self.report.seconds

    def progress(self) -> None:
        """Tell how far the run is."""
        self.stop_clock()
        self._on_progress(self.report)

    def stop_clock(self) -> None:
        """Write down how long it has taken so far."""
        self.report.seconds = round(time.monotonic() - self._started, 3)
