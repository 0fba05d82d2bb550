"""Retrieve: the dense and the sparse leg of the search become one ranking of current chunks that may be read."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from assistant.events import Change
from assistant.signals.background import Background
from assistant.signals.standing_out import signals_of
from assistant.standings import Catalog, Standings
from ingest.access import Reader
from ingest.catalog.records import Standing
from ingest.document import Embedding, Hit, Language, Signals
from ingest.embedding import Embedder
from ingest.index import LANGUAGE_PARTS, Index, Legs, Scored
from ingest.language import detect
from ingest.versions.open_versions import OpenVersion, OpenVersions

FUSION_DEPTH = 100
"""At least so many hits of each leg are fused, even if fewer are asked for. Scores are normalised over the leg, so
with a fixed depth the first hits do not depend on the limit."""
_WIDENING = 4
_ATTEMPTS = 5
_SIGMAS = 3.0
_STRAY = 3
"""A sparse leg whose best score, times this, is less than the best score in the other language holds stray hits."""
_ABOVE_BACKGROUND = 0.085
"""What a standard deviation above the background adds to a fused score. It decides between the two languages: measured
on questions about passages of both (docs/decisions/0018).
"""
_HIGHEST = 8.0
"""More deviations than this say no more, and fewer than none neither: a background of very like texts has hardly any
deviation.
"""
NO_SIGNALS: Final[Mapping[str, Signals]] = MappingProxyType({})
_OTHER_LANGUAGE = 0.95
"""The weight of chunks in another language than the question's, where there are no vectors. Of two passages that say
the same, the one in the language of the question comes first.
"""
_MEANING_ACROSS = 1.2
"""The weight of the dense leg in another language than the question's. Words say less there: they are translated by a
dictionary. It also makes up for words that stand out, which count more in the question's own language.
"""


@dataclass(frozen=True, slots=True)
class Worded:
    """The words of a second search that found a chunk, and how the chunk stands out for them."""

    query: str
    signals: Signals


NOT_WORDED: Final[Mapping[str, Worded]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits for a query, the best one first, and the milliseconds that each step took.

    `query` is the query as it was searched for, and `changed` says what in it was changed for that.
    `embedder` is the name of the embedder that made the cosines of the hits (`ingest.embedding.Embedder.name`).
    `clock` is the tick of the catalog's clock at which the hits were current.
    `worded` has what a second search says of a hit (`assistant.second_search`), by chunk id.
    """

    query: str
    language: Language
    embedder: str
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    changed: tuple[Change, ...] = ()
    clock: int = 0
    worded: Mapping[str, Worded] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fused:
    """A chunk with its score from both legs. A leg's own score is None if that leg did not find the chunk."""

    chunk_id: str
    score: float
    dense_score: float | None
    sparse_score: float | None


class Retriever:
    """Finds the passages that a reader may read. It blocks. It is thread-safe: each question calls it from a thread."""

    def __init__(self, index: Index, catalog: Catalog, embedder: Embedder) -> None:
        self._index = index
        self._standings = Standings(catalog)
        self._embedder = embedder
        self._background = Background(embedder.dense)

    def retrieve(self, query: str, *, reader: Reader, limit: int, beside: Sequence[str] = ()) -> Retrieved:
        """Returns the best `limit` hits of current revisions that `reader` may read. There are fewer only if no more
        exist. Passages with the words `beside` the query are found too, but count less.

        Raises the errors of the index and of the embedder. They are `ingest.errors.YoujuError`s.
        """
        started = time.perf_counter()
        language = detect(query)
        embedding = self._embedder.embed_query(query, language, beside)
        embedded = time.perf_counter()
        hits, clock = self._hits(embedding, language, reader, limit)
        timings = {"embed": (embedded - started) * 1000, "search": (time.perf_counter() - embedded) * 1000}
        return Retrieved(query, language, self._embedder.name, hits, timings, clock=clock)

    def by_words(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """Returns what `retrieve` does by the words of the query alone. That takes a fifth of the time, because
        no vector is made. No hit has a cosine.
        """
        started, language = time.perf_counter(), detect(query)
        hits, clock = self._hits(self._embedder.embed_words(query), language, reader, limit)
        timings = {"search": (time.perf_counter() - started) * 1000}
        return Retrieved(query, language, self._embedder.name, hits, timings, clock=clock)

    def _hits(self, query: Embedding, language: Language, reader: Reader, limit: int) -> tuple[tuple[Hit, ...], int]:
        """Returns the best `limit` hits, and the tick of the clock at which they were current.

        Their chunks are fetched at the end, when the best are known. If a chunk is missing then, its document was
        replaced or deleted after the catalog was asked. The search is then made again.
        """
        depth = max(limit, FUSION_DEPTH)
        levels = {} if query.dense is None else self._background.levels(query.dense)
        for _ in range(_ATTEMPTS):
            parts, allowed, clock = self._current(query, reader, depth)
            signals = signals_of(parts, levels, depth)
            best = _best(fuse(parts, language, signals), limit)
            chunks = self._index.fetch([fused.chunk_id for fused in best])
            if len(chunks) == len(best):
                break
        hits = [
            Hit(
                chunk,
                fused.score,
                fused.dense_score,
                fused.sparse_score,
                signals.get(fused.chunk_id),
                allowed[chunk.document_id].modified_ns,
            )
            for fused in best
            if (chunk := chunks.get(fused.chunk_id)) is not None
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.chunk.source, hit.chunk.uri, hit.chunk.position))
        return tuple(hits[:limit]), clock

    def _current(
        self, query: Embedding, reader: Reader, depth: int
    ) -> tuple[tuple[Legs, ...], Mapping[str, Standing], int]:
        """Returns the best `depth` hits of each leg of each part of `LANGUAGE_PARTS`, if they are current and `reader`
        may read them, the standing of their documents, and the tick of the clock at which they are current.

        Replaced, deleted and forbidden hits are dropped. The search is widened until enough hits are left or the index
        has no more.

        The catalog is asked after the index. If it says that a hit was replaced since the search began, the new chunks
        of its document may have come too late for this search. The search is then made again.
        """
        wanted, attempts = depth, 0
        while True:
            before = self._standings.seen()  # at most the tick at which the search begins
            parts = self._index.search_by_language(query, reader=reader, limit=wanted)
            legs = [leg for part in parts for leg in (part.dense, part.sparse)]
            owners = {hit.document_id for leg in legs for hit in leg}
            standing, clock = self._standings.of(owners)
            attempts += 1
            if attempts < _ATTEMPTS and any(_was_overtaken(hit, standing, before) for leg in legs for hit in leg):
                continue
            allowed = {
                owner: now
                for owner in owners
                if (now := standing[owner]) is not None and reader.may_read(now.access, now.source)
            }
            revisions = {owner: now.revision for owner, now in allowed.items()}
            kept = [[hit for hit in leg if revisions.get(hit.document_id) == hit.revision] for leg in legs]
            if not any(len(left) < depth and len(leg) >= wanted for left, leg in zip(kept, legs, strict=True)):
                best = [tuple(leg[:depth]) for leg in kept]
                return tuple(Legs(*pair) for pair in zip(best[::2], best[1::2], strict=True)), allowed, clock
            wanted *= _WIDENING


class CurrentRetriever:
    """A `Retriever` over the version of the index that answers questions now. A search uses one version to its end."""

    def __init__(self, versions: OpenVersions) -> None:
        self._versions = versions
        self._last: tuple[OpenVersion, Retriever] | None = None

    def retrieve(self, query: str, *, reader: Reader, limit: int, beside: Sequence[str] = ()) -> Retrieved:
        """See `Retriever.retrieve`."""
        with self._versions.using() as version:
            return self._of(version).retrieve(query, reader=reader, limit=limit, beside=beside)

    def by_words(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """See `Retriever.by_words`."""
        with self._versions.using() as version:
            return self._of(version).by_words(query, reader=reader, limit=limit)

    def _of(self, version: OpenVersion) -> Retriever:
        """Returns the retriever of a version, the same one as before if it is the same version: it remembers."""
        last = self._last
        if last is None or last[0] is not version:
            last = self._last = version, Retriever(version.index, version.catalog, version.embedder)
        return last[1]


def fuse(parts: Sequence[Legs], language: Language, signals: Mapping[str, Signals] = NO_SIGNALS) -> list[Fused]:
    """Returns the legs of all `LANGUAGE_PARTS` as one ranking, by distribution-based score fusion (DBSF).

    Each leg's scores are put on one scale by the leg's own mean and standard deviation: mean - 3σ becomes 0 and
    mean + 3σ becomes 1. The score of a chunk is the sum over the legs. A leg that did not find the chunk adds nothing
    (Mazzeschi 2023). Scores above 1 are kept. The best hit of a sharp leg is far above 3σ, and a limit of 1 would make
    it equal to the next hit (SQuAD2: MRR 0.842 with that limit, 0.893 without it).

    Each part has scales of its own, because the cosines of two languages cannot be compared. `_of_words` says how the
    words of both compare. How far a chunk stands above the background can be compared, so with `signals` that is added
    (`_ABOVE_BACKGROUND`), and the legs are weighed by what they know: words that stand out, in the question's own
    language, more than in proportion (`_sharpened`), and in the other language the meaning (`_MEANING_ACROSS`). Without
    signals, chunks in another language than the question's count a little less (`_OTHER_LANGUAGE`).
    """
    depth = max((len(leg) for legs in parts for leg in (legs.dense, legs.sparse)), default=0)
    best = max((legs.sparse[0].score for legs in parts if legs.sparse), default=0.0)
    fused: list[Fused] = []
    for languages, legs in zip(LANGUAGE_PARTS, parts, strict=True):
        by_meaning = _normalised([hit.score for hit in legs.dense])
        by_words = _of_words([hit.score for hit in legs.sparse], depth, best)
        is_own = language in languages or language in ("mixed", "other")
        if signals and is_own:
            by_words = [_sharpened(share) for share in by_words]
        elif signals:
            by_meaning = [_MEANING_ACROSS * share for share in by_meaning]
        elif not is_own:
            by_meaning, by_words = ([_OTHER_LANGUAGE * share for share in leg] for leg in (by_meaning, by_words))
        # A leg that was not cut has every chunk with a vector. What only the words found still waits for its own.
        waits = 0 < len(legs.dense) < depth
        fused += _fused(legs, by_meaning, by_words, signals, waits=waits)
    return sorted(fused, key=lambda each: -each.score)


def _fused(
    legs: Legs, by_meaning: Sequence[float], by_words: Sequence[float], signals: Mapping[str, Signals], *, waits: bool
) -> list[Fused]:
    """Returns the hits of both legs with the sums of their shares. A chunk that `waits` for its vector gets what the
    vectors of the others give on average, or every chunk that has one would come before it.
    """
    found = {hit.chunk_id for hit in (*legs.dense, *legs.sparse)} & signals.keys()
    scores = {chunk_id: _ABOVE_BACKGROUND * _within(signals[chunk_id].above_background) for chunk_id in found}
    for hit, share in zip(legs.dense, by_meaning, strict=True):
        scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + share
    usual = math.fsum(scores[hit.chunk_id] for hit in legs.dense) / len(legs.dense) if waits else 0.0
    for hit, share in zip(legs.sparse, by_words, strict=True):
        scores[hit.chunk_id] = scores.get(hit.chunk_id, usual) + share
    dense = {hit.chunk_id: hit.score for hit in legs.dense}
    sparse = {hit.chunk_id: hit.score for hit in legs.sparse}
    return [Fused(key, score, dense.get(key), sparse.get(key)) for key, score in scores.items()]


def _sharpened(share: float) -> float:
    """Returns a share of words in which what is above 1, that is beyond mean + 3σ, counts double.

    No passage is so far above a hundred others by chance: it has just the words of the question. Of passages about one
    thing, which are all near by their meaning, it is the one that answers.
    """
    return share + max(0.0, share - 1.0)


def _within(deviations: float) -> float:
    return min(max(deviations, 0.0), _HIGHEST)


def _best(fused: Sequence[Fused], limit: int) -> Sequence[Fused]:
    """Returns the best `limit` and all others with the score of the last one. Only the chunks decide their order."""
    if len(fused) <= limit:
        return fused
    return [each for each in fused if each.score >= fused[limit - 1].score]


def _of_words(scores: Sequence[float], depth: int, best: float) -> list[float]:
    """Returns the shares of a sparse leg: of a code that one chunk has, that chunk is far above 3σ.

    What the leg did not find has the score 0. With these, up to the `depth` of the longest leg, one sharp hit stands
    out as much as it should. `best` is the best score of all sparse legs. They share one query and one frequency of
    each term, so their scores can be compared: next to a much better hit in the other language, a single vague one is
    not sharp, and its whole leg counts less.
    """
    if not scores or best <= 0:
        return _normalised(scores)
    reach = min(1.0, _STRAY * max(0.0, scores[0]) / best)
    pairs = zip(scores, _normalised(scores), _normalised(scores, depth), strict=True)
    return [reach * (alone + (padded - alone) * (score / best) ** 2) for score, alone, padded in pairs]


def _normalised(scores: Sequence[float], depth: int = 0) -> list[float]:
    """Returns the scores with mean - 3σ as 0 and mean + 3σ as 1. Up to `depth`, missing ones count as 0."""
    if not scores:
        return []
    count = max(len(scores), depth)
    mean = math.fsum(scores) / count
    squares = math.fsum((score - mean) ** 2 for score in scores) + (count - len(scores)) * mean**2
    deviation = math.sqrt(squares / count)
    if deviation < 1e-9:
        return [0.5] * len(scores)
    low, span = mean - _SIGMAS * deviation, 2 * _SIGMAS * deviation
    return [max(0.0, (score - low) / span) for score in scores]


def _was_overtaken(hit: Scored, standing: Mapping[str, Standing | None], before: int) -> bool:
    now = standing[hit.document_id]
    return now is not None and hit.revision < now.revision and now.published > before
