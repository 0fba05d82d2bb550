"""English words that are spelled like the ones that were typed: `reimbursment` → reimbursement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from assistant.rewording.seen import Seen
from ingest.embedding.glosses import dictionary

_TYPED = re.compile(r"(?<![\w'.@/-])[A-Za-z]+(?![\w'@/-]|\.\w)")
"""Matches a word that is nothing but a word: no part of a code, an address or a file name."""
_FEWEST_LETTERS = 5
"""In shorter words one other letter makes another word."""
_TWO_LETTERS_FROM = 8
"""So long a word may have two wrong letters."""
_ENDINGS = re.compile(r"(?:s|es|ed|d|ing|ly|er)$")
_MOST = 3


def misspelled(query: str, seen: Seen) -> list[tuple[int, int]]:
    """Returns the places of the words that may be misspelled.

    They occur in no hit and are no English words. Short words, abbreviations, names and parts of codes are not among
    them. A word with a capital letter counts as a name, but not at the beginning of the query.
    """
    return [
        found.span()
        for found in _TYPED.finditer(query)
        if len(found[0]) >= _FEWEST_LETTERS
        and (found[0].islower() or (not query[: found.start()].strip() and found[0][1:].islower()))
        and not seen.has(found[0].lower())
        and not _is_english(found[0].lower())
    ]


def spelled_alike(word: str, seen: Seen) -> list[str]:
    """Returns the words of the hits that are spelled like this one, the nearest first."""
    often = seen.latin_words()
    return _nearest(word, often, lambda other: -often[other])


def known_alike(word: str) -> list[str]:
    """Returns the words of the dictionary that are spelled like this one, the nearest first."""
    room = _wrong_letters(word)
    return _nearest(word, dictionary().english_words(word[0], len(word) - room, len(word) + room), len)


def _nearest(word: str, others: Iterable[str], then: Callable[[str], float]) -> list[str]:
    """Returns the nearest words. One that the word begins with is no other spelling (capitalist, capitalistic)."""
    room = _wrong_letters(word)
    near = [
        (distance, then(other), other)
        for other in others
        if other[0] == word[0] and not word.startswith(other) and abs(len(other) - len(word)) <= room
        if len(set(other) ^ set(word)) <= 2 * room and (distance := distance_of(word, other)) <= room
    ]
    return [other for _, _, other in sorted(near)[:_MOST]]


def distance_of(one: str, other: str) -> int:
    """Returns how many letters must be added, removed, replaced or exchanged with their neighbour.

    This is the optimal string alignment distance, a restricted form of the one of Damerau (1964).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [at]
        for to, counter in enumerate(other, start=1):
            cost = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != counter))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == counter:
                cost = min(cost, earlier[to - 2] + 1)
            row.append(cost)
    return row[-1]


def _wrong_letters(word: str) -> int:
    return 2 if len(word) >= _TWO_LETTERS_FROM else 1


def _is_english(word: str) -> bool:
    known = dictionary().is_english
    bare = _ENDINGS.sub("", word)
    return known(word) or (len(bare) > 3 and (known(bare) or known(f"{bare}e")))
