"""The last stages of a run: what it has drafted is written, flushed, published, and what that replaces retired."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby

from ingest.catalog.records import FailedTry, Known
from ingest.document import Chunk, Embedding, Reference
from ingest.errors import DocumentError, YoujuError
from ingest.home.lock import check_room
from ingest.home.store import Store
from ingest.runs import Failure
from ingest.runs.changes import Candidate
from ingest.runs.drafts import Draft, Drafts, embedding_failed, known_vectors, number, publication
from ingest.runs.moves import Moves
from ingest.runs.report import Tally
from ingest.runs.stages import Prepared
from ingest.settings import IngestSettings
from ingest.versions.rebuilding import Present

# A search that began before a publication may still be reading the old chunks.
_RETIRE_AFTER_SECONDS = 1.0


class Publisher:
    """Writes the documents of a run into one edition of the index, and publishes each once it is whole.

    `draft` is for the thread that feeds the run, `fail` for any, everything else for the one that carries it out.
    `present` is the index that answers questions, where another is built beside it.
    """

    def __init__(
        self, store: Store, settings: IngestSettings, fingerprint: str, tally: Tally, present: Present | None
    ) -> None:
        self._store = store
        self._settings = settings
        self._fingerprint = fingerprint
        self._tally = tally
        self._present = present
        self._drafts = Drafts()
        self._moves = Moves()
        self._moved: set[str] = set()

    @property
    def moved(self) -> frozenset[str]:
        """The documents, by id, that gave way to what they were moved to."""
        return frozenset(self._moved)

    def recover(self, source: str) -> None:
        """Remove what an interrupted run had written and not published, and retire what it had left to retire."""
        for leftover in self._store.catalog.withdraw(source):
            self._store.index.retire(leftover.document_id, first=leftover.first, last=leftover.last)
        self.retire()

    def expect_moves(self, gone: Iterable[Known]) -> None:
        """These documents are gone; new ones with the same bytes take over what they had."""
        self._moves.expect(gone, self._fingerprint)

    def draft(self, candidate: Candidate, document: Prepared, revision: int) -> Sequence[Chunk | None]:
        """Write the chunks whose vectors are known; give those that have to be embedded.

        None stands for a document of which there are none, so that it is published as soon as the others.
        """
        chunks = number(candidate.reference, revision, document, document.passages or ())
        moved = self._moves.claim(document.digest) if candidate.is_new else None
        vectors = known_vectors(self._store.index, self._store.embedder.dense, moved or candidate.known, chunks)
        if self._present is not None and len(vectors) < len(chunks):
            vectors = self._present.vectors(self._store.embedder, candidate.reference.uri, chunks) | vectors
        unknown = [chunk for chunk in chunks if chunk.id not in vectors]
        known = [chunk for chunk in chunks if chunk.id in vectors]
        new = publication(candidate.reference, revision, self._fingerprint, document, moved)
        self._drafts.open(Draft(candidate, new, missing=len(chunks)))
        self._store_chunks([(chunk, vectors[chunk.id]) for chunk in known])
        self._drafts.count_off(known)
        return unknown or (None,)

    def write(self, chunks: Sequence[Chunk], embeddings: list[Embedding | DocumentError] | YoujuError) -> None:
        """Write a batch that was embedded, less what could not be."""
        if isinstance(embeddings, DocumentError):
            embeddings = [embedding_failed(embeddings)] * len(chunks)
        elif isinstance(embeddings, YoujuError):
            raise embeddings
        embedded: list[tuple[Chunk, Embedding]] = []
        for chunk, embedding in zip(chunks, embeddings, strict=True):
            if isinstance(embedding, DocumentError):
                self._drafts.spoil(chunk.document_id, embedding)
            else:
                embedded.append((chunk, embedding))
        if self._store.ownership is not None:
            check_room(self._settings.home)
        self._store_chunks(embedded)
        self._tally.add("embedded", len(embedded))
        self._drafts.count_off(chunks)

    def publish(self) -> None:
        """Make the drafts current that miss nothing any more, once the disk holds all of them."""
        done = self._drafts.take_done()
        if not done:
            return
        self._store.index.flush()
        for draft in done:
            if draft.error is not None:
                self.fail(draft.candidate.reference, draft.error)
        whole = [draft for draft in done if draft.error is None]
        if whole:
            self._store.catalog.publish([draft.publication for draft in whole])
        for draft in whole:
            if draft.publication.moved_from is not None:
                self._moved.add(draft.publication.moved_from)
                self._tally.count("moved")
            else:
                self._tally.count("new" if draft.candidate.is_new else "changed")

    def retire(self, *, wait: bool = False) -> None:
        """Remove chunks that no search can be reading any more; with `wait`, all of them."""
        catalog, index = self._store.catalog, self._store.index
        if wait and catalog.retirements():
            time.sleep(_RETIRE_AFTER_SECONDS)
        due = catalog.retirements(older_than_seconds=_RETIRE_AFTER_SECONDS)
        for retirement in due:
            index.retire(retirement.document_id, first=retirement.first, last=retirement.last)
        if due:
            index.flush()
            catalog.record_retired(due)

    def fail(self, reference: Reference, error: YoujuError) -> None:
        """Note that a document could not be ingested; what was searchable of it stays."""
        self._store.catalog.record_failure(reference, error, self._fingerprint)
        self._tally.fail(Failure(reference.uri, error.code, str(error)))

    def postpone(self, postponed: Sequence[tuple[Reference, FailedTry]]) -> None:
        """Report again what failed before and is not due yet."""
        for reference, failure in postponed:
            due = datetime.fromtimestamp(failure.retry_at, UTC).isoformat(sep=" ", timespec="minutes")
            message = f"{failure.message} Next try after {due}, or at once: `youju documents retry`."
            self._tally.fail(Failure(reference.uri, failure.code, message))

    def _store_chunks(self, embedded: Sequence[tuple[Chunk, Embedding]]) -> None:
        """Write chunks of documents that are whole so far; where the index refuses them, each document by itself."""
        embedded = [item for item in embedded if not self._drafts.is_spoilt(item[0].document_id)]
        try:
            self._store.index.write([chunk for chunk, _ in embedded], [embedding for _, embedding in embedded])
        except DocumentError as error:
            documents = [list(group) for _, group in groupby(embedded, key=lambda item: item[0].document_id)]
            if len(documents) == 1:
                self._drafts.spoil(embedded[0][0].document_id, error)
                return
            for document in documents:
                self._store_chunks(document)
        else:
            self._tally.add("chunks", len(embedded))
