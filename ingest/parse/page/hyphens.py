"""Resolves hyphens at the ends of lines. Some were added to break a word, others belong to the word. The rest of the
document shows which case it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ingest.parse.page.addresses import is_code, is_name

BREAK = "\x02"
"""It is between two halves of a word. It replaces a hyphen that may or may not belong to the word."""
_LIKELY = "\x03"
"""The same, but the hyphen is likely to belong to the word: in a name of a program, and among Chinese text, because
programs that set it rarely break words.
"""

_HYPHENS = "-\u00ad\u2010"
_SOFT = "\u00ad"
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BROKEN = re.compile(rf"([^\W\d_]++(?:['’-][^\W\d_]++)*+)(?:([{BREAK}{_LIKELY}])([^\W\d_]++(?:-[^\W\d_]++)*+))?")
"""Matches a word, and its second half after a break. It also matches words without a break, so that no word is searched
twice.
"""
_HYPHENED = {ord(BREAK): "-", ord(_LIKELY): "-"}
_KEPT_AFTER = re.compile(
    "self|well|non|ex|all|cross|high|low|long|short|half|full|real|old|new|open|single|multi|state|right|left|large|"
    "small|so|one|two|three|four|five|six|seven|eight|nine|ten|first|second|third|fourth|fifth"
)
"""English words that usually keep the hyphen to the next word. They are rarely the first half of a broken word."""
_SECOND_HALF = re.compile(r"[a-z]{0,2}(?:tion|sion|ment|ness|ence|ance)s?|ings?")
"""English endings that are no words, so what comes before them is a half of a word."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_NEAR = 80
_SUSPENDED = frozenset({"and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o"})
"""Before these words, as in "pre- and post-", the hyphen stands for a word that comes later."""


def across(left: str, right: str) -> str | None:
    """Returns a line joined with the next one across the hyphen at its end. Returns None if there is no hyphen
    between a letter or digit of each.
    """
    if len(left) < 2 or left[-1] not in _HYPHENS or not right[0].isalnum() or not left[-2].isalnum():
        return None
    if left[-1] == _SOFT:
        return left[:-1] + right
    if left[-2].isalpha() and right[0].islower() and not is_code(left, right):
        return left[:-1] + (_LIKELY if _HAN.search(left[-_NEAR:]) or is_name(left, right) else BREAK) + right
    return left + right  # "COVID-19", "Franco-Prussian", "10-20"


def mended(texts: Iterable[str]) -> list[str]:
    """Returns the texts of one document with every break resolved. If the document has the word elsewhere, its form
    there is used.
    """
    found = list(texts)
    broken = [place for place, text in enumerate(found) if BREAK in text or _LIKELY in text]
    if broken:
        known = {word for text in found for word in _WORD.findall(text.lower())}
        for place in broken:
            found[place] = _BROKEN.sub(lambda match: _resolved(match, known), found[place]).translate(_HYPHENED)
    return found


def _resolved(word: re.Match[str], known: set[str]) -> str:
    return _whole(word[1], word[3], known, word[2] == _LIKELY) if word[3] else word[0]


def _whole(left: str, right: str, known: set[str], is_likely: bool) -> str:
    first, second = left.lower(), right.lower()
    if second in _SUSPENDED:
        return f"{left}- {right}"
    if f"{first}-{second}" in known:
        return f"{left}-{right}"
    if first.rpartition("-")[2] + second.partition("-")[0] in known:
        return left + right
    if is_likely and not _SECOND_HALF.fullmatch(second):
        return f"{left}-{right}"
    hyphened = _KEPT_AFTER.fullmatch(first) or "-" in first or "-" in second
    return f"{left}-{right}" if hyphened else left + right
