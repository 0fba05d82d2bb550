"""Chinese words that sound like the ones that were typed: 食唐 → 食堂, 婚嫁 → 婚假.

Who types Chinese types its sound, and a wrong word is one of the same sound. Words that merely look alike or mean
something near (病假, 年假) are never exchanged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product

from assistant.quoting.kinds import SURNAMES
from assistant.rewording.seen import Seen
from assistant.terms import HAN_NUMBER
from ingest.embedding.glosses import dictionary
from ingest.embedding.pinyin import pinyin
from ingest.language import QUESTION_WORDS, fold

_RUN = re.compile(r"[\u3400-\u9fff]+")
_SHORTEST, _LONGEST = 2, 4
_MOST_SOUNDS = 64
_MOST_WINDOWS = 40
_REMEMBERED_WORDS = 1024
_CONFUSED = (("zh", "z"), ("ch", "c"), ("sh", "s"))
_CONFUSED_ENDS = (("ang", "an"), ("eng", "en"), ("ing", "in"))
"""Sounds that many speakers of Mandarin do not tell apart."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """Characters of a query that no hit has, and their place.

    `is_word` is True if the dictionary has them. `is_loose` is True if they are single characters.
    """

    start: int
    end: int
    text: str
    is_word: bool
    is_loose: bool


def unheard(query: str, seen: Seen) -> list[Unheard]:
    """Returns the places of a query that may be wrong words, the longest first.

    They are words of the dictionary, or neighbouring ones that together are not one, and occur in no hit. Numbers
    and words that only form a question are not among them.
    """
    found: list[Unheard] = []
    folded = fold(query)
    if len(folded) != len(query):
        return []
    for start, words in _runs(folded):
        for first in range(len(words)):
            at = start + sum(map(len, words[:first]))
            text = ""
            for last, word in enumerate(words[first:], start=1):
                text += word
                if len(text) > _LONGEST:
                    break
                if len(text) >= _SHORTEST and not HAN_NUMBER.search(text) and not seen.has_nearly(text):
                    found.append(Unheard(at, at + len(text), text, last == 1, last == len(text)))
    return sorted(found[:_MOST_WINDOWS], key=lambda one: (-len(one.text), one.start))


@lru_cache(maxsize=_REMEMBERED_WORDS)
def heard_alike(text: str, *, exactly: bool) -> tuple[str, ...]:
    """Returns the words of the dictionary that sound like these characters, those of exactly the same sound first.

    If not `exactly`, sounds count as the same that many speakers do not tell apart (zh and z, ing and in), in words
    that have a character in common. Names of people and places are not among them.
    """
    readings = [pinyin().readings(character) for character in text]
    words = _words_of(readings)
    if not exactly:
        words += [word for word in _words_of(map(_confused, readings)) if shares_a_character(word, text)]
    return tuple(word for word in dict.fromkeys(words) if word != text)


def written_alike(text: str, seen: Seen) -> tuple[str, ...]:
    """Returns what the hits write for characters of the same sound, of which they have at least one at its place: terms
    that no dictionary has (刀灯 for 氘灯). What may be the name of a person is left: another one may be meant.
    """
    readings = [pinyin().readings(character) for character in text]
    runs = (run for at, character in enumerate(text) for run in seen.around(character, at, len(text)))
    found: dict[str, None] = {}
    for written in runs:
        if written[0] in SURNAMES:
            continue
        if all(theirs & pinyin().readings(mine) for mine, theirs in zip(written, readings, strict=True)):
            found[written] = None
    found.pop(text, None)
    return tuple(found)


def _words_of(readings: Iterable[Collection[str]]) -> list[str]:
    """Returns the words that can be read so, for the readings of each of their characters."""
    sounds = islice(product(*map(sorted, readings)), _MOST_SOUNDS)
    return [word for sound in sounds for word in pinyin().words(" ".join(sound))]


def shares_a_character(one: str, other: str) -> bool:
    """Returns True if both words have the same character at the same place."""
    return any(mine == its for mine, its in zip(one, other, strict=False))


def _runs(folded: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Yields the Chinese parts between question words, each with its place, cut into words."""
    for run in _RUN.finditer(folded):
        start = run.start()
        for asked in [*QUESTION_WORDS.finditer(folded, run.start(), run.end()), None]:
            end = asked.start() if asked else run.end()
            if end > start:
                yield start, list(dictionary().words(folded[start:end]))
            start = asked.end() if asked else end


def _confused(syllables: frozenset[str]) -> set[str]:
    """Returns these syllables and those that are taken for them."""
    sounds = set(syllables)
    for long, short in _CONFUSED:
        sounds |= {short + one[2:] for one in sounds if one.startswith(long)} | {
            long + one[1:] for one in sounds if one.startswith(short) and not one.startswith(long)
        }
    for long, short in _CONFUSED_ENDS:
        sounds |= {one[: -len(long)] + short for one in sounds if one.endswith(long)} | {
            one[: -len(short)] + long for one in sounds if one.endswith(short)
        }
    return sounds
