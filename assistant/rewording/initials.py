"""Initials of pinyin in a query, and the words that they may stand for: `nj` → 年假, `GJJ` → 公积金.

Two letters stand for hundreds of words. So what is meant is what the passages have: the words of the dictionary are
searched for all at once, and the hits tell which of them there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from assistant.rewording.seen import Seen
from assistant.terms import HAN_FUNCTION
from ingest.embedding.glosses import dictionary
from ingest.embedding.pinyin import cuts, pinyin
from ingest.language import QUESTION_WORDS, fold

_TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+(?![A-Za-z0-9])")
_INITIALS = re.compile(r"[abcdefghjklmnopqrstwxyz]{2,5}")
_GLUED = re.compile(r"[@/\\:_.+#&'’-]")
_MOST_SEARCHED = 250
_SEARCHED_ALONE = 80
_TRIED = 4
"""So many words are tried. Each try is a search."""
_ABBREVIATIONS = frozenset(
    re.findall(
        r"\w+",
        "ai api app bi bug ceo cfo cio coo cpu crm cto dns erp faq gdp gps gpu hr html http id ip iso it kpi lan mac"
        " mba mfa nda oa ok okr pc pdf pos ppt pr ps pto qa qc qq rd sdk sla sn sop sql ssd tv ui uid ups url usb"
        " ut ux vip vpn wfh xls zip usd eur cny rmb as at be by do go he if in is me my no of on or so to up us we",
    )
)
"""Short forms and words that stand for no Chinese word, because they are written so in Chinese too."""
_UNITS = frozenset(re.findall(r"\w+", "bar cm db gb hz kb kg kw kwh mb md mg ml mm mpa ms mw nm pa pm rpm tb"))
_COUNTED = re.compile(r"[\d几少每]\s*\Z")
"""Matches what stands before a unit."""
_GLUE = re.compile(
    r"[不没很最更都就也还且但若则因让给]|必须|应当|按照|根据|其他|其它|全部|所有|已经|之[前后间内外]|以[上下内外前后]|期间|工作|进行|其中|上述|下列"
)
"""Matches words that stand in every regulation and that nobody asks for by themselves."""


@dataclass(frozen=True)
class Initials:
    """Letters in a query that may be initials: their place, and the letters in lower case."""

    start: int
    end: int
    letters: str

    @cached_property
    def candidates(self) -> list[str]:
        """Returns words of the dictionary with these initials, the more usual ones first."""
        return [word for word in pinyin().with_initials(self.letters) if _names_something(word)][:_MOST_SEARCHED]

    def searched(self, query: str) -> tuple[str, Sequence[str]]:
        """Returns the query, and beside it the words to search for. Where it has nothing but the letters, words take
        their place.
        """
        rest = query[: self.start] + query[self.end :]
        if re.search(r"\w", rest):
            return query, self.candidates
        return " ".join(self.candidates[:_SEARCHED_ALONE]), self.candidates[_SEARCHED_ALONE:]

    def readings(self, seen: Seen) -> list[str]:
        """Returns the words with these initials that the hits have, the ones that they use most first.

        A word that the dictionary lacks (餐补) counts if a word ends before it and another one begins after it. Of
        年休假 the letters `nj` are initials, too.
        """
        known = [word for word in self.candidates if seen.has_nearly(word)]
        others = dict.fromkeys(_words_between(seen, self.letters))
        return sorted(dict.fromkeys([*known, *others]), key=lambda word: -seen.often(word))[:_TRIED]


def typed_initials(query: str, seen: Seen) -> Initials | None:
    """Returns letters of a query that no hit has as they are, and that are no syllable, unit or known short form.

    There are none if the query has English words, and none in a code, an address or a file name.
    """
    tokens = list(_TOKEN.finditer(query))
    unknown = [token for token in tokens if _INITIALS.fullmatch(token[0].lower()) and not _is_known(query, token, seen)]
    if not unknown or any(_is_english(token[0].lower()) for token in tokens):
        return None
    return Initials(unknown[0].start(), unknown[0].end(), unknown[0][0].lower())


def _is_known(query: str, token: re.Match[str], seen: Seen) -> bool:
    word = token[0].lower()
    around = query[max(0, token.start() - 1) : token.start()] + query[token.end() : token.end() + 1]
    return bool(
        _GLUED.search(around)
        or word in _ABBREVIATIONS
        or (word in _UNITS and _COUNTED.search(query, 0, token.start()))
        or cuts(word)
        or seen.says(word)
    )


def _is_english(word: str) -> bool:
    """Returns True for an English word of three letters and more. Two letters are more often a short form."""
    return len(word) > 2 and word not in _ABBREVIATIONS and not cuts(word) and dictionary().is_english(word)


def _names_something(word: str) -> bool:
    """Returns True for a word that somebody may ask for."""
    return not QUESTION_WORDS.search(word) and not _GLUE.search(word) and not HAN_FUNCTION.issuperset(word)


def _words_between(seen: Seen, letters: str) -> Iterator[str]:
    """Yields the characters of the hits that have these initials, from the beginning of a word to the end of one."""
    for hit in seen.hits:
        words = list(dictionary().words(fold(f"{hit.chunk.heading}\n{hit.chunk.text}")))
        for first in range(len(words)):
            text = ""
            for word in words[first : first + len(letters)]:
                text += word
                if len(text) >= len(letters):
                    break
            if len(text) != len(letters) or not pinyin().is_read(text, letters):
                continue
            if _names_something(text) and HAN_FUNCTION.isdisjoint(text) and seen.has(text):
                yield text
