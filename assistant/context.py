"""Context: chooses the hits that become numbered evidence, and the earlier turns that fit beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from assistant.conversation import Conversation
from assistant.events import Evidence
from assistant.neighbours import are_neighbours, joined
from assistant.same_text import distinct
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
_REMEMBERED_TEXTS = 64
"""Some 10 KB each."""


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def estimate_tokens(text: str) -> int:
    """Returns about how many tokens `text` takes. The estimate is more often too high than too low. The last texts are
    cached: the rules are in every prompt, and many ask the same on one day.

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


def choose_evidence(hits: Sequence[Hit], *, limit: int, budget_tokens: int, query: str = "") -> tuple[Evidence, ...]:
    """Returns the best hits that fit, whole and numbered from 1.

    A hit that repeats a better one is left out, and of two editions of a text the newer comes first
    (`same_text.distinct`). Hits that follow each other in a section of a document are one evidence, in the place of the
    best of them. There are at most `limit` of them.

    The best hit is always there, however many tokens it takes, because an answer from half of it could be wrong.
    """
    passages: list[list[Hit]] = []
    for hit in distinct(hits, query):
        beside = [passage for passage in passages if any(are_neighbours(hit.chunk, other.chunk) for other in passage)]
        cost = _cost(hit.chunk.heading, hit.chunk.text)
        if passages and (cost > budget_tokens or (not beside and len(passages) == limit)):
            continue
        budget_tokens -= cost
        if not beside:
            passages.append([hit])
            continue
        beside[0].extend([hit, *(other for passage in beside[1:] for other in passage)])
        passages = [passage for passage in passages if not any(passage is other for other in beside[1:])]
    return tuple(_evidence(number, passage) for number, passage in enumerate(passages, start=1))


def _evidence(number: int, passage: Sequence[Hit]) -> Evidence:
    """Returns the hits of one passage, the best one first, as one evidence."""
    best = passage[0]
    if len(passage) == 1:
        return Evidence(number, best)
    parts = tuple(sorted((hit.chunk for hit in passage), key=lambda chunk: chunk.position))
    return Evidence(number, replace(best, chunk=joined(parts, best.chunk)), parts)


@lru_cache(maxsize=256)
def _cost(heading: str, text: str) -> int:
    """Returns the tokens that a chunk takes. They are cached, because many questions find the same chunks."""
    return estimate_tokens(heading + text) + _PER_MESSAGE
