"""Hybrid retrieval: both legs from the index, only what is current and may be read, fused into one ranking."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.access import Reader
from ingest.catalog import Catalog, Standing
from ingest.document import Embedding, Hit, Language
from ingest.embedding import Embedder
from ingest.index import Index, Legs, Scored
from ingest.language import detect

_DEPTH = 4
"""Each leg is asked for this many times the hits wanted: fusion needs candidates that only one leg ranks high."""
_LEAST_DEPTH = 50
_SIGMAS = 3.0
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was searched for, in which language, and the hits, best first."""

    query: str
    language: Language
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]


class Retriever:
    """Finds passages. Blocking: asynchronous code calls it from a thread, several at a time."""

    def __init__(self, index: Index, catalog: Catalog, embedder: Embedder) -> None:
        self._index = index
        self._catalog = catalog
        self._embedder = embedder

    def retrieve(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """The best `limit` passages that `reader` may read, of current revisions only."""
        started = time.perf_counter()
        language = detect(query)
        embedding = self._embedder.embed_query(query, language)
        embedded = time.perf_counter()
        legs = self._current(embedding, reader, limit)
        hits = fuse(legs)[:limit]
        timings = {
            "embed": (embedded - started) * 1000,
            "search": (time.perf_counter() - embedded) * 1000,
        }
        return Retrieved(query, language, tuple(hits), timings)

    def _current(self, query: Embedding, reader: Reader, limit: int) -> Legs:
        """Both legs without what is replaced, deleted or not to be read, deep enough for `limit` hits.

        The catalog is asked after the search. A hit of an older revision whose document was published after the
        search began says that the newer chunks may have been missed: the search is made again.
        """
        depth = max(_DEPTH * limit, _LEAST_DEPTH)
        attempts = 0
        while True:
            began = self._catalog.clock()
            found = self._index.search(query, reader=reader, limit=depth)
            standing = self._catalog.standing({hit.chunk.document_id for hit in (*found.dense, *found.sparse)})
            attempts += 1
            if attempts < _ATTEMPTS and _was_overtaken(found, standing, began):
                continue
            legs = Legs(_kept(found.dense, standing, reader), _kept(found.sparse, standing, reader))
            if not _is_short(found.dense, legs.dense, depth, limit) and not _is_short(
                found.sparse, legs.sparse, depth, limit
            ):
                return legs
            depth *= 4


def fuse(legs: Legs) -> list[Hit]:
    """Distribution-based score fusion: each leg's scores are put on one scale by its own mean and deviation,
    mean ± 3σ becoming 0 and 1, and added up (Mazzeschi, "Distribution-Based Score Fusion", 2023).

    Order among equals is by chunk id, so that the same question gives the same ranking.
    """
    hits: dict[str, Hit] = {}
    for scored, share in _shares(legs.dense):
        hits[scored.chunk.id] = Hit(scored.chunk, share, dense_score=scored.score)
    for scored, share in _shares(legs.sparse):
        before = hits.get(scored.chunk.id) or Hit(scored.chunk, 0.0)
        hits[scored.chunk.id] = replace(before, score=before.score + share, sparse_score=scored.score)
    return sorted(hits.values(), key=lambda hit: (-hit.score, hit.chunk.id))


def _shares(leg: Sequence[Scored]) -> Iterator[tuple[Scored, float]]:
    return zip(leg, _normalised([scored.score for scored in leg]), strict=True)


def _normalised(scores: Sequence[float]) -> list[float]:
    if not scores:
        return []
    mean, deviation = statistics.fmean(scores), statistics.pstdev(scores)
    if deviation == 0.0:
        return [0.5] * len(scores)
    low = mean - _SIGMAS * deviation
    return [min(max((score - low) / (2 * _SIGMAS * deviation), 0.0), 1.0) for score in scores]


def _kept(leg: Sequence[Scored], standing: Mapping[str, Standing], reader: Reader) -> tuple[Scored, ...]:
    return tuple(
        hit
        for hit in leg
        if (now := standing.get(hit.chunk.document_id)) is not None
        and now.revision == hit.chunk.revision
        and reader.may_read(now.access, now.source)
    )


def _was_overtaken(found: Legs, standing: Mapping[str, Standing], began: int) -> bool:
    return any(
        (now := standing.get(hit.chunk.document_id)) is not None
        and hit.chunk.revision < now.revision
        and now.published > began
        for hit in (*found.dense, *found.sparse)
    )


def _is_short(found: Sequence[Scored], kept: Sequence[Scored], depth: int, limit: int) -> bool:
    """Whether a leg was cut off at `depth` and too little of it counts."""
    return len(found) >= depth and len(kept) < limit
