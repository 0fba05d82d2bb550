"""What both sides of a search share, opened together: the catalog, the index and the embedder."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.catalog import Catalog
from ingest.database import open_database
from ingest.embedding import Embedder
from ingest.embedding.opening import open_embedder
from ingest.index import Index
from ingest.index.opening import open_index
from ingest.ownership import Ownership, check_room
from ingest.runs import Runs
from ingest.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class Store:
    """The state of a home, open. `ownership` is None where a Qdrant server lets several processes in."""

    database: sa.Engine
    catalog: Catalog
    runs: Runs
    index: Index
    embedder: Embedder
    ownership: Ownership | None

    @classmethod
    def open(cls, settings: IngestSettings, *, command: str) -> Store:
        """Open everything for `youju <command>`. No model is loaded yet.

        Raises OwnedError if another process owns the embedded index, ConfigurationError and UnavailableError
        as their parts do; whatever was opened until then is closed again.
        """
        with ExitStack() as opened:
            ownership = None
            if settings.qdrant_url is None:
                ownership = opened.enter_context(Ownership.take(settings.home, command))
                check_room(settings.home)
            database = open_database(settings)
            opened.callback(database.dispose)
            embedder = open_embedder(settings)
            index = open_index(settings, dimension=embedder.dense.dimension, name=embedder.name)
            opened.pop_all()
        return cls(database, Catalog(database), Runs(database), index, embedder, ownership)

    def close(self) -> None:
        """Close everything, the lock last, also where an index that failed cannot be closed."""
        with ExitStack() as opened:
            if self.ownership is not None:
                opened.callback(self.ownership.close)
            opened.callback(self.database.dispose)
            opened.callback(self.index.close)
