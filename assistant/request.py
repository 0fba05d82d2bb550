"""The request to a chat model, and the pieces in which its answer comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assistant.events import Evidence, Usage

AnswerLanguage = Literal["zh", "en"]
Locale = Literal["zh", "zh-Hant", "en"]
"""The language of an answer and, for Chinese, its script: `zh` is simplified, and `zh-Hant` is traditional."""


def language_of(locale: Locale) -> AnswerLanguage:
    """Returns the language of a locale."""
    return "en" if locale == "en" else "zh"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt. `role` is its author, by the name that chat templates and chat servers use."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a chat model. Most models read only `messages`. A model that only quotes reads the rest.

    `question` is the question as it was typed, and `evidence` is the evidence as it was found. The messages contain
    them too. `query` is the question as it was searched for. It is empty if that is not known. If `temperature` or
    `max_tokens` is None, the model uses its own.
    """

    messages: tuple[Message, ...]
    question: str = ""
    language: AnswerLanguage = "en"
    evidence: tuple[Evidence, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a model's answer. `usage` and `finish` come with the last piece, if the model states them.

    `finish` is the model server's `finish_reason`. It is `length` if the limit of tokens cut the answer. `thought` is
    True if the model was thinking before its answer, which was not asked of it. `model` is the name of the model that
    wrote the piece, if that is another one than was asked, or empty.
    """

    text: str
    usage: Usage | None = None
    finish: str | None = None
    thought: bool = False
    model: str = ""
