"""The signals of each hit: how far its scores lie above those of texts that do not answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from assistant.signals.background import Level
from ingest.document import Signals
from ingest.index import LANGUAGE_PARTS, Legs

_FEWEST = 6
"""A mean of fewer hits says nothing. Nothing stands out then."""


def signals_of(parts: Sequence[Legs], levels: Mapping[str, Level], depth: int) -> dict[str, Signals]:
    """Returns the signals of each chunk that the legs of `LANGUAGE_PARTS` found, by chunk id.

    A chunk that only the sparse leg found has at most the lowest cosine of the dense leg, if that leg gave all `depth`
    hits that were asked for. Otherwise the chunk has no vector, and no signals.
    """
    found: dict[str, Signals] = {}
    for languages, legs in zip(LANGUAGE_PARTS, parts, strict=True):
        level = levels.get(languages[0])
        if level is None or not legs.dense:
            continue
        cosines = {hit.chunk_id: hit.score for hit in legs.dense}
        scores = {hit.chunk_id: hit.score for hit in legs.sparse}
        dense = _spread([hit.score for hit in legs.dense])
        # What the words did not find has a score of 0. So a single hit of a rare word stands out.
        missed = max(0, len(legs.dense) - len(legs.sparse))
        sparse = _spread([*(hit.score for hit in legs.sparse), *[0.0] * missed])
        known = cosines
        if len(cosines) >= depth:
            known = dict.fromkeys(scores, legs.dense[-1].score) | cosines
        for chunk_id, cosine in known.items():
            found[chunk_id] = Signals(
                above_background=(cosine - level.mean) / level.deviation,
                above_nearest_background=(cosine - level.nearest) / level.deviation,
                above_dense_leg=_above(dense, cosine),
                above_sparse_leg=_above(sparse, scores.get(chunk_id, 0.0)),
            )
    return found


def _spread(scores: Sequence[float]) -> tuple[float, float] | None:
    """Returns mean and standard deviation of the scores. Returns None if they are too few, or all the same."""
    if len(scores) < _FEWEST:
        return None
    mean = math.fsum(scores) / len(scores)
    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    return (mean, deviation) if deviation > 1e-9 else None


def _above(spread: tuple[float, float] | None, score: float) -> float:
    return 0.0 if spread is None else (score - spread[0]) / spread[1]
