"""Opens a home. Both sides of a search work on what it opens: the catalog, the index and the embedder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import sqlalchemy as sa

from ingest.catalog.catalog import Catalog
from ingest.embedding import Embedder
from ingest.home.database import file_at_rest, open_database
from ingest.home.identity import pair
from ingest.home.lock import Ownership, check_room
from ingest.index import Index
from ingest.runs.records import Runs
from ingest.settings import IngestSettings
from ingest.versions.open_versions import OpenVersion, OpenVersions

LEFT_OUT = ("youju.db-wal", "youju.db-shm", "incoming")
"""Names in a home that belong to no copy of it: the log of commits that the database's file does not have yet, and
uploads that are still being received.
"""


@dataclass(frozen=True, slots=True)
class Store:
    """The open state of a home, for one version of the index. `catalog`, `index` and `embedder` belong together.

    Code that runs for long asks for `current` each time. `ownership` is None if a Qdrant server is used, because then
    several processes may open the home.
    """

    database: sa.Engine
    catalog: Catalog
    runs: Runs
    index: Index
    embedder: Embedder
    ownership: Ownership | None
    open_versions: OpenVersions

    @classmethod
    def open(cls, settings: IngestSettings, *, command: str, rebuild: bool = False) -> Store:
        """Open everything for `youju <command>`, with the version of the index that answers questions. Loads no model
        yet.

        With `rebuild`, a missing index is created empty, even if the catalog has documents in it. Raises OwnedError if
        another process owns the embedded index, and the ConfigurationError and UnavailableError of the parts. After an
        error, the parts that were open are closed again.
        """
        with ExitStack() as opened:
            ownership = None
            if settings.qdrant_url is None:
                ownership = opened.enter_context(Ownership.take(settings.home, command))
                check_room(settings.home)
            database = open_database(settings)
            opened.callback(database.dispose)
            pair(database, settings)
            open_versions = OpenVersions(database, settings, sole=ownership is not None, rebuild=rebuild)
            opened.callback(open_versions.close)
            current = open_versions.current()
            opened.pop_all()
        runs = Runs(database)
        return cls(database, current.catalog, runs, current.index, current.embedder, ownership, open_versions)

    def current(self) -> Store:
        """Returns this home with the version of the index that answers questions now."""
        current = self.open_versions.current()
        return self if current.id == self.catalog.version else self.at(current)

    def at(self, version: OpenVersion) -> Store:
        """Returns this home with this version."""
        catalog = self.catalog.of(version.id)
        return replace(self, catalog=catalog, index=version.index, embedder=version.embedder)

    @contextmanager
    def still(self, *, timeout_seconds: float = 60.0) -> Iterator[None]:
        """Keep the files of this home as they are inside the context, for as long as it takes to copy them.

        A copy without the names in `LEFT_OUT` is the home of one moment, and opens like a home whose process was killed
        then: every document in it has one whole revision. Nothing is cancelled meanwhile. Questions are answered and
        uploads are taken in; commits stay beside the database's file. Runs, compactions and removals wait where they
        want to change the index or to remove files, and go on afterwards. A run that waits does not look at its `stop`.

        Not covered is what is not in the home: a PostgreSQL database and the collections of a Qdrant server. Those have
        backups of their own, and fit together only if no run is under way. With a Qdrant server, other processes may
        also use the home; they remove originals without waiting.

        Enter and leave it in one thread, which must not change anything itself. Raises UnavailableError `home_busy`
        after about `timeout_seconds` if somebody goes on changing something, such as a compaction.
        """
        deadline = time.monotonic() + timeout_seconds
        # The indexes come first. A commit that the database's file still gets may only name what is in them by then;
        # a run flushes the index before it publishes.
        indexes = self.open_versions.still(timeout_seconds)
        with indexes, file_at_rest(self.database, max(0.0, deadline - time.monotonic())):
            yield

    def close(self) -> None:
        """Close everything, even if closing a broken index fails. The lock is released last."""
        with ExitStack() as opened:
            if self.ownership is not None:
                opened.callback(self.ownership.close)
            opened.callback(self.database.dispose)
            opened.callback(self.open_versions.close)
            opened.callback(self.index.close)
