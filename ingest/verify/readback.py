"""Reads one document back: are all of its chunks in the index, are they what they should be, and are they found?

A chunk counts as found if a search with its own words returns it. The search is made as somebody whom the catalog
allows to read the document. The terms of the search are made from the text, and its dense vector is the stored one; the
model is not asked. So the check shows two things: the index finds what it holds, and the stored terms are those of the
text. Only a thorough check also shows that a dense vector belongs to its text, because it embeds the text again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ingest.access import OPERATOR, Reader
from ingest.catalog.records import Document
from ingest.document import Chunk, Embedding, SparseVector
from ingest.embedding import Embedder, embedded_text, terms_of
from ingest.index import Index, Scored
from ingest.verify.problems import VECTORS_WAITING

SAMPLED_CHUNKS = 4
"""The number of chunks of a document that are searched for, unless the check is thorough: the first, the last, and some
between.
"""
WITHIN: Final = (10, 1_000, 100_000)
"""The chunk must be among this many hits. The first search uses an excerpt of its text, the second all of it, and the
third its headings too. A short passage of common words may have many longer ones above it. So only a chunk that no
search returns counts as not found.
"""
_EXCERPT_CHARS: Final = {"zh": 80, "mixed": 120}
"""One or two sentences, as a reader would ask. Every pair of Chinese characters is a term, and each term costs time."""
_OTHER_EXCERPT_CHARS = 240
_SAME = 0.999  # a cosine: a vector stored in half precision is this close to itself
_RECOMPUTED = 0.99  # a cosine: for the same text in another batch, in bf16, stored in half precision
_HALF = 2e-3  # relative: half precision and rounding change the weight of a term by less
_NOTHING = SparseVector((), ())


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a document. `hides`: because of it, all or part of the document cannot be found."""

    code: str
    message: str
    hides: bool = True


class ReadBack:
    """Checks one document after the other.

    It only reads. Searches go on meanwhile, because each call of the index is short.
    """

    def __init__(self, index: Index, embedder: Embedder) -> None:
        self._index = index
        self._embedder = embedder

    def check(self, document: Document, *, thorough: bool = False) -> list[Finding]:
        """Returns the problems of the published revision of a document, as they are at this moment.

        With `thorough`, every chunk is searched for and embedded again. Otherwise a few chunks are searched for with
        their stored vectors. Raises the errors of the index.
        """
        if document.revision is None:
            raise ValueError(f"{document.uri} has no published revision")
        try:
            chunks = self._index.chunks(document.id, document.revision)
        except (KeyError, TypeError, ValueError):  # fields are missing or have the wrong type
            return [Finding("chunks_damaged", "Some of its passages are damaged in the index.")]
        embeddings = self._index.embeddings(document.id, document.revision)
        findings = [*_counted(document, chunks), *_open_to(document, chunks)]
        if not chunks or len(chunks) != len(embeddings):
            return findings
        pairs = list(zip(chunks, embeddings, strict=True))
        sample = pairs if thorough else [pairs[at] for at in _spread(len(pairs), SAMPLED_CHUNKS)]
        findings += self._vectors(document, pairs, sample, thorough=thorough)
        # With wrong readers or wrong vectors a search misses the chunk anyway.
        findings = findings or self._searched(document, sample, thorough=thorough)
        return findings or self._waiting(document, pairs)

    def _waiting(self, document: Document, pairs: Sequence[tuple[Chunk, Embedding]]) -> list[Finding]:
        missing = self._missing(pairs)
        if not missing:
            return []
        message = f"{missing} of its {len(pairs)} passages are found by their words only: their vectors follow."
        return [Finding(VECTORS_WAITING, message, hides=False)]

    def _missing(self, pairs: Sequence[tuple[Chunk, Embedding]]) -> int:
        covers = self._embedder.covers
        return sum(stored.dense is None and covers(chunk.language) for chunk, stored in pairs)

    def _vectors(
        self,
        document: Document,
        pairs: Sequence[tuple[Chunk, Embedding]],
        sample: Sequence[tuple[Chunk, Embedding]],
        *,
        thorough: bool,
    ) -> list[Finding]:
        missing = self._missing(pairs)
        if missing > document.waiting:
            message = f"{missing} of its {len(pairs)} passages have no vector in the index: not found by meaning."
            return [Finding("vectors_missing", message)]
        chunks = [chunk for chunk, _ in sample]
        expected = self._embedded(chunks) if thorough else self._terms(chunks)
        differing = sum(
            not (_same_terms(stored.sparse, own.sparse) and _same_meaning(stored.dense, own.dense))
            for (_, stored), own in zip(sample, expected, strict=True)
        )
        if differing:
            message = f"{differing} of {len(sample)} passages looked at have vectors that are not those of their text."
            return [Finding("vectors_differ", message)]
        if not any(stored.sparse.indices or stored.dense is not None for _, stored in pairs):
            return [Finding("no_terms", "There is no word in it that a search could find.")]
        return []

    def _embedded(self, chunks: Sequence[Chunk]) -> list[Embedding]:
        return self._embedder.embed_documents(chunks)

    def _terms(self, chunks: Sequence[Chunk]) -> list[Embedding]:
        return [Embedding(None, terms) for terms in terms_of(chunks, self._embedder.sparse)]

    def _searched(
        self, document: Document, sample: Sequence[tuple[Chunk, Embedding]], *, thorough: bool
    ) -> list[Finding]:
        # A reader who may read this document, in the source of the document.
        reader = Reader(frozenset(document.access) or None, frozenset({document.source}))
        missed = sum(
            bool(stored.sparse.indices) and not self._is_found_by_words(chunk, reader) for chunk, stored in sample
        )
        if missed:
            message = f"{missed} of {len(sample)} passages looked for are not found by their own words."
            return [Finding("not_found", message)]
        # Comparing vectors costs the engine as much as ten searches for words, and more with a filter.
        dense = [(chunk, stored.dense) for chunk, stored in sample if stored.dense is not None]
        wanted = dense if thorough else dense[len(dense) // 2 :][:1]
        missed = sum(not self._is_found_by_meaning(chunk, vector) for chunk, vector in wanted)
        if missed:
            message = f"{missed} of {len(wanted)} passages looked for are not found by their own meaning."
            return [Finding("not_found", message)]
        return []

    def _is_found_by_words(self, chunk: Chunk, reader: Reader) -> bool:
        for text, limit in zip((_excerpt(chunk), chunk.text, embedded_text(chunk)), WITHIN, strict=True):
            terms = self._embedder.sparse.embed_query(text)
            if not terms.indices:
                continue
            hits = self._index.search(Embedding(None, terms), reader=reader, limit=limit).sparse
            if _has(hits, chunk):
                return True
            if len(hits) == limit and self._says_the_same(hits[-1], chunk):
                return True
        return False

    def _is_found_by_meaning(self, chunk: Chunk, vector: np.ndarray) -> bool:
        for limit in WITHIN:
            hits = self._index.search(Embedding(vector, _NOTHING), reader=OPERATOR, limit=limit).dense
            # All of these hits are as near as possible, so they are copies of the same text.
            if _has(hits, chunk) or (len(hits) == limit and hits[-1].score >= _SAME):
                return True
            if len(hits) < limit:
                return False
        return False

    def _says_the_same(self, last: Scored, chunk: Chunk) -> bool:
        """Returns True if the last hit has the same words. Then all these hits are copies of this chunk."""
        other = self._index.fetch([last.chunk_id]).get(last.chunk_id)
        if other is None:
            return False
        ours, theirs = terms_of([chunk, other], self._embedder.sparse)
        return set(ours.indices) == set(theirs.indices)


def _counted(document: Document, chunks: Sequence[Chunk]) -> list[Finding]:
    positions = {chunk.position for chunk in chunks}
    absent = [position for position in range(document.chunks) if position not in positions]
    if absent:
        message = f"{len(absent)} of its {document.chunks} passages are missing from the index."
        return [Finding("chunks_missing", message)]
    if len(chunks) != document.chunks:
        message = f"The index holds {len(chunks)} passages of it, and the catalog says {document.chunks}."
        return [Finding("count_differs", message, hides=False)]
    return []


def _open_to(document: Document, chunks: Sequence[Chunk]) -> list[Finding]:
    """Returns the differences in source and readers. The catalog decides who may read.

    If the index has other readers, some people do not find what they may read.
    """
    if any(chunk.source != document.source for chunk in chunks):
        return [Finding("source_differs", "Some of its passages are marked in the index as of another source.")]
    wanted = set(document.access)
    differing = [chunk for chunk in chunks if set(chunk.access) != wanted]
    if not differing:
        return []
    message = f"{len(differing)} of {len(chunks)} passages are marked in the index for other readers than it has."
    return [Finding("access_differs", message, hides=any(not wanted <= set(chunk.access) for chunk in differing))]


def _spread(count: int, limit: int) -> list[int]:
    """Returns at most `limit` positions among `count`, evenly spread. The first and the last are always in it."""
    if count <= limit:
        return list(range(count))
    return [round(at * (count - 1) / (limit - 1)) for at in range(limit)]


def _excerpt(chunk: Chunk) -> str:
    """Returns a piece from the middle of the text, because beginnings are often alike.

    Whole words, if it has spaces.
    """
    length = _EXCERPT_CHARS.get(chunk.language, _OTHER_EXCERPT_CHARS)
    if len(chunk.text) <= length:
        return chunk.text
    start = (len(chunk.text) - length) // 2
    cut = chunk.text[start : start + length]
    return " ".join(cut.split()[1:-1]) or cut


def _has(hits: Sequence[Scored], chunk: Chunk) -> bool:
    return any(hit.chunk_id == chunk.id for hit in hits)


def _same_terms(stored: SparseVector, own: SparseVector) -> bool:
    if len(stored.indices) != len(own.indices):
        return False
    (theirs, weights), (ours, expected) = _by_term(stored), _by_term(own)
    return bool((theirs == ours).all() and (np.abs(weights - expected) <= _HALF * np.abs(expected)).all())


def _by_term(vector: SparseVector) -> tuple[np.ndarray, np.ndarray]:
    indices = np.asarray(vector.indices, dtype=np.int64)
    order = indices.argsort()
    return indices[order], np.asarray(vector.values)[order]


def _same_meaning(stored: np.ndarray | None, own: np.ndarray | None) -> bool:
    """Returns True if the two vectors agree, or if there is nothing to compare because the vector was not
    made again.
    """
    if stored is None or own is None:
        return True
    return float(np.dot(stored, own) / (np.linalg.norm(stored) * np.linalg.norm(own))) >= _RECOMPUTED
