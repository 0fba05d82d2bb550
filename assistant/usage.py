"""Usage: what one answer took, in tokens as the model counts them and in milliseconds of each stage."""

from __future__ import annotations

import time

from assistant.context import estimate_tokens
from assistant.events import Usage
from assistant.request import Piece

_CUT_PROMPT = 2
"""If the model counts fewer tokens than half of our estimate, the prompt was cut. Estimates are never that wrong."""


class ToldByModel:
    """Collects what the model says about its own answer: how many tokens it took, and if the limit of tokens cut it.

    `sent` is the estimated number of tokens of the prompt, which `may_be_cut` by the server. `model` is the model that
    wrote it, if not the one asked.
    """

    def __init__(self, sent: int, *, may_be_cut: bool = True) -> None:
        self.cut = False
        self.model = ""
        self.was_cut = False
        """True if the server read less than half of the prompt: it cut the prompt."""
        self._sent = sent
        self._may_be_cut = may_be_cut
        self._usage: Usage | None = None

    def take(self, piece: Piece) -> None:
        """Note what comes with a piece of the answer."""
        self._usage = piece.usage or self._usage
        read = self._usage.prompt_tokens if self._usage else 0
        self.was_cut = self._may_be_cut and 0 < _CUT_PROMPT * read < self._sent
        self.cut = self.cut or piece.finish == "length"
        self.model = piece.model or self.model

    def counted(self, answer: str) -> Usage:
        """Returns the tokens as the model counted them. If it did not count them, they are estimated."""
        return self._usage or Usage(self._sent, estimate_tokens(answer))


class Stopwatch:
    """Measures milliseconds: of each stage, from the start to the first token, and from the start to the end."""

    def __init__(self) -> None:
        self._started = self._lap = time.perf_counter()
        self._figures: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Note the time of a stage, which ends now."""
        now = time.perf_counter()
        self._figures[stage] = round(1000 * (now - self._lap), 2)
        self._lap = now

    def first(self, event: str) -> None:
        """Note the time since the start, if this event is the first of its name."""
        self._figures.setdefault(event, round(1000 * (time.perf_counter() - self._started), 2))

    def total(self) -> dict[str, float]:
        """Returns all times, and the time since the start."""
        return self._figures | {"total": round(1000 * (time.perf_counter() - self._started), 2)}
