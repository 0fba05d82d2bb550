"""The schedule of a server: what is due runs beside it, in the same process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from ingest.runs import Trigger
from ingest.schedule.scheduler import Scheduler, timetables
from ingest.schedule.watching import watch
from ingest.sources.folder import FolderSource
from ingest.sources.from_settings import named, open_source
from ingest.sources.settings import FolderSettings

if TYPE_CHECKING:
    from api.workspace import Workspace

_PARALLEL_WITH_SERVER = 2
"""Sources at once where a Qdrant server takes the writes; each has processes of its own for reading and embedding."""


def make_scheduler(workspace: Workspace) -> Scheduler | None:
    """The scheduler of the sources of the settings; None where none has a schedule or is watched.

    Raises ConfigurationError, which names the source, where a schedule cannot be understood.
    """
    settings = workspace.settings
    tables = timetables(settings.sources)
    watchers = {
        # Archives are looked at from outside: opening them each time would be no watching.
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
    # The embedded index has one owner, and the database in its home has no other user.
    sole = embedded and settings.database_url is None
    return Scheduler(workspace.store.database, tables, run, watchers=watchers, parallel=parallel, sole=sole)


@asynccontextmanager
async def scheduled(scheduler: Scheduler | None) -> AsyncIterator[None]:
    """Have the schedule run meanwhile. What it is running at the end is interrupted, and gone on with next time."""
    if scheduler is None:
        yield
        return
    scheduler.start()
    try:
        yield
    finally:
        await asyncio.to_thread(scheduler.close)
