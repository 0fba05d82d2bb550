"""Signs of life from a working stage. They tell a document that takes long from one that hangs."""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []


def beat() -> None:
    """Report that one step of many, such as a page, is done. The time limit of the document begins again."""
    for listen in _listeners:
        listen()


def listen_with(listener: Callable[[], None]) -> None:
    """Let every beat of this process call `listener`. It is for a worker, which does one document at a time."""
    _listeners[:] = [listener]
