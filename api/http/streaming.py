"""Sends answers to a client that may go away: as server-sent events, or as one response. If the client goes away, the
work behind the answer is stopped.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import anyio
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Scope, Send

from api.http.errors import error_fields, internal_error
from api.serving.executors import run_in
from assistant.events import Event, Failed
from ingest.errors import UnavailableError, YoujuError

T = TypeVar("T")

KEEPALIVE_SECONDS = 10.0
KEEPALIVE = ": keepalive\n\n"

EVENTS: dict[str, Any] = {"content": {"text/event-stream": {}}}
"""The part of a route's description that says that it can answer with events."""

_PROGRESS_SECONDS = 0.2
_SEPARATORS = {mark: f"\\u{ord(mark):04x}" for mark in "\u0085\u2028\u2029"}
"""Many clients split lines at these characters, although only CR and LF end a line of events. In JSON they occur only
inside strings, so they can be escaped.
"""
_END, _STOPPING = object(), object()


class ClientGone(Exception):  # noqa: N818
    """The client went away before its answer was ready."""


def stopping(scope: Scope) -> asyncio.Event:
    """Returns the event that is set when the server begins to stop. An open answer then has a few seconds to tell its
    client, and to end.
    """
    event = scope.get("state", {}).get("stopping")
    return event if isinstance(event, asyncio.Event) else asyncio.Event()


def server_stopping() -> UnavailableError:
    """Returns the error for all work that the stop of the server interrupts."""
    return UnavailableError("server_stopping", "The server is stopping.", "Ask again in a moment.")


class EventStream(StreamingResponse):
    """A response of server-sent events. In every case the generator behind it is closed before the request is over."""

    media_type = "text/event-stream"

    def __init__(self, lines: AsyncGenerator[str, None]) -> None:
        super().__init__(lines, headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        self._lines = lines

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            # Shielded, because a client that goes away cancels this task. The closing must still run to its end.
            with anyio.CancelScope(shield=True):
                await self._lines.aclose()


async def together(
    events: AsyncIterator[Event], stops: asyncio.Event, keepalive_seconds: float = KEEPALIVE_SECONDS
) -> AsyncGenerator[Sequence[Event], None]:
    """Yields the events, those together that are ready at the same moment, and none whenever none came for
    `keepalive_seconds`. Closing it stops the work behind it.

    Raises what `events` raises, and UnavailableError `server_stopping` once `stops` is set. One task runs the assistant
    from beginning to end, because libraries below tie a timeout to the task that opened it.
    """
    queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=16)

    async def run() -> None:
        try:
            async for event in events:
                await queue.put(event)
            await queue.put(_END)
        except Exception as error:
            await queue.put(error)
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    async def wake() -> None:
        await stops.wait()
        await queue.put(_STOPPING)

    running, waking = asyncio.create_task(run()), asyncio.create_task(wake())
    try:
        while True:
            ready, last = await _ready(queue, keepalive_seconds)
            if ready or last is None:
                yield ready
            if last is _STOPPING:
                raise server_stopping()
            if last is _END:
                return
            if last is not None:
                raise last
    finally:
        await _ended(running, waking)


async def _ready(queue: asyncio.Queue[Any], seconds: float) -> tuple[list[Event], Any]:
    """Waits for an event, at most so many seconds. Returns all events that are there then, and the end behind them or
    None.
    """
    ready: list[Event] = []
    if queue.empty():
        try:
            async with asyncio.timeout(seconds):
                item = await queue.get()
        except TimeoutError:
            return ready, None
    else:
        item = queue.get_nowait()
    while item is not _END and item is not _STOPPING and not isinstance(item, Exception):
        ready.append(item)
        if queue.empty():
            return ready, None
        item = queue.get_nowait()
    return ready, item


async def paced(
    events: AsyncIterator[Event], stops: asyncio.Event, keepalive_seconds: float = KEEPALIVE_SECONDS
) -> AsyncGenerator[Event | None, None]:
    """Yields the events of `together` one by one, and None for none."""
    async with aclosing(together(events, stops, keepalive_seconds)) as batches:
        async for batch in batches:
            for event in batch or (None,):
                yield event


async def begun(events: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Waits for the first event, and returns a generator of all the events. An error before the first event can still
    become an HTTP status.

    Closing the generator closes `events`, even if no event was taken from it.
    """
    try:
        first = await anext(events)
    except BaseException:
        await events.aclose()
        raise

    async def whole() -> AsyncGenerator[T, None]:
        async with aclosing(events):
            yield first  # only starts the generator; it is taken below
            yield first
            async for event in events:
                yield event

    # Closing a generator that has not started runs none of its code, so it would not close `events`.
    started = whole()
    await anext(started)
    return started


async def worked(
    work: Callable[[threading.Event], Any], progress: Callable[[], Mapping[str, Any]], scope: Scope
) -> AsyncGenerator[str, None]:
    """Does work in a thread, and yields server-sent events: `progress` several times a second, then `finished` with the
    result, or `failed`.

    The work gets an event as its argument. Closing this generator sets the event and waits for the end of the work. The
    stop of the server does the same.
    """
    stop = threading.Event()
    server_stops = stopping(scope)
    working = asyncio.ensure_future(run_in(scope["app"].state.executors.jobs, partial(work, stop)))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_PROGRESS_SECONDS)
            if server_stops.is_set() and not working.done():
                raise server_stopping()
            yield sse("progress", progress())
        yield sse("finished", working.result())
    except Exception as error:
        yield failed(error, scope)
    finally:
        # The event is set before the wait; otherwise the work would not know that it has to end. The wait is shielded,
        # because a client that goes away cancels this task, and does so again and again.
        stop.set()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({working})
        if not working.cancelled():
            working.exception()  # marks the error as seen: it was sent above, or nobody listens any more


async def rendered(
    batches: AsyncGenerator[Sequence[Event], None], render: Callable[[Event], str], scope: Scope
) -> AsyncGenerator[str, None]:
    """Yields an answer as the lines of a stream. Events that come together leave together. If no event comes for a long
    time, it yields a keepalive line.

    `render` returns the lines of one event, or "" for none. After the headers have been sent, an error cannot become an
    HTTP status; it is rendered as `Failed`. Closing it closes `batches`.
    """
    async with aclosing(batches):
        lines: list[str] = []
        try:
            async for batch in batches:
                for event in batch:
                    lines.append(render(event))
                if text := "".join(lines) if batch else KEEPALIVE:
                    yield text
                lines = []
        except Exception as error:
            lines.append(render(Failed(*_told(error, scope))))
            if text := "".join(lines):
                yield text


def failed(error: Exception, scope: Scope) -> str:
    """Returns the event `failed`, the last one of a stream that could not be finished."""
    return sse("failed", {"error": error_fields(*_told(error, scope), scope)})


def _told(error: Exception, scope: Scope) -> tuple[str, str, str]:
    """Returns the code, message and hint of an error, as the caller may see them."""
    if isinstance(error, YoujuError):
        return error.code, error.message, error.hint
    return internal_error(scope, error)


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Returns the result of `work`. Cancels it if the client goes away first, or if the server stops.

    Raises ClientGone if the client has gone away, and UnavailableError `server_stopping` if the server stops.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(request))
    stop = asyncio.ensure_future(stopping(request.scope).wait())
    try:
        await asyncio.wait({working, leaving, stop}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGone if leaving.done() else server_stopping()
    finally:
        await _ended(working, leaving, stop)


def sse(event: str, data: Any) -> str:
    """Returns one server-sent event with its name, and its data as JSON."""
    return f"event: {event}\n{sse_data(data)}"


def sse_data(data: Any) -> str:
    """Returns one server-sent event without a name, in the form that OpenAI's clients read."""
    text = json.dumps(data, ensure_ascii=False)
    for mark, escaped in _SEPARATORS.items():
        text = text.replace(mark, escaped)  # ten times as fast as `translate`, which examines each character
    return f"data: {text}\n\n"


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel these tasks once, and wait until they have ended. A second cancellation would interrupt their cleanup."""
    for task in tasks:
        task.cancel()
    with anyio.CancelScope(shield=True):
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # marks the error as seen, because nobody else reads it
