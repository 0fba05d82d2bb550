"""The gate: how likely it is that one of the hits answers the question, by weights that were fitted to data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assistant.gate.weights import MOST_READ, Line, OwnWeights, Weights, chosen
from assistant.gate.wording import shares
from assistant.gate.words import relevance
from assistant.quoting.reading import PassageReading
from assistant.retrieve import NOT_WORDED, Worded
from ingest.document import Hit

_JUDGED = 6
_READS_AS_WELL = 0.25
"""A hit whose reading is below the best one's by no more than this, in log odds, reads as well."""


@dataclass(frozen=True, slots=True)
class FittedGate:
    """An `assistant.gather.Gate`. The likelihood of the best hit must reach `threshold`; with 0 any hit is enough.

    The threshold is on a scale from 0 to 1 on which the strict gate has 0.5: it refuses 92 of 100 questions that
    another company asks. One whose `line` is `lenient` stands before a model that can refuse by itself, and lets pass
    whatever could answer: it refuses none of 170 questions of colleagues that the documents answer, and a ninth of
    those of strangers. One whose line is `good` says where it is worth while to search again in a model's words. With
    `reading`, a model reads the hits, and the hit that reads best is judged, by weights of its own. With `own`, the
    weights of the home judge hits of the embedder that they were fitted with.
    """

    threshold: float
    line: Line = "strict"
    reading: PassageReading | None = None
    own: OwnWeights | None = None

    @property
    def good(self) -> FittedGate | None:
        """The gate that says which hits need no second search, or None before a model that cannot word a question."""
        return replace(self, line="good") if self.line == "lenient" else None

    def __call__(
        self, query: str, hits: Sequence[Hit], *, embedder: str, worded: Mapping[str, Worded] = NOT_WORDED
    ) -> bool:
        """Returns True if the hits, the best one first, may answer the query. The shipped scale fits every
        `embedder`. For `worded`, see `in_both_words`.
        """
        return bool(hits) and (self.threshold == 0 or self.likelihood(query, hits, embedder, worded) >= self.threshold)

    def likelihood(
        self, query: str, hits: Sequence[Hit], embedder: str = "", worded: Mapping[str, Worded] = NOT_WORDED
    ) -> float:
        """Returns how likely the best of the hits answers the query, from 0 to 1."""
        rows = rows_of(query, hits, self.reading)
        if not rows:
            return relevance(query, hits, lenient=self.line == "lenient")
        weights = chosen(self.own, embedder, self.reading.name if self.reading else None)
        odds = [weights.logit(values) for _, values in rows]
        if worded and self.reading is None:
            odds += in_both_words(rows, worded, weights)
        return weights.likely(max(odds), self.line)


def rows_of(
    query: str, hits: Sequence[Hit], reading: PassageReading | None = None
) -> list[tuple[Hit, dict[str, float]]]:
    """Returns what the weights are for: the features of each hit that is judged. With `reading` these are only the hit
    which reads best, and those that read as well. There is none if no hit has a vector.
    """
    judged = hits[:_JUDGED]
    wording = shares(query, [f"{hit.chunk.heading}\n{hit.chunk.text}" for hit in judged])
    known = [(hit, share) for hit, share in zip(judged, wording, strict=True) if hit.signals is not None]
    rows = [(hit, features(hit, share)) for hit, share in known]
    if reading is None or not rows:
        return rows
    read = [passage.best for passage in reading.read(query, [hit.chunk for hit, _ in known])]
    enough = max(read) - _READS_AS_WELL
    return [
        (hit, values | {"reading": min(max(score, -MOST_READ), MOST_READ)})
        for (hit, values), score in zip(rows, read, strict=True)
        if score >= enough
    ]


def in_both_words(
    rows: Sequence[tuple[Hit, Mapping[str, float]]], worded: Mapping[str, Worded], weights: Weights
) -> list[float]:
    """Returns the log odds of the hits that a second search found (`assistant.retrieve.Retrieved.worded`), each the
    mean of those for the question (`rows`) and for the words of that search.

    For the words they count no more than the strict gate wants. So a passage passes the lenient gate by them only if
    for the question it is below that gate by no more than that gate is below the strict one. What a model makes up has
    passages that stand out for its words, and hardly at all for the question.
    """
    found = [(hit, values, worded[hit.chunk.id]) for hit, values in rows if hit.chunk.id in worded]
    texts = [f"{hit.chunk.heading}\n{hit.chunk.text}" for hit, _, _ in found]
    by_query = {words.query: shares(words.query, texts) for _, _, words in found}
    odds = []
    for number, (hit, values, words) in enumerate(found):
        theirs = weights.logit(features(replace(hit, signals=words.signals), by_query[words.query][number]))
        odds.append((weights.logit(values) + min(theirs, weights.strict)) / 2)
    return odds


def features(hit: Hit, wording: float) -> dict[str, float]:
    """Returns what is known of a hit that nobody has read. All but the share of the wording count standard
    deviations.
    """
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
