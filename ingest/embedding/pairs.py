"""Pairs of neighbouring Chinese characters as terms.

The term of a pair is what Qdrant's own embedder gives for both characters and a mark behind them, which keeps them
apart from words of two characters: the absolute value of a 32-bit MurmurHash3. All pairs of many texts are hashed
together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingest.embedding.parts import code_points, is_chinese
from ingest.embedding.terms import Terms, keys_of, saturated

_MARK = ord("_")
_FIRST, _SECOND = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)
"""The constants of MurmurHash3."""
_BYTES = np.uint32(7)
"""In UTF-8, of two Chinese characters and the mark."""


def pair_terms(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of the text (int64, ascending) and the term (uint32) of each pair, as often as it is there."""
    codes = code_points("\n".join(texts))
    chinese = is_chinese(codes)
    places = np.flatnonzero(chinese[:-1] & chinese[1:])
    ends = np.cumsum([len(text) + 1 for text in texts])
    return np.searchsorted(ends, places, side="right"), _hashed(codes[places], codes[places + 1])


def pair_weights(texts: Sequence[str], average: float) -> Terms:
    """Returns the BM25 weights of the pairs of texts. The length of a text is the number of its pairs."""
    numbers, terms = pair_terms(texts)
    keys, often = np.unique(keys_of(numbers, terms), return_counts=True)
    found = Terms(keys, often)
    weights = saturated(often, np.bincount(numbers, minlength=len(texts))[found.texts], average)
    return Terms(keys, weights.astype(np.float32).astype(np.float64))  # Qdrant's are of float32


def _hashed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the terms of pairs of characters that take three bytes each: uint32."""
    left, right = _in_utf8(first), _in_utf8(second)
    # The first four bytes are a block, the other three are the rest.
    state = _mixed((right & np.uint32(0xFF)) << np.uint32(24) | left)
    state = _turned(state, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    state ^= _mixed(right >> np.uint32(8) | np.uint32(_MARK << 16))
    state ^= _BYTES
    state = (state ^ state >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    state = (state ^ state >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    terms: np.ndarray = np.abs((state ^ state >> np.uint32(16)).view(np.int32)).view(np.uint32)
    return terms


def _in_utf8(codes: np.ndarray) -> np.ndarray:
    """Returns the three bytes of each character in UTF-8, the first one lowest."""
    first = codes >> np.uint32(12) | np.uint32(0xE0)
    second = codes >> np.uint32(6) & np.uint32(0x3F) | np.uint32(0x80)
    third = codes & np.uint32(0x3F) | np.uint32(0x80)
    together: np.ndarray = first | second << np.uint32(8) | third << np.uint32(16)
    return together


def _mixed(block: np.ndarray) -> np.ndarray:
    return _turned(block * _FIRST, 15) * _SECOND


def _turned(block: np.ndarray, bits: int) -> np.ndarray:
    return block << np.uint32(bits) | block >> np.uint32(32 - bits)
