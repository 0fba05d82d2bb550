"""Admission: who is answered now and who waits. A model server that hundreds ask at once serves none of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ingest.errors import UnavailableError

_RETRY_HINT = "Ask again in a moment. YOUJU_ANSWERS_AT_ONCE and YOUJU_ANSWERS_WAITING say how many there may be."


class Admission:
    """The model is asked `at_once` questions at a time. `wait` more may wait for it, and get it in order."""

    def __init__(self, at_once: int, wait: int) -> None:
        self._most = at_once + wait
        self._taken = 0
        self._model = asyncio.Semaphore(at_once)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among those who are answered or wait, for a whole answer.

        Raises UnavailableError `too_many_questions` where there is none.
        """
        if self._taken >= self._most:
            raise UnavailableError("too_many_questions", "Too many questions are being answered.", _RETRY_HINT)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    @asynccontextmanager
    async def model(self) -> AsyncIterator[None]:
        """The model, for one request. Waits for it."""
        async with self._model:
            yield
