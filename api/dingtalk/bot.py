"""The DingTalk bot, from message to answer.

callback ─┐                                                          ┌─► done
          ├─► parse ► inbox (once) ► acknowledge ► assistant ► render ► send
stream ───┘                                                          └─► failed

The messages of one conversation go this way one after the other. Different conversations go side by side.
All of it runs in one event loop. Only calls of the inbox cross to a thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import sqlalchemy as sa
from fastapi import APIRouter

from api.dingtalk.callback import callback_router
from api.dingtalk.inbox import Inbox
from api.dingtalk.lanes import Lanes, Place
from api.dingtalk.markdown import code_span, quoted
from api.dingtalk.memory import Memory
from api.dingtalk.message import InboundMessage, parse_message
from api.dingtalk.render import Rendered, render
from api.dingtalk.reply import DeliveryError, Replier
from api.dingtalk.settings import DingTalkSettings
from api.dingtalk.stream import Begin, StreamClient
from api.dingtalk.texts import say, say_in_both
from assistant.conversation import Conversation
from assistant.events import Event
from assistant.prompts import answer_language
from ingest.access import EVERYONE, Reader, is_principal
from ingest.errors import ConfigurationError, RequestError, UnavailableError, YoujuError

logger = logging.getLogger(__name__)

_ACKNOWLEDGE_SECONDS = 0.5
_UNHEARD_SECONDS = 30.0  # after this pause the work begins even if DingTalk was not told
_NAME = "Youju 有据"


class Answers(Protocol):
    """The part of the assistant that the bot uses."""

    def answer(self, question: str, conversation: Conversation, reader: Reader) -> AsyncGenerator[Event, None]:
        """Yields the events of one answer."""
        ...


def reader_of(message: InboundMessage) -> Reader:
    """Returns the reader for the answer. It may read what everyone in the chat may read.

    In a group that is what everyone may read, and what belongs to the group. In a single chat it is also what belongs
    to the person. If the sender is not known to be of our organisation, the reader has neither `everyone` nor a
    principal of a person.
    """
    member = message.insider and message.sender_staff_id is not None
    principals = {EVERYONE} if member else set()
    if message.group:
        principals.add(f"group:dingtalk:{message.conversation_id}")
    elif member:
        principals.add(f"user:dingtalk:{message.sender_staff_id}")
    return Reader(principals=frozenset(filter(is_principal, principals)))


class DingTalkBot:
    """One robot of one DingTalk application. Build it inside the serving process. One event loop runs all of it."""

    def __init__(self, assistant: Answers, engine: sa.Engine, settings: DingTalkSettings) -> None:
        self._assistant = assistant
        self._settings = settings
        self._inbox = Inbox(engine)
        self._replier = Replier(settings)
        self._memory = Memory()
        self._lanes = Lanes()
        self._slots = asyncio.Semaphore(settings.parallel_answers)
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._settling: set[asyncio.Task[None]] = set()
        self._closing = False
        self.router: APIRouter = callback_router(settings, self.accept)

    async def accept(self, body: object) -> Begin:
        """Write a message down, unless it was written down before. Returns a function that begins the answer.

        Returns early enough for an acknowledgement within a second, even if the database is slow. Raises RequestError
        if the body is not a message, UnavailableError if the database refuses it.
        """
        message = parse_message(body, self._settings.corp_id)
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

    async def run_stream(self) -> None:
        """Receive messages over DingTalk's stream until cancelled. Returns if DingTalk refuses the application."""
        try:
            await StreamClient(self._settings, self.accept).run()
        except ConfigurationError as error:
            logger.error("The DingTalk stream is off: %s", error)

    async def resume(self, *, idle_seconds: float = 0.0) -> None:
        """Start answering accepted messages that are left over, oldest first. Call it once at start, before messages
        arrive.

        In later calls, `idle_seconds` leaves out messages that another process may still work on.
        """
        working = tuple(self._answering)
        for message in await asyncio.to_thread(self._inbox.left_over, except_for=working, idle_seconds=idle_seconds):
            if time.time() * 1000 >= message.session_expires_ms:
                logger.warning("DingTalk message %s stays without an answer: its session has ended.", message.id)
                await asyncio.to_thread(self._inbox.finish, message.id, "failed", "dingtalk_session_expired")
            else:
                logger.info("DingTalk message %s is left over; answering it.", message.id)
                self._start(message, self._lanes.join(message))

    async def tend(self) -> None:
        """Until cancelled, settle from time to time the messages that are left over. See `resume`."""
        while True:
            await asyncio.sleep(self._settings.sweep_seconds)
            try:
                await self.resume(idle_seconds=self._settings.stale_seconds)
            except Exception as error:
                kind = type(error).__name__
                logger.warning("The DingTalk messages that are left over cannot be settled now (%s).", kind)

    async def aclose(self) -> None:
        """Stop. Messages that are being sent are sent to the end. The others stay accepted for the next start."""
        self._closing = True
        for task in self._answering.values():
            task.cancel()
        await asyncio.gather(*self._answering.values(), return_exceptions=True)
        if self._settling:
            await asyncio.wait(self._settling, timeout=2 * self._settings.send_seconds)
        await self._replier.aclose()

    async def _store(self, message: InboundMessage, place: Place, acknowledged: asyncio.Event) -> None:
        try:
            new = await asyncio.to_thread(self._inbox.accept, message)
        except BaseException:
            place.leave()
            raise
        if new:
            self._start(message, place, acknowledged)
        else:
            place.leave()
            logger.info("DingTalk message %s was delivered again.", message.id)

    def _start(self, message: InboundMessage, place: Place, acknowledged: asyncio.Event | None = None) -> None:
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

    def _answered(self, message: InboundMessage, place: Place) -> None:
        self._answering.pop(message.id, None)
        place.leave()

    async def _answer(
        self, message: InboundMessage, place: Place, acknowledged: asyncio.Event | None, *, full: bool
    ) -> None:
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
            logger.exception("DingTalk message %s was not answered.", message.id)
            rendered = Rendered(say_in_both("failed", code=code_span("internal_error")))
        markdown = rendered.markdown
        if message.group or place.crowded:
            markdown = quoted(message.question) + markdown
        # Delivery has a task of its own, and `aclose` does not cancel it. If it stopped in the middle, nobody would
        # know whether the answer was seen.
        await asyncio.wait({self._see_through(self._deliver(message, place, markdown))})

    @asynccontextmanager
    async def _told_to_wait(self, message: InboundMessage) -> AsyncIterator[asyncio.Event]:
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

    async def _tell_to_wait(self, message: InboundMessage, begun: asyncio.Event) -> None:
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
            logger.warning("The asker of DingTalk message %s was not told to wait (%s).", message.id, kind)

    async def _compose(self, message: InboundMessage) -> Rendered:
        """Returns the message to send. Errors of the assistant are told in the asker's language."""
        if not message.question:
            return Rendered(say_in_both("no_question" if message.msgtype == "text" else "unsupported"))
        if not message.insider:
            logger.info("DingTalk message %s comes from nobody known to be of our organisation.", message.id)
        conversation = () if message.group else self._memory.recall(message.conversation_id)
        language = answer_language(message.question, conversation)
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                events = self._assistant.answer(message.question, conversation, reader_of(message))
                rendered = await render(events, language, self._settings.public_url)
        except TimeoutError:
            return Rendered(say("too_slow", language))
        except RequestError as error:
            return Rendered(say("request_refused", language, code=code_span(error.code)))
        except YoujuError as error:
            logger.warning("DingTalk message %s was not answered: %s", message.id, error)
            return Rendered(say("failed", language, code=code_span(error.code)))
        except Exception:
            logger.exception("DingTalk message %s was not answered.", message.id)
            return Rendered(say("failed", language, code=code_span("internal_error")))
        if rendered.answer and not message.group:
            self._memory.remember(message.conversation_id, message.question, rendered.answer)
        return rendered

    async def _deliver(self, message: InboundMessage, place: Place, markdown: str) -> None:
        if not await asyncio.to_thread(self._inbox.begin_sending, message.id):
            logger.info("DingTalk message %s is answered by another process.", message.id)
            return
        try:
            try:
                await self._replier.send(message, _title(message), markdown)
            finally:
                place.leave()  # the next message need not wait for the database
        except DeliveryError as error:
            logger.error("The answer to DingTalk message %s was not delivered (%s): %s", message.id, error.code, error)
            await asyncio.to_thread(self._inbox.finish, message.id, "failed", error.code)
        except Exception as error:
            # Only the type is logged. The text of such an error can hold the answer, or the webhook, which is a
            # password.
            kind = type(error).__name__
            logger.error("The answer to DingTalk message %s was not delivered: %s.", message.id, kind)
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
            logger.error("A DingTalk message could not be kept in the database: %s", error)
        elif error is not None:
            logger.error("A DingTalk message could not be settled.", exc_info=error)


def _title(message: InboundMessage) -> str:
    return " ".join(message.question.split()) or _NAME
