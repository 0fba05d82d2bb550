"""Runs stages, in processes of this machine or on the nodes of a Ray cluster.

A stage is a function of values that can be pickled. A factory makes it in each worker, and the factory can be pickled
too.

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
"""Codes of errors of an item that made its worker end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one item, and the advice if it exceeds them.

    `start_seconds` is added to the start of a worker and to its first item, because of imports.
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
    """Splits an item that ended its worker. The parts are tried again, so that only the bad part fails.

    `merge` gets the parts in order, each with its result or error. It returns the result of the whole item.
    """

    split: Callable[[Item], Sequence[Item]]
    merge: Callable[[Sequence[tuple[Item, Result | YoujuError]]], Result]


@dataclass(frozen=True, slots=True)
class Stage(Generic[Item, Result]):
    """A stage as an engine sees it: how a worker makes it, and what its items may take.

    Two fields are for workers on other machines. `carry` adds to an item everything that the stage would read from this
    machine's disk; it raises DocumentError if there is nothing to read. `identity` is the same on every machine where
    the stage gives the same results.
    """

    name: str
    make: Callable[[IngestSettings], Callable[[Item], Result]]
    limits: Callable[[IngestSettings], Limits]
    identity: Callable[[IngestSettings], str]
    division: Division[Item, Result] | None = None
    uses_gpu: bool = False
    carry: Callable[[Item, IngestSettings], Item] | None = None


class Engine(Protocol[Item, Result_co]):
    """Runs one stage over many items. Only a DocumentError is a result of its item. Every other error ends the run."""

    def run(self, items: Iterable[Item]) -> Iterator[tuple[Item, Result_co | YoujuError]]:
        """Yields each item with its result or with its error, in the order in which they are done.

        A thread takes the next item when there is room. An error of `items`, or any other error of a worker, is raised
        here, because every other item would meet it too. `items` is closed at the end if it is a generator.
        """
        ...

    def close(self) -> None:
        """Stop the workers at once, even in the middle of an item."""
        ...


MakeStage = Callable[[Any], Callable[[Any], Any]]
"""Makes a stage in a worker, from one argument."""
