"""What was said before in a single chat, so that a follow-up question is understood.

The conversations that the server keeps have it: each goes on until its chat is silent for half an hour. Where the
server keeps none, the last turns are in memory, and a restart loses them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from api.channels.message import Message
from assistant.conversation import Conversation, Turn
from assistant.events import Event
from assistant.history.owner import found_owner
from assistant.history.recording import Asked, Recorder
from assistant.history.records import turns_before
from assistant.history.register import Register
from ingest.access import Reader
from ingest.errors import YoujuError

_TURNS = 6
_CHATS = 1000
_SECONDS = 1800.0

logger = logging.getLogger(__name__)


class Memory:
    """Keeps at most a thousand chats with six turns each, for half an hour after the last turn."""

    def __init__(self) -> None:
        self._chats: OrderedDict[str, tuple[float, Conversation]] = OrderedDict()

    def recall(self, chat: str) -> Conversation:
        """Returns the turns of this chat, oldest first."""
        heard, turns = self._chats.get(chat, (0.0, ()))
        return turns if time.monotonic() - heard < _SECONDS else ()

    def remember(self, chat: str, question: str, answer: str) -> None:
        """Add a question and its answer."""
        turns = (*self.recall(chat), Turn("user", question), Turn("assistant", answer))
        self._chats[chat] = (time.monotonic(), turns[-_TURNS:])
        self._chats.move_to_end(chat)
        while len(self._chats) > _CHATS:
            self._chats.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Place:
    """The conversation that a message belongs to, whose it is, and the turns before the message."""

    conversation_id: str
    owner: str
    turns: Conversation


class KeptChats:
    """The single chats of a bot as conversations that the server keeps.

    A chat belongs to the person in it, who has it beside the conversations of the page. If the service does not say
    who that is, it belongs to the chat alone, and nobody can list it.
    """

    def __init__(self, register: Register, recorder: Recorder) -> None:
        self._register = register
        self._recorder = recorder

    async def place(self, message: Message, reader: Reader) -> Place | None:
        """Returns the conversation that goes on, or a new one. Returns None if it cannot be kept."""
        chat = hashlib.sha256(f"{message.channel} {message.conversation_id}".encode()).hexdigest()
        owner = found_owner(reader) or f"chat:{chat}"
        try:
            ongoing = await asyncio.to_thread(self._register.ongoing, owner, chat, _SECONDS)
            if ongoing is not None:
                kept, exchanges = ongoing
                return Place(kept.id, owner, turns_before(exchanges))
            made = await asyncio.to_thread(self._register.create, owner, chat=chat)
        except YoujuError as error:
            if error.code != "conversations_off":
                logger.warning("A chat of %s is not kept (%s).", message.channel, error.code)
            return None
        return Place(made.id, owner, ())

    def answer(self, question: str, place: Place, reader: Reader, stops: asyncio.Event) -> AsyncGenerator[Event, None]:
        """Yields the events of one answer, which is written down. `stops` is set when the bot stops."""
        return self._recorder.answer(Asked(question, place.conversation_id, place.owner, reader), stops)
