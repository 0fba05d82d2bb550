"""The second pass of a run: the dense vectors of documents that are published by their words.

    in                    what is done there
    ────────────────────  ─────────────────────────────────────────────────────────────────
    thread "feeder"       waiting documents of the source ──► their chunks without a vector, 256 in a batch
    worker processes      [embed]
    the run's thread      vectors ──► index ──► flush ──► the catalog's count of what waits

It goes by what the catalog and the index say, so it also takes what an earlier run left, and nothing that is there
already. A vector goes to the chunk that it was made from: the id of a chunk contains its revision. So it never reaches
another revision, and publishes none. If a run is killed here, the next one goes on where the last flush was.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ingest.catalog.records import Waiting
from ingest.catalog.waiting import BEFORE_ALL
from ingest.document import Chunk
from ingest.engines import Engine
from ingest.errors import DocumentError, YoujuError
from ingest.runs.records import Failure
from ingest.runs.stages import Embedded, all_failed
from ingest.runs.target import Target

_PAGE_DOCUMENTS = 100
_BATCH_CHUNKS = 256


@dataclass(slots=True)
class LateVectors:
    """Brings the vectors of the documents of one source that wait for them."""

    target: Target
    stop: threading.Event
    # Documents whose chunks are being embedded, by id, with how many are left, and since the last flush, how many came.
    _left: dict[str, Waiting] = field(default_factory=dict)
    _changed: dict[str, Waiting] = field(default_factory=dict)
    _counting: threading.Lock = field(default_factory=threading.Lock)  # held while the two above are changed

    def any_wait(self) -> bool:
        """Returns True if a document waits. Sets how many passages do in the report."""
        self._count_again()
        return bool(self.target.store.catalog.waiting.documents(self.target.source.name, limit=1))

    def bring(self, embedding: Engine[Sequence[Chunk], Embedded]) -> Iterator[None]:
        """Embed what waits, and write it. Yields after each batch, so that the caller can do what is due meanwhile."""
        for chunks, result in embedding.run(self._batches()):
            vectors = all_failed(chunks, result) if isinstance(result, YoujuError) else result
            self._write(chunks, vectors)
            self._record()
            yield
        self._record()
        self._count_again()

    def _batches(self) -> Iterator[list[Chunk]]:
        batch: list[Chunk] = []
        for document in self._documents():
            for chunk in self._missing(document):
                if self.stop.is_set():
                    return
                batch.append(chunk)
                if len(batch) == _BATCH_CHUNKS:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _documents(self) -> Iterator[Waiting]:
        """Yields every waiting document once, those that wait for few vectors first."""
        waiting, after = self.target.store.catalog.waiting, BEFORE_ALL
        seen: set[str] = set()
        while page := waiting.documents(self.target.source.name, after=after, limit=_PAGE_DOCUMENTS):
            yield from (document for document in page if document.id not in seen)
            seen |= {document.id for document in page}
            after = page[-1].passages, page[-1].id

    def _missing(self, document: Waiting) -> list[Chunk]:
        """Returns the chunks of a document that have to be embedded, and begins to count them. There are none if a
        killed run had written them all, or if the document was deleted meanwhile.
        """
        covers = self.target.store.embedder.covers
        stored = self.target.store.index.unembedded(document.id, document.revision)
        chunks = [chunk for chunk in stored if covers(chunk.language)]
        with self._counting:
            found = replace(document, passages=len(chunks))
            (self._left if chunks else self._changed)[document.id] = found
        return chunks

    def _write(self, chunks: Sequence[Chunk], vectors: Embedded) -> None:
        pairs = list(zip(chunks, vectors, strict=True))
        made = [(chunk, vector) for chunk, vector in pairs if not isinstance(vector, DocumentError)]
        self.target.store.index.add_vectors([chunk.id for chunk, _ in made], [vector for _, vector in made])
        self.target.counter.add("embedded", len(made))
        self.target.counter.add("waiting", -len(chunks))
        with self._counting:
            for chunk, _ in made:
                if chunk.document_id in self._left:
                    before = self._left[chunk.document_id]
                    after = replace(before, passages=before.passages - 1)
                    self._left[chunk.document_id] = self._changed[chunk.document_id] = after
        for chunk, vector in pairs:
            if isinstance(vector, DocumentError):
                self._fail(chunk.document_id, vector)

    def _fail(self, document_id: str, error: DocumentError) -> None:
        """Record that a document cannot be embedded. What it has of vectors stays, and its words do."""
        with self._counting:
            document = self._left.pop(document_id, None)
            self._changed.pop(document_id, None)
        if document is not None:  # otherwise another of its chunks has failed before
            self.target.store.catalog.waiting.fail(document, error)
            self.target.counter.fail(Failure(document.uri, error.code, str(error)))

    def _record(self) -> None:
        """Tell the catalog what is in the index. The index is flushed first."""
        with self._counting:
            changed, self._changed = self._changed, {}
            for document_id, document in changed.items():
                if document.passages == 0:
                    self._left.pop(document_id, None)
        if changed:
            self.target.store.index.flush()
            self.target.store.catalog.waiting.record([*changed.values()])

    def _count_again(self) -> None:
        self.target.counter.wait_for(self.target.store.catalog.waiting.passages(self.target.source.name))
