"""The order of answers. Each conversation has a lane, and its messages are answered in the order in which they came.

Only the thread of the event loop uses this module. So no lock is needed: nothing else runs between two `await`s.
"""

from __future__ import annotations

import asyncio

from api.channels.message import Message


def lane_of(message: Message) -> str:
    """Returns the lane of a message: the single chat, or one person's questions in a group.

    People in a group ask independently. Nobody there waits for the answer to somebody else.
    """
    if not message.group:
        return message.conversation_id
    return f"{message.conversation_id}\n{message.user_id or message.sender_id or ''}"


class Place:
    """The place of a message in its lane.

    Take it when the message arrives, and leave it when the message is settled.
    """

    def __init__(self, lanes: dict[str, list[Place]], name: str) -> None:
        self.crowded = False
        """True if another message of this lane was not settled at the same time as this one."""
        self._lanes = lanes
        self._name = name
        self._kept = False
        self._left = asyncio.Event()
        lanes.setdefault(name, []).append(self)

    def keep(self) -> None:
        """Mark the message as one to answer.

        If it has neighbours in the lane, all of them have to quote their questions.
        """
        self._kept = True
        neighbours = [place for place in self._lanes[self._name] if place._kept and place is not self]
        self.crowded = bool(neighbours)
        for place in neighbours:
            place.crowded = True

    async def first(self) -> None:
        """Return when all earlier messages have left."""
        lane = self._lanes[self._name]
        while lane[0] is not self:
            await lane[0]._left.wait()

    def leave(self) -> None:
        """Let the next message in. A second call does nothing."""
        if self._left.is_set():
            return
        # The tasks that wait for this event run only after this method. By then the place is removed.
        self._left.set()
        self._lanes[self._name].remove(self)
        if not self._lanes[self._name]:
            del self._lanes[self._name]


class Lanes:
    """The lanes of one bot. A lane exists as long as a message has a place in it."""

    def __init__(self) -> None:
        self._lanes: dict[str, list[Place]] = {}

    def join(self, message: Message) -> Place:
        """Returns a place behind all messages that are in the lane of this message."""
        return Place(self._lanes, lane_of(message))
