"""Codes as words, so that one code is one term however it is written.

    LX-24, LX24, LX 24, LX_24               lx24
    GB/T 19001, GB/T19001-2016, GBT19001    gbt19001, and the second also gbt19001d2016
    M8×20, M8x20                            m8x20
    6204-2RS, 62042RS                       6204d2rs, and the first also 62042rs
    OPC-UA, OPCUA; Wi-Fi 6, WiFi6           opcua; wifi6

The parts stay words of their own. Everything here takes folded text (`ingest.language.fold`), and linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ingest.embedding.numbers import meant_numbers

_GROUPED = re.compile(r",(?<=\d,)(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"(\d(?<![A-Za-z0-9]\d)\d*)(?![A-Za-z0-9])")

_TIMES = "\u00d7*"
_BETWEEN = rf"[-_/.\u00b7\u2010\u2012-\u2014\u2212{_TIMES}]"
_STROKES = "-_\u2010\u2012\u2013\u2014\u2212"
_JOINED = re.compile(rf"[A-Za-z0-9](?<![A-Za-z0-9][A-Za-z0-9])[A-Za-z0-9]*+(?:{_BETWEEN}[A-Za-z0-9]++){{1,4}}+")
_PART = re.compile(r"[A-Za-z0-9]++")
_FROM_DIGIT = re.compile(r"\d(?<![A-Za-z0-9]\d)\d*+[A-Za-z][A-Za-z0-9]*+")
"""Matches 06Cr19Ni10, 3M8810, 5G. Beside Chinese the tokenizer cuts them behind their first digits."""
_SPACED = re.compile(
    r"([A-Za-z](?<![A-Za-z0-9][A-Za-z])[A-Za-z]{0,7}+(?:[-/][A-Za-z]{1,4}+)?+)"
    r" (\d{1,6}+(?:[A-Za-z][A-Za-z0-9]{0,9}+)?+)(?![A-Za-z0-9])"
)
"""Matches a name and the number after it: HT 200, GB/T 19001, ATV 320U15N4B."""
_NO_NAMES = frozenset(
    re.findall(
        r"\w+",
        "a an and as at by for from in is it of on or the to was with article art section sec clause chapter january"
        " february march april may june july august september october november december jan feb mar apr jun jul aug sep"
        " sept oct nov dec",
    )
)
"""Words before a number that are not the name of a code. Dates and clauses have words of their own."""
_LONGEST_CODE, _LONGEST_NAME = 24, 12
"""In characters. A longer name without digits (Content-Security-Policy) has one usual spelling."""


def with_codes(text: str, *, asked: bool = False) -> str:
    """Returns the text with a letter before each number, and with the words for its codes and numbers at its end.

    The tokenizer drops terms that are all digits. Without the letter no year, price or clause could be found. 1,280 and
    1280 become the same number.

    In a question (`asked`) names in small letters are codes, too: `lx 24`, `opc-ua`. In a passage that would make a
    term of every word before a number.
    """
    plain = _GROUPED.sub("", text)
    return " ".join((_NUMBER.sub(r" n\1 ", plain), *_codes(plain, asked), *meant_numbers(plain)))


def codes_in(text: str) -> list[str]:
    """Returns the words of a question that are codes: of letters and digits, however they are written."""
    plain = _GROUPED.sub("", text)
    parts = (word.lower() for word in _PART.findall(plain) if word[0].isalpha())
    return [word for word in (*parts, *_codes(plain, asked=True)) if _is_code(word)]


def _is_code(word: str) -> bool:
    return not word.isdigit() and not word.isalpha()


def _codes(text: str, asked: bool) -> Iterator[str]:
    for code in _FROM_DIGIT.findall(text):
        yield _word(code.lower())
    for match in _JOINED.finditer(text):
        yield from map(_word, _spelled(match[0], asked))
    for name, number in _SPACED.findall(text):
        if (asked or name != name.lower()) and name.lower() not in _NO_NAMES:
            yield "".join(_PART.findall(name)).lower() + number.lower()


def _word(code: str) -> str:
    """Returns the code as one word of the tokenizer, which cuts what begins with a digit."""
    return f"n{code}" if code[0].isdigit() else code


def _spelled(code: str, asked: bool) -> Iterator[str]:
    """Yields the code without what stands between its parts, and its beginning up to the first part with a digit."""
    parts = [(match.start(), match[0].lower()) for match in _PART.finditer(code)]
    first = next((place for place, (_, part) in enumerate(parts) if not part.isalpha()), None)
    size = sum(len(part) for _, part in parts)
    if all(part.isdigit() for _, part in parts) and not any(times in code for times in _TIMES):
        return
    if size > _LONGEST_CODE or (first is None and (size > _LONGEST_NAME or (not asked and code == code.lower()))):
        return
    joined, between = parts[0][1], ""
    if first is not None and 0 < first < len(parts) - 1:
        yield "".join(part for _, part in parts[: first + 1])
    for (_, before), (start, part) in pairwise(parts):
        link = _link(code[start - 1]) if before[-1].isdigit() and part[0].isdigit() else ""
        joined, between = joined + link + part, between + (code[start - 1] if link else "")
    yield joined
    if between and not between.strip(_STROKES):  # 6204-2RS is written 62042RS, and LX-2.4 is not LX-24
        yield "".join(part for _, part in parts)


def _link(between: str) -> str:
    """Returns what keeps the digits on both sides apart."""
    return "x" if between in _TIMES else "d"
