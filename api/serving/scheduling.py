"""The schedule of a server. Due runs go on beside it, in the same process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from ingest.runs.records import Trigger
from ingest.schedule.scheduler import Scheduler, timetables
from ingest.schedule.watching import watch
from ingest.sources.folder import FolderSource
from ingest.sources.from_settings import named, open_source
from ingest.sources.settings import FolderSettings

if TYPE_CHECKING:
    from api.workspace import Workspace

_PARALLEL_WITH_SERVER = 2
"""Runs at once if a Qdrant server takes the writes. Each one has its own processes for reading and embedding."""


def make_scheduler(workspace: Workspace) -> Scheduler | None:
    """Returns the scheduler of the sources in the settings. Returns None if no source has a schedule or is watched.

    Raises ConfigurationError, which names the source, if a schedule is invalid.
    """
    settings = workspace.settings
    tables = timetables(settings.sources)
    watchers = {
        # Archives are watched as files. Opening them at every look would cost too much.
        source.name: partial(watch, FolderSource.of(source), every_seconds=source.watch_seconds)
        for source in settings.sources
        if isinstance(source, FolderSettings) and source.watch and source.enabled
    }
    if not (tables or watchers):
        return None

    def run(source: str, trigger: Trigger, stop: threading.Event) -> None:
        workspace.ingestor.run(open_source(named(settings, source), settings), trigger=trigger, stop=stop)

    embedded = settings.qdrant_url is None
    parallel = 1 if embedded else _PARALLEL_WITH_SERVER
    # The embedded index has one owner, and so the database in its home has no other user.
    sole = embedded and settings.database_url is None
    return Scheduler(workspace.store.database, tables, run, watchers=watchers, parallel=parallel, sole=sole)


@asynccontextmanager
async def scheduled(scheduler: Scheduler | None) -> AsyncIterator[None]:
    """Let the schedule run during the block. A run that is interrupted at the end continues at the next start."""
    if scheduler is None:
        yield
        return
    scheduler.start()
    try:
        yield
    finally:
        await asyncio.to_thread(scheduler.close)
