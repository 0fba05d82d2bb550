"""How Chinese is spoken: the pinyin of words, the words of a pinyin, and typed pinyin cut into syllables.

The readings are those of CC-CEDICT. Tones are left out, because who types pinyin leaves them out, and who picks a wrong
word from an input method has typed the right sound. A syllable is written in lower-case letters, with `v` for ü.
"""

from __future__ import annotations

import gzip
import re
import threading
import unicodedata
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np

from ingest.embedding.glosses import dictionary_file
from ingest.embedding.parts import code_points
from ingest.language import fold_all

_ENTRY = re.compile(rb"^\S+ ([\xe3-\xe9][\x80-\xbf\xe3-\xe9]{2,17}+) \[([A-Za-z0-9: ]+)\] /", re.MULTILINE)
"""Matches `traditional simplified [pin1 yin1] /`, a word of one to six characters of three bytes. Longer entries are
proverbs and full names, and are not needed.
"""
_NAME = "^"
_TONES = dict.fromkeys(map(ord, "12345"))
_RAREST = 2
"""A reading of a character that fewer words have is left out: it is that of one odd name."""
_SPLITS = 8
"""So many ways to cut a text into syllables are followed. Typed pinyin seldom has more than two."""
_MOST_LETTERS = 60
_SYLLABLE_LETTERS = 6

_FINALS = """
_ a ai an ang ao e ei en eng er o ou
b a ai an ang ao ei en eng i ian iao ie in ing o u
p a ai an ang ao ei en eng i ian iao ie in ing o ou u
m a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u
f a an ang ei en eng o ou u
d a ai an ang ao e ei en eng i ian iao ie ing iu ong ou u uan ui un uo
t a ai an ang ao e eng i ian iao ie ing ong ou u uan ui un uo
n a ai an ang ao e ei en eng i ian iang iao ie in ing iu ong ou u uan uo v ve
l a ai an ang ao e ei eng i ia ian iang iao ie in ing iu ong ou u uan un uo v ve
g a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo
k a ai an ang ao e en eng ong ou u ua uai uan uang ui un uo
h a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo
j i ia ian iang iao ie in ing iong iu u uan ue un
q i ia ian iang iao ie in ing iong iu u uan ue un
x i ia ian iang iao ie in ing iong iu u uan ue un
zh a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo
ch a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo
sh a ai an ang ao e ei en eng i ou u ua uai uan uang ui un uo
r an ang ao e en eng i ong ou u ua uan ui un uo
z a ai an ang ao e ei en eng i ong ou u uan ui un uo
c a ai an ang ao e en eng i ong ou u uan ui un uo
s a ai an ang ao e en eng i ong ou u uan ui un uo
y a an ang ao e i in ing o ong ou u uan ue un
w a ai an ang ei en eng o u
"""
_SYLLABLES = frozenset(
    ("" if initial == "_" else initial) + final
    for initial, *finals in (line.split() for line in _FINALS.strip().splitlines())
    for final in finals
)
"""All syllables of Mandarin that words are written with."""

_TONE_MARKS = dict.fromkeys(map(ord, "\u0300\u0301\u0304\u030c"))
_TYPED = re.compile(r"(?:[a-z]++[1-5]?+)++")
_PIECE = re.compile(r"([a-z]+)([1-5]?)")
_ALTERNATIVES = (("lue", "lve"), ("nue", "nve"))
"""Other spellings of a syllable. ü is typed as v or as u."""


class Pinyin:
    """The readings of Chinese words. All of CC-CEDICT takes 8 MB. Safe to call from several threads."""

    def __init__(self, data: bytes) -> None:
        """Takes the text of a dictionary in the form of CC-CEDICT, in UTF-8."""
        entries = _entries(data)
        self._often = _usual(entries)
        sounds, words = list[str](), list[list[str]]()
        for sound, word in entries:
            if not sounds or sounds[-1] != sound:
                sounds.append(sound)
                words.append([])
            words[-1].append(word)
        self._sounds, self._words = "\n".join(sounds), "\n".join(map(" ".join, words))
        self._starts, self._word_starts = _starts(self._sounds), _starts(self._words)

    def words(self, sound: str, *, names: bool = False) -> list[str]:
        """Returns the words with this reading (syllables with blanks between them), the more usual ones first.

        Names of people and places are among them only with `names`. The dictionary has no frequencies: a word counts
        as usual if many other words are made of its characters.
        """
        at = bisect_left(self._starts, sound, key=lambda start: _line(self._sounds, start))
        if at == len(self._starts) or _line(self._sounds, self._starts[at]) != sound:
            return []
        found = self._ranked(sound, _line(self._words, self._word_starts[at]).split(" "))
        return [word.rstrip(_NAME) for word in found if names or not word.endswith(_NAME)]

    def with_initials(self, letters: str) -> list[str]:
        """Returns the words whose syllables begin with these letters (`nj`: 年假), the more usual ones first. Names are
        not among them.
        """
        pattern = " ".join(f"{re.escape(letter)}[a-z]*" for letter in letters)
        use: dict[str, int] = {}
        for found in re.finditer(rf"^{pattern}$", self._sounds, re.MULTILINE):
            sound = found[0]
            for word in self.words(sound):
                use[word] = max(use.get(word, 0), self._use(word, sound.split()))
        return sorted(use, key=lambda word: -use[word])

    def readings(self, character: str) -> frozenset[str]:
        """Returns the syllables that a folded character is read as. There are none if the dictionary lacks it."""
        return frozenset(self._often.get(character, ()))

    def is_read(self, text: str, letters: str) -> bool:
        """Returns True if the usual reading of each character begins with its letter."""
        usual = [max(often, key=often.__getitem__, default="") for often in (self._often.get(one, {}) for one in text)]
        return len(usual) == len(letters) and all(map(str.startswith, usual, letters))

    def _ranked(self, sound: str, words: list[str]) -> list[str]:
        """Returns the words of one sound, the more usual ones first, and names last. A word that also means something
        else is no name.

        How usual a word is: how many words have the rarest of its characters with this reading.
        """
        syllables, common = sound.split(), {word for word in words if not word.endswith(_NAME)}
        use = {word: self._use(word, syllables) for word in words if word.rstrip(_NAME) not in common or word in common}
        return sorted(use, key=lambda word: (word.endswith(_NAME), -use[word]))

    def _use(self, word: str, syllables: Sequence[str]) -> int:
        """Returns how many words have the rarest of the characters of this one, with its reading."""
        return min(self._often[one].get(syllable, 0) for one, syllable in zip(word, syllables, strict=False))


def _entries(data: bytes) -> list[tuple[str, str]]:
    """Returns the sound and the word of each entry in order, with a mark at the end if it is the name of a person or a
    place.

    All entries are folded and spelled at once: one by one, that would take three times as long.
    """
    entries = _ENTRY.findall(data)
    words = fold_all(b"\n".join([word for word, _ in entries]).decode().split("\n"))
    readings = b"\n".join([reading for _, reading in entries]).decode()
    spelled = readings.lower().replace("u:", "v").replace(" r5", " er").translate(_TONES)
    # A text is sorted sooner than a pair. No character of a sound comes before the tab.
    lines = [
        f"{sound}\t{word}{_NAME}" if reading[:1].isupper() else f"{sound}\t{word}"
        for word, sound, (_, reading) in zip(words, spelled.split("\n"), entries, strict=True)
        if sound.count(" ") + 1 == len(word)
    ]
    lines.sort()
    return [(sound, word) for sound, _, word in (line.partition("\t") for line in lines)]


def _usual(entries: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Returns how many words have each character with each of its readings. Readings that only one odd word has are
    left out.
    """
    characters = "".join([word.rstrip(_NAME) for _, word in entries])
    syllables = " ".join([sound for sound, _ in entries]).split(" ")
    often: dict[str, dict[str, int]] = {}
    for (character, syllable), count in Counter(zip(characters, syllables, strict=True)).items():
        often.setdefault(character, {})[syllable] = count
    fewest = {character: min(_RAREST, max(counts.values())) for character, counts in often.items()}
    return {
        character: {syllable: count for syllable, count in counts.items() if count >= fewest[character]}
        for character, counts in often.items()
    }


def _starts(lines: str) -> array[int]:
    return array("I", [0, *(np.flatnonzero(code_points(lines) == ord("\n")) + 1).tolist()])


def _line(lines: str, start: int) -> str:
    end = lines.find("\n", start)
    return lines[start:] if end < 0 else lines[start:end]


def cuts(typed: str) -> list[list[str]]:
    """Returns the ways in which one typed word is pinyin, each as a list of syllables. The shortest comes first.

    There are none if the word is not pinyin from beginning to end. Tones may be written as marks or as digits. After a
    digit a new syllable begins, and if one syllable has a digit, all have.
    """
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFD", typed.lower()).translate(_TONE_MARKS))
    plain = plain.replace("\u00fc", "v")
    if len(plain) > _MOST_LETTERS or not _TYPED.fullmatch(plain):
        return []
    for usual, ours in _ALTERNATIVES:
        plain = plain.replace(usual, ours)
    if not plain.isalpha():
        pieces = _PIECE.findall(plain)
        return [[piece for piece, _ in pieces]] if all(tone and piece in _SYLLABLES for piece, tone in pieces) else []
    ways: list[list[list[str]]] = [[[]]]  # of each beginning of the word
    for end in range(1, len(plain) + 1):
        longer = [
            [*way, plain[start:end]]
            for start in range(max(0, end - _SYLLABLE_LETTERS), end)
            if plain[start:end] in _SYLLABLES
            for way in ways[start]
        ]
        ways.append(sorted(longer, key=len)[:_SPLITS])
    return ways[-1]


_loading = threading.Lock()


def pinyin() -> Pinyin:
    """Returns the readings of CC-CEDICT. The first call loads them, which takes about half a second of the processor.

    Raises ConfigurationError `dictionary_missing`.
    """
    with _loading:
        return _loaded()


@cache
def _loaded() -> Pinyin:
    return Pinyin(gzip.decompress(dictionary_file().read_bytes()))
