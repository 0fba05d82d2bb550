"""Sparse vectors: Qdrant's own BM25 over folded text, words and, for Chinese, pairs of characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ingest.document import SparseVector
from ingest.language import fold

AVERAGE_TERMS = 256.0
"""The length, in terms, that BM25 takes for average. A constant of the index version: it is baked into every
stored vector, so it may not follow the collection."""

_AVERAGE_PAIRS = 1.3 * AVERAGE_TERMS
_PAIR_WEIGHT = 0.2
"""Segmentation cuts a name differently in a question and in a passage; pairs of characters still meet. At this
weight they add to all of seven Chinese sets but one (docs/decisions/0006)."""
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])(\d+)(?![A-Za-z0-9])")
_HAN = re.compile(r"[\u3400-\u9fff]{2,}")


class Bm25Embedder:
    """Term weights by Qdrant's multilingual tokenizer, English stemmed and without its stop words, and of pairs of
    Chinese characters; queries and passages are folded the same way."""

    name = "bm25-4"

    def embed_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """Term weights of passages."""
        return [self._document(fold(text)) for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        """Terms of a query, each of weight one."""
        folded = fold(text)
        return _joined(self._words.embed_query(_with_numbers(folded)), self._pairs.embed_query(_pairs_of(folded)), 1.0)

    def _document(self, folded: str) -> SparseVector:
        words = self._words.embed_document(_with_numbers(folded))
        return _joined(words, self._pairs.embed_document(_pairs_of(folded)), _PAIR_WEIGHT)

    @cached_property
    def _words(self) -> Any:
        from qdrant_edge import Bm25, Bm25Config, TokenizerType

        return Bm25(Bm25Config(avg_len=AVERAGE_TERMS, tokenizer=TokenizerType.Multilingual))

    @cached_property
    def _pairs(self) -> Any:
        from qdrant_edge import Bm25, Bm25Config, DisabledStemmer, StopwordsSet, TokenizerType

        return Bm25(
            Bm25Config(
                avg_len=_AVERAGE_PAIRS,
                tokenizer=TokenizerType.Whitespace,
                stopwords=StopwordsSet(),
                stemmer=DisabledStemmer(),
            )
        )


def _with_numbers(text: str) -> str:
    """The text with a letter before each number: the tokenizer drops what is all digits, and no year, price or
    paragraph number could be found. 1,280 and 1280 are one number."""
    return _NUMBER.sub(r" n\1 ", _GROUPED.sub("", text))


def _pairs_of(text: str) -> str:
    """Overlapping pairs of neighbouring Chinese characters, marked so that none is taken for a word of two."""
    return " ".join(f"{run[at : at + 2]}_" for run in _HAN.findall(text) for at in range(len(run) - 1))


def _joined(words: Any, pairs: Any, weight: float) -> SparseVector:
    """Both vectors in one. Terms are hashes: the rare pair that collides with a word gives way to it."""
    terms = {index: value * weight for index, value in zip(pairs.indices, pairs.values, strict=True)}
    terms.update(zip(words.indices, words.values, strict=True))
    return SparseVector(tuple(terms), tuple(terms.values()))
