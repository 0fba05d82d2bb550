"""Pinyin in a query, and the Chinese that it may stand for: `nianjia jitian` → 年假几天."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from assistant.rewording.seen import Seen
from ingest.embedding.glosses import dictionary
from ingest.embedding.pinyin import cuts, pinyin
from ingest.language import QUESTION_WORDS

_TOKEN = re.compile(r"[A-Za-z\u00c0-\u024f\u0300-\u030c]+[A-Za-z\u00c0-\u024f\u0300-\u030c1-5]*")
_BETWEEN = re.compile(r"[\s'’]*")
_LONGEST_WORD = 6
_FOLLOWED = 4
"""So many ways to cut the typed letters are followed."""
_MOST_SYLLABLES = 24
_WORDS_OF_A_SOUND = 8
_COVERED = 0.5
_NAMING = 4
"""An English word with fewer letters is no sign of English: `he`, `ban` and `can` are syllables as well."""
_USUAL: dict[str, str] = dict(
    re.findall(
        r"(\w+):(\w)",
        """
        de:的 shi:是 zai:在 ji:几 you:有 bu:不 mei:没 he:和 ma:吗 ne:呢 le:了 wo:我 ni:你 ta:他 yao:要 neng:能 hui:会
        ke:可 na:哪 zhe:这 ge:个 tian:天 nian:年 yue:月 ri:日 duo:多 jiu:久 qu:去 dao:到 gei:给 dui:对 qian:钱
        shui:谁 dian:点 ba:吧 yi:一 hao:号 ren:人 xiang:想
        """,
    )
)
"""What a syllable that stands alone most often means in a question."""


@dataclass(frozen=True)
class Typed:
    """A part of a query that is pinyin: its place, and the ways to cut it into syllables, the shortest first."""

    start: int
    end: int
    ways: tuple[tuple[str, ...], ...]

    @cached_property
    def candidates(self) -> frozenset[str]:
        """Returns all words of two syllables and more that the typed letters may stand for."""
        return frozenset(word for way in self.ways for _, _, words in _spans(way) for word in words)

    def reading(self, seen: Seen) -> str:
        """Returns the Chinese whose words a single hit covers best. It is empty if no hit has half of it."""
        best, most = "", 0.0
        for rank, way in product(range(len(seen.hits)), self.ways):
            there = Seen(seen.hits[rank : rank + 1])
            reading, covered = _read(way, there)
            if covered > most:
                best, most = reading, covered
        return best if most >= _COVERED else ""


def typed_pinyin(query: str, seen: Seen) -> Typed | None:
    """Returns the part of a query that makes sense as pinyin alone, or None.

    Each of its words splits wholly into syllables, and together they have two syllables or more. No hit has them as
    they were typed, nor one of the longer words. There is none if the query has longer English words beside it, or if
    all of its own words are English.
    """
    runs: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(query):
        splits = bool(cuts(token[0]))
        if not splits and _is_english(token[0]):
            return None
        is_pinyin = splits and not _is_glued(query, token) and not _is_known(token[0], seen)
        if not is_pinyin:
            runs.append([])
        elif runs[-1] and not _BETWEEN.fullmatch(query, runs[-1][-1].end(), token.start()):
            runs.append([token])
        else:
            runs[-1].append(token)
    for run in sorted(runs, key=len, reverse=True):
        if not run or all(_is_english(token[0]) for token in run):
            continue
        start, end = run[0].start(), run[-1].end()
        if not seen.says(query[start:end]) and (ways := _ways([token[0] for token in run])):
            return Typed(start, end, ways)
    return None


def _is_english(token: str) -> bool:
    return len(token) >= _NAMING and dictionary().is_english(token.lower())


def _is_known(token: str, seen: Seen) -> bool:
    return len(token) >= _NAMING and seen.says(token)


def _is_glued(query: str, token: re.Match[str]) -> bool:
    """Returns True if a token is a part of a code, an address or a file name."""
    around = query[max(0, token.start() - 1) : token.start()] + query[token.end() : token.end() + 1]
    return re.search(r"[\w.@/\\:-]", re.sub(r"[\u3400-\u9fff]", "", around)) is not None


def _ways(tokens: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Returns the ways to cut a run of tokens. Between two tokens a syllable ends."""
    each = [cuts(token)[:2] for token in tokens]
    joined = [tuple(syllable for part in parts for syllable in part) for parts in _products(each)]
    return tuple(way for way in joined if 2 <= len(way) <= _MOST_SYLLABLES)


def _products(each: Sequence[Sequence[Sequence[str]]]) -> list[tuple[Sequence[str], ...]]:
    """Returns the first cuts of all tokens, and those in which one token has its second one."""
    first = tuple(cut[0] for cut in each)
    others = [(*first[:at], cut[1], *first[at + 1 :]) for at, cut in enumerate(each) if len(cut) > 1]
    return [first, *others[: _FOLLOWED - 1]]


def _spans(way: Sequence[str]) -> Iterator[tuple[int, int, list[str]]]:
    """Yields each part of two syllables and more that is a word, with the words of that sound."""
    for start in range(len(way)):
        for end in range(start + 2, min(len(way), start + _LONGEST_WORD) + 1):
            words = pinyin().words(" ".join(way[start:end]), names=True)[:_WORDS_OF_A_SOUND]
            if words:
                yield start, end, words


def _read(way: Sequence[str], hit: Seen) -> tuple[str, float]:
    """Returns the best reading beside one hit, and the share of its content that the hit has.

    The words of the hit count first, then question words, then few and long words.
    """
    best: list[tuple[float, tuple[str, ...]]] = [(0.0, ())]
    spans: dict[int, list[tuple[int, str, float]]] = {}
    for start, end, alike in _spans(way):
        word, worth = max(((word, _worth(word, hit)) for word in alike), key=lambda pair: pair[1])
        spans.setdefault(end, []).append((start, word, worth))
    for end in range(1, len(way) + 1):
        score, before = best[end - 1]
        ways = [(score - 1.0, (*before, _character(way[end - 1], before[-1] if before else "", hit)))]
        ways += [(best[start][0] + worth, (*best[start][1], word)) for start, word, worth in spans.get(end, ())]
        best.append(max(ways, key=lambda pair: pair[0]))
    words = best[-1][1]
    content = [word for word in words if len(word) > 1 and not QUESTION_WORDS.fullmatch(word)]
    there = sum(len(word) for word in content if hit.has_nearly(word))
    rest = sum(len(word) for word in words if not QUESTION_WORDS.fullmatch(word))
    return "".join(words), there / rest if rest else 0.0


def _character(syllable: str, before: str, hit: Seen) -> str:
    """Returns the character of a syllable that stands alone: as the hit goes on after the word before it, else what it
    most often means in a question, else one that the hit has.
    """
    characters = pinyin().words(syllable) or [syllable]
    going_on = [one for one in characters if before and hit.has(before[-1] + one)]
    usual = [_USUAL[syllable]] if syllable in _USUAL else []
    return [*going_on, *usual, *(one for one in characters if hit.has(one)), *characters][0]


def _worth(word: str, hit: Seen) -> float:
    if hit.has(word):
        return 4.0 * len(word)
    if hit.has_nearly(word):
        return 3.0 * len(word)
    return 2.0 * len(word) if QUESTION_WORDS.fullmatch(word) else 0.5 * len(word)
