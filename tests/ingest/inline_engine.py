"""An engine without processes, for tests of what stands around it: starting processes takes seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from ingest.engines import Stage
from ingest.errors import YoujuError


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
