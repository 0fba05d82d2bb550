"""The index of chunks.

One contract has two implementations: the embedded engine (`edge`) and a Qdrant server (`server`).

Its files:

    from_settings.py  which index is meant
    payload.py        what a chunk looks like inside Qdrant, and the filters; the same on both engines
    server.py         a Qdrant server
    refusals.py       what the errors of a Qdrant server mean
    edge.py           the embedded engine
    generations.py    the embedded engine's folder: how it is stored, and rewritten
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from ingest.access import Reader
from ingest.document import Chunk, Embedding, Language
from ingest.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Scored:
    """A chunk that one leg found, its revision, and its score in this leg. Higher is better.

    The chunk itself is fetched only when it is wanted, because building a chunk costs more than finding it.
    """

    chunk_id: str
    document_id: str
    revision: int
    score: float


@dataclass(frozen=True, slots=True)
class Legs:
    """The hits of each leg of a hybrid search, best first. A leg that was not searched is empty."""

    dense: tuple[Scored, ...]
    sparse: tuple[Scored, ...]


LANGUAGE_PARTS: Final[tuple[tuple[Language, ...], ...]] = (("zh", "mixed"), ("en", "other"))
"""Languages that are searched together. Scores are compared within a part only: a model puts passages in the language
of the question far before those that say the same in the other one.
"""


class Index(Protocol):
    """Chunks with their vectors. Several threads of the owning process may call it at once.

    Revisions that are not published are stored beside the published ones. Only the catalog knows which are published.
    Errors of the engine are raised as `ingest.errors.YoujuError`, never as the library's own.
    """

    def write(self, chunks: Sequence[Chunk], embeddings: Sequence[Embedding]) -> None:
        """Add chunks, or overwrite chunks with the same id.

        Searches see them at once. Only `flush` makes them survive a crash.
        """
        ...

    def add_vectors(self, chunk_ids: Sequence[str], vectors: Sequence[np.ndarray]) -> None:
        """Give chunks that are stored their dense vectors: shape (dimension,), float32, length one.

        Their words and who may find them stay as they are at that moment. A chunk that is no longer there is left out.
        """
        ...

    def unembedded(self, document_id: str, revision: int) -> list[Chunk]:
        """Returns the chunks of one revision that have no dense vector, by position."""
        ...

    def flush(self) -> None:
        """Return when all writes and removals so far survive a crash of the process and of the machine."""
        ...

    def search(self, query: Embedding, *, reader: Reader, limit: int) -> Legs:
        """Returns the best `limit` chunks of each leg that `reader` may read, of any revision. Both legs see the same
        moment.

        The dense leg is skipped if `query.dense` is None. The sparse leg is skipped if it has no terms.
        """
        ...

    def search_by_language(self, query: Embedding, *, reader: Reader, limit: int) -> tuple[Legs, ...]:
        """Does what `search` does for the chunks of each part of `LANGUAGE_PARTS` by themselves, at one moment."""
        ...

    def fetch(self, chunk_ids: Collection[str]) -> dict[str, Chunk]:
        """Returns the chunks with these ids. Ids of chunks that are not stored are left out."""
        ...

    def chunks(self, document_id: str, revision: int) -> list[Chunk]:
        """Returns all chunks of one revision, by position."""
        ...

    def embeddings(self, document_id: str, revision: int) -> list[Embedding]:
        """Returns the vectors of those chunks, in the same order."""
        ...

    def set_access(self, document_id: str, access: Sequence[str]) -> None:
        """Change who may find the chunks of all revisions of a document. The vectors stay."""
        ...

    def retire(self, document_id: str, *, first: int, last: int) -> None:
        """Remove the chunks of the revisions from `first` to `last`, both included."""
        ...

    def remove(self, chunk_ids: Collection[str]) -> None:
        """Remove these chunks, whatever is left of them. `retire` finds only complete ones."""
        ...

    def compact(self, *, interrupted: Callable[[], bool]) -> bool:
        """Use less memory and start faster from now on, if that is worth the work. Returns True if something was done.

        Searches go on. Writes may have to wait. `interrupted` is asked often; the work is given up if it returns True.
        """
        ...

    def still(self, timeout_seconds: float) -> AbstractContextManager[None]:
        """Flush, and hold off everything that changes files of this machine inside the context. Searches go on.

        Enter and leave it in one thread. Raises UnavailableError `home_busy` if such a change goes on for longer.
        """
        ...

    def inventory(self) -> Iterator[str]:
        """Yields the ids of all chunks of all revisions, each once and in order.

        Searches and writes go on meanwhile.
        """
        ...

    def count(self) -> int:
        """Returns how many chunks of all revisions are stored."""
        ...

    def close(self) -> None:
        """Flush and close. The index cannot be used afterwards."""
        ...


def index_missing(place: str) -> ConfigurationError:
    """Returns the error for an index that is missing while the catalog has published documents in it.

    `place` says where.
    """
    return ConfigurationError(
        "index_missing",
        f"The index is gone, {place}, and the catalog says that documents are in it.",
        "Restore it from a backup, or remove what is left of it and run `youju verify --repair`: it makes an empty one "
        "and brings every document in again from its source. One that answers no questions: `youju index drop ID`.",
    )
