"""Trying again what failed for a reason that may soon be over. One policy for every server that we ask.

The pauses grow twofold, with jitter, so that many clients do not come back together. A server's Retry-After is obeyed;
one that asks for more time than there is ends the tries at once.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import tenacity

from ingest.errors import YoujuError

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

TRANSIENT_STATUS = frozenset({429, 500, 502, 503, 504})
"""Answers of HTTP that say nothing about the request: the same one may be answered later."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something is tried, in how many seconds in all, and how long the pauses are at first and at most.

    No try begins after `total_seconds`; how long a try may take is for whoever makes it.
    """

    tries: int
    total_seconds: float
    first_seconds: float
    longest_seconds: float = 30.0


PATIENT = Patience(tries=8, total_seconds=120.0, first_seconds=1.0)
"""For a run, which has time: long enough for a server to start again."""
BRISK = Patience(tries=3, total_seconds=5.0, first_seconds=0.25)
"""For somebody who waits for an answer."""


class TransientError(Exception):
    """A try that failed for now. `error` is raised in its place when there are no more tries; its message is logged
    and must hold no secret. `retry_seconds` is when the server wants to be asked again, where it said so."""

    def __init__(self, error: YoujuError, retry_seconds: float | None = None) -> None:
        super().__init__(error.code)
        self.error = error
        self.retry_seconds = retry_seconds


def retried(work: Callable[[], Result], patience: Patience) -> Result:
    """The result of `work`, which is called again after each TransientError. Blocks while it waits.

    Raises what `work` raises; the `error` of the last TransientError when the patience is used up.
    """
    try:
        return tenacity.Retrying(**_options(patience))(work)
    except TransientError as failed:
        raise failed.error from failed.__cause__


async def retried_beside(work: Callable[[], Awaitable[Result]], patience: Patience) -> Result:
    """The same for work that is awaited: others go on while it waits, and cancelling ends the wait."""
    try:
        result: Result = await tenacity.AsyncRetrying(**_options(patience))(work)
    except TransientError as failed:
        raise failed.error from failed.__cause__
    return result


def _options(patience: Patience) -> dict[str, Any]:
    return {
        "retry": tenacity.retry_if_exception_type(TransientError),
        "wait": partial(_pause, patience),
        "stop": tenacity.stop_after_attempt(patience.tries) | tenacity.stop_before_delay(patience.total_seconds),
        "before_sleep": partial(_log, patience),
        "reraise": True,
    }


def retry_after(header: str | None) -> float | None:
    """The seconds that a Retry-After asks for, as a number or as a date; None where it has neither."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max((when - datetime.now(UTC)).total_seconds(), 0.0)


def _pause(patience: Patience, state: tenacity.RetryCallState) -> float:
    longest: float = min(patience.first_seconds * 2 ** (state.attempt_number - 1), patience.longest_seconds)
    pause = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing
    return max(pause, _failure(state).retry_seconds or 0.0)


def _log(patience: Patience, state: tenacity.RetryCallState) -> None:
    logger.info(
        "%s Trying again in %.1f s (try %d of %d).",
        _failure(state).error.message,
        state.upcoming_sleep,
        state.attempt_number + 1,
        patience.tries,
    )


def _failure(state: tenacity.RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, TransientError)
    return error
