"""Where stages run: in this machine's processes, or on the nodes of a Ray cluster.

A stage is a function of picklable values, made in each worker by a factory that is picklable too.

    from_settings.py  which engine the settings ask for
    pool.py           which worker does which item; the same for every engine
    local.py          child processes of this machine, with limits on time and memory
    ray.py            the nodes of a Ray cluster
    driver.py         a process of its own for a library that may end the process it runs in
    heartbeat.py      signs of life from a stage at work
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from ingest.errors import YoujuError
from ingest.settings import IngestSettings

Item = TypeVar("Item")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)

ENDED_WORKER: Final = ("timeout", "out_of_memory", "worker_crashed")
"""Codes of the errors of an item that cost its worker."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may take, and what to advise where it takes more.

    `start_seconds` is added to the start of a worker and to its first item, for its imports.
    """

    seconds: float
    memory_mb: int
    items_per_worker: int = 2000
    start_seconds: float = 60.0
    time_hint: str = "Raise YOUJU_PARSE_TIMEOUT_SECONDS, or split the document."
    memory_hint: str = "Raise YOUJU_PARSE_MEMORY_MB, or split the document."
    crash_hint: str = "The file is probably damaged: save it anew."


@dataclass(frozen=True, slots=True)
class Division(Generic[Item, Result]):
    """How an item that ended its worker is tried again in parts, so that only the guilty part fails.

    `merge` gets the parts in their order, each with its result or error, and gives the result of the whole.
    """

    split: Callable[[Item], Sequence[Item]]
    merge: Callable[[Sequence[tuple[Item, Result | YoujuError]]], Result]


@dataclass(frozen=True, slots=True)
class Stage(Generic[Item, Result]):
    """A stage as an engine needs to know it: how it is made in a worker, and what its items may take.

    For workers on other machines: `carry` gives an item all that the stage would otherwise read from this one's disk,
    and raises DocumentError where there is nothing to read; `identity` is the same wherever the stage gives the same
    results.
    """

    name: str
    make: Callable[[IngestSettings], Callable[[Item], Result]]
    limits: Callable[[IngestSettings], Limits]
    identity: Callable[[IngestSettings], str]
    division: Division[Item, Result] | None = None
    uses_gpu: bool = False
    carry: Callable[[Item, IngestSettings], Item] | None = None


class Engine(Protocol[Item, Result_co]):
    """Runs one stage over many items. Only what concerns one item, a DocumentError, is handed out as its result."""

    def run(self, items: Iterable[Item]) -> Iterator[tuple[Item, Result_co | YoujuError]]:
        """Each item with its result, or with the error that this item met, as they get done.

        Items are taken as there is room, in a thread; what `items` raises is raised here, and so is any other error
        of a worker: no item would fare better. `items` is closed at the end, if it is a generator.
        """
        ...

    def close(self) -> None:
        """Stop the workers, whatever they are doing."""
        ...


MakeStage = Callable[[Any], Callable[[Any], Any]]
"""Makes a stage in a worker, of one argument."""
