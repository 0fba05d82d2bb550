"""The terms of the glosses of Chinese words, kept as numbers in tables, and their frequencies in a passage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

_FIRST_TERMS = 65_536


class Glosses(NamedTuple):
    """What a Chinese word means, as terms: each has the weight `share`. A word that forms a question brings none."""

    terms: tuple[int, ...]
    share: float
    forms_a_question: bool


class Meanings:
    """The glosses of all words that were met, by the number of each word in the dictionary. As tuples they would take
    twenty times as much, and adding them up would take five times as long. Safe to call from several threads.
    """

    def __init__(self, words: Sequence[str], look_up: Callable[[str], Glosses]) -> None:
        """`look_up` is called once for each word that is met."""
        self._words, self._look_up = words, look_up
        self._lock = threading.Lock()
        size = len(words)
        self._is_known, self._forms_a_question = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
        self._starts, self._lengths = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        self._shares = np.zeros(size)
        self._terms, self._end = np.zeros(_FIRST_TERMS, dtype=np.uint32), 0

    def frequencies(self, counts: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray, int]:
        """Returns the terms of the glosses of words (uint32, ascending, each once), and how often each is meant
        (float64). Returns also how many words there are, without those that form a question. `counts` says how often
        each word is there.
        """
        numbers, often = (np.fromiter(each, np.int64, len(counts)) for each in (counts, counts.values()))
        with self._lock:
            for number in numbers[~self._is_known[numbers]].tolist():
                self._learn(number)
            meant = ~self._forms_a_question[numbers]
            numbers, often = numbers[meant], often[meant]
            lengths = self._lengths[numbers]
            ends = np.cumsum(lengths)
            # Where each word's terms lie, one after the other.
            places = np.repeat(self._starts[numbers] - ends + lengths, lengths)
            terms = self._terms[places + np.arange(len(places))]
            weights = np.repeat(often * self._shares[numbers], lengths)
        there, which = np.unique(terms, return_inverse=True)
        return there, np.bincount(which, weights, len(there)), int(often.sum())

    def _learn(self, number: int) -> None:
        glosses = self._look_up(self._words[number])
        end = self._end + len(glosses.terms)
        if end > len(self._terms):
            self._terms = np.concatenate((self._terms, np.zeros(max(end, len(self._terms)), dtype=np.uint32)))
        self._terms[self._end : end] = glosses.terms
        self._starts[number], self._lengths[number] = self._end, len(glosses.terms)
        self._shares[number], self._forms_a_question[number] = glosses.share, glosses.forms_a_question
        self._is_known[number] = True
        self._end = end
