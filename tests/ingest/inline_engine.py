"""An engine without processes, for tests of what stands around it: starting processes takes seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import pytest

from ingest.embedding.from_settings import token_counter
from ingest.engines import Stage
from ingest.errors import YoujuError
from ingest.settings import IngestSettings


class InlineEngine:
    """Runs a stage in the thread that asks for its results, one item after the other."""

    def __init__(self, settings: Any, stage: Stage[Any, Any], *, stop: threading.Event, **_: Any) -> None:
        self._stage = stage.make(settings)
        self._stop = stop

    def run(self, items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        for item in items:
            if self._stop.is_set():
                return
            try:
                yield item, self._stage(item)
            except YoujuError as error:
                yield item, error

    def close(self) -> None:
        pass


def without_workers(patch: pytest.MonkeyPatch) -> None:
    """Runs of this process do without worker processes. The shipped model's tokenizer, a second of work, is made once:
    a worker too keeps it for all that it reads."""
    patch.setattr("ingest.runs.pipeline.open_engine", InlineEngine)
    patch.setattr("ingest.runs.preparing.token_counter", _token_counter)


def _token_counter(settings: IngestSettings) -> Callable[[Sequence[str]], list[int]]:
    is_shipped = settings.embedding_url is None and settings.embedding_model is None
    return shipped_counter() if is_shipped else token_counter(settings)


@cache
def shipped_counter() -> Callable[[Sequence[str]], list[int]]:
    """Returns what counts the tokens of texts as the shipped model does."""
    return token_counter(IngestSettings())
