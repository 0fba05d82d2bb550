"""Opens the index that the settings name: the embedded one in the home, or a collection on a Qdrant server."""

from __future__ import annotations

import hashlib
import shutil

from ingest.errors import UnavailableError
from ingest.index import Index, index_missing
from ingest.index.edge import EdgeIndex
from ingest.index.generations import is_index
from ingest.index.payload import SCHEMA_VERSION
from ingest.index.server import ServerIndex, connect
from ingest.settings import IngestSettings


def index_name(embedder: str) -> str:
    """Returns a name that only indexes of this embedder (`Embedder.name`) share, so that different vectors
    never meet.
    """
    return hashlib.sha256(f"{embedder}\n{SCHEMA_VERSION}".encode()).hexdigest()[:12]


def open_index(settings: IngestSettings, *, dimension: int, name: str, may_create: bool = True) -> Index:
    """Open the index called `name`, or create it empty. It is a folder of the home, or a collection of the server.

    Raises ConfigurationError `index_missing` if it does not exist and must not be created.
    """
    if settings.qdrant_url is None:
        folder = settings.home / "index" / name
        if not may_create and not is_index(folder):
            raise index_missing(f"the folder {folder}")
        return EdgeIndex.open(folder, dimension=dimension)
    collection = _collection(settings, name)
    return ServerIndex.open(connect(settings), collection=collection, dimension=dimension, may_create=may_create)


def index_exists(settings: IngestSettings, name: str) -> bool:
    """Returns True if there is an embedded index with that name. A server is not asked; the result is then False."""
    return settings.qdrant_url is None and (settings.home / "index" / name).is_dir()


def remove_index(settings: IngestSettings, *, name: str) -> None:
    """Remove the index called `name`, if there is one. Nobody may have it open.

    Raises UnavailableError if a server does not answer or a folder cannot be removed.
    """
    if settings.qdrant_url is not None:
        ServerIndex.remove_collection(connect(settings), collection=_collection(settings, name))
        return
    folder = settings.home / "index" / name
    try:
        for path in (folder, folder.with_name(f"{name}.new")):
            if path.exists():
                shutil.rmtree(path)
        folder.with_name(f"{name}.lock").unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(
            "index_not_removed",
            f"The folder {folder} cannot be removed: {error.strerror}.",
            "Give this user the right to write there, then drop it again.",
        ) from None


def _collection(settings: IngestSettings, name: str) -> str:
    return f"{settings.qdrant_collection}-{name}"
