"""The company's synonyms: a small file that people edit, read again when it changes.

# Words that mean the same here. The documents may use any of them.
饭堂 = 食堂 = 员工餐厅
PTO = annual leave = 年假
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ingest.language import fold

FILE_NAME = "synonyms.txt"
"""The file in the home that is taken if no other one is named."""

_LARGEST_BYTES = 2**20
_LONGEST_WORD = 60
_COMMENT = re.compile(r"(?:^|\s)#.*")
_LATIN = re.compile(r"[a-z0-9\u00c0-\u024f]")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line of the file that is not taken, counted from 1, and the reason. Line 0 is the whole file."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}" if self.line else self.reason


@dataclass(frozen=True, slots=True)
class Meant:
    """A word of a query that has synonyms: its place in the query, and the words that mean the same."""

    start: int
    end: int
    others: tuple[str, ...]


class SynonymList:
    """The words of one state of the file. Each word belongs to one group."""

    def __init__(self, groups: Iterable[Sequence[str]] = ()) -> None:
        self._groups: dict[str, tuple[str, ...]] = {}
        for group in groups:
            self._groups |= {_key(word): tuple(group) for word in group}
        self._lengths = sorted({len(word) for word in self._groups}, reverse=True)

    def __len__(self) -> int:
        return len(set(self._groups.values()))

    def meant(self, query: str) -> list[Meant]:
        """Returns the words of the query that have synonyms, in order. Of words inside each other the longest is taken.

        A group of which the query already has two words is left alone. The time does not depend on how many words the
        file has.
        """
        if not self._groups:
            return []
        folded, places = _folded(query)
        found = list(self._found(folded))
        keys = [folded[start:end] for start, end in found]
        return [
            Meant(places[start], places[end], tuple(word for word in self._groups[key] if _key(word) != key))
            for (start, end), key in zip(found, keys, strict=True)
            if all(other == key or self._groups[other] != self._groups[key] for other in keys)
        ]

    def _found(self, folded: str) -> Iterator[tuple[int, int]]:
        """Yields the places of the words. Latin words are found as a whole, Chinese ones anywhere."""
        start = 0
        while start < len(folded):
            ends = (start + length for length in self._lengths if start + length <= len(folded))
            end = next((end for end in ends if folded[start:end] in self._groups and _is_whole(folded, start, end)), 0)
            if end:
                yield start, end
            start = end or start + 1


NO_WORDS = SynonymList()
EVERYDAY_FILE = Path(__file__).with_name("everyday.txt")


@cache
def everyday_words() -> SynonymList:
    """Returns the shipped list: how people say something, and how regulations and manuals do."""
    return read_synonyms(EVERYDAY_FILE)[0]


class Synonyms:
    """The synonyms in a file. Each call sees the file as it is now. Safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._words = SynonymList()

    def current(self) -> SynonymList:
        """Returns the words of the file. It is read again only if it changed.

        Without a file there are none. Lines with mistakes are left out and named in the log.
        """
        with self._lock:
            state = self._state()
            if state != self._seen:
                self._seen = state
                self._words, mistakes = read_synonyms(self._path)
                for mistake in mistakes:
                    logger.warning("Synonyms in %s: %s", self._path, mistake)
                if state is not None:
                    logger.info("Synonyms in %s: %d groups", self._path, len(self._words))
            return self._words

    def _state(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def read_synonyms(path: Path) -> tuple[SynonymList, list[Mistake]]:
    """Returns the words of a file, and the lines that are not taken. A file that is not there has no words.

    A line is `word = word`, with as many words as wanted. What follows `#` is a comment. The file is UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        return SynonymList(), []
    except OSError as error:
        return SynonymList(), [Mistake(0, f"the file cannot be read: {error.strerror}")]
    if len(data) > _LARGEST_BYTES:
        return SynonymList(), [Mistake(0, "the file is larger than 1 MiB and is not read")]
    groups: list[list[str]] = []
    mistakes: list[Mistake] = []
    lines_of: dict[str, int] = {}
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            line = _COMMENT.sub("", raw.decode("utf-8")).strip()
        except UnicodeDecodeError:
            mistakes.append(Mistake(number, "it is not UTF-8 text; save the file as UTF-8"))
            continue
        words = [" ".join(word.split()) for word in line.replace("＝", "=").split("=")]
        if not line:
            continue
        if reason := _wrong(words, lines_of):
            mistakes.append(Mistake(number, reason))
            continue
        groups.append(words)
        lines_of |= {_key(word): number for word in words}
    return SynonymList(groups), mistakes


def _wrong(words: Sequence[str], lines_of: dict[str, int]) -> str:
    """Returns why a line is not taken. The text is empty if it is taken."""
    keys = [_key(word) for word in words]
    if len(words) < 2:
        return "it has no `=`; write `word = word`"
    if not all(words):
        return "a word is missing before or after `=`"
    if len(set(keys)) < len(keys):
        return "it has one word twice"
    for word, key in zip(words, keys, strict=True):
        if len(word) > _LONGEST_WORD:
            return f"a word has more than {_LONGEST_WORD} characters"
        if len(key) < 2:
            return f"{word!r} is a single character, which stands in too many other words"
        if key in lines_of:
            return f"{word!r} is in line {lines_of[key]} already; put all words that mean the same into one line"
    return ""


def _key(word: str) -> str:
    return fold(word).lower()


def _is_whole(text: str, start: int, end: int) -> bool:
    """Returns True if no Latin letter or digit goes on before or after this part of a text."""
    return not (_LATIN.match(text[start]) and _LATIN.match(text[start - 1 : start])) and not (
        _LATIN.match(text[end - 1]) and _LATIN.match(text[end : end + 1])
    )


def _folded(query: str) -> tuple[str, list[int]]:
    """Returns the query as words are compared, and for each place in it the place in the query."""
    pieces = [_key(character) for character in query]
    places = [at for at, piece in enumerate(pieces) for _ in piece]
    return "".join(pieces), [*places, len(query)]
