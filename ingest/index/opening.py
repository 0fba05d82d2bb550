"""Which index the settings mean: the embedded one in the home, or a collection on a Qdrant server."""

from __future__ import annotations

import hashlib

from ingest.index import Index
from ingest.index.edge import EdgeIndex
from ingest.index.payload import SCHEMA_VERSION
from ingest.index.server import ServerIndex, connect
from ingest.settings import IngestSettings


def open_index(settings: IngestSettings, *, dimension: int, name: str) -> Index:
    """Open the index of the embedder called `name` (`Embedder.name`), or create it, empty.

    Vectors of different embedders never meet: each name has its own folder, or its own collection. So after a
    change of model the index is empty until everything is ingested again, and going back finds the old one.
    """
    digest = hashlib.sha256(f"{name}\n{SCHEMA_VERSION}".encode()).hexdigest()[:12]
    if settings.qdrant_url is None:
        return EdgeIndex.open(settings.home / "index" / digest, dimension=dimension)
    collection = f"{settings.qdrant_collection}-{digest}"
    return ServerIndex.open(connect(settings), collection=collection, dimension=dimension)
