"""Retrieve: both legs of the search, only what is current and may be read, fused into one ranking."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.access import Reader
from ingest.catalog.records import Standing
from ingest.document import Embedding, Hit, Language
from ingest.embedding import Embedder
from ingest.index import Index, Legs, Scored
from ingest.language import detect
from ingest.versions.open_versions import OpenVersions

FUSION_DEPTH = 100
"""How many hits of each leg are fused, however few are asked for: scores are normalised over the leg, so with a
fixed depth the first hits are the same whatever the limit."""
_WIDENING = 4
_ATTEMPTS = 5
_SIGMAS = 3.0


class Standings(Protocol):
    """What retrieval asks of the catalog."""

    def clock(self) -> int:
        """The number of publications and deletions so far."""
        ...

    def standing(self, document_ids: Collection[str]) -> Mapping[str, Standing]:
        """How each document stands; those that are deleted or not published are left out."""
        ...


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits for a query, best first, and how long each step took."""

    query: str
    language: Language
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Fused:
    """A chunk's place in the ranking of both legs; a leg's score is None where that leg did not find it."""

    chunk_id: str
    score: float
    dense_score: float | None
    sparse_score: float | None


class Retriever:
    """Finds the passages that a reader may read. Blocking and thread-safe: called from a thread per question."""

    def __init__(self, index: Index, catalog: Standings, embedder: Embedder) -> None:
        self._index = index
        self._catalog = catalog
        self._embedder = embedder

    def retrieve(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """The best `limit` hits of current revisions that `reader` may read; fewer only if there are no more.

        Raises what the index and the embedder raise, `ingest.errors.YoujuError`s.
        """
        started = time.perf_counter()
        language = detect(query)
        embedding = self._embedder.embed_query(query, language)
        embedded = time.perf_counter()
        hits = self._hits(embedding, reader, limit)
        timings = {"embed": (embedded - started) * 1000, "search": (time.perf_counter() - embedded) * 1000}
        return Retrieved(query, language, hits, timings)

    def _hits(self, query: Embedding, reader: Reader, limit: int) -> tuple[Hit, ...]:
        """The best `limit`, fetched once they are known. What is gone by then belonged to a document that was
        replaced or deleted after the catalog was asked, and the search is made again."""
        for _ in range(_ATTEMPTS):
            best = _best(fuse(self._current(query, reader, max(limit, FUSION_DEPTH))), limit)
            chunks = self._index.fetch([fused.chunk_id for fused in best])
            if len(chunks) == len(best):
                break
        hits = [
            Hit(chunks[fused.chunk_id], fused.score, fused.dense_score, fused.sparse_score)
            for fused in best
            if fused.chunk_id in chunks
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.chunk.source, hit.chunk.uri, hit.chunk.position))
        return tuple(hits[:limit])

    def _current(self, query: Embedding, reader: Reader, depth: int) -> Legs:
        """The best `depth` of each leg that stand: replaced, deleted and forbidden hits are dropped, and the search
        widened until that leaves enough or the index has no more.

        The catalog is asked after the index. Where it says that a hit was replaced since the search began, its
        document's new chunks may have come too late for this search, and the search is made again.
        """
        wanted, attempts = depth, 0
        while True:
            before = self._catalog.clock()
            found = self._index.search(query, reader=reader, limit=wanted)
            every = (*found.dense, *found.sparse)
            standing = self._catalog.standing({hit.document_id for hit in every})
            attempts += 1
            if attempts < _ATTEMPTS and any(_was_overtaken(hit, standing, before) for hit in every):
                continue
            dense, sparse = (
                [hit for hit in leg if _stands(hit, standing, reader)] for leg in (found.dense, found.sparse)
            )
            short = (len(dense) < depth and len(found.dense) >= wanted) or (
                len(sparse) < depth and len(found.sparse) >= wanted
            )
            if not short:
                return Legs(tuple(dense[:depth]), tuple(sparse[:depth]))
            wanted *= _WIDENING


class CurrentRetriever:
    """A `Retriever` over whichever version of the index answers questions at the moment, the same one for all of a
    search."""

    def __init__(self, versions: OpenVersions) -> None:
        self._versions = versions

    def retrieve(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """See `Retriever.retrieve`."""
        with self._versions.using() as version:
            retriever = Retriever(version.index, version.catalog, version.embedder)
            return retriever.retrieve(query, reader=reader, limit=limit)


def fuse(legs: Legs) -> list[Fused]:
    """Both legs in one ranking by distribution-based score fusion (DBSF).

    Each leg's scores are put on one scale by its own mean and standard deviation, mean ± 3σ becoming 0 and 1, and
    a chunk's shares are added up; a leg that did not find it adds nothing (Mazzeschi 2023). Nothing is cut off at 1:
    the best hit of a sharp leg stands far above 3σ, and cutting ties it with the next (SQuAD2: MRR 0.842 or 0.893).
    """
    shares: dict[str, float] = {}
    for leg in (legs.dense, legs.sparse):
        for hit, share in zip(leg, _normalised([hit.score for hit in leg]), strict=True):
            shares[hit.chunk_id] = shares.get(hit.chunk_id, 0.0) + share
    dense = {hit.chunk_id: hit.score for hit in legs.dense}
    sparse = {hit.chunk_id: hit.score for hit in legs.sparse}
    fused = [Fused(key, share, dense.get(key), sparse.get(key)) for key, share in shares.items()]
    return sorted(fused, key=lambda each: -each.score)


def _best(fused: Sequence[Fused], limit: int) -> Sequence[Fused]:
    """The best `limit` and all that are equal to the last of them: only the chunks say which of those come first."""
    if len(fused) <= limit:
        return fused
    return [each for each in fused if each.score >= fused[limit - 1].score]


def _normalised(scores: Sequence[float]) -> list[float]:
    if not scores:
        return []
    mean = math.fsum(scores) / len(scores)
    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    if deviation < 1e-9:
        return [0.5] * len(scores)
    low, span = mean - _SIGMAS * deviation, 2 * _SIGMAS * deviation
    return [max(0.0, (score - low) / span) for score in scores]


def _stands(hit: Scored, standing: Mapping[str, Standing], reader: Reader) -> bool:
    now = standing.get(hit.document_id)
    return now is not None and now.revision == hit.revision and reader.may_read(now.access, now.source)


def _was_overtaken(hit: Scored, standing: Mapping[str, Standing], before: int) -> bool:
    now = standing.get(hit.document_id)
    return now is not None and hit.revision < now.revision and now.published > before
