"""Says what is logged, and limits how many lines strangers can cause."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


def configure_logging(level: str) -> None:
    """Log our own packages at `level`, and libraries only from warnings on.

    A line for each model call would hide the other lines, and a URL in it may hold a secret.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for package in ("ingest", "assistant", "api"):
        logging.getLogger(package).setLevel(level.upper())
    logging.getLogger("api.audit").setLevel(logging.INFO)  # the audit log is written at every level


class LineLimit:
    """Lets a number of lines per minute into the log, and counts the others."""

    def __init__(self, lines_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = lines_per_minute
        self._clock = clock
        self._minute = clock()
        self._lines = 0
        self._kept_out = 0

    def take(self) -> int | None:
        """Returns None if the line is left out. Otherwise returns how many lines were left out since the last one."""
        now = self._clock()
        if now - self._minute >= 60:
            self._minute, self._lines = now, 0
        if self._lines >= self._limit:
            self._kept_out += 1
            return None
        self._lines += 1
        kept_out, self._kept_out = self._kept_out, 0
        return kept_out
