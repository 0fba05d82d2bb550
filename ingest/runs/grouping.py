"""Ordering and grouping what comes at its own pace."""

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
"""A list of more items than this is long, gives so many in its turn, and no more than so many of them go on at once."""


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the items, and the error that ended them early, if one did."""

    error: BaseException | None = None


def grouped(items: Iterable[Item], *, limit: int, seconds: float, thread: str) -> Iterator[list[Item]]:
    """The items in groups of at most `limit`; none waits longer than `seconds` for company.

    They are taken by a thread of the name `thread`, at most `limit` ahead: so a group goes on while the next item is a
    long time coming.
    What `items` raises is raised here, after what came before it.
    """
    waiting: queue.Queue[Item | _End] = queue.Queue(limit)
    stopped = threading.Event()
    threading.Thread(target=_take, args=(items, waiting, stopped), daemon=True, name=thread).start()
    end: _End | None = None
    try:
        while end is None:
            group: list[Item] = []
            deadline = math.inf  # until the first item is there
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
        stopped.set()


def in_turns(lists: Iterable[Sequence[Item]], *, thread: str) -> Iterator[Item]:
    """The items of all lists, each list's in their order. A long list gives way to those that come behind it.

    Lists are taken by a thread of the name `thread`, one ahead. What `lists` raises is raised here, after what
    came before it.
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
    except BaseException as error:  # carried to the thread that reads the groups
        end = _End(error)
    _put(waiting, end, stopped)


def _put(waiting: queue.Queue[Item | _End], item: Item | _End, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        with suppress(queue.Full):
            waiting.put(item, timeout=_POLL_SECONDS)
            return True
    return False
