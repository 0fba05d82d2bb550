"""A message that someone sent to a bot, as every channel sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

_LEAST: Mapping[str, Any] = {
    "id": "",
    "msgtype": "unknown",
    "conversation_id": "",
    "group": True,
    "question": "",
    "insider": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What inbox, lanes, memory and bot know of a message. A channel adds what it needs to reply, in a subclass.

    `channel` is the name of the channel, in rows and principals. `id` is unique within the channel. `msgtype` is
    `text` if the message was typed, otherwise the service's word for its kind. `question` is the text without
    surrounding white space. It is empty if the message has no text. `sender_id` and `sender_name` say who it was, in
    whatever form the service gives; they open nothing. `user_id` is the id of the sender within an organisation, the
    one that access rules name. `insider`: the sender is known to be a member of our organisation. All texts can be
    stored: they have no halves of surrogate pairs.
    """

    channel: str
    id: str
    msgtype: str
    conversation_id: str
    group: bool
    question: str = field(repr=False)
    sender_id: str | None = None
    sender_name: str | None = field(default=None, repr=False)
    user_id: str | None = None
    insider: bool = False

    def to_json(self) -> dict[str, Any]:
        """Returns all fields, for `restored`."""
        return asdict(self)


Received = TypeVar("Received", bound=Message)


def restored(kind: type[Received], stored: Mapping[str, Any], **least: Any) -> Received:
    """Returns the message of this kind that `to_json` stored. Fields that this version does not know are left out.

    A missing field gets the value that shows the sender the least. `least` has these values for the fields that the
    channel added, and the name of the channel.
    """
    known = {item.name for item in fields(kind)}
    return kind(**{**_LEAST, **least, **{name: value for name, value in stored.items() if name in known}})
