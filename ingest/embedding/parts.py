"""Cuts a text where no word can be: between two characters that stand side by side in no word of a vocabulary.

No way to put a text together from words has a word across such a place. So each part can be looked at by itself, and as
most parts are short and come again, what was found for one can be remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

_APART = "\n"
"""Stands between the words when their pairs are collected."""
_FIRST_CHINESE, _LAST_CHINESE = 0x3400, 0x9FFF


class Parts:
    """The pairs of neighbouring characters in the words of a vocabulary, a bit for each possible pair: 1 to 4 MB for
    100,000 words. Safe to call from several threads.
    """

    def __init__(self, words: Iterable[str], *, joins_unknown: bool = False) -> None:
        """No word has a line break. With `joins_unknown`, characters that are in no word stay together."""
        codes = code_points(_APART.join(words))
        first, second = codes[:-1], codes[1:]
        inside = (first != ord(_APART)) & (second != ord(_APART))
        first, second = first[inside], second[inside]
        known = codes[codes != ord(_APART)]
        self._rows, rows = _numbered(first, known)
        self._columns, self._width = _numbered(second, known)
        places = self._rows[first].astype(np.int64) * self._width + self._columns[second]
        bits = np.zeros(rows * self._width, dtype=bool)
        bits[places] = True
        bits[0] = joins_unknown
        self._bits = np.packbits(bits, bitorder="little")

    def joined(self, codes: np.ndarray) -> np.ndarray:
        """Returns for each of these code points but the last one whether it may be in one word with the next: bool."""
        rows = self._rows[np.minimum(codes[:-1], len(self._rows) - 1)].astype(np.int64)
        places = rows * self._width + self._columns[np.minimum(codes[1:], len(self._columns) - 1)]
        joined: np.ndarray = (self._bits[places >> 3] >> (places & 7).astype(np.uint8) & 1).astype(bool)
        return joined

    def ends(self, text: str) -> np.ndarray:
        """Returns where the parts of a text end, in characters: int64, ascending."""
        if not text:
            return np.zeros(0, dtype=np.int64)
        return np.append(np.flatnonzero(~self.joined(code_points(text))) + 1, len(text))

    def of(self, text: str) -> list[str]:
        """Returns the parts of a text. Together they are the text."""
        return [text[start:end] for start, end in pairwise((0, *self.ends(text).tolist()))]


def code_points(text: str) -> np.ndarray:
    """Returns the code points of a text: uint32, shape (characters,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def is_chinese(codes: np.ndarray) -> np.ndarray:
    """Returns for each code point whether it is one of a Chinese character, in so far as words have them: bool."""
    return (codes >= _FIRST_CHINESE) & (codes <= _LAST_CHINESE)


def _numbered(codes: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, int]:
    """Returns a table that gives each of these characters a number from 2, all others that are `known` 1, and the rest
    0; and how many numbers there are. The last entry of the table is 0.
    """
    table = np.zeros(int(known.max(initial=0)) + 2, dtype=np.uint16)
    table[codes] = 1
    there = np.flatnonzero(table)
    table[known] = 1
    table[there] = np.arange(2, len(there) + 2)
    return table, len(there) + 2
