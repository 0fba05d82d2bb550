"""A circuit before a model server. While the server is away, nobody waits for it: the circuit is open, and heals.

After some failures in a row the circuit opens for a while. Then one request may try the server, and all others still
fail at once. If that one is answered, the circuit is closed again. If not, it opens for twice as long. Only a server
that is away or silent opens it. An error of a single request (a prompt that is too long, a wrong key, too many
requests) shows that the server lives.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assistant.errors import ModelBusyError, ModelError, ModelTimeoutError, ModelUnavailableError

logger = logging.getLogger(__name__)

_FAILURES = 3
_FIRST_SECONDS = 5.0
_LONGEST_SECONDS = 60.0


class Circuit:
    """The circuit before one server. It belongs to one event loop.

    `failures` in a row open it for `first_seconds`, and for at most `longest_seconds` after more failures.
    """

    def __init__(
        self,
        *,
        failures: int = _FAILURES,
        first_seconds: float = _FIRST_SECONDS,
        longest_seconds: float = _LONGEST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._clock = clock
        self._failures = 0
        self._pause = first_seconds
        self._until: float | None = None
        self._probe: Attempt | None = None
        self._last = ""

    @property
    def is_open(self) -> bool:
        """True if a request would fail now without having been tried."""
        return self._until is not None and (self._probe is not None or self._clock() < self._until)

    @property
    def is_away(self) -> bool:
        """True from the moment in which the circuit opens to the first answer after it."""
        return self._until is not None

    @contextmanager
    def attempt(self) -> Iterator[Attempt]:
        """Try the server. How the block ends says whether the server is away.

        Raises ModelUnavailableError (`model_down`) if the circuit is open. A block that is left by whoever asked says
        nothing of the server.
        """
        if self.is_open:
            raise self._down()
        attempt = Attempt(self)
        if self._until is not None:
            self._probe = attempt
        try:
            yield attempt
        except ModelError as error:
            if _is_away(error):
                self._failed(attempt, error)
            else:
                self._close()
            raise
        except (GeneratorExit, asyncio.CancelledError):
            raise
        else:
            self._close()
        finally:
            if self._probe is attempt:
                self._probe = None  # it was left without a result: the next one may try

    def _heard(self, attempt: Attempt) -> None:
        """Let others in when the one that tries is answered, but open again if the answer breaks off."""
        if self._probe is attempt:
            self._until, self._probe, self._failures = None, None, self._most - 1

    def _failed(self, attempt: Attempt, error: ModelError) -> None:
        self._last = error.message
        if self._until is not None and self._probe is not attempt:
            return  # it began before the circuit opened, and says nothing new
        self._failures += 1
        if self._failures < self._most:
            return
        logger.warning("The model server is not asked for %g seconds: %s", self._pause, error.message)
        self._until = self._clock() + self._pause
        self._pause = min(2 * self._pause, self._longest_seconds)

    def _close(self) -> None:
        if self._until is not None:
            logger.info("The model server answers again")
        self._failures, self._pause, self._until, self._probe = 0, self._first_seconds, None, None

    def _down(self) -> ModelUnavailableError:
        left = 1 if self._until is None else max(1, math.ceil(self._until - self._clock()))
        return ModelUnavailableError(
            "model_down",
            f"{self._last} It failed several times in a row, so it was not asked.",
            f"It is asked again in {left} s. Start it, or look at its log.",
            left,
        )


class Attempt:
    """One request that is on its way."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit: Circuit | None = circuit

    def heard(self) -> None:
        """Note that the server has begun to answer. It costs nothing after the first time."""
        if self._circuit is not None:
            self._circuit._heard(self)
            self._circuit = None


def _is_away(error: ModelError) -> bool:
    """Returns True if an error says that the server is away or silent, and not that it refuses this request, is busy
    for a moment, or is slow to the end of an answer.
    """
    if isinstance(error, ModelTimeoutError):
        return error.code != "model_slow"
    return isinstance(error, ModelUnavailableError) and not isinstance(error, ModelBusyError)
