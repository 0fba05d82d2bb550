"""How long a model server may take: until its first word, and for its whole answer.

How long it may stay silent is the connection's business. Thinking and signs of life end a silence, and they are not the
first word: a model that thinks without end says nothing, and somebody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from assistant.errors import ModelTimeoutError

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The seconds from the request to the first word of its answer, and to the end of the answer."""

    first_token_seconds: float
    answer_seconds: float


async def in_time(said: AsyncGenerator[Told, None], deadlines: Deadlines) -> AsyncGenerator[Told, None]:
    """Yields what a model says, each item with a part of its answer. What it says after a deadline is not waited for:
    then the model is stopped.

    Only the time that is spent waiting for the model counts, and not that of a slow reader. Raises ModelTimeoutError
    (`model_slow_start`, `model_slow`).
    """
    waited, begun = 0.0, False
    async with aclosing(said):
        while True:
            most = deadlines.answer_seconds
            if not begun:
                most = min(most, deadlines.first_token_seconds)
            asked = time.monotonic()
            limit = asyncio.timeout(max(0.0, most - waited))
            try:
                async with limit:
                    item = await anext(said)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not limit.expired():
                    raise
                raise _slow(deadlines) if begun else _slow_start(most) from None
            waited += time.monotonic() - asked
            begun = True
            yield item


def _slow_start(seconds: float) -> ModelTimeoutError:
    return ModelTimeoutError(
        "model_slow_start",
        f"The model server had not begun its answer after {seconds:g} seconds.",
        "It may be overloaded, or thinking: switch its thinking off, or raise YOUJU_MODEL_FIRST_TOKEN_SECONDS.",
    )


def _slow(deadlines: Deadlines) -> ModelTimeoutError:
    return ModelTimeoutError(
        "model_slow",
        f"The model server had not ended its answer after {deadlines.answer_seconds:g} seconds.",
        "Ask for less at once, or raise YOUJU_MODEL_ANSWER_SECONDS.",
    )
