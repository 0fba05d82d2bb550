"""The index inside this process: Qdrant's own engine (Qdrant Edge), with one folder and one owner.

The engine holds the GIL during every call. So writes and scrolls go in small batches, and the threads that search get
their turn between two batches. `optimize()` takes seconds and therefore runs in a child process (`generations`).
"""

from __future__ import annotations

import itertools
import logging
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np

from ingest.access import Reader
from ingest.document import Chunk, Embedding
from ingest.errors import ConfigurationError, UnavailableError, YoujuError
from ingest.home.lock import not_at_rest
from ingest.home.processes import return_memory
from ingest.index import LANGUAGE_PARTS, Legs
from ingest.index.generations import (
    Generation,
    Growth,
    claim,
    create,
    current,
    index_fields,
    rewrite,
    shard_config,
    switch,
)
from ingest.index.payload import (
    BATCH_POINTS,
    DENSE,
    SPARSE,
    AnyOf,
    Condition,
    checked,
    chunk_of,
    embedding_of,
    of_document,
    payload_of,
    ranked,
    readable,
    revisions,
)

logger = logging.getLogger(__name__)

COMPACT_AFTER = 5_000
"""The most chunks that may lie in memory, at 5 to 20 kB each. After that they are rewritten and read from the disk."""


class EdgeIndex:
    """An `Index` in a folder of this machine. Only one process may have it open; any number of its threads may use it.

    Every write is in the write-ahead log before it returns, so a killed process loses none. `flush` makes it survive a
    crash of the machine too. The inverse document frequencies still count retired chunks until their segment is
    rewritten. That happens in the first `compact` after a segment has lost a tenth of its chunks.
    """

    def __init__(
        self, engine: ModuleType, claim: IO[str], folder: Path, dimension: int, max_threads: int | None
    ) -> None:
        """Called by `open` only."""
        self._engine = engine
        self._claim = claim
        self._folder = folder
        self._dimension = dimension
        self._config = shard_config(engine, dimension, max_threads)
        self._closed = False
        # Every call of the engine holds this lock, so that no thread uses a shard that `compact` has just closed. The
        # lock costs nothing, because the engine holds the GIL: one call waits for the other anyway.
        self._calling = threading.RLock()
        # Whatever changes the files holds this lock, so that `compact` copies files that do not change. A thread that
        # needs both locks takes this one first. A search takes only `_calling`, so it never waits for a whole
        # compaction.
        self._changing = threading.RLock()
        if not folder.exists() or not any(folder.iterdir()):
            create(engine, folder, self._config)
        self._generation = current(folder)
        self._growth = Growth(folder)
        self._loaded: Any = None

    @classmethod
    def open(cls, folder: Path, *, dimension: int, max_threads: int | None = None) -> EdgeIndex:
        """Take the index in `folder`, or create it there, for dense vectors of `dimension` numbers.

        `max_threads` limits the threads of one search; if it is None, the engine chooses by CPUs. Raises `OwnedError`
        if another process has it open, `ConfigurationError` if it cannot be written. The first call loads it, and
        raises `ConfigurationError` if it was created for another dimension. So a server listens before the index is
        loaded, and a command that needs no chunk does not wait.
        """
        # The import takes 40 ms. Commands that never search should not pay for it.
        import qdrant_edge as engine

        with _opening(folder), ExitStack() as undo:
            held = undo.enter_context(claim(folder))
            index = cls(engine, held, folder, dimension, max_threads)
            undo.pop_all()
            return index

    def write(self, chunks: Sequence[Chunk], embeddings: Sequence[Embedding]) -> None:
        """Add the chunks, or overwrite chunks with the same id, a small batch at a time."""
        pairs = zip(chunks, embeddings, strict=True)
        while batch := list(itertools.islice(pairs, BATCH_POINTS)):
            points = [self._point(chunk, embedding) for chunk, embedding in batch]
            self._change(self._engine.UpdateOperation.upsert_points(points), grows_by=len(points))

    def add_vectors(self, chunk_ids: Sequence[str], vectors: Sequence[np.ndarray]) -> None:
        """Give chunks that are stored their dense vectors, a small batch at a time. One that is gone is left out."""
        pairs = zip(chunk_ids, vectors, strict=True)
        while batch := list(itertools.islice(pairs, BATCH_POINTS)):
            with self._changing:  # nothing is removed between looking and writing
                stored = self._stored([chunk_id for chunk_id, _ in batch])
                points = [
                    self._engine.PointVectors(chunk_id, {DENSE: checked(vector, self._dimension)})
                    for chunk_id, vector in batch
                    if chunk_id in stored
                ]
                if points:  # those on the disk come back into memory, so all count as growth
                    self._change(self._engine.UpdateOperation.update_vectors(points), grows_by=len(points))

    def unembedded(self, document_id: str, revision: int) -> list[Chunk]:
        """Returns the chunks of one revision that have no dense vector, by position."""
        records = self._records(document_id, revision, with_payload=True, with_vector=[DENSE])
        found = (chunk_of(record.id, record.payload) for record in records if not record.vector)
        return sorted(found, key=lambda chunk: chunk.position)

    def flush(self) -> None:
        """Return when all writes and removals so far are on the disk."""
        with self._changing:
            with self._translated():
                self._shard.flush()
            self._growth.record()

    @contextmanager
    def still(self, timeout_seconds: float) -> Iterator[None]:
        """Flush, and keep the files as they are inside the context. Searches go on. Threads that change the index wait.

        Enter and leave it in one thread. Raises UnavailableError `home_busy` if a change takes longer than this.
        """
        if not self._changing.acquire(timeout=timeout_seconds):
            raise not_at_rest(f"the index in {self._folder} is being written or rewritten", timeout_seconds)
        try:
            self.flush()
            yield
        finally:
            self._changing.release()

    def search(self, query: Embedding, *, reader: Reader, limit: int) -> Legs:
        """Returns the best `limit` chunks of each leg that `reader` may read. Exact search, both legs in one call."""
        [legs] = self._search(query, reader, limit, [()])
        return legs

    def search_by_language(self, query: Embedding, *, reader: Reader, limit: int) -> tuple[Legs, ...]:
        """Returns the same for each of `LANGUAGE_PARTS` by itself. All of it in one call."""
        return self._search(query, reader, limit, [(AnyOf("language", part),) for part in LANGUAGE_PARTS])

    def _search(
        self, query: Embedding, reader: Reader, limit: int, parts: Sequence[tuple[Condition, ...]]
    ) -> tuple[Legs, ...]:
        conditions = readable(reader)
        wanted = {DENSE: self._dense_query(query), SPARSE: self._sparse_query(query)}
        asked = {leg: vector for leg, vector in wanted.items() if vector is not None}
        if conditions is None or not asked or limit < 1:
            return tuple(Legs((), ()) for _ in parts)
        engine = self._engine
        requests = [
            engine.QueryRequest(
                limit=limit,
                query=engine.Query.Nearest(vector, using=leg),
                filter=self._filter((*part, *conditions)),
                with_payload=False,
            )
            for part in parts
            for leg, vector in asked.items()
        ]
        with self._translated():
            answers = iter(self._shard.query_batch(engine.QueryBatchRequest(requests)))
        found = [{leg: ranked(next(answers)) for leg in asked} for _ in parts]
        return tuple(Legs(dense=legs.get(DENSE, ()), sparse=legs.get(SPARSE, ())) for legs in found)

    def fetch(self, chunk_ids: Collection[str]) -> dict[str, Chunk]:
        """Returns the chunks with these ids. Ids of chunks that are not stored are left out."""
        with self._translated():
            records = self._shard.retrieve(list(chunk_ids), with_payload=True, with_vector=False)
        chunks = (chunk_of(record.id, record.payload) for record in records)
        return {chunk.id: chunk for chunk in chunks}

    def chunks(self, document_id: str, revision: int) -> list[Chunk]:
        """Returns all chunks of one revision, by position."""
        records = self._records(document_id, revision, with_payload=True)
        return sorted((chunk_of(record.id, record.payload) for record in records), key=lambda chunk: chunk.position)

    def embeddings(self, document_id: str, revision: int) -> list[Embedding]:
        """Returns the vectors of those chunks, in the same order."""
        records = self._records(document_id, revision, with_payload=["position"], with_vector=True)
        by_position = sorted(records, key=lambda record: int(record.payload["position"]))
        return [embedding_of(record.vector) for record in by_position]

    def set_access(self, document_id: str, access: Sequence[str]) -> None:
        """Change who may find the chunks of all revisions of a document. The vectors stay."""
        selected = self._filter(of_document(document_id))
        operation = self._engine.UpdateOperation.set_payload_by_filter(selected, {"access": list(access)})
        # The engine writes a new point for each changed payload, so these points count as growth.
        self._change(operation, grows_by=self._count(selected))

    def retire(self, document_id: str, *, first: int, last: int) -> None:
        """Remove the chunks of the revisions from `first` to `last`, both included."""
        selected = self._filter(revisions(document_id, first, last))
        self._change(self._engine.UpdateOperation.delete_points_by_filter(selected))

    def remove(self, chunk_ids: Collection[str]) -> None:
        """Remove these chunks by their ids, a small batch at a time."""
        ids = iter(chunk_ids)
        while batch := list(itertools.islice(ids, BATCH_POINTS)):
            self._change(self._engine.UpdateOperation.delete_points(batch))

    def compact(self, *, interrupted: Callable[[], bool]) -> bool:
        """Rewrite the chunks in memory so that they are read from the disk, if there are enough of them.

        Returns True if it was done. Searches go on. Threads that change the index wait.
        """
        with self._changing:
            if self._growth.chunks < COMPACT_AFTER:
                return False
            self.flush()
            following = rewrite(self._folder, self._generation, self._dimension, interrupted)
            if following is None or not self._go_over(following):
                if not interrupted():
                    self._growth.reset()  # the reason may last: try again after as many new chunks
                return False
            self._growth.reset()
        return_memory()
        return True

    def _go_over(self, following: Generation) -> bool:
        """Search and write the rewritten copy from now on. Returns True if that worked."""
        with self._translated():
            # The order matters. The copy must load before the file names it, or a bad copy would become the index. The
            # file names it before any write goes to it, or a restart would lose that write. The old folder is removed
            # last: until then it is the index that a restart would load.
            shard: Any = None
            try:
                shard = self._load(following)
            except Exception as error:  # the engine raises plain `Exception`; the old copy still works
                logger.warning("The index stays as it is: its rewritten copy cannot be opened (%s).", error)
            if shard is None or not switch(self._folder, following):
                if shard is not None:
                    shard.close()
                shutil.rmtree(following.path(self._folder), ignore_errors=True)
                return False
            before, self._loaded = self._shard, shard
            left, self._generation = self._generation, following
            before.close()
        shutil.rmtree(left.path(self._folder), ignore_errors=True)
        return True

    def inventory(self) -> Iterator[str]:
        """Yields the ids of all chunks of all revisions, each once and in order."""
        return (str(record.id) for record in self._scrolled(None, with_payload=False))

    def count(self) -> int:
        """Returns how many chunks of all revisions are stored."""
        return self._count(None)

    def close(self) -> None:
        """Flush and release the folder. A second call does nothing."""
        if self._closed:
            return
        try:
            if self._loaded is not None:
                self.flush()
        finally:
            with self._calling:
                self._closed = True
                if self._loaded is not None:
                    self._loaded.close()
            self._claim.close()

    @property
    def _shard(self) -> Any:
        """Returns the engine's shard. The caller must hold `_calling`."""
        if self._loaded is None:
            with _opening(self._folder):
                self._loaded = self._load(self._generation)
                index_fields(self._engine, self._loaded)
        return self._loaded

    def _change(self, operation: Any, *, grows_by: int = 0) -> None:
        with self._changing:
            with self._translated():
                self._shard.update(operation)
            self._growth.chunks += grows_by

    def _count(self, selected: Any) -> int:
        with self._translated():
            return int(self._shard.count(self._engine.CountRequest(filter=selected, exact=True)))

    def _stored(self, chunk_ids: list[str]) -> set[str]:
        with self._translated():
            return {str(record.id) for record in self._shard.retrieve(chunk_ids, with_payload=False, with_vector=False)}

    def _load(self, generation: Generation) -> Any:
        return self._engine.EdgeShard.load(str(generation.path(self._folder)), self._config)

    def _point(self, chunk: Chunk, embedding: Embedding) -> Any:
        vectors: dict[str, Any] = {}
        if embedding.dense is not None:
            vectors[DENSE] = checked(embedding.dense, self._dimension)
        if embedding.sparse.indices:
            vectors[SPARSE] = self._sparse(embedding)
        return self._engine.Point(chunk.id, vectors, payload_of(chunk))

    def _dense_query(self, query: Embedding) -> list[float] | None:
        return None if query.dense is None else checked(query.dense, self._dimension)

    def _sparse_query(self, query: Embedding) -> Any:
        return self._sparse(query) if query.sparse.indices else None

    def _sparse(self, embedding: Embedding) -> Any:
        return self._engine.SparseVector(embedding.sparse.indices, embedding.sparse.values)

    def _filter(self, conditions: Iterable[Condition]) -> Any:
        return self._engine.Filter(must=[self._field(condition) for condition in conditions])

    def _field(self, condition: Condition) -> Any:
        engine = self._engine
        if isinstance(condition, AnyOf):
            return engine.FieldCondition(condition.field, match=engine.MatchAny(list(condition.values)))
        bounds = engine.RangeFloat(gte=condition.first, lte=condition.last)
        return engine.FieldCondition(condition.field, range=bounds)

    def _records(self, document_id: str, revision: int, **selection: Any) -> Iterator[Any]:
        return self._scrolled(self._filter(revisions(document_id, revision, revision)), **selection)

    def _scrolled(self, selected: Any, **selection: Any) -> Iterator[Any]:
        offset: Any = None
        while True:
            with self._translated():
                request = self._engine.ScrollRequest(offset=offset, limit=BATCH_POINTS, filter=selected, **selection)
                records, offset = self._shard.scroll(request)
            yield from records
            if offset is None:
                return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise every error of the engine as our own, while the block holds `_calling`.

        The engine raises only `Exception`, so nothing but its message tells one error from another.
        """
        try:
            with self._calling:
                if self._closed:
                    raise UnavailableError("index_closed", "The index has been closed.")
                yield
        except YoujuError:
            raise
        except Exception as error:
            raise UnavailableError(
                "index_failed",
                f"The embedded index in {self._folder} failed: {error}",
                "See whether the disk is full or failing; if not, delete the folder and run `youju verify --repair`.",
            ) from error


@contextmanager
def _opening(folder: Path) -> Iterator[None]:
    try:
        yield
    except YoujuError:
        raise
    except OSError as error:
        raise ConfigurationError(
            "home_not_writable",
            f"The embedded index cannot be created at {folder}: {error.strerror}.",
            "Point YOUJU_HOME at a folder that this user may write to.",
        ) from error
    except Exception as error:
        if "incompatible" in str(error).lower():
            raise ConfigurationError(
                "dimension_mismatch",
                f"The index in {folder} was created for other vectors: {error}",
                "Go back to the embedding model it was created with, or delete it and run `youju verify --repair`.",
            ) from error
        raise UnavailableError(
            "index_unreadable",
            f"The index in {folder} cannot be opened: {error}",
            "See whether the disk is full or failing; if not, delete the folder and run `youju verify --repair`.",
        ) from error
