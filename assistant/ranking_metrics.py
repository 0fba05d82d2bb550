"""Measures how good a ranking is. It compares the first `k` document ids, the best first, with graded relevance
(`qrels`).

A document is relevant if its grade is above zero. A document without a grade is not relevant. Each document counts
once, at its best place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

Grades = Mapping[str, int]


def best_places(document_ids: Iterable[str]) -> list[str]:
    """Returns the documents of a ranking of chunks, each at the place of its best chunk."""
    return list(dict.fromkeys(document_ids))


def hit(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Returns 1.0 if a relevant document is among the first `k`, else 0.0."""
    return float(any(grades.get(document, 0) > 0 for document in ranking[:k]))


def reciprocal_rank(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Returns 1 / place of the first relevant document, or 0.0 if none is among the first `k` (Voorhees, TREC-8, 1999).

    Its mean over queries is mrr@k.
    """
    for place, document in enumerate(ranking[:k], start=1):
        if grades.get(document, 0) > 0:
            return 1.0 / place
    return 0.0


def ndcg(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Returns the discounted gain divided by the best possible one, or 0.0 if nothing is relevant.

    The discounted gain is Σ gradeᵢ / log₂(i + 1), as in trec_eval's ndcg_cut (Järvelin and Kekäläinen, 2002; linear
    gain).
    """
    gained = [max(0, grades.get(document, 0)) for document in ranking[:k]]
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:k]
    return _discounted(gained) / _discounted(ideal) if ideal else 0.0


def recall(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Returns the share of the relevant documents that are among the first `k`, or 0.0 if nothing is relevant."""
    relevant = {document for document, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))
