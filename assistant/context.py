"""Context: chooses the hits that become numbered evidence, and the earlier turns that fit beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from assistant.conversation import Conversation
from assistant.events import Evidence
from assistant.terms import figures, vocabulary
from ingest.document import Hit

_HAN = re.compile(r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]+")
_KANA = re.compile(r"[\u3040-\u30ff\uac00-\ud7a3\U00010000-\U0010ffff]+")  # with Hangul and emoji
_WORD = re.compile(r"[A-Z]{2,}|[A-Z]?[a-z]+|[A-Z]")
_DIGITS = re.compile(r"\d+")
_MARKS = re.compile(r"[!-/:-@\[-`{-~]+")
_SPACE = re.compile(r"\n+|[^\S\n]+(?=\s)|[^\S\n](?=\d)")
# Tokens per character of a Qwen vocabulary, measured on handbooks, tables, code and addresses. A tenth is added to be
# safe.
_PER_HAN, _PER_KANA, _PER_OTHER, _SAFETY = 0.67, 0.9, 0.4, 1.1
_WORD_PART, _CAPITALS_PART, _MARKS_PART = 5, 3, 4
_PER_MESSAGE = 8
_RESERVE_TOKENS = 64
_SAME = 0.9
_Content = tuple[frozenset[str], frozenset[str]]
"""The words and the numbers of a chunk."""


def estimate_tokens(text: str) -> int:
    """Returns about how many tokens `text` takes. The estimate is more often too high than too low.

    It follows the way Qwen's tokenizer splits a text before it uses its vocabulary. Every digit is one token, and so is
    the space before a digit. A table of numbers therefore takes nearly one token per character.
    """
    han, kana, digits = (sum(map(len, pattern.findall(text))) for pattern in (_HAN, _KANA, _DIGITS))
    words, marks, spaces = (pattern.findall(text) for pattern in (_WORD, _MARKS, _SPACE))
    plain = han + kana + digits + sum(map(len, words)) + sum(map(len, marks))
    other = sum(map(len, text.split())) - plain if not text.isascii() else 0
    tokens = han * _PER_HAN + kana * _PER_KANA + digits + len(spaces) + other * _PER_OTHER
    tokens += sum(1 + (len(word) - 1) // (_CAPITALS_PART if word.isupper() else _WORD_PART) for word in words)
    tokens += sum(1 + (len(run) - 1) // _MARKS_PART for run in marks)
    return int(tokens * _SAFETY) + 1


def available_tokens(window: int, answer: int, fixed: Sequence[str]) -> int:
    """Returns the tokens of a context window that the answer and the `fixed` texts leave for evidence and history."""
    taken = sum(estimate_tokens(text) + _PER_MESSAGE for text in fixed)
    return max(0, window - min(answer, window // 2) - taken - _RESERVE_TOKENS)


def recent_turns(conversation: Conversation, budget_tokens: int) -> Conversation:
    """Returns the last turns that fit into `budget_tokens`. The first of them is a question."""
    kept: list[int] = []
    for index in range(len(conversation) - 1, -1, -1):
        budget_tokens -= estimate_tokens(conversation[index].text) + _PER_MESSAGE
        if budget_tokens < 0:
            break
        kept.append(index)
    turns = conversation[kept[-1] :] if kept else ()
    while turns and turns[0].role != "user":
        turns = turns[1:]
    return turns


def choose_evidence(hits: Sequence[Hit], *, limit: int, budget_tokens: int) -> tuple[Evidence, ...]:
    """Returns the best hits that fit, whole and numbered from 1. A hit that repeats a better one is left out.

    The best hit is always there, however many tokens it takes, because an answer from half of it could be wrong.
    """
    chosen: list[Hit] = []
    seen: list[_Content] = []
    for hit in hits:
        if len(chosen) == limit:
            break
        cost, content = _weighed(hit.chunk.heading, hit.chunk.text)
        if (chosen and cost > budget_tokens) or any(_repeats(content, other) for other in seen):
            continue
        budget_tokens -= cost
        chosen.append(hit)
        seen.append(content)
    return tuple(Evidence(number, hit) for number, hit in enumerate(chosen, start=1))


@lru_cache(maxsize=256)
def _weighed(heading: str, text: str) -> tuple[int, _Content]:
    """Returns the tokens that a chunk takes, and its content. They are cached, because many questions find the same
    chunks.
    """
    cost = estimate_tokens(heading + text) + _PER_MESSAGE
    return cost, (vocabulary(f"{heading}\n{text}"), frozenset(figures(text)))


def _repeats(content: _Content, other: _Content) -> bool:
    """Returns True for nearly equal words and exactly equal numbers. Two prices of one product are no repetition."""
    words, theirs = content[0], other[0]
    return bool(words) and content[1] == other[1] and len(words & theirs) >= _SAME * len(words | theirs)
