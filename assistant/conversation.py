"""A conversation as the assistant sees it: the turns before this question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message. Answers are stored without thinking and without evidence."""

    role: Literal["user", "assistant"]
    text: str


Conversation = tuple[Turn, ...]
"""The earlier turns, the oldest first, without the question that is asked now."""
