"""Guesses the encoding of bytes in one script. It is the encoding in which most characters are common ones."""

from __future__ import annotations

from collections.abc import Callable

_CHINESE = frozenset(
    "的一是不了在有人我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可"
    "這來個說們為時會著過學對報銷標準產開發關於與業務員電單經現實問題点點费費用"
)
_KOREAN = frozenset("이다는을에의가고하한를은로지도서사기인자시대해어리나아정있그들수것일으라스면여보부일제성전상")
_WESTERN = frozenset("äöüßéèêëàâáãåæçîïíìôóòõøœûùúñÿÄÖÜÉÈÊÀÂÁÃÅÆÇÎÍÔÓØŒÚÑ–—‘’“”„€«»°§…·©®£µ½²³ºª¿¡×•™\xa0")
_CYRILLIC = frozenset("оеаинтсрвлкмдпу")
_CODECS = {"gb18030": "gb2312", "big5": "big5", "cp932": "euc_jp", "euc_jp": "euc_jp", "cp949": "euc_kr"}
_COMMON_LEADS = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "cp932": (0xB0, 0xCF), "euc_jp": (0xB0, 0xCF),
                 "cp949": (0xB0, 0xC8)}  # fmt: skip
"""The first bytes of the common characters. Each national standard has put these into its first level."""
_ENOUGH = 0.4


def eastern(sample: bytes) -> str | None:
    """Returns the encoding that explains the bytes: GB18030, Big5, Shift-JIS, EUC-JP or EUC-KR. Returns None if none
    does.

    If two explain them equally well, the first in this order is used.
    """
    scores = {encoding: score(sample.decode(encoding, errors="replace"), encoding) for encoding in _CODECS}
    best = max(scores, key=lambda encoding: scores[encoding])
    return best if scores[best] > _ENOUGH else None


def score(text: str, encoding: str) -> float:
    """Returns how well a text looks that was decoded from this encoding, up to 1.5. It is negative if much of the text
    does not decode.
    """
    wide = [character for character in text if ord(character) > 0x7F]
    if not wide:
        return 0.0
    typical = _TYPICAL[encoding]
    common = sum(_is_common(character, encoding) for character in wide)
    wrong = sum(character == "\ufffd" or "\uff61" <= character <= "\uff9f" for character in wide)
    return (0.5 * common + sum(map(typical, wide)) - 5 * wrong) / len(wide)


def _is_common(character: str, encoding: str) -> bool:
    if "\u3000" <= character <= "\u30ff" or "\uff01" <= character <= "\uff5e" or "\u2010" <= character <= "\u2026":
        return True
    code = character.encode(_CODECS[encoding], "ignore")
    first, last = _COMMON_LEADS[encoding]
    return len(code) == 2 and first <= code[0] <= last


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u30fe"


_TYPICAL: dict[str, Callable[[str], bool]] = {
    "gb18030": _CHINESE.__contains__,
    "big5": _CHINESE.__contains__,
    "cp932": _is_kana,
    "euc_jp": _is_kana,
    "cp949": _KOREAN.__contains__,
}


def western(sample: bytes) -> str | None:
    """Returns `cp1252` if there are at least as many ASCII letters as other characters, and nearly all of the others
    are accented letters and marks of Western Europe.
    """
    text = sample.decode("cp1252", errors="replace")
    high = [character for character in text if ord(character) > 0x7F]
    letters = sum(character.isascii() and character.isalpha() for character in text)
    return "cp1252" if letters >= len(high) and sum(map(_WESTERN.__contains__, high)) >= 0.95 * len(high) else None


def cyrillic(sample: bytes) -> str | None:
    """Returns CP1251 or KOI8-R if, in this encoding, most characters beyond ASCII are frequent small letters of
    Russian.
    """
    for encoding in ("cp1251", "koi8-r"):
        high = [character for character in sample.decode(encoding, errors="replace") if ord(character) > 0x7F]
        if sum(map(_CYRILLIC.__contains__, high)) >= 0.55 * len(high):
            return encoding
    return None
