"""Revisions that are being written and not yet published, and the vectors they can take over."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.catalog.records import Known, Publication
from ingest.document import Chunk, Embedding, Passage, Reference, chunk_id
from ingest.embedding import DenseEmbedder
from ingest.errors import DocumentError
from ingest.index import Index
from ingest.runs.changes import Candidate
from ingest.runs.stages import Prepared


@dataclass(slots=True)
class Draft:
    """A revision on its way: how many of its chunks are still `missing` in the index, and what has gone wrong."""

    candidate: Candidate
    publication: Publication
    missing: int
    error: DocumentError | None = None


class Drafts:
    """The drafts of a run by their documents. Safe to call from several threads."""

    def __init__(self) -> None:
        self._drafts: dict[str, Draft] = {}
        self._done: list[Draft] = []
        self._changing = threading.Lock()

    def open(self, draft: Draft) -> None:
        """Begin to wait for a draft's missing chunks; there may be none."""
        with self._changing:
            self._drafts[draft.publication.reference.document_id] = draft
            self._settle(draft)

    def spoil(self, document_id: str, error: DocumentError) -> None:
        """Note that the document cannot be published, and why; the first reason stays."""
        with self._changing:
            draft = self._drafts[document_id]
            draft.error = draft.error or error

    def is_spoilt(self, document_id: str) -> bool:
        """Whether its chunks need not be written any more."""
        with self._changing:
            return self._drafts[document_id].error is not None

    def count_off(self, chunks: Iterable[Chunk]) -> None:
        """These are dealt with: written, or lost with their documents spoilt."""
        with self._changing:
            for chunk in chunks:
                draft = self._drafts[chunk.document_id]
                draft.missing -= 1
                self._settle(draft)

    def take_done(self) -> list[Draft]:
        """The drafts that miss nothing any more, each once, in the order in which they got there."""
        with self._changing:
            done, self._done = self._done, []
            for draft in done:
                del self._drafts[draft.publication.reference.document_id]
            return done

    def _settle(self, draft: Draft) -> None:
        if draft.missing == 0:
            self._done.append(draft)


def number(reference: Reference, revision: int, document: Prepared, passages: Sequence[Passage]) -> list[Chunk]:
    """The passages of a document as the chunks of a revision."""
    identity = reference.document_id
    return [
        Chunk(
            id=chunk_id(identity, revision, position),
            document_id=identity,
            revision=revision,
            position=position,
            source=reference.source,
            uri=reference.uri,
            title=document.title,
            language=passage.language,
            text=passage.text,
            location=passage.location,
            access=reference.access,
        )
        for position, passage in enumerate(passages)
    ]


def publication(
    reference: Reference, revision: int, fingerprint: str, document: Prepared, moved: Known | None
) -> Publication:
    """What will make the revision current once its chunks are in the index."""
    return Publication(
        reference=reference,
        revision=revision,
        digest=document.digest,
        fingerprint=fingerprint,
        title=document.title,
        kind=document.kind,
        language=document.language,
        chunks=len(document.passages or ()),
        moved_from=moved.id if moved is not None else None,
    )


def known_vectors(
    index: Index, dense: DenseEmbedder, earlier: Known | None, chunks: Sequence[Chunk]
) -> dict[str, Embedding]:
    """The vectors of those chunks, by id, that stand word for word in an earlier revision: they need no embedding.

    Word for word includes title and headings, which are embedded with the text.
    """
    if earlier is None or earlier.revision is None or earlier.fingerprint is None:  # None: `Catalog.distrust`
        return {}
    stored = index.chunks(earlier.id, earlier.revision)
    embeddings = index.embeddings(earlier.id, earlier.revision)
    if len(stored) != len(embeddings):  # a damaged index: whose is whose cannot be told
        return {}
    pairs = zip(stored, embeddings, strict=True)
    vectors = {(chunk.heading, chunk.text, chunk.language): embedding for chunk, embedding in pairs}
    found = {chunk.id: vectors.get((chunk.heading, chunk.text, chunk.language)) for chunk in chunks}
    covered = {chunk.id: dense.covers(chunk.language) for chunk in chunks}
    return {
        identity: embedding
        for identity, embedding in found.items()
        # The settings may have come to cover another language since.
        if embedding is not None and (embedding.dense is not None) == covered[identity]
    }


def embedding_failed(cause: DocumentError) -> DocumentError:
    """What it means for a document that a batch with a part of it could not be embedded."""
    return DocumentError("embedding_failed", f"A part of it could not be embedded: {cause.message}", cause.hint)
