"""Makes the characters of a text the ones that a person reads: no invisible ones, and no radicals instead of words.

Copies from web pages and PDFs contain them. Nobody sees them, and nobody finds a word that has them inside.
"""

from __future__ import annotations

import re

from ingest.language import radicals

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ANY_HAN = re.compile(f"[{_HAN}]")
_ANY_RADICAL = re.compile("[\u2e80-\u2fdf]")
_JOINED = (
    "\u0590-\u08ff\u0900-\u109f\u1780-\u18af\ufb1d-\ufdff\ufe70-\ufefc"  # Arabic, Indic, Thai, Khmer, Mongolian
    "\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff"  # emoji
)
"""Scripts in which joiners, non-joiners and zero-width spaces shape what is seen, or part the words."""
_JOINERS = re.compile(f"(?<![{_JOINED}])[\u200b-\u200d]++|[\u200b-\u200d]++(?![{_JOINED}])")
_ALWAYS_INVISIBLE = re.compile("[\u00ad\u2060-\u2064\ufeff]++")
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]++")
_ANY_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
"""Matches what each of these three matches. Most texts have none of it."""
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_SET_WIDE = re.compile(
    f"(?<![{_HAN}])[{_HAN}](?P<gap>[ \u3000]{{1,8}})(?=[{_HAN}](?![{_HAN}]))"
    f"(?:[{_HAN}](?P=gap)(?=[{_HAN}](?![{_HAN}])))*+[{_HAN}]"
)
"""Matches single Chinese characters with a gap of the same width between each two: 经 办 部 门."""


def visible(text: str) -> str:
    """Returns the text without characters that nobody sees. They stay where they shape what is seen: between the
    letters of Arabic and Indic scripts, inside emoji, and beside text that runs from right to left.
    """
    if text.isascii() or not _ANY_INVISIBLE.search(text):
        return text
    seen = _JOINERS.sub("", _ALWAYS_INVISIBLE.sub("", text))
    return seen if _RIGHT_TO_LEFT.search(seen) else _DIRECTIONS.sub("", seen)


def has_han(text: str) -> bool:
    """Returns True if the text has a Chinese character. A radical alone is none."""
    return _ANY_HAN.search(text) is not None


def ordinary(text: str) -> str:
    """Returns the text with the usual characters instead of the radicals that look like them: 食 for ⻝. Its length
    stays.
    """
    return text.translate(radicals()) if _ANY_RADICAL.search(text) else text


def close_set(text: str) -> str:
    """Returns the text of a heading without the gaps between single Chinese characters: 目录 for 目　录."""
    return _SET_WIDE.sub(lambda run: run[0].replace(run["gap"], ""), text)


def name(text: str) -> str:
    """Returns a title or the name of a file in the characters that a person reads."""
    seen = close_set(visible(text))
    return ordinary(seen) if has_han(seen) else seen
