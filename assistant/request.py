"""What a chat model is asked for, and what comes back of it, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assistant.events import Evidence, Usage

AnswerLanguage = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt. `role` is what chat templates and chat servers call whoever wrote it."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a chat model is asked for. Most models read `messages` alone; one that only quotes reads the rest.

    `question` and `evidence` are as they were typed and found, and are in the messages too. `temperature` and
    `max_tokens` are the model's own where they are None.
    """

    messages: tuple[Message, ...]
    question: str = ""
    language: AnswerLanguage = "en"
    evidence: tuple[Evidence, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of what a model says. `usage` and `finish` come with the last one, from models that state them.

    `finish` is the model server's `finish_reason`: `length` where the limit of tokens cut the answer.
    """

    text: str
    usage: Usage | None = None
    finish: str | None = None
