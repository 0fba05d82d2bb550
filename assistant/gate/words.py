"""The gate where a hit has no vector: by words alone."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence

from assistant.terms import coverage, is_chinese, is_han, terms, vocabulary
from ingest.document import Hit

_JUDGED = 6
_OTHER_LANGUAGE = 0.7
"""The weight of names and numbers if the chunk and the query are in different languages."""
_STRONG_ENOUGH = 0.38
"""The strength that becomes the middle of the scale, a relevance of 0.5. It was measured on the example company and on
public sets: it refuses 19 of 20 questions from outside, and 1 of 25 questions that the documents answer."""
_ENOUGH_FOR_A_MODEL = 0.02
"""The same before a model that refuses by itself: a word in common. Colleagues who word things in their own way share
less than `_STRONG_ENOUGH` with the passage that answers in three of four questions."""
_NAME = re.compile(r"[a-z]++\d|\d++[a-z]")


def relevance(query: str, hits: Sequence[Hit], *, lenient: bool = False) -> float:
    """Returns how well the best hit fits the query, from 0 to 1. The usual threshold is 0.5.

    With `lenient`, which is for a model that refuses by itself, less makes 0.5.

    The words show how much of the query a chunk is about. A content term has more weight if fewer hits contain it.
    Words that the whole collection uses (公司, company) therefore have little weight. A term that no hit contains
    counts in full against each chunk. Fused
    scores are not used here, because they only rank the hits of one query.
    """
    judged = hits[:_JUDGED]
    contents = [vocabulary(f"{hit.chunk.heading}\n{hit.chunk.text}") for hit in judged]
    wanted = {
        term: math.log(1 + (1 + len(judged)) / (1 + sum(term in content for content in contents)))
        for term in dict.fromkeys(terms(query))
    }
    strength = max((_shared_words(wanted, content) for content in contents), default=0.0)
    enough = _ENOUGH_FOR_A_MODEL if lenient else _STRONG_ENOUGH
    if strength <= enough:
        return 0.5 * strength / enough
    return 0.5 + 0.5 * (strength - enough) / (1 - enough)


def _shared_words(wanted: Mapping[str, float], content: Collection[str]) -> float:
    """Returns the share of the query's terms in the chunk. Across languages only names and numbers count."""
    other = {term: weight for term, weight in wanted.items() if not is_han(term)}
    chinese_chunk = is_chinese(content)
    if len(other) < len(wanted) and other and not chinese_chunk:
        return _OTHER_LANGUAGE * coverage(other, content)
    if len(other) == len(wanted) and chinese_chunk:
        names = {term: weight for term, weight in other.items() if _NAME.match(term)}
        return _OTHER_LANGUAGE * coverage(names, content)
    return coverage(wanted, content)
