"""The bot, from message to answer. A channel parses messages before it, and sends answers behind it.

                                                                    ┌─► done
parse ► inbox (once) ► acknowledge ► lane ► assistant ► render ► send
                                                                    └─► failed

The messages of one conversation go this way one after the other. Different conversations go side by side.
All of it runs in one event loop. Only calls of the inbox cross to a thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, Protocol

from api.channels.access import reader_of
from api.channels.channel import Begin, Channel, DeliveryError, Replies
from api.channels.inbox import Database, Inbox
from api.channels.lanes import Lanes, Place
from api.channels.markdown import code_span, quoted
from api.channels.memory import KeptChats, Memory
from api.channels.message import Message, Received
from api.channels.render import Rendered, render
from api.channels.settings import BotSettings
from api.channels.texts import say, say_in_both
from assistant.conversation import Conversation
from assistant.events import Event
from assistant.prompts.answer_language import answer_language
from ingest.access import Reader
from ingest.errors import RequestError, UnavailableError, YoujuError

logger = logging.getLogger(__name__)

_ACKNOWLEDGE_SECONDS = 0.5
_UNHEARD_SECONDS = 30.0  # after this pause the work begins even if the service was not told
_NAME = "Youju 有据"


class Answers(Protocol):
    """The part of the assistant that a bot uses."""

    def answer(self, question: str, conversation: Conversation, reader: Reader) -> AsyncGenerator[Event, None]:
        """Yields the events of one answer."""
        ...


class Bot(Generic[Received]):
    """The bot of one channel. Build it inside the serving process. One event loop runs all of it.

    A channel makes a subclass that receives: it parses a message, calls `receive`, tells the service that the message
    was taken, and then calls what `receive` returned.
    """

    def __init__(
        self,
        channel: Channel[Received],
        assistant: Answers,
        database: Database,
        replier: Replies[Received],
        settings: BotSettings,
        kept: KeptChats | None = None,
    ) -> None:
        """Without `kept`, the turns of single chats are in memory only."""
        self._channel = channel
        self._label = channel.label
        self._assistant = assistant
        self._settings = settings
        self._inbox = Inbox(database, channel)
        self._replier = replier
        self._memory = Memory()
        self._kept = kept
        self._stops = asyncio.Event()
        self._lanes = Lanes()
        self._slots = asyncio.Semaphore(settings.parallel_answers)
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._settling: set[asyncio.Task[None]] = set()
        self._closing = False

    async def receive(self, message: Received) -> Begin:
        """Write a message down, unless it was written down before. Returns a function that begins the answer.

        Returns early enough for an acknowledgement within a second, even if the database is slow. Raises
        UnavailableError if the database refuses the message.
        """
        acknowledged = asyncio.Event()
        # The place is taken before the first wait. Otherwise a slow database could let a later message overtake this
        # one.
        storing = self._see_through(self._store(message, self._lanes.join(message), acknowledged))
        try:
            done, _ = await asyncio.wait({storing}, timeout=_ACKNOWLEDGE_SECONDS)
        except asyncio.CancelledError:
            # The caller has gone, so nobody acknowledges any more. A message that was written down is answered all the
            # same.
            acknowledged.set()
            raise
        if done and (error := storing.exception()):
            raise error
        return acknowledged.set

    async def resume(self, *, idle_seconds: float = 0.0) -> None:
        """Start answering accepted messages that are left over, oldest first. Call it once at start, before messages
        arrive.

        In later calls, `idle_seconds` leaves out messages that another process may still work on.
        """
        working = tuple(self._answering)
        for message in await asyncio.to_thread(self._inbox.left_over, except_for=working, idle_seconds=idle_seconds):
            if code := self._replier.closed(message):
                logger.warning("%s message %s stays without an answer (%s).", self._label, message.id, code)
                await asyncio.to_thread(self._inbox.finish, message.id, "failed", code)
            else:
                logger.info("%s message %s is left over; answering it.", self._label, message.id)
                self._start(message, self._lanes.join(message))

    async def tend(self) -> None:
        """Until cancelled, settle from time to time the messages that are left over. See `resume`."""
        while True:
            await asyncio.sleep(self._settings.sweep_seconds)
            try:
                await self.resume(idle_seconds=self._settings.stale_seconds)
            except Exception as error:
                kind = type(error).__name__
                logger.warning("The %s messages that are left over cannot be settled now (%s).", self._label, kind)

    async def aclose(self) -> None:
        """Stop. Messages that are being sent are sent to the end. The others stay accepted for the next start."""
        self._closing = True
        self._stops.set()
        for task in self._answering.values():
            task.cancel()
        await asyncio.gather(*self._answering.values(), return_exceptions=True)
        if self._settling:
            await asyncio.wait(self._settling, timeout=2 * self._settings.send_seconds)
        await self._replier.aclose()

    async def _store(self, message: Received, place: Place, acknowledged: asyncio.Event) -> None:
        try:
            new = await asyncio.to_thread(self._inbox.accept, message)
        except BaseException:
            place.leave()
            raise
        if new:
            self._start(message, place, acknowledged)
        else:
            place.leave()
            logger.info("%s message %s was delivered again.", self._label, message.id)

    def _start(self, message: Received, place: Place, acknowledged: asyncio.Event | None = None) -> None:
        """Answer in the background, after the message is acknowledged.

        A left-over message is never refused as one too many.
        """
        if self._closing or message.id in self._answering:
            place.leave()
            return
        place.keep()
        room = self._settings.parallel_answers + self._settings.waiting_answers
        full = acknowledged is not None and len(self._answering) >= room
        task = asyncio.create_task(self._answer(message, place, acknowledged, full=full))
        self._answering[message.id] = task
        task.add_done_callback(lambda _: self._answered(message, place))

    def _answered(self, message: Received, place: Place) -> None:
        self._answering.pop(message.id, None)
        place.leave()

    async def _answer(self, message: Received, place: Place, acknowledged: asyncio.Event | None, *, full: bool) -> None:
        if acknowledged is not None:
            # Not `wait_for`: until Python 3.12 it swallows the cancellation of a bot that stops at this very moment.
            with suppress(TimeoutError):
                async with asyncio.timeout(_UNHEARD_SECONDS):
                    await acknowledged.wait()
        try:
            if full:
                rendered = Rendered(say("too_many", answer_language(message.question)))
            else:
                async with self._told_to_wait(message) as waiting:
                    await place.first()
                    async with self._slots:
                        waiting.set()
                        rendered = await self._compose(message)
        except Exception:
            logger.exception("%s message %s was not answered.", self._label, message.id)
            rendered = Rendered(say_in_both("failed", code=code_span("internal_error")))
        markdown = rendered.markdown
        if message.group or place.crowded:
            markdown = quoted(message.question) + markdown
        # Delivery has a task of its own, and `aclose` does not cancel it. If it stopped in the middle, nobody would
        # know whether the answer was seen.
        await asyncio.wait({self._see_through(self._deliver(message, place, markdown))})

    @asynccontextmanager
    async def _told_to_wait(self, message: Received) -> AsyncIterator[asyncio.Event]:
        """Tell the asker once that the message waits, unless the yielded event is set soon.

        The answer is sent after that.
        """
        begun = asyncio.Event()
        telling = self._see_through(self._tell_to_wait(message, begun))
        try:
            yield begun
        finally:
            begun.set()
            if not self._closing:
                await asyncio.wait({telling})

    async def _tell_to_wait(self, message: Received, begun: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(begun.wait(), self._settings.queue_notice_seconds)
        if begun.is_set() or self._closing:
            return
        try:
            if await asyncio.to_thread(self._inbox.tell_to_wait, message.id):
                text = say("queued", answer_language(message.question))
                await self._replier.send(message, _title(message), quoted(message.question) + text)
        except Exception as error:
            # This notice is only a courtesy. The answer settles the message. Only the type is logged, for the reason in
            # `_deliver`.
            kind = type(error).__name__
            logger.warning("The asker of %s message %s was not told to wait (%s).", self._label, message.id, kind)

    async def _compose(self, message: Received) -> Rendered:
        """Returns the message to send. Errors of the assistant are told in the asker's language."""
        if not message.question:
            return Rendered(say_in_both("no_question" if message.msgtype == "text" else "unsupported"))
        if not message.insider:
            logger.info("%s message %s comes from nobody known to be of our organisation.", self._label, message.id)
        reader = reader_of(message, self._settings.sources)
        place = await self._kept.place(message, reader) if self._kept is not None and not message.group else None
        conversation = place.turns if place is not None else self._recalled(message)
        language = answer_language(message.question, conversation)
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                if place is not None and self._kept is not None:
                    events = self._kept.answer(message.question, place, reader, self._stops)
                else:
                    events = self._assistant.answer(message.question, conversation, reader)
                rendered = await render(events, language, self._channel.layout, self._settings.public_url)
        except TimeoutError:
            return Rendered(say("too_slow", language))
        except RequestError as error:
            return Rendered(say("request_refused", language, code=code_span(error.code)))
        except YoujuError as error:
            logger.warning("%s message %s was not answered: %s", self._label, message.id, error)
            return Rendered(say("failed", language, code=code_span(error.code)))
        except Exception:
            logger.exception("%s message %s was not answered.", self._label, message.id)
            return Rendered(say("failed", language, code=code_span("internal_error")))
        if rendered.answer and not message.group and place is None:
            self._memory.remember(message.conversation_id, message.question, rendered.answer)
        return rendered

    def _recalled(self, message: Received) -> Conversation:
        return () if message.group else self._memory.recall(message.conversation_id)

    async def _deliver(self, message: Received, place: Place, markdown: str) -> None:
        if not await asyncio.to_thread(self._inbox.begin_sending, message.id):
            logger.info("%s message %s is answered by another process.", self._label, message.id)
            return
        try:
            try:
                await self._replier.send(message, _title(message), markdown)
            finally:
                place.leave()  # the next message need not wait for the database
        except DeliveryError as error:
            told = (self._label, message.id, error.code, error)
            logger.error("The answer to %s message %s was not delivered (%s): %s", *told)
            await asyncio.to_thread(self._inbox.finish, message.id, "failed", error.code)
        except Exception as error:
            # Only the type is logged. The text of such an error can hold the answer, or the way back to the chat,
            # which can be a password.
            kind = type(error).__name__
            logger.error("The answer to %s message %s was not delivered: %s.", self._label, message.id, kind)
            await asyncio.to_thread(self._inbox.finish, message.id, "failed", "internal_error")
        else:
            await asyncio.to_thread(self._inbox.finish, message.id, "done")

    def _see_through(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Returns a task that runs `work`. `aclose` waits for it, and its failure is logged."""
        task = asyncio.create_task(work)
        self._settling.add(task)
        task.add_done_callback(self._settled)
        return task

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._settling.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, UnavailableError):
            logger.error("A %s message could not be kept in the database: %s", self._label, error)
        elif error is not None:
            logger.error("A %s message could not be settled.", self._label, exc_info=error)


def _title(message: Message) -> str:
    return " ".join(message.question.split()) or _NAME
