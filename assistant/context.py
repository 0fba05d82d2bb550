"""Context: which hits become evidence, numbered, and which earlier turns still fit beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.conversation import Conversation
from assistant.events import Evidence
from assistant.terms import figures, vocabulary
from ingest.document import Hit

_HAN = re.compile(r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")
_KANA = re.compile(r"[\u3040-\u30ff\uac00-\ud7a3\U00010000-\U0010ffff]")  # with Hangul and emoji
_WORD = re.compile(r"[A-Z]{2,}|[A-Z]?[a-z]+|[A-Z]")
_DIGIT = re.compile(r"\d")
_MARKS = re.compile(r"[!-/:-@\[-`{-~]+")
_SPACE = re.compile(r"\n+|[^\S\n]+(?=\s)|[^\S\n](?=\d)")
# Tokens of a Qwen vocabulary, measured on handbooks, tables, code and addresses, and a tenth to be safe.
_PER_HAN, _PER_KANA, _PER_OTHER, _SAFETY = 0.67, 0.9, 0.4, 1.1
_WORD_PART, _CAPITALS_PART, _MARKS_PART = 5, 3, 4
_PER_MESSAGE = 8
_RESERVE_TOKENS = 64
_SAME = 0.9


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` takes; rather too many than too few.

    Counted as Qwen's tokenizer cuts a text before it looks up its vocabulary: every digit is a token of its own, and so
    is the space before a digit, so that a table of numbers takes nearly a token per character.
    """
    han, kana, digits = (len(pattern.findall(text)) for pattern in (_HAN, _KANA, _DIGIT))
    words, marks, spaces = (pattern.findall(text) for pattern in (_WORD, _MARKS, _SPACE))
    plain = han + kana + digits + sum(map(len, words)) + sum(map(len, marks))
    other = sum(map(len, text.split())) - plain if not text.isascii() else 0
    tokens = han * _PER_HAN + kana * _PER_KANA + digits + len(spaces) + other * _PER_OTHER
    tokens += sum(1 + (len(word) - 1) // (_CAPITALS_PART if word.isupper() else _WORD_PART) for word in words)
    tokens += sum(1 + (len(run) - 1) // _MARKS_PART for run in marks)
    return int(tokens * _SAFETY) + 1


def available_tokens(window: int, answer: int, fixed: Sequence[str]) -> int:
    """What is left of a context window for evidence and history, beside the answer and the `fixed` texts."""
    taken = sum(estimate_tokens(text) + _PER_MESSAGE for text in fixed)
    return max(0, window - min(answer, window // 2) - taken - _RESERVE_TOKENS)


def recent_turns(conversation: Conversation, budget_tokens: int) -> Conversation:
    """The last turns that fit, beginning with a question."""
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
    """The best hits, whole and numbered from 1, without those that say what a better one has said.

    The best hit is always there, whatever it takes: an answer from half of it could be wrong.
    """
    chosen: list[Hit] = []
    seen: list[tuple[frozenset[str], set[str]]] = []
    for hit in hits:
        if len(chosen) == limit:
            break
        cost = estimate_tokens(hit.chunk.heading + hit.chunk.text) + _PER_MESSAGE
        content = vocabulary(f"{hit.chunk.heading}\n{hit.chunk.text}"), figures(hit.chunk.text)
        if (chosen and cost > budget_tokens) or any(_repeats(content, other) for other in seen):
            continue
        budget_tokens -= cost
        chosen.append(hit)
        seen.append(content)
    return tuple(Evidence(number, hit) for number, hit in enumerate(chosen, start=1))


def _repeats(content: tuple[frozenset[str], set[str]], other: tuple[frozenset[str], set[str]]) -> bool:
    """Nearly the same words and exactly the same numbers: two prices for one product are not a repetition."""
    words, theirs = content[0], other[0]
    return bool(words) and content[1] == other[1] and len(words & theirs) >= _SAME * len(words | theirs)
