"""Signs of life from a stage at work, so that a document which takes long is told from one that hangs."""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []


def beat() -> None:
    """One step of many is done, such as a page: the time that the document may take begins anew."""
    for listen in _listeners:
        listen()


def listen_with(listener: Callable[[], None]) -> None:
    """Have every beat of this process call `listener`. For a worker, which does one document at a time."""
    _listeners[:] = [listener]
