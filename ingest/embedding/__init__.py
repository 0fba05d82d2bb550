"""Text to vectors: one dense embedder, one sparse, and the two together.

Query and document are different verbs because models treat them differently.

    from_settings.py  which embedder the settings ask for
    sparse.py         by words: BM25 over folded text
    dense.py          by meaning, with a model in this process
    minilm.py         the shipped model
    transformer.py    any sentence-transformers model
    folder.py         what a folder with a model says of itself
    precision.py      where half precision is faster
    remote.py         by meaning, with a server
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from ingest.document import Chunk, Embedding, Language, SparseVector


class DenseEmbedder(Protocol):
    """A model that gives each text one vector of length one.

    `name` identifies the model and its weights: vectors of different names are never compared.
    Reading the attributes loads no weights; the first embedding does.
    """

    name: str
    max_tokens: int

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        ...

    def covers(self, language: Language) -> bool:
        """Whether texts of this language get a vector at all."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text takes, special tokens left out. Loads the tokenizer only."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of passages, float32, shape (len(texts), dimension)."""
        ...

    def embed_query(self, text: str) -> np.ndarray:
        """Vector of a query, float32, shape (dimension,)."""
        ...


class SparseEmbedder(Protocol):
    """Term weights; the inverse document frequency is applied by the index."""

    name: str

    def embed_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """Term weights of passages."""
        ...

    def embed_query(self, text: str) -> SparseVector:
        """Terms of a query."""
        ...


def embedded_text(chunk: Chunk) -> str:
    """What both embedders see of a chunk: its text under its title and headings."""
    return f"{chunk.heading}\n{chunk.text}" if chunk.heading else chunk.text


class Embedder:
    """Both embedders together, and which text of a chunk each of them sees."""

    def __init__(self, dense: DenseEmbedder, sparse: SparseEmbedder) -> None:
        self.dense = dense
        self.sparse = sparse

    @property
    def name(self) -> str:
        """Identity of the vectors: an index built under one name cannot be searched under another."""
        return f"{self.dense.name}+{self.sparse.name}"

    def embed_documents(self, chunks: Sequence[Chunk]) -> list[Embedding]:
        """Both vectors of each chunk; no dense vector where the model does not cover the chunk's language."""
        texts = [embedded_text(chunk) for chunk in chunks]
        covered = [i for i, chunk in enumerate(chunks) if self.dense.covers(chunk.language)]
        vectors: Iterable[np.ndarray] = ()
        if covered:
            vectors = self.dense.embed_documents([texts[i] for i in covered])
        dense = dict(zip(covered, vectors, strict=True))
        sparse = self.sparse.embed_documents(texts)
        return [Embedding(dense.get(i), terms) for i, terms in enumerate(sparse)]

    def embed_query(self, text: str, language: Language) -> Embedding:
        """Both vectors of a query, the dense one only where the model covers the language."""
        dense = self.dense.embed_query(text) if self.dense.covers(language) else None
        return Embedding(dense, self.sparse.embed_query(text))
