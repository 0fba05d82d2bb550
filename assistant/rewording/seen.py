"""What hits say of a query: which of its words they have, and how much of it the best one covers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby

from assistant.terms import HAN_FUNCTION, terms
from ingest.document import Hit
from ingest.embedding.glosses import dictionary
from ingest.language import QUESTION_WORDS, fold

WORD = re.compile(r"[a-z0-9\u00c0-\u024f]+(?:[-'][a-z0-9\u00c0-\u024f]+)*|[\u3400-\u9fff]+")
"""Matches a Latin word or a run of Chinese characters in a folded text in lower case. A code (lx-24) is one word."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_QUESTIONED = 40
"""So many words of a query are looked at. A longer text says what it means in other words, too."""
_REMEMBERED_CHUNKS = 256
"""Some 4 KB each."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of a query that carries its content, and how much of the query it is: 1, or half of its characters."""

    text: str
    weight: float


def is_han(text: str) -> bool:
    """Returns True if a text begins with a Chinese character."""
    return _HAN.match(text) is not None


def pieces_of(query: str) -> list[Piece]:
    """Returns the content words of a query: Chinese words of the dictionary, and the stems of Latin words.

    Function words and words that only form a question are left out.
    """
    pieces: list[Piece] = []
    for word in WORD.findall(fold(query).lower()):
        if not is_han(word):
            pieces += [Piece(stem, 1.0) for stem in terms(word)[-1:]]
            continue
        for run in QUESTION_WORDS.split(word):
            pieces += _joined(dictionary().words(run))
    return pieces[:_QUESTIONED]


def _joined(words: Iterable[str]) -> Iterator[Piece]:
    """Yields the words, with neighbouring single characters in one: of a word with a wrong character they are left over
    (事用期). Characters that carry no content weigh nothing.
    """
    for is_loose, group in groupby(words, key=lambda word: len(word) == 1):
        for text in ["".join(group)] if is_loose else group:
            if weight := sum(not is_loose or character not in HAN_FUNCTION for character in text) / 2:
                yield Piece(text, weight)


class Seen:
    """The texts of hits as words are looked up in them: folded and in lower case, each with its headings."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.hits = hits
        self._texts = [_folded(hit.chunk.heading, hit.chunk.text) for hit in hits]
        self._all = "\n".join(self._texts)

    def has(self, text: str) -> bool:
        """Returns True if some hit has this text. A Latin word may go on: the stem of a word is looked up."""
        return text in self._all if is_han(text) else _is_word(text, self._all)

    def has_nearly(self, text: str) -> bool:
        """Returns True if some hit has this text, or two characters with another one between them (年假 in 年休假)."""
        return _holds(text, self._all)

    def around(self, character: str, before: int, length: int) -> Iterator[str]:
        """Yields the runs of so many Chinese characters in the hits that have this one after `before` others."""
        for found in re.finditer(re.escape(character), self._all):
            run = self._all[max(found.start() - before, 0) : found.start() - before + length]
            if len(run) == length and all(map(is_han, run)) and run[before] == character:
                yield run

    def says(self, phrase: str) -> bool:
        """Returns True if some hit has these Latin words, with nothing else between them and no more letters."""
        words = r"\s+".join(map(re.escape, fold(phrase).lower().split()))
        return re.search(rf"(?<![a-z0-9]){words}(?![a-z0-9])", self._all) is not None

    def means(self, word: str) -> bool:
        """Returns True if a Chinese word of some hit has this English word in its glosses."""
        return word in self._glosses

    def often(self, text: str) -> float:
        """Returns in how many hits this word is. The first hits count most."""
        word = fold(text).lower()
        return sum(1 / (2 + rank) for rank, one in enumerate(self._texts) if _holds(word, one))

    def missing(self, pieces: Sequence[Piece], first: int | None = None) -> float:
        """Returns the weight of what the best of the `first` hits lacks of these words. Without hits all is missing."""
        lacking = [
            sum(piece.weight for piece in pieces if not _holds(piece.text, text)) for text in self._texts[:first]
        ]
        return min(lacking, default=sum(piece.weight for piece in pieces))

    def latin_words(self) -> dict[str, float]:
        """Returns the English words that are written in lower-case letters in some hit, each with how often it is."""
        return self._latin

    def closeness(self) -> float | None:
        """Returns the best cosine. It is None if the embedder made none."""
        return max((hit.dense_score for hit in self.hits if hit.dense_score is not None), default=None)

    @cached_property
    def _glosses(self) -> frozenset[str]:
        words = set(dictionary().words(self._all))
        return frozenset(part for word in words for gloss in dictionary().glosses(word) for part in gloss.split())

    @cached_property
    def _latin(self) -> dict[str, float]:
        often: dict[str, float] = {}
        for rank, hit in enumerate(self.hits):
            for word in set(
                re.findall(r"(?<![A-Za-z-])[a-z]{4,}(?![A-Za-z-])", fold(f"{hit.chunk.heading}\n{hit.chunk.text}"))
            ):
                often[word] = often.get(word, 0.0) + 1 / (2 + rank)
        return often


@lru_cache(maxsize=_REMEMBERED_CHUNKS)
def _folded(heading: str, text: str) -> str:
    """They are cached, because many questions find the same chunks."""
    return fold(f"{heading}\n{text}").lower()


def _holds(word: str, text: str) -> bool:
    if not is_han(word):
        return _is_word(word, text)
    if word in text or len(word) != 2:
        return word in text
    # This is no pattern: to compile one for each word takes a hundred times as long as to look through a chunk.
    at = text.find(word[0])
    while at >= 0:
        if text[at + 2 : at + 3] == word[1] and is_han(text[at + 1]):
            return True
        at = text.find(word[0], at + 1)
    return False


def _is_word(stem: str, text: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(stem)}", text) is not None
