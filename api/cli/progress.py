"""Shows the progress of a run as a bar with counts, rate and remaining time. Without a terminal, it prints a line now
and then.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from api.cli.output import notes

_LINE_EVERY_SECONDS = 10.0


class RunProgress:
    """Shows the reports of a run as they come. Use it as a context."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=notes,
            disable=not notes.is_terminal,
        )
        self._task = self._bar.add_task("Ingesting", total=None, rate="")
        self._last_line = time.monotonic()

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, report: Mapping[str, Any]) -> None:
        """Show the counts of a report: documents first, and once all are found by their words, passages."""
        if not report:
            return
        of_vectors = report["waiting"] > 0 and report["done"] >= report["found"]
        what, unit = ("Embedding", "passages") if of_vectors else ("Ingesting", "documents")
        done, total = report["done"], report["found"]
        if of_vectors:
            done, total = report["embedded"], report["embedded"] + report["waiting"]
        rate = f"{report['embedded'] / max(report['seconds'], 0.001):.0f} chunks/s" if of_vectors else _rate(report)
        self._bar.update(self._task, description=what, total=total, completed=done, rate=rate)
        if not notes.is_terminal and time.monotonic() - self._last_line > _LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            notes.print(f"{done} of {total} {unit}, {rate}")


def _rate(report: Mapping[str, Any]) -> str:
    """Returns the documents and chunks per second so far. Unchanged documents are not counted, because they took no
    time.
    """
    seconds = max(report["seconds"], 0.001)
    documents = report["new"] + report["changed"] + report["failed"]
    return f"{documents / seconds:.1f} docs/s, {report['chunks'] / seconds:.0f} chunks/s"
