"""Finds vectors that need not be computed again: the same passage is in an earlier revision, word for word."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.document import Chunk, Embedding, Known
from ingest.store import Store


def known_vectors(store: Store, earlier: Known | None, chunks: Sequence[Chunk]) -> dict[str, Embedding]:
    """Returns the vectors, by chunk id, of those chunks that are word for word in an earlier revision in the store's
    index.

    Title and headings have to be the same too, because they are embedded with the text.
    """
    index, dense = store.index, store.embedder.dense
    if earlier is None or earlier.revision is None or earlier.fingerprint is None:  # see `Catalog.distrust`
        return {}
    stored = index.chunks(earlier.id, earlier.revision)
    embeddings = index.embeddings(earlier.id, earlier.revision)
    if len(stored) != len(embeddings):  # the index is damaged, so no vector can be matched to its chunk
        return {}
    pairs = zip(stored, embeddings, strict=True)
    vectors = {(chunk.heading, chunk.text, chunk.language): embedding for chunk, embedding in pairs}
    found = {chunk.id: vectors.get((chunk.heading, chunk.text, chunk.language)) for chunk in chunks}
    covered = {chunk.id: dense.covers(chunk.language) for chunk in chunks}
    return {
        identity: embedding
        for identity, embedding in found.items()
        # Since then, the settings may have been changed to cover other languages.
        if embedding is not None and (embedding.dense is not None) == covered[identity]
    }
