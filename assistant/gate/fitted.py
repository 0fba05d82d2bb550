"""The gate: how likely it is that one of the hits answers the question, by weights that were fitted to data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assistant.gate.wording import shares
from assistant.gate.words import relevance
from ingest.document import Hit

_JUDGED = 6


@dataclass(frozen=True, slots=True)
class FittedGate:
    """An `assistant.answer.Gate`. The likelihood of the best hit must reach `threshold`; with 0 any hit is enough.

    The threshold is on a scale from 0 to 1 on which the strict gate has 0.5: it refuses 92 of 100 questions that
    another company asks. A `lenient` gate stands before a model that can refuse by itself, and lets pass whatever could
    answer.
    """

    threshold: float
    lenient: bool = False

    def __call__(self, query: str, hits: Sequence[Hit], *, embedder: str) -> bool:
        """Returns True if the hits, the best one first, may answer the query. The scale fits every `embedder`."""
        return bool(hits) and (self.threshold == 0 or self.likelihood(query, hits) >= self.threshold)

    def likelihood(self, query: str, hits: Sequence[Hit]) -> float:
        """Returns how likely the best of the hits answers the query, from 0 to 1."""
        judged = hits[:_JUDGED]
        wording = shares(query, [f"{hit.chunk.heading}\n{hit.chunk.text}" for hit in judged])
        fitted = [_logit(hit, share) for hit, share in zip(judged, wording, strict=True) if hit.signals is not None]
        if not fitted:
            return relevance(query, hits)
        weights = _weights()
        middle = weights["lenient"] if self.lenient else weights["strict"]
        return 1 / (1 + math.exp(middle - max(fitted)))


def features(hit: Hit, wording: float) -> dict[str, float]:
    """Returns what the weights are for. All but the share of the wording count standard deviations."""
    signals = hit.signals
    if signals is None:
        raise ValueError("a hit without vectors has no features")
    return {
        "above_background": signals.above_background / 2,
        "above_nearest_background": signals.above_nearest_background / 2,
        "wording": wording,
        "above_dense_leg": signals.above_dense_leg,
        "above_sparse_leg": signals.above_sparse_leg,
        "wording_x_above_background": wording * signals.above_background / 2,
    }


def _logit(hit: Hit, wording: float) -> float:
    weights: Mapping[str, float] = _weights()["weights"]
    intercept: float = _weights()["intercept"]
    return intercept + math.fsum(weights[name] * value for name, value in features(hit, wording).items())


@cache
def _weights() -> dict[str, Any]:
    weights: dict[str, Any] = json.loads(Path(__file__).with_name("weights.json").read_text(encoding="utf-8"))
    return weights
