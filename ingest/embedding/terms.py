"""The weights of the terms of several texts at once, in arrays. As dicts they would take longer to put together than to
find.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

K1, B = 1.2, 0.75
"""Qdrant's own."""
_TERM_BITS = np.uint64(32)
_TERM = np.uint64(0xFFFFFFFF)


class Terms(NamedTuple):
    """The terms of texts, by text and then by term, each once. A key is the number of the text, and in its lower 32
    bits the term: uint64, ascending. The weights are float64.
    """

    keys: np.ndarray
    weights: np.ndarray

    @property
    def texts(self) -> np.ndarray:
        """Returns the number of the text of each term: int64, ascending."""
        return (self.keys >> _TERM_BITS).astype(np.int64)

    @property
    def indices(self) -> np.ndarray:
        """Returns the terms: uint32."""
        return (self.keys & _TERM).astype(np.uint32)

    def of(self, texts: np.ndarray) -> Terms:
        """Returns the terms of these texts, which are numbered anew, from 0. A text may be there twice."""
        bounds = np.searchsorted(self.keys, np.append(texts, texts + 1).astype(np.uint64) << _TERM_BITS)
        starts, lengths = bounds[: len(texts)], np.diff(bounds.reshape(2, -1), axis=0)[0]
        places = stretched(starts, lengths)
        texts = np.repeat(np.arange(len(texts)), lengths)
        return Terms(keys_of(texts, self.keys[places] & _TERM), self.weights[places])


def keys_of(texts: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Returns the keys of terms of these texts, in their order."""
    return (texts.astype(np.uint64) << _TERM_BITS) | terms.astype(np.uint64)


def stretched(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns all places of stretches, one stretch after the other."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)


def saturated(often: np.ndarray, lengths: np.ndarray, average: float) -> np.ndarray:
    """Returns the BM25 weights of terms that are so often in texts of these lengths."""
    weights: np.ndarray = often * (K1 + 1) / (often + K1 * (1 - B + B * lengths / average))
    return weights


def layered(layers: Sequence[Terms]) -> Terms:
    """Returns all terms together. Of one that is in several layers, the last weight counts."""
    keys, weights = (np.concatenate(each) for each in zip(*layers, strict=True))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    last = np.ones(len(keys), dtype=bool)
    last[:-1] = keys[1:] != keys[:-1]
    return Terms(keys[last], weights[order][last])


def under(headings: Terms, texts: Terms, norm: int) -> Terms:
    """Returns the terms of texts under headings, which have the same numbers. Two weights of one term become one by the
    norm of this order, a power of two. A text that only repeats words of its heading adds nothing.
    """
    keys = np.concatenate((texts.keys, headings.keys))
    order = np.argsort(keys, kind="stable")  # the text's own before the heading's
    keys, weights = keys[order], np.concatenate((texts.weights, headings.weights))[order]
    first = np.flatnonzero(keys[1:] == keys[:-1])
    count = int(keys[-1] >> _TERM_BITS) + 1 if len(keys) else 0
    shared = np.bincount((keys[first] >> _TERM_BITS).astype(np.int64), minlength=count)
    adds = shared < np.bincount(texts.texts, minlength=count)
    powers = [weights[first], weights[first + 1]]
    for _ in range(norm.bit_length() - 1):
        powers = [power * power for power in powers]
    both = powers[0] + powers[1]
    for _ in range(norm.bit_length() - 1):
        both = np.sqrt(both)
    weights[first] = np.where(adds[(keys[first] >> _TERM_BITS).astype(np.int64)], both, weights[first + 1])
    return Terms(np.delete(keys, first + 1), np.delete(weights, first + 1))
