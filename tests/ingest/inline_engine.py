"""An engine without processes, for tests of what stands around it: starting processes takes seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ingest.engines import Stage
from ingest.errors import YoujuError


class InlineEngine:
    """Runs a stage in the thread that asks for its results, one item after the other."""

    def __init__(self, settings: Any, stage: Stage[Any, Any], **_: Any) -> None:
        self._stage = stage.make(settings)

    def run(self, items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        for item in items:
            try:
                yield item, self._stage(item)
            except YoujuError as error:
                yield item, error

    def close(self) -> None:
        pass
