"""Who is answered after whom: one lane per conversation, where messages are answered in the order they came."""

from __future__ import annotations

import asyncio

from api.dingtalk.message import InboundMessage


def lane_of(message: InboundMessage) -> str:
    """The conversation that a message belongs to: a single chat, or one person's questions in a group.

    In a group people ask independently of each other: nobody waits there for the answer to somebody else.
    """
    if not message.group:
        return message.conversation_id
    return f"{message.conversation_id}\n{message.sender_staff_id or message.sender_id or ''}"


class Place:
    """A message's place in its lane. Take it when the message arrives, and leave it when the message is settled."""

    def __init__(self, lanes: dict[str, list[Place]], name: str) -> None:
        self.crowded = False
        """Whether another message of this lane came while this one was not settled, or was not settled as it came."""
        self._lanes = lanes
        self._name = name
        self._kept = False
        self._left = asyncio.Event()
        lanes.setdefault(name, []).append(self)

    def keep(self) -> None:
        """The message is to be answered, and its neighbours in the lane have to be told apart from it."""
        self._kept = True
        neighbours = [place for place in self._lanes[self._name] if place._kept and place is not self]
        self.crowded = bool(neighbours)
        for place in neighbours:
            place.crowded = True

    async def first(self) -> None:
        """Return when every message that came before has left."""
        lane = self._lanes[self._name]
        while lane[0] is not self:
            await lane[0]._left.wait()

    def leave(self) -> None:
        """Let the next one in. Leaving again changes nothing."""
        if self._left.is_set():
            return
        self._left.set()
        self._lanes[self._name].remove(self)
        if not self._lanes[self._name]:
            del self._lanes[self._name]


class Lanes:
    """The lanes of one bot. A lane lasts as long as somebody has a place in it."""

    def __init__(self) -> None:
        self._lanes: dict[str, list[Place]] = {}

    def join(self, message: InboundMessage) -> Place:
        """A place behind all messages of the same conversation that have one."""
        return Place(self._lanes, lane_of(message))
