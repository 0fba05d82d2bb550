"""Where stages run: in this machine's processes. A stage is a function of picklable values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from ingest.errors import YoujuError

Item = TypeVar("Item")
Result_co = TypeVar("Result_co", covariant=True)


class Engine(Protocol[Item, Result_co]):
    """Runs one stage over many items."""

    def run(self, items: Iterable[Item]) -> Iterator[tuple[Item, Result_co | YoujuError]]:
        """Each item with its result, or with the error that this item met, as they get done.

        Items are taken as there is room, in a thread; what `items` raises is raised here.
        """
        ...

    def close(self) -> None:
        """Stop the workers, whatever they are doing."""
        ...
