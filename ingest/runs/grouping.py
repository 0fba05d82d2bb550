"""Groups and orders items that arrive at irregular times.

In both functions a thread of its own takes the items and puts them into a queue. The caller's thread reads the queue.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")

_POLL_SECONDS = 0.2
_LONG_ITEMS, _TURN_ITEMS, _LONG_LISTS = 1024, 256, 2
"""A list is long if it has more than `_LONG_ITEMS` items. A long list gives `_TURN_ITEMS` items in each turn. At most
`_LONG_LISTS` long lists are open at once.
"""


@dataclass(frozen=True, slots=True)
class _End:
    """Marks the end of the items. `error` is the error that ended them early, or None."""

    error: BaseException | None = None


def grouped(items: Iterable[Item], *, limit: int, seconds: float, thread: str) -> Iterator[list[Item]]:
    """Yields the items in groups of at most `limit`. A group is given at the latest `seconds` after its first item.

    A thread with the name `thread` takes the items, at most `limit` ahead. So a group can be given while the next item
    is still being made. An error that `items` raises is raised here, after the items that came before it.
    """
    waiting: queue.Queue[Item | _End] = queue.Queue(limit)
    stopped = threading.Event()
    threading.Thread(target=_take, args=(items, waiting, stopped), daemon=True, name=thread).start()
    end: _End | None = None
    try:
        while end is None:
            group: list[Item] = []
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
                    deadline = min(deadline, time.monotonic() + seconds)
            if group:
                yield group
        if end.error is not None:
            raise end.error
    finally:
        stopped.set()  # if the reader leaves early, the other thread would wait for ever to put its next item


def in_turns(lists: Iterable[Sequence[Item]], *, thread: str) -> Iterator[Item]:
    """Yields the items of all lists. The items of one list keep their order. Shorter lists that come later may overtake
    a long list.

    A thread with the name `thread` takes the lists, one ahead. An error that `lists` raises is raised here, after the
    items that came before it.
    """
    waiting: queue.Queue[Sequence[Item] | _End] = queue.Queue(1)
    stopped = threading.Event()
    threading.Thread(target=_take, args=(lists, waiting, stopped), daemon=True, name=thread).start()
    long: deque[Iterator[Item]] = deque()
    end: _End | None = None
    try:
        while long or end is None:
            following: Sequence[Item] | _End | None = None
            if end is None and len(long) < _LONG_LISTS:
                with suppress(queue.Empty):
                    # With a long list open there is other work to do, so this does not wait for the next list.
                    following = waiting.get(block=not long)
            if isinstance(following, _End):
                end = following
            elif following is not None and len(following) > _LONG_ITEMS:
                long.append(iter(following))
            elif following is not None:
                yield from following
                continue
            if long:
                turn = list(islice(long[0], _TURN_ITEMS))
                yield from turn
                long.rotate(-1)
                if len(turn) < _TURN_ITEMS:
                    long.pop()
        if end is not None and end.error is not None:
            raise end.error
    finally:
        stopped.set()


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
