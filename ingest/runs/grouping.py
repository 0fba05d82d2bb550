"""Groups items that arrive at irregular times.

A thread of its own takes the items and puts them into a queue. The caller's thread reads the queue.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

_POLL_SECONDS = 0.2
_LONGER_THAN_TAKEN = 4
_LONGEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _End:
    """Marks the end of the items. `error` is the error that ended them early, or None."""

    error: BaseException | None = None


def grouped(items: Iterable[Item], *, limit: int, seconds: float, thread: str) -> Iterator[list[Item]]:
    """Yields the items in groups of at most `limit`. A group is given at the latest `seconds` after its first item, or
    four times as long after it as the reader took for the group before, but at most a second. What a group costs the
    reader, however small it is, then takes no more than a fifth of the time, and the processor is left to those who
    make the items.

    A thread with the name `thread` takes the items, at most `limit` ahead. So a group can be given while the next item
    is still being made. An error that `items` raises is raised here, after the items that came before it.
    """
    waiting: queue.Queue[Item | _End] = queue.Queue(limit)
    stopped = threading.Event()
    threading.Thread(target=_take, args=(items, waiting, stopped), daemon=True, name=thread).start()
    end: _End | None = None
    taken = 0.0
    try:
        while end is None:
            group: list[Item] = []
            patience = max(seconds, min(_LONGER_THAN_TAKEN * taken, _LONGEST_SECONDS))
            deadline = math.inf  # there is no limit until the first item has come
            while len(group) < limit and end is None:
                left = None if deadline == math.inf else max(deadline - time.monotonic(), 0.0)
                try:
                    item = waiting.get(timeout=left)
                except queue.Empty:
                    break
                if isinstance(item, _End):
                    end = item
                else:
                    group.append(item)
                    deadline = min(deadline, time.monotonic() + patience)
            if group:
                given = time.monotonic()
                yield group
                taken = time.monotonic() - given
        if end.error is not None:
            raise end.error
    finally:
        stopped.set()  # if the reader leaves early, the other thread would wait for ever to put its next item


def _take(items: Iterable[Item], waiting: queue.Queue[Item | _End], stopped: threading.Event) -> None:
    end = _End()
    try:
        for item in items:
            if not _put(waiting, item, stopped):
                return
    except BaseException as error:  # it is raised again in the thread that reads the queue
        end = _End(error)
    _put(waiting, end, stopped)


def _put(waiting: queue.Queue[Item | _End], item: Item | _End, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        with suppress(queue.Full):
            waiting.put(item, timeout=_POLL_SECONDS)
            return True
    return False
