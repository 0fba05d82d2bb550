"""Checks if a text layer is meaningful. Some fonts do not tell which letter a shape is, or tell a wrong one."""

from __future__ import annotations

import re

import numpy as np

_MEANINGLESS = re.compile(r"[\x00-\x1f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]|\(cid:\d+\)")
_MOST_MEANINGLESS = 0.3
_FOREIGN = re.compile(r"[\x80-\xff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_LEADERS = re.compile(r"([·•…–—¸])\1++")
"""Matches what leads to the page numbers of a table of contents. It is no text in another encoding."""
_MOST_FOREIGN = 0.3
"""In French and German, a tenth of the letters have accents. In Chinese that was read as Latin-1, all letters do."""
_MISREAD = re.compile(r"[ÃÂâäåæçèéï][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_MOST_MISREAD = 0.02
_IS_LETTER = np.array([chr(code).isalpha() for code in range(128)])
_IS_VOWEL = np.array([chr(code) in "aeiouyAEIOUY" for code in range(128)])
_MOSTLY = 0.6
_ENOUGH_LETTERS = 150
_LEAST_VOWELS = 0.22
"""In every language with Latin letters, a third of the letters are vowels. If letters are shifted or shuffled, at most
a fifth are.
"""
_COUNTED, _SIGNS = 12, 6
_HAN = re.compile(r"[\u3400-\u9fff]")
_ENOUGH_HAN = 30
_LEAST_COMMON = 0.6


def is_garbage(text: str) -> bool:
    """Returns True if most of the text certainly has no meaning. It then consists of private, replacement or control
    characters, of glyph codes, or of bytes of another encoding. Or they are the numbers of shapes.
    """
    drawn = "".join(text.split())
    if not drawn:
        return False
    if drawn.isascii() and drawn.isprintable() and "(cid:" not in drawn:
        return _counts_shapes(drawn)
    if sum(len(found) for found in _MEANINGLESS.findall(drawn)) > _MOST_MEANINGLESS * len(drawn):
        return True
    drawn = _LEADERS.sub("", drawn)
    if len(drawn) < _ENOUGH_HAN:
        return False
    foreign = len(_FOREIGN.findall(drawn))
    if foreign > _MOST_FOREIGN * len(drawn):
        return True
    return foreign > 4 and len(_MISREAD.findall(drawn)) > _MOST_MISREAD * len(drawn)


def _counts_shapes(drawn: str) -> bool:
    """Returns True if characters come for the first time in the order of ASCII, signs among them, and few are small
    letters. They are the shapes of a font without names, which are numbered as the text uses them.
    """
    if not all(sign in drawn for sign in "#$%") or sum(map(str.islower, drawn)) * 2 > len(drawn):
        return False
    run = signs = 0
    last = ""
    for character in dict.fromkeys(drawn):
        follows = bool(last) and ord(character) == ord(last) + 1
        run, signs = (run + 1, signs + (not character.isalnum())) if follows else (1, 0)
        if run >= _COUNTED and signs >= _SIGNS:
            return True
        last = character
    return False


def spells_words(unmapped: str) -> bool:
    """Returns True if characters without a map are the right ones all the same. Old programs number the shapes of Latin
    letters as ASCII does. The numbers of other shapes rarely are small letters, with a vowel in every third place.
    """
    drawn = np.frombuffer("".join(unmapped.split()).encode("utf-8"), dtype=np.uint8)
    ascii_only = drawn[drawn < 128]
    letters = int(np.count_nonzero(_IS_LETTER[ascii_only]))
    small = int(np.count_nonzero((drawn >= ord("a")) & (drawn <= ord("z"))))
    vowels = int(np.count_nonzero(_IS_VOWEL[ascii_only]))
    return small >= max(_MOSTLY * drawn.size, 1) and vowels >= _LEAST_VOWELS * letters


def is_doubtful(text: str) -> bool:
    """Returns True if the text looks like no language. It has few vowels, or few of the characters that Chinese texts
    use.

    Part numbers and dumps look like this too. So the caller must compare it with what else can be read there.
    """
    letters = np.frombuffer(text.encode("ascii", "ignore"), dtype=np.uint8)
    latin = int(np.count_nonzero(_IS_LETTER[letters]))
    if latin >= _ENOUGH_LETTERS and latin * 2 > len(text) - text.count(" "):
        vowels = int(np.count_nonzero(_IS_VOWEL[letters]))
        if vowels < _LEAST_VOWELS * latin:
            return True
    if text.isascii():
        return False
    han = "".join(_HAN.findall(text))
    return len(han) >= _ENOUGH_HAN and _common(han) < _LEAST_COMMON


def _common(han: str) -> float:
    """Returns the fraction of these Han characters that are common in one region. The region with the highest fraction
    counts.
    """
    best = 0
    for encoding, first, last in (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6), ("shift_jis", 0x88, 0x98)):
        lead = np.frombuffer(han.encode(encoding, "ignore"), dtype=np.uint8)[::2]
        best = max(best, int(np.count_nonzero((lead >= first) & (lead <= last))))
    return best / len(han)
