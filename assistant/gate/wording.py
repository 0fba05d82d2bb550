"""How much of a question's wording a chunk has. A word counts by its glosses too, so this crosses the languages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from ingest.embedding.sparse import Bm25Embedder, Word

_BY_GLOSS = 0.7
"""A gloss says the same less surely than the word itself."""
_REMEMBERED_CHUNKS, _REMEMBERED_QUERIES = 512, 128
_TERMS = Bm25Embedder()


def shares(query: str, texts: Sequence[str]) -> list[float]:
    """Returns the share of the query's words in each text, from 0 to 1.

    A word has more weight if fewer of the texts contain it, and the most if none does. Words that only form a question
    do not count.
    """
    words = _words_of(query)
    found = [[_found(word, _terms_of(text)) for text in texts] for word in words]
    weights = [math.log(1 + (1 + len(texts)) / (1 + sum(share > 0 for share in row))) for row in found]
    whole = math.fsum(weights)
    if not whole:
        return [0.0] * len(texts)
    columns = zip(*found, strict=True)
    return [math.fsum(map(float.__mul__, weights, column)) / whole for column in columns]


def _found(word: Word, terms: frozenset[int]) -> float:
    if word.own & terms:
        return 1.0
    return _BY_GLOSS if word.glosses & terms else 0.0


@lru_cache(_REMEMBERED_QUERIES)
def _words_of(query: str) -> tuple[Word, ...]:
    return tuple(_TERMS.query_words(query))


@lru_cache(_REMEMBERED_CHUNKS)
def _terms_of(text: str) -> frozenset[int]:
    [vector] = _TERMS.embed_documents([text])
    return frozenset(vector.indices)
