"""The last turns of single chats, so that a follow-up question is understood.

They are in memory; a restart loses them.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from assistant.conversation import Conversation, Turn

_TURNS = 6
_CHATS = 1000
_SECONDS = 1800.0


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
