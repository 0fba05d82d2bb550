"""The last stages of a run: it writes, flushes and publishes drafts, and retires the revisions that they replace."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ingest.catalog.records import Publication
from ingest.document import Candidate, Chunk, Embedding, Known, Prepared, Reference, numbered
from ingest.errors import DocumentError, YoujuError
from ingest.runs.records import Failure
from ingest.runs.target import Target
from ingest.store import Store

# A search that began before a publication may still read the old chunks.
_RETIRE_AFTER_SECONDS = 1.0


@dataclass(slots=True)
class Draft:
    """A document on its way from its revision number to its publication.

    `missing` counts its chunks that are not in the index yet. `error` is the first error, or None. A draft that has an
    error is not published.
    """

    candidate: Candidate
    publication: Publication
    missing: int
    error: DocumentError | None = None


@dataclass(slots=True)
class Writer:
    """Writes the documents of a run into one version of the index, and publishes each document once it is complete.

    `movable` are documents that are gone, by digest. A new document with the same bytes takes the place of one of them
    and reuses its vectors. `moved` are the ids of the documents that were replaced in this way. Call `draft` in the
    thread "drafts" and `publish` in the run's thread. Any thread may call `write` and `fail`.
    """

    target: Target
    movable: Mapping[str, list[Known]] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    _drafts: dict[str, Draft] = field(default_factory=dict)
    _whole: list[Draft] = field(default_factory=list)
    _changing: threading.Lock = field(default_factory=threading.Lock)  # held while drafts are changed

    def draft(self, candidate: Candidate, document: Prepared, revision: int) -> Sequence[Chunk | Draft]:
        """Begin a revision, and write the chunks whose vectors are known. Returns the chunks that have to be embedded.

        If there are none, it returns the draft itself. The draft then passes through the same queues, so that the run's
        thread publishes it.
        """
        chunks = numbered(candidate.reference, revision, document)
        waiting = self.movable.get(document.digest)
        moved = waiting.pop(0) if waiting and candidate.is_new else None
        publication = Publication(
            reference=candidate.reference,
            revision=revision,
            digest=document.digest,
            fingerprint=self.target.fingerprint,
            title=document.title,
            kind=document.kind,
            language=document.language,
            chunks=len(chunks),
            moved_from=moved.id if moved is not None else None,
        )
        earlier = moved or candidate.known
        vectors = self.target.known_vectors(self.target.store, earlier, chunks) if earlier is not None else {}
        draft = Draft(candidate, publication, missing=len(chunks))
        with self._changing:
            # The draft is stored before its first chunk is written, because `write` looks it up.
            self._drafts[candidate.reference.document_id] = draft
        known = [chunk for chunk in chunks if chunk.id in vectors]
        if known:
            self.write(known, [vectors[chunk.id] for chunk in known])
        return [chunk for chunk in chunks if chunk.id not in vectors] or [draft]

    def write(self, chunks: Sequence[Chunk], embeddings: Sequence[Embedding | DocumentError]) -> None:
        """Write chunks of drafts with their vectors. If a chunk has no vector or the index refuses it, its draft gets
        the error and is not published.
        """
        with self._changing:
            for chunk, embedding in zip(chunks, embeddings, strict=True):
                if isinstance(embedding, DocumentError):
                    self._drafts[chunk.document_id].error = self._drafts[chunk.document_id].error or embedding
            pairs = [
                (chunk, embedding)
                for chunk, embedding in zip(chunks, embeddings, strict=True)
                if not isinstance(embedding, DocumentError) and self._drafts[chunk.document_id].error is None
            ]
        try:
            self.target.store.index.write([chunk for chunk, _ in pairs], [embedding for _, embedding in pairs])
        except DocumentError as error:
            documents = [list(group) for _, group in groupby(zip(chunks, embeddings, strict=True), _document)]
            if len(documents) > 1:  # written again one by one, so that only the document with the error fails
                for document in documents:
                    self.write([chunk for chunk, _ in document], [embedding for _, embedding in document])
                return
            with self._changing:
                self._drafts[chunks[0].document_id].error = self._drafts[chunks[0].document_id].error or error
        else:
            self.target.counter.add("chunks", len(pairs))
        with self._changing:
            # Chunks are counted only after the index has them, so `publish` never takes a draft that misses some.
            for chunk in chunks:
                draft = self._drafts[chunk.document_id]
                draft.missing -= 1
                if draft.missing == 0:
                    self._whole.append(draft)

    def publish(self) -> None:
        """Make the drafts current whose chunks are all written. The index is flushed to the disk first."""
        with self._changing:
            done, self._whole = self._whole, []
            for draft in done:
                del self._drafts[draft.publication.reference.document_id]
        if not done:
            return
        self.target.store.index.flush()
        for draft in done:
            if draft.error is not None:
                self.fail(draft.candidate.reference, draft.error)
        whole = [draft for draft in done if draft.error is None]
        if whole:
            self.target.store.catalog.publish([draft.publication for draft in whole])
        for draft in whole:
            if draft.publication.moved_from is not None:
                self.moved.add(draft.publication.moved_from)
                self.target.counter.count("moved")
            else:
                self.target.counter.count("new" if draft.candidate.is_new else "changed")

    def fail(self, reference: Reference, error: YoujuError) -> None:
        """Record that a document could not be ingested. Its old revision, if any, stays searchable."""
        self.target.store.catalog.record_failure(reference, error, self.target.fingerprint)
        self.target.counter.fail(Failure(reference.uri, error.code, str(error)))


def retire(store: Store, *, wait: bool = False) -> None:
    """Remove retired chunks that no search can be reading any more. With `wait`, it waits first, so that it can remove
    all of them.
    """
    if wait and store.catalog.retirements():
        time.sleep(_RETIRE_AFTER_SECONDS)
    due = store.catalog.retirements(older_than_seconds=_RETIRE_AFTER_SECONDS)
    for retirement in due:
        store.index.retire(retirement.document_id, first=retirement.first, last=retirement.last)
    if due:
        store.index.flush()
        store.catalog.record_retired(due)


def compact(store: Store, stop: threading.Event) -> None:
    """Let the index write what it holds in memory to the disk, if that has become large."""
    if not stop.is_set():
        store.index.compact(interrupted=stop.is_set)


def _document(pair: tuple[Chunk, Embedding | DocumentError]) -> str:
    return pair[0].document_id
