"""Lists of numbers in one table. As tuples they would take twenty times as much."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from ingest.embedding.terms import stretched

_FIRST_NUMBERS, _FIRST_LISTS = 65_536, 4_096


class NumberLists:
    """Lists of numbers (uint32), one after the other, each with a number of its own from 0."""

    def __init__(self) -> None:
        self._numbers, self._end = np.zeros(_FIRST_NUMBERS, dtype=np.uint32), 0
        self._starts, self._lists = np.zeros(_FIRST_LISTS, dtype=np.int64), 0

    def __len__(self) -> int:
        """Returns how many numbers are in all lists together."""
        return self._end

    def add(self, lists: Sequence[Sequence[int]]) -> int:
        """Add lists. Returns the number of the first one; the others follow."""
        first, ends = self._lists, self._end + np.cumsum([len(each) for each in lists], dtype=np.int64)
        if lists:
            end = int(ends[-1])
            self._numbers = _with_room(self._numbers, end)
            self._starts = _with_room(self._starts, first + len(lists) + 1)
            self._numbers[self._end : end] = np.fromiter(chain.from_iterable(lists), np.uint32, end - self._end)
            self._starts[first + 1 : first + len(lists) + 1] = ends
            self._lists, self._end = first + len(lists), end
        return first

    def of(self, lists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the numbers in these lists, one list after the other, and how many are in each."""
        starts = self._starts[lists]
        lengths = self._starts[lists + 1] - starts
        return self._numbers[stretched(starts, lengths)], lengths


def _with_room(table: np.ndarray, size: int) -> np.ndarray:
    if size <= len(table):
        return table
    return np.concatenate((table, np.zeros(max(size - len(table), len(table)), dtype=table.dtype)))
