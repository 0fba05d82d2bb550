"""The opened model: its tokenizer, what is computed before and after the layers, and the layers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import RLock

import numpy as np

from ingest.embedding.e5.network import Network
from ingest.embedding.e5.tokenizer import E5Tokenizer
from ingest.embedding.e5.weights import EPSILON, NAME, WIDTH, WINDOW, Weights

logger = logging.getLogger(__name__)

_BATCH_TOKENS = 512
"""The padded size of a batch. Larger ones leave the processor's cache, and take up to twice as long."""

_loading = RLock()


def opened(file: Path) -> OpenedModel:
    """Returns the model of a file. It is loaded once for each process: two versions of the index share it."""
    with _loading:
        return _loaded(file)


@cache
def _loaded(file: Path) -> OpenedModel:
    return OpenedModel(file)


class OpenedModel:
    """The tokenizer, what is needed before and after the layers, and the layers for each number of threads."""

    def __init__(self, file: Path) -> None:
        self.weights = Weights(file)
        self.tokenizer = E5Tokenizer(self.weights.pieces())
        # No text has a second part, so the vector of the first kind of token is added to the positions once.
        self._positions = (
            self.weights.vector("emb.pos").reshape(WINDOW, WIDTH) + self.weights.vector("emb.type")[:WIDTH]
        )
        self._scale, self._shift = self.weights.vector("emb.ln.w"), self.weights.vector("emb.ln.b")
        self._networks: dict[int, Network] = {}

    def embed(self, texts: Sequence[str], threads: int) -> np.ndarray:
        """Returns vectors of length one: float32, shape (len(texts), WIDTH)."""
        network = self._network(threads)
        pieces = self.tokenizer.encode(texts)
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for batch in batches([len(each) for each in pieces]):
            hidden, lengths = self.hidden([pieces[i] for i in batch], network)
            vectors[batch] = _mean(hidden, lengths)
        return vectors

    def hidden(self, pieces: Sequence[np.ndarray], network: Network) -> tuple[np.ndarray, np.ndarray]:
        """Returns what the last layer gives for rows of pieces: float32, shape (texts, tokens, WIDTH). Returns also
        how many tokens each text has; what comes after them is padding.
        """
        lengths = np.array([len(each) for each in pieces])
        rows = np.zeros((len(pieces), int(lengths.max())), dtype=np.int64)
        for row, each in zip(rows, pieces, strict=True):
            row[: len(each)] = each
        return network(self.first(rows), lengths), lengths

    def _network(self, threads: int) -> Network:
        with _loading:
            if threads not in self._networks:
                self._networks[threads] = Network(self.weights, threads)
                logger.info("Loaded embedding model %s, in eight bits, for %d threads", NAME, threads)
            return self._networks[threads]

    def first(self, rows: np.ndarray) -> np.ndarray:
        """Returns what the first layer is given: the vectors of pieces and positions, added and normalised."""
        hidden: np.ndarray = self.weights.words(rows) + self._positions[: rows.shape[1]]
        hidden -= hidden.mean(axis=-1, keepdims=True)
        hidden /= np.sqrt(np.square(hidden).mean(axis=-1, keepdims=True) + EPSILON)
        hidden *= self._scale
        hidden += self._shift
        return hidden


def _mean(hidden: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns the mean of each text's token vectors, at length one."""
    hidden *= (np.arange(hidden.shape[1]) < lengths[:, None])[:, :, None]
    vectors: np.ndarray = hidden.sum(axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Returns the positions of texts, longest first, in batches of similar length."""
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= _BATCH_TOKENS:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches
