"""The index of chunks: one contract, held by the embedded engine (`edge`) and by a Qdrant server (`server`).

Its files:

    from_settings.py  which index is meant
    payload.py        what a chunk looks like inside Qdrant, and the filters; the same on both engines
    server.py         a Qdrant server
    edge.py           the embedded engine
    generations.py    the embedded engine's folder: how it is stored, and rewritten
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.access import Reader
from ingest.document import Chunk, Embedding
from ingest.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Scored:
    """Which chunk one leg found, of which revision, and the score it gave, higher is better.

    The chunk itself is fetched when it is known to be wanted: building one costs more than finding it.
    """

    chunk_id: str
    document_id: str
    revision: int
    score: float


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg of a hybrid search found, best first. A leg that was not asked is empty."""

    dense: tuple[Scored, ...]
    sparse: tuple[Scored, ...]


class Index(Protocol):
    """Chunks with their vectors. Safe to call from several threads of the owning process.

    Revisions that are not published stand beside the published ones; which is which only the catalog knows.
    Errors of the engine come out as `ingest.errors.YoujuError`s, never as the library's own.
    """

    def write(self, chunks: Sequence[Chunk], embeddings: Sequence[Embedding]) -> None:
        """Add chunks, or overwrite those with the same id. Searches see them at once, `flush` makes them last."""
        ...

    def flush(self) -> None:
        """Return when everything written or retired so far survives a crash of the process and of the machine."""
        ...

    def search(self, query: Embedding, *, reader: Reader, limit: int) -> Legs:
        """The best `limit` chunks of each leg that `reader` may read, any revision, both legs from one moment.

        The dense leg is skipped where `query.dense` is None, the sparse leg where it has no terms.
        """
        ...

    def fetch(self, chunk_ids: Collection[str]) -> dict[str, Chunk]:
        """These chunks by their ids; what has been retired, or never was there, is left out."""
        ...

    def chunks(self, document_id: str, revision: int) -> list[Chunk]:
        """All chunks of one revision, by position."""
        ...

    def embeddings(self, document_id: str, revision: int) -> list[Embedding]:
        """The vectors of those chunks, in the same order."""
        ...

    def set_access(self, document_id: str, access: Sequence[str]) -> None:
        """Change who may find the chunks of a document, all its revisions; their vectors stay."""
        ...

    def retire(self, document_id: str, *, first: int, last: int) -> None:
        """Remove the chunks of the revisions from `first` to `last`, both included."""
        ...

    def remove(self, chunk_ids: Collection[str]) -> None:
        """Remove these chunks, whatever is left of them: `retire` finds only what is whole."""
        ...

    def compact(self, *, interrupted: Callable[[], bool]) -> bool:
        """Take less memory and start faster from now on, if that is worth while; whether anything was done.

        Searches go on, writes may wait for it. `interrupted` is asked often; True gives up.
        """
        ...

    def inventory(self) -> Iterator[str]:
        """The ids of all chunks, of all revisions, each once and in order. Searches and writes go on meanwhile."""
        ...

    def count(self) -> int:
        """How many chunks are stored, of all revisions."""
        ...

    def close(self) -> None:
        """Flush and let go. The index cannot be used afterwards."""
        ...


def index_missing(place: str) -> ConfigurationError:
    """The error for an index that is gone (`place`: from where) while the catalog has published what was in it."""
    return ConfigurationError(
        "index_missing",
        f"The index is gone, {place}, and the catalog says that documents are in it.",
        "Restore it from a backup, or remove what is left of it and run `youju verify --repair`: it makes an empty one "
        "and brings every document in again from its source. One that answers no questions: `youju index drop ID`.",
    )
