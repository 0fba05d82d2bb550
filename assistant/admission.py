"""Admission: some questions are answered now, and others wait. If hundreds ask a model server at the same time, it
serves none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ingest.errors import UnavailableError

_RETRY_HINT = "Ask again in a moment. YOUJU_ANSWERS_AT_ONCE and YOUJU_ANSWERS_WAITING say how many there may be."


class Admission:
    """Gives the model at most `at_once` requests at a time. `wait` more questions may wait, and are served in order."""

    def __init__(self, at_once: int, wait: int) -> None:
        self._most = at_once + wait
        self._taken = 0
        self._model = asyncio.Semaphore(at_once)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place among the questions that are answered or wait, and keep it for a whole answer.

        Raises UnavailableError `too_many_questions` if no place is free.
        """
        if self._taken >= self._most:
            raise UnavailableError("too_many_questions", "Too many questions are being answered.", _RETRY_HINT)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    @property
    def is_full(self) -> bool:
        """True if the next request to the model would have to wait."""
        return self._model.locked()

    @asynccontextmanager
    async def model(self) -> AsyncIterator[None]:
        """Wait for the model, and keep it for one request."""
        async with self._model:
            yield
