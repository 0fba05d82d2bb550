"""Writes, flushes and publishes the documents of a run by their words, and retires the revisions that they replace."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingest.catalog.records import Publication
from ingest.document import Candidate, Embedding, Known, Prepared, Reference, numbered
from ingest.errors import DocumentError, YoujuError
from ingest.runs.records import Failure
from ingest.runs.target import Target
from ingest.store import Store

# A search that began before a publication may still read the old chunks.
_RETIRE_AFTER_SECONDS = 1.0
_BATCH_CHUNKS = 256


@dataclass(frozen=True, slots=True)
class Draft:
    """A document whose chunks are all in the index, ready to be published."""

    candidate: Candidate
    publication: Publication


@dataclass(slots=True)
class Writer:
    """Writes the documents of a run into one version of the index by their words, and publishes them.

    A chunk whose dense vector is known gets it at once. The others get theirs later (`ingest.runs.late_vectors`).
    `movable` are documents that are gone, by digest. A new document with the same bytes takes the place of one of them
    and reuses its vectors. `moved` are the ids of the documents that were replaced in this way. Any thread may call
    `fail`, and only the run's thread the rest.
    """

    target: Target
    movable: Mapping[str, list[Known]] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)

    def draft(self, candidate: Candidate, document: Prepared, revision: int) -> Draft | None:
        """Write all chunks of a revision. Returns None if the index refuses one: then the document has failed."""
        chunks = numbered(candidate.reference, revision, document)
        gone = self.movable.get(document.digest)
        moved = gone.pop(0) if gone and candidate.is_new else None
        earlier = moved or candidate.known
        vectors = self.target.known_vectors(self.target.store, earlier, chunks) if earlier is not None else {}
        try:
            for start in range(0, len(chunks), _BATCH_CHUNKS):  # so that few terms are unpacked at a time
                batch = slice(start, start + _BATCH_CHUNKS)
                pairs = zip(chunks[batch], document.words[batch], strict=True)
                embeddings = [vectors.get(chunk.id) or Embedding(None, words) for chunk, words in pairs]
                self.target.store.index.write(chunks[batch], embeddings)
        except DocumentError as error:
            self.fail(candidate.reference, error)
            return None
        covers = self.target.store.embedder.covers
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
            about=document.about,
            waiting=sum(chunk.id not in vectors and covers(chunk.language) for chunk in chunks),
        )
        return Draft(candidate, publication)

    def publish(self, drafts: Sequence[Draft]) -> None:
        """Make these drafts current. The index is flushed to the disk first."""
        if not drafts:
            return
        self.target.store.index.flush()
        self.target.store.catalog.publish([draft.publication for draft in drafts])
        for draft in drafts:
            what = "new" if draft.candidate.is_new else "changed"
            if draft.publication.moved_from is not None:
                self.moved.add(draft.publication.moved_from)
                what = "moved"
            self.target.counter.count(what, draft.candidate.reference.uri)
            self.target.counter.add("chunks", draft.publication.chunks)
            self.target.counter.add("waiting", draft.publication.waiting)

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
