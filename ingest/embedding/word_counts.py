"""How often words are in texts, in arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class WordCounts(NamedTuple):
    """Which words are in which texts, and how often (int64): by text, and in the order of the first places of the words
    in it. Texts and words are numbers.
    """

    texts: np.ndarray
    words: np.ndarray
    often: np.ndarray

    @classmethod
    def of(cls, texts: np.ndarray, words: np.ndarray, all_words: int) -> WordCounts:
        """Counts words in the order of their places, with the text of each. There are `all_words` words in all."""
        keys, which = np.unique(texts * all_words + words, return_inverse=True)
        first = np.empty(len(keys), dtype=np.int64)
        first[which[::-1]] = np.arange(len(which))[::-1]  # of several that are written, the last one stays
        order = np.argsort(first)
        return cls(*np.divmod(keys[order], all_words), np.bincount(which, minlength=len(keys))[order])
