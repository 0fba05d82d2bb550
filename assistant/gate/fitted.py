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
from assistant.quoting.reading import PassageReading
from ingest.document import Hit

_JUDGED = 6
_MOST_READ = 6.0
"""More log odds than this, or fewer than its negative, say no more."""
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True)
class FittedGate:
    """An `assistant.answer.Gate`. The likelihood of the best hit must reach `threshold`; with 0 any hit is enough.

    The threshold is on a scale from 0 to 1 on which the strict gate has 0.5: it refuses 92 of 100 questions that
    another company asks. A `lenient` gate stands before a model that can refuse by itself, and lets pass whatever could
    answer. With `reading`, a model reads the hits, and the hit that reads best is judged, by weights of its own.
    """

    threshold: float
    lenient: bool = False
    reading: PassageReading | None = None

    def __call__(self, query: str, hits: Sequence[Hit], *, embedder: str) -> bool:
        """Returns True if the hits, the best one first, may answer the query. The scale fits every `embedder`."""
        return bool(hits) and (self.threshold == 0 or self.likelihood(query, hits) >= self.threshold)

    def likelihood(self, query: str, hits: Sequence[Hit]) -> float:
        """Returns how likely the best of the hits answers the query, from 0 to 1."""
        judged = hits[:_JUDGED]
        wording = shares(query, [f"{hit.chunk.heading}\n{hit.chunk.text}" for hit in judged])
        known = [(hit, share) for hit, share in zip(judged, wording, strict=True) if hit.signals is not None]
        if not known:
            return relevance(query, hits)
        if self.reading is None:
            fitted = _weights()["without_reading"]
            logit = max(fitted.logit(features(hit, share)) for hit, share in known)
            return _likelihood(logit, fitted.lenient if self.lenient else fitted.strict)
        fitted = _weights()["with_reading"]
        read = [passage.best for passage in self.reading.read(query, [hit.chunk for hit, _ in known])]
        best = max(range(len(known)), key=read.__getitem__)
        logit = fitted.logit(features(*known[best]) | {"reading": min(max(read[best], -_MOST_READ), _MOST_READ)})
        return _likelihood(logit, fitted.lenient if self.lenient else fitted.strict)


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


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Weights by the name of a feature, and the log odds that a strict and a lenient gate want."""

    intercept: float
    weights: Mapping[str, float]
    strict: float
    lenient: float

    def logit(self, values: Mapping[str, float]) -> float:
        return self.intercept + math.fsum(weight * values[name] for name, weight in self.weights.items())


def _likelihood(logit: float, middle: float) -> float:
    return 1 / (1 + math.exp(min(middle - logit, _LARGEST_EXPONENT)))


@cache
def _weights() -> Mapping[str, _Fitted]:
    stored: dict[str, Any] = json.loads(Path(__file__).with_name("weights.json").read_text(encoding="utf-8"))
    return {
        name: _Fitted(one["intercept"], one["weights"], one["strict"], one["lenient"]) for name, one in stored.items()
    }
