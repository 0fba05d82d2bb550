"""Tries again after failures that may soon be over. One policy holds for every server that we call.

Each pause is about twice as long as the one before. It is random, so that many clients do not come back together. A
server's Retry-After is obeyed. If it asks for more time than is left, the tries end at once.
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
"""HTTP status codes that say nothing about the request itself. The same request may be answered later."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The number of tries, their total time in seconds, and the first and the longest pause.

    No try begins after `total_seconds`. The caller limits how long one try may take.
    """

    tries: int
    total_seconds: float
    first_seconds: float
    longest_seconds: float = 30.0


PATIENT = Patience(tries=8, total_seconds=120.0, first_seconds=1.0)
"""For a run, which can wait. It is long enough for a server to start again."""
BRISK = Patience(tries=3, total_seconds=5.0, first_seconds=0.25)
"""For a request for which a person waits."""


class TransientError(Exception):
    """A try that failed, but may succeed later. After the last try, `error` is raised instead.

    The message of `error` is logged and must hold no secret. `retry_seconds` is the pause that the server asked for, if
    any.
    """

    def __init__(self, error: YoujuError, retry_seconds: float | None = None) -> None:
        super().__init__(error.code)
        self.error = error
        self.retry_seconds = retry_seconds


def retried(work: Callable[[], Result], patience: Patience) -> Result:
    """Returns the result of `work`. It is called again after each TransientError. Blocks while it waits.

    Raises the errors of `work`. After the last try, raises the `error` of the last TransientError.
    """
    try:
        return tenacity.Retrying(**_options(patience))(work)
    except TransientError as failed:
        raise failed.error from failed.__cause__


async def retried_beside(work: Callable[[], Awaitable[Result]], patience: Patience) -> Result:
    """Returns the result of awaited `work`, like `retried`.

    Other tasks go on while it waits. Cancelling it ends the wait.
    """
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
    """Returns the seconds that a Retry-After header asks for, as a number or a date. Returns None if it has neither."""
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
