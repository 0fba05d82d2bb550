"""Grouping what comes at its own pace."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the items, and the error that ended them early, if one did."""

    error: BaseException | None = None


def grouped(items: Iterable[Item], *, limit: int, seconds: float) -> Iterator[list[Item]]:
    """The items in groups of at most `limit`; none waits longer than `seconds` for company.

    They are taken by a thread, at most `limit` ahead: so a group goes on while the next item is a long time coming.
    What `items` raises is raised here, after what came before it.
    """
    waiting: queue.Queue[Item | _End] = queue.Queue(limit)
    stopped = threading.Event()
    threading.Thread(target=_take, args=(items, waiting, stopped), daemon=True, name="grouping").start()
    try:
        while True:
            group, end = _group(waiting, limit, seconds)
            if group:
                yield group
            if end is not None:
                if end.error is not None:
                    raise end.error
                return
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


def _group(waiting: queue.Queue[Item | _End], limit: int, seconds: float) -> tuple[list[Item], _End | None]:
    group: list[Item] = []
    deadline: float | None = None
    while len(group) < limit:
        try:
            item = waiting.get(timeout=None if deadline is None else max(deadline - time.monotonic(), 0.0))
        except queue.Empty:
            return group, None
        if isinstance(item, _End):
            return group, item
        group.append(item)
        deadline = deadline if deadline is not None else time.monotonic() + seconds
    return group, None
