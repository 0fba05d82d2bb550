"""The limits of a bot. They are the same in every channel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """The limits of one bot. A channel adds its own settings in a subclass.

    `parallel_answers` messages are answered at once, `waiting_answers` more may wait, and the next one is told that it
    is one too many. An asker who waits longer than `queue_notice_seconds` is told so. An answer may take
    `answer_seconds`, and each request that sends it `send_seconds`. Every `sweep_seconds`, a message that nobody has
    changed for `stale_seconds` counts as abandoned. `public_url` is where people reach the page.
    `sources` are the only ones that answers come from, or empty for all.
    """

    answer_seconds: float = 180.0
    send_seconds: float = 10.0
    parallel_answers: int = 4
    waiting_answers: int = 64
    queue_notice_seconds: float = 4.0
    sweep_seconds: float = 60.0
    stale_seconds: float = 1800.0
    public_url: str | None = None
    sources: tuple[str, ...] = ()
