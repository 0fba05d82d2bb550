"""Draws page pictures one after the other.

A bounded queue stands before the one renderer. Clients that go away leave it.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from api.serving.executors import run_in
from ingest.errors import UnavailableError
from ingest.page_images import PageRenderer

LONGEST_QUEUE = 32
PATIENCE_SECONDS = 20.0


class Drawing:
    """Draws pages one after the other, for one event loop. A waiting request holds no thread."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread
        self._waiting = 0

    async def draw(self, pages: PageRenderer, path: Path, page: int, *, width_px: int) -> bytes:
        """Returns the page as PNG. See `PageRenderer.render`.

        Raises UnavailableError `renderer_busy` if too many wait already, or if the wait is too long.
        """
        if self._waiting >= LONGEST_QUEUE:
            raise _busy()
        began = time.monotonic()

        def render() -> bytes:
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise _busy()
            return pages.render(path, page, width_px=width_px)

        self._waiting += 1
        try:
            return await run_in(self._thread, render)
        finally:
            self._waiting -= 1


def _busy() -> UnavailableError:
    return UnavailableError("renderer_busy", "Too many pages are waiting to be drawn.", "Try again in a moment.")
