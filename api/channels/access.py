"""For whom a bot reads: what everyone in the chat may read, and no more."""

from __future__ import annotations

from collections.abc import Collection

from api.channels.message import Message
from ingest.access import EVERYONE, Reader, is_principal


def reader_of(message: Message, sources: Collection[str] = ()) -> Reader:
    """Returns the reader for the answer. It may read what everyone in the chat may read, of these sources, or of all if
    there are none.

    In a group that is what everyone may read, and what belongs to the group. In a single chat it is also what belongs
    to the person. If the sender is not known to be of our organisation, the reader has neither `everyone` nor a
    principal of a person.
    """
    member = message.insider and message.user_id is not None
    principals = {EVERYONE} if member else set()
    if message.group:
        principals.add(f"group:{message.channel}:{message.conversation_id}")
    elif member:
        principals.add(f"user:{message.channel}:{message.user_id}")
    return Reader(principals=frozenset(filter(is_principal, principals)), sources=frozenset(sources) or None)
