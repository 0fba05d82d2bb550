"""Texts in, vectors out: the shipped model, read from its package and computed by ONNX Runtime."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Final

import numpy as np

from ingest.document import Language
from ingest.embedding import is_covered
from ingest.embedding.e5.network import Network
from ingest.embedding.e5.tokenizer import E5Tokenizer
from ingest.embedding.e5.weights import EPSILON, NAME, SHA256, WIDTH, WINDOW, Weights

logger = logging.getLogger(__name__)

LANGUAGES: Final = ("zh", "en", "mixed")
_QUERY, _PASSAGE = "query: ", "passage: "
"""What the model wants before a text (arXiv:2402.05672)."""
_PROMPT_TOKENS = 4
_BATCH_TOKENS = 512
"""The padded size of a batch. Larger ones leave the processor's cache, and take up to twice as long."""


class E5Embedder:
    """multilingual-e5-small. The first text loads what it needs, which takes a second. Thread-safe."""

    dimension = WIDTH
    max_tokens = WINDOW - 2 - _PROMPT_TOKENS

    def __init__(self, file: Path, *, languages: Collection[str] = LANGUAGES, query_prompt: str | None = None) -> None:
        self.name = f"{NAME}-{SHA256[:12]}"
        self._file = file
        self._languages = languages
        self._query_prompt = _QUERY if query_prompt is None else query_prompt
        self._lock = RLock()

    @property
    def computed_by(self) -> str:
        """Returns how vectors are computed, for the operator."""
        threads = _processors()
        return f"8-bit by ONNX Runtime, {threads} {'thread' if threads == 1 else 'threads'}"

    def covers(self, language: Language) -> bool:
        """Returns True if texts of this language get a vector."""
        return is_covered(language, self._languages)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text, without special tokens."""
        return self._opened.tokenizer.count(texts)

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: float32, shape (len(texts), dimension). A text is cut after 512 tokens."""
        with self._lock:
            network = self._for_passages
        return self._opened.embed([_PASSAGE + text for text in texts], network)

    def embed_query(self, text: str) -> np.ndarray:
        """Returns the vector of a query: float32, shape (dimension,)."""
        with self._lock:
            network = self._for_queries
        vector: np.ndarray = self._opened.embed([self._query_prompt + text], network)[0]
        return vector

    @cached_property
    def _for_passages(self) -> Network:
        return self._network(_processors())

    @cached_property
    def _for_queries(self) -> Network:
        # A query is so short that waking other threads takes longer than they save. On a busy machine it takes ten
        # times as long, and they would lose time for the passages that are being embedded.
        return self._network(1)

    def _network(self, threads: int) -> Network:
        network = Network(self._opened.weights, threads)
        logger.info("Loaded embedding model %s, in eight bits, for %d threads", self.name, threads)
        return network

    @property
    def _opened(self) -> _Opened:
        with self._lock:
            return self._kept_open

    @cached_property
    def _kept_open(self) -> _Opened:
        return _Opened(self._file)


class _Opened:
    """The tokenizer, and what is needed before and after the layers."""

    def __init__(self, file: Path) -> None:
        self.weights = Weights(file)
        self.tokenizer = E5Tokenizer(self.weights.pieces())
        # No text has a second part, so the vector of the first kind of token is added to the positions once.
        self._positions = (
            self.weights.vector("emb.pos").reshape(WINDOW, WIDTH) + self.weights.vector("emb.type")[:WIDTH]
        )
        self._scale, self._shift = self.weights.vector("emb.ln.w"), self.weights.vector("emb.ln.b")

    def embed(self, texts: Sequence[str], network: Network) -> np.ndarray:
        """Returns vectors of length one: float32, shape (len(texts), WIDTH)."""
        pieces = self.tokenizer.encode(texts)
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for batch in _batches([len(each) for each in pieces]):
            vectors[batch] = self._mean([pieces[i] for i in batch], network)
        return vectors

    def _mean(self, pieces: Sequence[np.ndarray], network: Network) -> np.ndarray:
        """Returns the mean of each text's token vectors after the last layer, at length one."""
        lengths = np.array([len(each) for each in pieces])
        rows = np.zeros((len(pieces), int(lengths.max())), dtype=np.int64)
        for row, each in zip(rows, pieces, strict=True):
            row[: len(each)] = each
        output = network(self._first(rows), lengths)
        output *= (np.arange(rows.shape[1]) < lengths[:, None])[:, :, None]
        vectors: np.ndarray = output.sum(axis=1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _first(self, rows: np.ndarray) -> np.ndarray:
        """Returns what the first layer is given: the vectors of pieces and positions, added and normalised."""
        hidden: np.ndarray = self.weights.words(rows) + self._positions[: rows.shape[1]]
        hidden -= hidden.mean(axis=-1, keepdims=True)
        hidden /= np.sqrt(np.square(hidden).mean(axis=-1, keepdims=True) + EPSILON)
        hidden *= self._scale
        hidden += self._shift
        return hidden


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Returns the positions of texts, longest first, in batches of similar length."""
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= _BATCH_TOKENS:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches


def _processors() -> int:
    """Returns how many processors this process may use. `OMP_NUM_THREADS` lowers it, as for other libraries: Ray sets
    it for its workers.
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(wanted)) if wanted.isdecimal() and int(wanted) else there
