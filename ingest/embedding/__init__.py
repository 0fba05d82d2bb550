"""Turns text into vectors: one dense embedder, one sparse embedder, and both together.

Query and document have different methods because models treat them differently.

    from_settings.py  which embedder the settings ask for
    sparse.py         by words: BM25 over folded text
    codes.py          spellings of a code, so that they are one word
    numbers.py        clauses, durations, amounts, telephones and numerals, so that they are one word
    dates.py          dates, times, weekdays and quarters, so that they are one word
    spoken.py         amounts as people say them, in the form in which documents write them
    glosses.py        what Chinese words mean in English, so that words cross the languages
    meanings.py       the terms of these glosses, in tables
    pairs.py          pairs of Chinese characters as terms
    terms.py          the weights of the terms of several texts, in arrays
    word_counts.py    how often words are in texts, in arrays
    number_lists.py   lists of numbers in one table
    parts.py          where a text can be cut, whatever its words are
    pinyin.py         how Chinese words are spoken, and what typed pinyin may stand for
    dense.py          by meaning, with a model in this process
    e5/               the shipped model
    minilm.py         the model that was shipped before
    transformer.py    any sentence-transformers model
    folder.py         what a folder with a model says of itself
    precision.py      where half precision is faster
    remote.py         by meaning, with a server
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np

from ingest.document import Chunk, Embedding, Language, PackedTerms, SparseVector

_REMEMBERED_QUERIES = 512
"""Some 2 KB each: a vector and a few terms."""


class DenseEmbedder(Protocol):
    """A model that gives each text one vector of length one.

    `name` identifies the model and its weights. Vectors of different names are never compared.
    Reading the attributes loads no weights. The first embedding loads them.
    """

    name: str
    max_tokens: int

    @property
    def dimension(self) -> int:
        """Returns how many numbers a vector has."""
        ...

    def covers(self, language: Language) -> bool:
        """Returns True if texts of this language get a vector."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text, without special tokens. Loads only the tokenizer."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: float32, shape (len(texts), dimension)."""
        ...

    def embed_query(self, text: str) -> np.ndarray:
        """Returns the vector of a query: float32, shape (dimension,)."""
        ...


def is_covered(language: Language, named: Collection[str] | None) -> bool:
    """Returns True if a model that covers the languages `named` covers this one.

    None covers all. Mixed text is covered if Chinese or English is.
    """
    if named is None:
        return True
    return language in named or (language == "mixed" and bool({"zh", "en"} & set(named)))


def estimated_tokens(texts: Sequence[str]) -> list[int]:
    """Returns an upper estimate of the tokens of each text: one per Chinese character, one per four letters. It is for
    models whose tokenizer is not at hand.
    """
    return [_estimated(text) for text in texts]


def _estimated(text: str) -> int:
    ascii_chars = len(text.encode("ascii", "ignore"))
    return len(text) - ascii_chars + (ascii_chars + 3) // 4


class SparseEmbedder(Protocol):
    """A model that gives term weights. The index applies the inverse document frequency."""

    name: str

    def embed_documents(self, texts: Sequence[str], headings: Sequence[str] | None = None) -> PackedTerms:
        """Returns the term weights of passages. `headings` has the title and headings over each."""
        ...

    def embed_query(self, text: str, beside: Sequence[str] = ()) -> SparseVector:
        """Returns the terms of a query. Those of the words `beside` it count less than what was written."""
        ...


def embedded_text(chunk: Chunk) -> str:
    """Returns the text of a chunk that the dense embedder sees: title and headings, then the text.

    The sparse embedder gets both apart (`terms_of`).
    """
    return f"{chunk.heading}\n{chunk.text}" if chunk.heading else chunk.text


def terms_of(chunks: Sequence[Chunk], embedder: SparseEmbedder) -> PackedTerms:
    """Returns the term weights of chunks under their titles and headings."""
    return embedder.embed_documents([chunk.text for chunk in chunks], [chunk.heading for chunk in chunks])


class Embedder:
    """Both embedders together. It decides which text of a chunk each of them sees."""

    def __init__(self, dense: DenseEmbedder, sparse: SparseEmbedder) -> None:
        self.dense = dense
        self.sparse = sparse
        self._remembered = lru_cache(_REMEMBERED_QUERIES)(self._embedded_query)

    @property
    def name(self) -> str:
        """Returns the identity of the vectors.

        An index that was built under one name cannot be searched under another.
        """
        return f"{self.dense.name}+{self.sparse.name}"

    def covers(self, language: Language) -> bool:
        """Returns True if texts of this language get a dense vector."""
        return self.dense.covers(language)

    def embed_documents(self, chunks: Sequence[Chunk]) -> list[Embedding]:
        """Returns both vectors of each chunk.

        The dense one is None if the model does not cover the chunk's language.
        """
        covered = [i for i, chunk in enumerate(chunks) if self.dense.covers(chunk.language)]
        vectors: Iterable[np.ndarray] = ()
        if covered:
            vectors = self.dense.embed_documents([embedded_text(chunks[i]) for i in covered])
        dense = dict(zip(covered, vectors, strict=True))
        return [Embedding(dense.get(i), terms) for i, terms in enumerate(terms_of(chunks, self.sparse))]

    def embed_query(self, text: str, language: Language, beside: Sequence[str] = ()) -> Embedding:
        """Returns both vectors of a query. The dense one is None if the model does not cover the language, and knows
        nothing of the words `beside` the query, which count less.

        The last queries are remembered. Many ask the same on one day, and the model takes most of a search's time.
        """
        found = self._remembered(text, language)
        return Embedding(found.dense, self.sparse.embed_query(text, beside)) if beside else found

    def embed_words(self, text: str) -> Embedding:
        """Returns the terms of a query alone. No model is asked for a vector."""
        return Embedding(None, self.sparse.embed_query(text))

    def _embedded_query(self, text: str, language: Language) -> Embedding:
        dense = self.dense.embed_query(text) if self.dense.covers(language) else None
        if dense is not None:
            dense.flags.writeable = False  # several searches share it
        return Embedding(dense, self.sparse.embed_query(text))
