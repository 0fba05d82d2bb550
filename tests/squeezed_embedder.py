"""Vectors of bags of hashed words, whose cosines can be squeezed into any range. They say which words are shared, no
more."""

from __future__ import annotations

import re
from functools import cache
from zlib import crc32

import numpy as np

_DIMENSION = 256
_WORD = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]")
_STEM = 6
"""The first letters of a word: *services* and *serviced* are alike."""


class SqueezedEmbedder:
    """What a model server answers. A cosine of c becomes floor + (1 - floor) · c: none is below the `floor`."""

    def __init__(self, floor: float) -> None:
        self._floor = floor

    def vector(self, text: str) -> list[float]:
        """A vector of length one."""
        words = {word[:_STEM] for word in _WORD.findall(text.lower())}
        bag = np.sum([_direction(word) for word in words], axis=0) if words else _direction(text)
        bag = bag / np.linalg.norm(bag) * (1 - self._floor) ** 0.5
        return [*bag.tolist(), self._floor**0.5]

    def answer(self, texts: list[str]) -> tuple[int, object]:
        """An `EmbeddingServer.answer`."""
        return 200, {"data": [{"index": place, "embedding": self.vector(text)} for place, text in enumerate(texts)]}


@cache
def _direction(word: str) -> np.ndarray:
    return np.random.default_rng(crc32(word.encode())).standard_normal(_DIMENSION)
