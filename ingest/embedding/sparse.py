"""Sparse vectors: Qdrant's own BM25 over folded text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ingest.document import SparseVector
from ingest.language import fold

AVERAGE_TERMS = 150.0
"""The length, in terms, that BM25 takes for average. A constant of the index version: it is baked into every
stored vector, so it may not follow the collection."""


_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])(\d+)(?![A-Za-z0-9])")


class Bm25Embedder:
    """Term weights by Qdrant's multilingual tokenizer; queries and passages are folded the same way."""

    name = "bm25-2"

    def embed_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """Term weights of passages."""
        return [_vector(self._model.embed_document(_searchable(text))) for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        """Terms of a query, each of weight one."""
        return _vector(self._model.embed_query(_searchable(text)))

    @cached_property
    def _model(self) -> Any:
        from qdrant_edge import Bm25, Bm25Config, TokenizerType

        return Bm25(Bm25Config(avg_len=AVERAGE_TERMS, tokenizer=TokenizerType.Multilingual))


def _searchable(text: str) -> str:
    """Folded text in which numbers are words: the tokenizer drops what is all digits, so that no year, price or
    paragraph number could be found. A letter before them keeps them."""
    return _NUMBER.sub(r" n\1 ", _GROUPED.sub("", fold(text)))


def _vector(sparse: Any) -> SparseVector:
    return SparseVector(tuple(sparse.indices), tuple(sparse.values))
