"""The terms of the glosses of Chinese words, kept as numbers in tables, and their frequencies in passages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ingest.embedding.number_lists import NumberLists
from ingest.embedding.terms import Terms, keys_of
from ingest.embedding.word_counts import WordCounts


class Glosses(NamedTuple):
    """What a Chinese word means, as terms: each has the weight `share`. A word that forms a question brings none."""

    terms: tuple[int, ...]
    share: float
    forms_a_question: bool


class Meanings:
    """The glosses of all words that were met, by the number of each word in the dictionary. Safe to call from several
    threads.
    """

    def __init__(self, words: Sequence[str], look_up: Callable[[str], Glosses]) -> None:
        """`look_up` is called once for each word that is met."""
        self._words, self._look_up = words, look_up
        self._lock = threading.Lock()
        size = len(words)
        self._places = np.full(size, -1, dtype=np.int32)  # of each word's terms
        self._forms_a_question = np.zeros(size, dtype=bool)
        self._shares = np.zeros(size)
        self._terms = NumberLists()

    def frequencies(self, counts: WordCounts, texts: int, space: int) -> tuple[Terms, np.ndarray]:
        """Returns how often the terms of glosses are meant in texts, as their weights, with the bits of each term
        flipped by `space`. Returns also how many words each of the first `texts` texts has, without those that form a
        question.
        """
        with self._lock:
            self._learn(np.unique(counts.words[self._places[counts.words] < 0]))
            meant = ~self._forms_a_question[counts.words]
            numbers, words, often = counts.texts[meant], counts.words[meant], counts.often[meant]
            terms, lengths = self._terms.of(self._places[words])
            weights = np.repeat(often * self._shares[words], lengths)
        keys, which = np.unique(keys_of(np.repeat(numbers, lengths), terms ^ np.uint32(space)), return_inverse=True)
        found = Terms(keys, np.bincount(which, weights, len(keys)))
        return found, np.bincount(numbers, often, texts)

    def _learn(self, numbers: np.ndarray) -> None:
        found = [self._look_up(self._words[number]) for number in numbers.tolist()]
        self._shares[numbers] = [each.share for each in found]
        self._forms_a_question[numbers] = [each.forms_a_question for each in found]
        self._places[numbers] = self._terms.add([each.terms for each in found]) + np.arange(len(found))
