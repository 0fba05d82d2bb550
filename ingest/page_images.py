"""Draws pictures of pages in a child process. The files may come from anyone, and a crash of pdfium must not end the
server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from ingest.engines import Limits
from ingest.engines.local import LocalEngine
from ingest.errors import DocumentError, UnavailableError, YoujuError
from ingest.parse.pdf.page_picture import not_renderable, render_page

_LIMITS = Limits(seconds=15.0, memory_mb=2048, start_seconds=30.0)
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class _Wanted:
    path: Path
    page: int
    width_px: int


class PageRenderer:
    """Draws one page at a time. Other calls wait. It is safe to call it from several threads.

    The first page starts its one process, which runs until `close`. `passwords` open protected PDF files.
    """

    def __init__(
        self,
        limits: Limits = _LIMITS,
        *,
        passwords: tuple[SecretStr, ...] = (),
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._engine: LocalEngine[_Wanted, bytes] = LocalEngine(_make_renderer, passwords, workers=1, limits=limits)
        self._patience_seconds = patience_seconds
        self._drawing = threading.Lock()

    def render(self, path: Path, page: int, *, width_px: int) -> bytes:
        """Returns the page as PNG. See `render_page`.

        Raises `not_renderable` if the file hangs or crashes the process, or if the process uses too much memory. Raises
        UnavailableError `renderer_busy` if the pages before it take too long.
        """
        if not self._drawing.acquire(timeout=self._patience_seconds):
            raise UnavailableError("renderer_busy", "Other pages are still being drawn.", "Try again in a moment.")
        try:
            results = [result for _, result in self._engine.run([_Wanted(path, page, width_px)])]
        finally:
            self._drawing.release()
        if not results:
            raise UnavailableError("renderer_closed", "The server is stopping.", "Try again when it is back.")
        (result,) = results
        if isinstance(result, DocumentError) and result.code != "not_renderable":
            raise not_renderable(result.message)  # the hints of the engine are about ingestion
        if isinstance(result, YoujuError):
            raise result
        return result

    def close(self) -> None:
        """End the process, even while it draws."""
        self._engine.close()


def _make_renderer(passwords: tuple[SecretStr, ...]) -> Callable[[_Wanted], bytes]:
    return lambda wanted: render_page(wanted.path, wanted.page, width_px=wanted.width_px, passwords=passwords)
