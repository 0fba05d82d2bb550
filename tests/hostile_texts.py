"""Texts that are made to be slow to read: a piece repeated, with what a reader may be looking for before or after it.

A text is hostile where a reader tries an expression from each of its characters, or in each way in which it can be
divided. `PATTERNS` has some 250 of them; each is a function of the length that is wanted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache

Pattern = Callable[[int], str]

_PIECES = [
    *" \t\n\u3000\u200b.!?,:;-_*+#|=~^/\\`'\"&@。，、…”）[](){}<>【01一千零字資éaA😀²",
    *("\r\n", " \n", "\n\n", "!?", ". ", ".)", "!”", " ."),
    *("[[", "](", "[1]", "[1", "[1,", "[a](", "![", "**", "</", "<a ", "<!--", "<p>", "<|", "<think", "&#"),
    *("<img ", "<script", "<x></y>", "[a]: b\n", "a *b **c ", "{\\f1 ", "=?utf-8?q?"),
    *("| ", "|-", "| --- ", "- ", "> ", "1. ", "#+a", ":a:", "..", "::", "```", "$a$", "=?"),
    *("1,", "1, ", "1.", "1-", "1.1,111", "9,999", "1万", "第一", "年假", "aB", "a-", "a-1", "1a", "a'", "a.", "a. "),
    *("e.g. ", "No. ", "a b", "a: b\n", "a=1 ", 'a="" ', "http://", "www.", "a@", "documents ", "source 1, "),
    *("资料1、", "无法", "没有"),
]
_OPENINGS = ("", "[", "[1, ", "| ", "<a ", "1", "a", "- ", "Subject: ")
_ENDINGS = ("", "\u2603", "]x", "\n1. x")
_SHORT = (16, 24)
_LONGEST_SHORT_SECONDS = 0.1
"""Only what is exponential takes so long with a short text; a longer one would not end."""
_QUICK_SECONDS = 0.012
"""What is read in so short a time at 4,000 characters did not try every part of them."""
_TRIES = 3
_SURELY_LINEAR = 5
"""Four times the text took so many times as long, or less: nobody looks again whether that is more than linear."""


def _pattern(opening: str, piece: str, ending: str) -> Pattern:
    return lambda length: opening + piece * max(1, length // len(piece)) + ending


def _around(number: int) -> tuple[tuple[str, str], ...]:
    """What stands around a piece: something else behind it; one of the openings and one of the endings."""
    opening, ending = _OPENINGS[number % len(_OPENINGS)], _ENDINGS[number % len(_ENDINGS)]
    return ("", "\u2603"), (opening, ending)


PATTERNS: dict[str, Pattern] = {
    f"{opening!r} + {piece!r} * n + {ending!r}": _pattern(opening, piece, ending)
    for number, piece in enumerate(_PIECES)
    for opening, ending in dict.fromkeys(_around(number))
}


def slow_patterns(
    read: Callable[[str], object],
    patterns: Iterable[str] = tuple(PATTERNS),
    passes: tuple[type[Exception], ...] = (),
    *,
    characters: int = 1000,
) -> Iterator[str]:
    """Yields the patterns on which `read` takes more than linear time, with its seconds at so many characters and at
    four times as many.

    Processor time of this thread, the least of three tries: other processes do not count. What is no doubt linear by
    its first try has no second one, nor has the long text, unless its first would be too slow. `passes` are errors with
    which `read` may refuse a text.
    """
    for name in patterns:
        if endless := next((length for length in _SHORT if _is_endless(read, _text(name, length), passes)), None):
            yield f"{name}: does not end at {endless} characters"
            continue
        if (long := _seconds(read, _text(name, 4 * characters), passes)) < _QUICK_SECONDS:
            continue
        short = _seconds(read, _text(name, characters), passes)
        if long <= _SURELY_LINEAR * short:
            continue
        short = min(short, *(_seconds(read, _text(name, characters), passes) for _ in range(_TRIES - 1)))
        for _ in range(_TRIES - 1):
            if not _is_slow(short, long):
                break
            long = min(long, _seconds(read, _text(name, 4 * characters), passes))
        # What is cut only beyond so many characters takes a step there, and is linear after it: twice as much is not
        # four times as slow.
        twice = _text(name, 8 * characters)
        if _is_slow(short, long) and min(_seconds(read, twice, passes) for _ in range(_TRIES)) > 3 * long:
            yield f"{name}: {short:.4f} s, {long:.4f} s"


@cache
def _text(name: str, length: int) -> str:
    return PATTERNS[name](length)


def _is_endless(read: Callable[[str], object], text: str, passes: tuple[type[Exception], ...]) -> bool:
    """Whether a short text takes too long at every try: once, it may have been a collection of garbage."""
    return all(_seconds(read, text, passes) > _LONGEST_SHORT_SECONDS for _ in range(_TRIES))


def _is_slow(short: float, long: float) -> bool:
    """Whether four times the text took more than twice as long as linear time allows, by the short one's seconds."""
    return long > 2 * 4 * short and long > _QUICK_SECONDS


def slow_uses(expression: re.Pattern[str] | re.Pattern[bytes], method: str) -> Iterator[str]:
    """The same for one expression, used by this method."""
    use = getattr(expression, {"sub": "findall", "split": "findall", "finditer": "findall"}.get(method, method))
    return slow_patterns(lambda text: use(text.encode() if isinstance(expression.pattern, bytes) else text))


def _seconds(read: Callable[[str], object], text: str, passes: tuple[type[Exception], ...]) -> float:
    began = time.thread_time()
    with suppress(*passes):
        read(text)
    return time.thread_time() - began
