"""Writes an answer down as it streams, and says how it ended, also if its reader leaves or stops it.

The answer runs in a task of its own, from its place in the conversation to its record. Whoever reads it takes the
events from a queue. If the reader leaves, the settings say whether the task is cancelled or goes on to the end. Who
tells an answer to stop may do so at another process, so each looks once a second whether one of its own is meant.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from assistant.conversation import Conversation
from assistant.events import Citation, Cited, Event, Failed, Finished, Searched, TextDelta, Unsupported
from assistant.history.records import Begun, Ending, State, citation_told, unsupported_told
from assistant.history.register import Register
from assistant.request import Locale
from ingest.access import Reader
from ingest.errors import YoujuError

T = TypeVar("T")

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_STOPPED = ("answer_stopped", "The answer was stopped.", "Ask again for a whole one.")

_Queue = asyncio.Queue[Event | Exception | None]
"""The events of an answer; then an error, or None at its end."""


class Answers(Protocol):
    """The part of the assistant that is recorded."""

    def answer(
        self, question: str, conversation: Conversation, reader: Reader, page: Locale | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yields the events of one answer. `page` is the language of the page on which it is shown."""
        ...


@dataclass(slots=True)
class Asked:
    """A question in a conversation: whose it is, who reads the answer, and the language of the page, if it has one.

    `came_ms` is when the recorder was asked. `number` is its place in the conversation, once it has one. `stopped` is
    True if the answer was told to stop.
    """

    question: str
    conversation_id: str
    owner: str
    reader: Reader
    page: Locale | None = None
    reader_left: bool = False
    came_ms: int | None = None
    number: int | None = None
    stopped: bool = False


@dataclass(slots=True)
class _Told:
    """The parts of an answer that have come so far."""

    answer_id: str | None = None
    text: list[str] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    unsupported: list[Unsupported] = field(default_factory=list)
    last: Finished | Failed | None = None

    def take(self, event: Event) -> None:
        match event:
            case Searched():
                self.answer_id = event.answer_id
            case TextDelta():
                self.text.append(event.text)
            case Cited():
                self.citations.append(event.citation)
            case Unsupported():
                self.unsupported.append(event)
            case Finished() | Failed():
                self.last = event

    def ending(self, reader_left: bool) -> Ending:
        """Returns the record of an answer that came to its own end."""
        if isinstance(self.last, Finished):
            return Ending(
                "cut" if self.last.cut else "complete",
                self.last.answer,
                tuple(citation_told(citation) for citation in self.last.citations),
                self.answer_id,
                self.last.grounded,
                self.last.refused,
                self.last.small_talk,
                reader_left,
                unsupported=tuple(unsupported_told(each) for each in self.last.unsupported),
                language=self.last.language,
                strayed=self.last.strayed,
            )
        return self.broken("failed", reader_left, self.last.code if self.last else "answer_incomplete")

    def broken(self, state: State, reader_left: bool, error: str = "") -> Ending:
        """Returns the record of an answer that stopped on its way: what had come until then."""
        return Ending(
            state,
            "".join(self.text),
            tuple(citation_told(citation) for citation in self.citations),
            self.answer_id,
            reader_left=reader_left,
            error=error,
            unsupported=tuple(unsupported_told(each) for each in self.unsupported),
        )


class Recorder:
    """Answers questions in conversations, and writes each answer down. One event loop runs all of it."""

    def __init__(self, register: Register, assistant: Answers, *, finish_when_left: bool) -> None:
        self._register = register
        self._assistant = assistant
        self._finish_when_left = finish_when_left
        self._tasks: set[asyncio.Task[Any]] = set()
        self._recordings: dict[asyncio.Task[None], Asked] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closing = False

    async def answer(self, asked: Asked, stops: asyncio.Event) -> AsyncGenerator[Event, None]:
        """Yields the events of one answer. The last one comes once the answer is written down.

        Closing it is how a reader leaves; after `stops` is set, it is the server that stops. Raises what the assistant
        raises, and RequestError if the conversation is not there or is full.
        """
        queue: _Queue = asyncio.Queue()
        asked.came_ms = self._register.now_ms()
        recording = self._kept(self._record(asked, queue, stops))
        self._recordings[recording] = asked
        recording.add_done_callback(self._recordings.pop)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            asked.reader_left = not stops.is_set()
            if not recording.done() and (stops.is_set() or not self._finish_when_left):
                recording.cancel()
                await asyncio.wait({recording})

    async def stop(self, owner: str, conversation_id: str) -> int:
        """Stop the answers that are being written in a conversation, whether their readers have left or not. Returns
        how many there were, once those of this process are written down.

        Raises RequestError `unknown_conversation`.
        """
        count = await asyncio.to_thread(self._register.stop, owner, conversation_id)
        own = [task for task, asked in self._recordings.items() if asked.conversation_id == conversation_id]
        for task in own:
            self._stop(task)
        if own:
            await asyncio.wait(own)
        return max(count, len(own))

    def _stop(self, recording: asyncio.Task[None]) -> None:
        self._recordings[recording].stopped = True
        recording.cancel()

    async def _look(self) -> None:
        """While answers are being written, look for those that were told to stop at another process."""
        while self._recordings:
            await asyncio.sleep(_LOOK_SECONDS)
            conversations = {asked.conversation_id for asked in self._recordings.values()}
            try:
                meant = await asyncio.to_thread(self._register.to_be_stopped, conversations)
            except Exception as error:
                logger.warning("Whether answers are to be stopped cannot be read now (%s).", type(error).__name__)
                continue
            for recording, asked in tuple(self._recordings.items()):
                if (asked.conversation_id, asked.number) in meant:
                    self._stop(recording)

    async def aclose(self) -> None:
        """Stop the answers that nobody reads any more, and wait until each is written down."""
        self._closing = True
        if self._looking is not None:
            self._looking.cancel()
        for recording in self._recordings:
            recording.cancel()
        while self._tasks:  # what was cancelled begins to write its end
            await asyncio.wait(set(self._tasks))

    async def _record(self, asked: Asked, queue: _Queue, stops: asyncio.Event) -> None:
        told = _Told()
        place = (asked.owner, asked.conversation_id, asked.question, asked.came_ms)
        beginning = self._kept(asyncio.to_thread(self._register.begin, *place))
        try:
            begun = await asyncio.shield(beginning)
            asked.number = begun.number
            ending = await self._follow(asked, begun.turns, told, queue)
        except asyncio.CancelledError:
            await self._see_through(beginning, self._interrupted(asked, told, stops))
            if asked.stopped:
                queue.put_nowait(Failed(*_STOPPED))
                queue.put_nowait(None)
            raise
        except Exception as error:
            await self._see_through(beginning, _ending_of(error, told, asked.reader_left))
            queue.put_nowait(error)
        else:
            await self._see_through(beginning, ending)
            queue.put_nowait(told.last)
            queue.put_nowait(None)

    def _interrupted(self, asked: Asked, told: _Told, stops: asyncio.Event) -> Ending:
        """Returns the record of an answer that was cancelled."""
        if asked.stopped:
            return told.broken("stopped", asked.reader_left)
        if self._closing or stops.is_set():
            return told.broken("failed", asked.reader_left, "server_stopping")
        return told.broken("left", asked.reader_left)

    async def _follow(self, asked: Asked, turns: Conversation, told: _Told, queue: _Queue) -> Ending:
        """Pass the events on, all but the last one. Returns the end of the answer."""
        async with aclosing(self._assistant.answer(asked.question, turns, asked.reader, asked.page)) as events:
            async for event in events:
                told.take(event)
                if told.last is None:
                    queue.put_nowait(event)
        return told.ending(asked.reader_left)

    async def _see_through(self, beginning: asyncio.Task[Begun], ending: Ending | None) -> None:
        """Write the end down in a task of its own, which no cancellation interrupts."""
        await asyncio.wait({self._kept(self._end(beginning, ending))})

    async def _end(self, beginning: asyncio.Task[Begun], ending: Ending | None) -> None:
        """Write the end of an answer down, or that there was none. The reader gets the answer also if this fails.

        The question may still be on its way into the database, if it was cancelled at once. It may have been refused.
        """
        await asyncio.wait({beginning})
        if beginning.exception() is not None:
            return
        try:
            if ending is None:
                await asyncio.to_thread(self._register.forget, beginning.result())
            else:
                await asyncio.to_thread(self._register.end, beginning.result(), ending)
        except Exception as error:
            logger.warning("An answer in a conversation was not written down (%s).", type(error).__name__)

    def _kept(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _ending_of(error: Exception, told: _Told, reader_left: bool) -> Ending | None:
    """Returns the record of an answer that broke, or None if it was refused before it began."""
    if told.answer_id is None:
        return None
    return told.broken("failed", reader_left, error.code if isinstance(error, YoujuError) else "internal_error")
