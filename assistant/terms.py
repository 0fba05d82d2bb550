"""The content words and the numbers of a text. Texts on the same matter share them.

This is not a search index. It compares a question with a few chunks, or a statement with the chunk that it cites.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from ingest.embedding.numbers import in_usual_numerals
from ingest.embedding.spoken import as_written
from ingest.language import QUESTION_WORDS, fold

_WORD = re.compile(r"[a-z\u00c0-\u024f0-9]+(?:'[a-z]+)?|[\u3400-\u4dbf\u4e00-\u9fff]+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")

_HAN_STOP = re.compile(f"资料|{QUESTION_WORDS.pattern}")
"""Also what a question says of its source: 根据资料, according to the documents."""
HAN_FUNCTION = frozenset(
    "有为要能可以会到从对不没让给用里等每次个来去出说做看过得还再又很最更该此其所而且但若如则之于由因将已"
)
"""Characters that carry no content where they stand alone."""
_NEAR, _LOOSE = 0.7, 0.2
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_IDENTIFIER = re.compile(r"(?<![a-z])[a-z]++-\d++[a-z]*+")

_STOP_WORDS = """
a about after all also am an and any are as at be been being both but by can could did do does doing
done each else for from get gets give given go got had has have having he her here hers him his how
i if in into is it its itself just let like many may me might mine more most much must my no nor not
of off on once one only or other our ours out over own per please said same say says shall she
should so some such tell than that the their them then there these they this those through to too
under until up upon us very was we were what when where whether which while who whom whose why will
with within would yes yet you your yours according document documents evidence source sources
"""
_ENGLISH_STOP = frozenset(_STOP_WORDS.split())

FIGURE = re.compile(
    r"(\d++(?:,\d{3})++(?:\.\d++)?|\d++(?:\.\d++)*+)"
    r"(?:\s?(百万|[万亿]|千(?![瓦克米卡伏帕])|k\b|thousand\b|million\b|billion\b))?"
)
"""Matches a number in digits, and the word that scales it if one follows. It reads from left to right and no digit
twice, so the time is linear in the text, however long its runs of digits are."""
_ZEROS = {"万": 4, "亿": 8, "千": 3, "百万": 6, "k": 3, "thousand": 3, "million": 6, "billion": 9}
_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
HAN_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千万]+")
"""Matches a number in Chinese characters."""
_NUMBER_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty
"""
ENGLISH_NUMBERS = {word: str(value) for value, word in enumerate(_NUMBER_WORDS.split())} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "hundred": "100",
    "once": "1",
    "twice": "2",
}
"""The English words for numbers, each with its number in digits."""
_ENGLISH_WORD = re.compile(r"[a-z]+")


def terms(text: str) -> list[str]:
    """Returns the content terms of `text`, with repeats: stemmed English words, numbers, and pairs of Han characters.

    Function words are left out, and so are the phrases that only form a question. `LX-24` gives `lx24` in addition to
    its parts. The text is folded, so that full-width and traditional forms give the same terms.
    """
    folded = _THOUSANDS.sub("", fold(text).lower())
    found = [identifier.replace("-", "") for identifier in _IDENTIFIER.findall(folded)]
    for word in _WORD.findall(folded):
        if not _HAN.match(word):
            word = word.partition("'")[0]
            if word not in _ENGLISH_STOP:
                found.append(_stem(word))
            continue
        for run in _HAN_STOP.split(word):
            found.extend(run[i : i + 2] for i in range(max(1, len(run) - 1)) if run)
    return found


@lru_cache(maxsize=256)
def vocabulary(text: str) -> frozenset[str]:
    """Returns the terms of `text`, each once.

    They are cached, because every stage of an answer needs the terms of the same chunks. The cache is small, because
    the terms of one chunk take about 80 kB.
    """
    return frozenset(terms(text))


def is_han(term: str) -> bool:
    """Returns True if a term is Chinese. A term has only one script, so its first character decides."""
    return "\u3400" <= term[:1] <= "\u9fff"


def is_chinese(words: Collection[str]) -> bool:
    """Returns True if most of these terms are Chinese."""
    return 2 * _chinese(frozenset(words)).count(" ") > len(words)


class Wanted:
    """Terms that are looked for, each with its weight. It is made once and compared with many texts."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._pairs = [term for term in weights if is_han(term)]
        self._characters = _character_weights(self._pairs, weights)
        self._others = [(term, weight) for term, weight in weights.items() if not is_han(term)]
        characters = sum(weight / 2 for weight in self._characters.values())
        self._total = sum((weight for _, weight in self._others), characters)

    def coverage(self, present: Collection[str]) -> float:
        """Returns the share of the wanted terms that is `present`, from 0 to 1. It is 0 if nothing is wanted.

        Chinese is weighed by characters, two to a word, because a pair may also lie across the border of two words. A
        character counts in full if a pair with it is present. It counts in part if the pair has another character
        inside (年假 in 年休假), and a little if it occurs at all. Its weight is the lowest of its pairs' weights: that
        of the most common pair.
        """
        if not self._total:
            return 0.0
        held = 0.0
        if self._pairs:
            credits = self._credits(frozenset(present))
            for character, weight in self._characters.items():
                held += weight / 2 * credits.get(character, 0.0)
        for term, weight in self._others:
            held += weight if term in present else 0.0
        return held / self._total

    def _credits(self, present: frozenset[str]) -> dict[str, float]:
        """Returns how far each character of the pairs is present, from 0 to 1. Absent characters are left out."""
        chinese = _chinese(present)
        credits = {character: _LOOSE for character in self._characters if character in chinese}
        for pair in self._pairs:
            if pair in present:
                credits |= dict.fromkeys(pair, 1.0)
            elif pair[0] in chinese and pair[-1] in chinese and _is_near(pair, chinese, present):
                credits |= {character: max(_NEAR, credits.get(character, 0.0)) for character in pair}
        return credits


def coverage(wanted: Mapping[str, float], present: Collection[str]) -> float:
    """Returns the share of `wanted` (term → weight) that is `present`, as `Wanted.coverage` does."""
    return Wanted(wanted).coverage(present)


@lru_cache(maxsize=512)
def _chinese(present: frozenset[str]) -> str:
    """Returns the Chinese terms of `present` as one text, with a blank before each. It is cached, because one chunk is
    compared with every statement about it, and with every question that finds it.
    """
    return "".join([f" {term}" for term in present if is_han(term)])


def _is_near(pair: str, chinese: str, present: Collection[str]) -> bool:
    """Returns True if the pair's characters stand in the text with another one between them. A character that stands
    alone there is near itself.
    """
    first, last = pair[0], pair[-1]
    at = chinese.find(f" {first}")
    while at >= 0:
        middle = chinese[at + 2 : at + 3]
        if middle and middle + last in present:
            return True
        at = chinese.find(f" {first}", at + 1)
    return first == last and first in present


def _character_weights(pairs: Iterable[str], wanted: Mapping[str, float]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for pair in pairs:
        for character in pair:
            if len(pair) == 1 or character not in HAN_FUNCTION:
                weights[character] = min(wanted[pair], weights.get(character, wanted[pair]))
    return weights


def figures(text: str) -> set[str]:
    """Returns the numbers that are written in digits, in one form: 1,200.50 → 1200.5, 03 → 3, 1.5万 → 15000."""
    return {scaled(figure, scale) for figure, scale in FIGURE.findall(fold(text).lower())}


def numbers(text: str) -> set[str]:
    """Returns every number that `text` may state: digits with and without their 万 or million, 十五, fifteen. Of 一万二
    these are 10002 and 12000."""
    folded = in_usual_numerals(fold(text).lower())
    if (said := as_written(folded)) != folded:
        folded = f"{folded}\n{said}"
    written = FIGURE.findall(folded)
    found = {scaled(figure, scale) for figure, scale in written} | {scaled(figure, "") for figure, _ in written}
    found |= {han_value(run) for run in HAN_NUMBER.findall(folded)}
    return found | {ENGLISH_NUMBERS[word] for word in _ENGLISH_WORD.findall(folded) if word in ENGLISH_NUMBERS}


def scaled(figure: str, scale: str) -> str:
    """Returns a number in its one form: 1,200.50 → 1200.5, 1.5 and 万 → 15000. It is exact, however long it is.

    A version or a date (`1.2.3`) stays as it is written.
    """
    whole, *fractions = figure.replace(",", "").split(".")
    if len(fractions) > 1:
        return figure
    fraction = "".join(fractions)
    zeros = _ZEROS.get(scale, 0)
    whole, fraction = whole + fraction[:zeros].ljust(zeros, "0"), fraction[zeros:].rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


@lru_cache(maxsize=4096)
def han_value(run: str) -> str:
    """Returns the value of a Chinese number: 二十五 → 25, 二〇二四 → 2024, 一万二千 → 12000."""
    if not any(character in _HAN_UNITS for character in run):
        return "".join(str(_HAN_DIGITS[character]) for character in run).lstrip("0") or "0"
    total = section = digit = 0
    for character in run:
        if character in _HAN_DIGITS:
            digit = _HAN_DIGITS[character]
        elif character == "万":
            total, section, digit = total + (section + digit or 1) * 10_000, 0, 0
        else:
            section += (digit or 1) * _HAN_UNITS[character]
            digit = 0
    return str(total + section + digit)


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    """Returns a rough stem, the same way for both texts. Plural, -ing and -ed forms get the stem of the bare word."""
    if len(word) < 4 or word.isdigit():
        return word
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", "")):
        if word.endswith(ending) and not word.endswith(("ss", "us", "is")) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + replacement
            break
    return word.rstrip("e") if len(word) > 3 else word
