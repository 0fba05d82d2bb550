"""Sparse vectors by Qdrant's own BM25 over folded text. Terms are words and, for Chinese, pairs of characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ingest.document import SparseVector
from ingest.language import fold

AVERAGE_TERMS = 256.0
"""The average length that BM25 assumes, in terms. It is part of every stored vector, so it is a constant of the index
version and cannot follow the collection.
"""

_AVERAGE_PAIRS = 1.3 * AVERAGE_TERMS
_PAIR_WEIGHT = 0.2
"""The weight of a pair of Chinese characters. Segmentation may cut a name differently in a question and in a passage.
Pairs of characters still match. This weight improves six of seven Chinese sets (docs/decisions/0006).
"""
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])(\d+)(?![A-Za-z0-9])")
_HAN = re.compile(r"[\u3400-\u9fff]{2,}")


class Bm25Embedder:
    """Gives term weights by Qdrant's multilingual tokenizer, and weights of pairs of Chinese characters.

    English words are stemmed and stop words are left out. Queries and passages are folded in the same way.
    """

    name = "bm25-4"

    def embed_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """Returns the term weights of passages."""
        return [self._document(fold(text)) for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        """Returns the terms of a query, each with weight one."""
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
    """Returns the text with a letter before each number.

    The tokenizer drops terms that are all digits. Without the letter no year, price or paragraph number could be found.
    1,280 and 1280 become the same number.
    """
    return _NUMBER.sub(r" n\1 ", _GROUPED.sub("", text))


def _pairs_of(text: str) -> str:
    """Returns overlapping pairs of neighbouring Chinese characters.

    A mark keeps them apart from words of two characters.
    """
    return " ".join(f"{run[at : at + 2]}_" for run in _HAN.findall(text) for at in range(len(run) - 1))


def _joined(words: Any, pairs: Any, weight: float) -> SparseVector:
    """Returns both vectors in one.

    Terms are hashes. In the rare case that a pair has the hash of a word, the pair is left out.
    """
    terms = {index: value * weight for index, value in zip(pairs.indices, pairs.values, strict=True)}
    terms.update(zip(words.indices, words.values, strict=True))
    return SparseVector(tuple(terms), tuple(terms.values()))
