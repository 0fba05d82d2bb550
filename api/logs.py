"""What is logged, and how many lines strangers can cause."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


def configure_logging(level: str) -> None:
    """Log our own packages at `level`; libraries only from warnings on: a line per model call would drown the rest,
    and a URL in it may carry a secret."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for package in ("ingest", "assistant", "api"):
        logging.getLogger(package).setLevel(level.upper())
    logging.getLogger("api.audit").setLevel(logging.INFO)  # who changed what is not a matter of taste


class LineLimit:
    """Lets so many lines a minute into the log, and counts those it keeps out."""

    def __init__(self, lines_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = lines_per_minute
        self._clock = clock
        self._minute = clock()
        self._lines = 0
        self._kept_out = 0

    def take(self) -> int | None:
        """None where the line is kept out, else how many were since the last one."""
        now = self._clock()
        if now - self._minute >= 60:
            self._minute, self._lines = now, 0
        if self._lines >= self._limit:
            self._kept_out += 1
            return None
        self._lines += 1
        kept_out, self._kept_out = self._kept_out, 0
        return kept_out
