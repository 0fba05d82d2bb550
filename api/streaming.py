"""Answers on their way to a client that may go away: server-sent events, and the work stopped with them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import anyio
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Scope, Send

from api.errors import error_fields, internal_error
from api.executors import run_in
from assistant.events import Event, Failed
from ingest.errors import UnavailableError, YoujuError

T = TypeVar("T")

KEEPALIVE_SECONDS = 10.0
KEEPALIVE = ": keepalive\n\n"

EVENTS: dict[str, Any] = {"content": {"text/event-stream": {}}}
"""What the description of a route says that answers with events, or can."""

_PROGRESS_SECONDS = 0.2
_SEPARATORS = {mark: f"\\u{ord(mark):04x}" for mark in "\u0085\u2028\u2029"}
"""At these many clients cut lines, though a line of events ends at CR and LF only. JSON has them in strings alone."""
_END, _STOPPING = object(), object()


class ClientGone(Exception):  # noqa: N818
    """The client went away before its answer was ready."""


def stopping(scope: Scope) -> asyncio.Event:
    """Set when the server begins to stop: whatever is open then has seconds to say so, and to end."""
    event = scope.get("state", {}).get("stopping")
    return event if isinstance(event, asyncio.Event) else asyncio.Event()


def server_stopping() -> UnavailableError:
    """The error in which everything ends that the server's stop interrupts."""
    return UnavailableError("server_stopping", "The server is stopping.", "Ask again in a moment.")


class EventStream(StreamingResponse):
    """Server-sent events. However it ends, the generator behind it is closed before the request is over."""

    media_type = "text/event-stream"

    def __init__(self, lines: AsyncGenerator[str, None]) -> None:
        super().__init__(lines, headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        self._lines = lines

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._lines.aclose()


async def paced(
    events: AsyncIterator[Event], stops: asyncio.Event, keepalive_seconds: float = KEEPALIVE_SECONDS
) -> AsyncGenerator[Event | None, None]:
    """The events, and None whenever there was none for `keepalive_seconds`. Closing it stops the work behind.

    Raises what `events` raise, and UnavailableError `server_stopping` once `stops` is set.
    One task runs the assistant from end to end: libraries below tie timeouts to the task that opened them.
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
            try:
                async with asyncio.timeout(keepalive_seconds):
                    item = await queue.get()
            except TimeoutError:
                yield None
                continue
            if item is _STOPPING:
                raise server_stopping()
            if item is _END:
                return
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        await _ended(running, waking)


async def begun(events: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same events, after the first has come: what goes wrong before it is still an HTTP status.

    Closing it closes `events`, also where none was taken.
    """
    try:
        first = await anext(events)
    except BaseException:
        await events.aclose()
        raise

    async def whole() -> AsyncGenerator[T, None]:
        async with aclosing(events):
            yield first  # taken below
            yield first
            async for event in events:
                yield event

    # Closing a generator that nobody has started yet would close nothing behind it.
    started = whole()
    await anext(started)
    return started


async def worked(
    work: Callable[[threading.Event], Any], progress: Callable[[], Mapping[str, Any]], scope: Scope
) -> AsyncGenerator[str, None]:
    """Work in a thread as server-sent events: `progress`, several times a second, then `finished` with its result, or
    `failed`. Closing it sets the event that `work` is given, and waits for its end; so does the server's stop."""
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
        stop.set()
        # Shielded like all that ends work here: whoever goes away has cancelled this task, and does so again and again.
        with anyio.CancelScope(shield=True):
            await asyncio.wait({working})
        if not working.cancelled():
            working.exception()  # said above, or to nobody any more


async def rendered(
    events: AsyncGenerator[Event | None, None], render: Callable[[Event], str], scope: Scope
) -> AsyncGenerator[str, None]:
    """An answer as the lines of a stream: those of each event, and a sign of life where there was none for long.

    `render` gives the lines of one event, none as "". After the headers an error is no HTTP status any more: it is
    rendered as `Failed`. Closing it closes `events`.
    """
    async with aclosing(events):
        try:
            async for event in events:
                if lines := KEEPALIVE if event is None else render(event):
                    yield lines
        except Exception as error:
            if lines := render(Failed(*_told(error, scope))):
                yield lines


def failed(error: Exception, scope: Scope) -> str:
    """The event in which a stream ends that could not be finished."""
    return sse("failed", {"error": error_fields(*_told(error, scope), scope)})


def _told(error: Exception, scope: Scope) -> tuple[str, str, str]:
    """Code, message and hint of an error, as the caller may see them."""
    if isinstance(error, YoujuError):
        return error.code, error.message, error.hint
    return internal_error(scope, error)


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled when the client goes away first, or the server stops.

    Raises ClientGone in the one case, UnavailableError `server_stopping` in the other.
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
    """One server-sent event with its name and its data as JSON."""
    return f"event: {event}\n{sse_data(data)}"


def sse_data(data: Any) -> str:
    """One nameless server-sent event, as OpenAI's clients read them."""
    text = json.dumps(data, ensure_ascii=False)
    for mark, escaped in _SEPARATORS.items():
        text = text.replace(mark, escaped)  # ten times as fast as `translate`, which looks at each character
    return f"data: {text}\n\n"


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them, once, and wait until they have ended: a second cancellation would interrupt their clearing up."""
    for task in tasks:
        task.cancel()
    with anyio.CancelScope(shield=True):
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # nobody else asks for it
