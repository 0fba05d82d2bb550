"""A message that someone sent to the bot. The HTTP callback's body and the stream's `data` are the same object."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ingest.errors import RequestError

_SESSION_MS = 5_400_000  # what DingTalk gives a session where it does not say how long it lasts
_ID_CHARS = 200
_LEAST: Mapping[str, Any] = {
    "id": "",
    "msgtype": "unknown",
    "conversation_id": "",
    "group": True,
    "question": "",
    "session_webhook": "",
    "session_expires_ms": 0,
    "outsider": True,
}


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What the bot uses of a message, as DingTalk said it.

    `question` is the text, stripped, and empty where the message has none. `session_webhook` is where the answer
    goes until `session_expires_ms` (Unix time in milliseconds); it is a secret. `sender_staff_id` is known for
    members of the application's organisation only; `outsider` says that the sender belongs to another one.
    """

    id: str
    msgtype: str
    conversation_id: str
    group: bool
    question: str = field(repr=False)
    session_webhook: str = field(repr=False)
    session_expires_ms: int
    sender_id: str | None = None
    sender_staff_id: str | None = None
    outsider: bool = False

    def to_json(self) -> dict[str, Any]:
        """All fields, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> InboundMessage:
        """What `to_json` stored, of this version or another: what is not known is left out.

        What is missing takes the value that lets the sender see the least.
        """
        known = {item.name for item in fields(cls)}
        return cls(**({**_LEAST, **{name: value for name, value in stored.items() if name in known}}))


def parse_message(body: object) -> InboundMessage:
    """Read DingTalk's JSON object; fields that are not known are ignored.

    Raises RequestError where it is not an object or lacks what every message has.
    """
    if not isinstance(body, Mapping):
        raise _bad("it is not a JSON object")
    msgtype = _required(body, "msgtype")
    expires_ms = body.get("sessionWebhookExpiredTime")
    sender_corp, bot_corp = _text(body, "senderCorpId"), _text(body, "chatbotCorpId")
    return InboundMessage(
        id=_required(body, "msgId"),
        msgtype=msgtype,
        conversation_id=_required(body, "conversationId"),
        # Anything that is not plainly a single chat is read by more than the sender.
        group=_required(body, "conversationType") != "1",
        question=_question(msgtype, body),
        session_webhook=_text(body, "sessionWebhook") or "",
        session_expires_ms=expires_ms if isinstance(expires_ms, int) else int(time.time() * 1000) + _SESSION_MS,
        sender_id=_text(body, "senderId"),
        sender_staff_id=_text(body, "senderStaffId"),
        outsider=bool(sender_corp and bot_corp and sender_corp != bot_corp),
    )


def _question(msgtype: str, body: Mapping[str, Any]) -> str:
    """The words of a message: a text, the text parts of a rich text, what a voice message was heard to say."""
    content = body.get("content")
    if msgtype == "text":
        text = body.get("text")
        words = _text(text, "content") if isinstance(text, Mapping) else None
    elif msgtype == "audio" and isinstance(content, Mapping):
        words = _text(content, "recognition")
    elif msgtype == "richText" and isinstance(content, Mapping):
        parts = content.get("richText")
        items = parts if isinstance(parts, list) else []
        words = "".join(_text(item, "text") or "" for item in items if isinstance(item, Mapping))
    else:
        words = None
    # A group message begins with the space that the removed mention left.
    return (words or "").strip()


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _required(body: Mapping[str, Any], name: str) -> str:
    value = _text(body, name)
    if value is None or len(value) > _ID_CHARS:
        raise _bad(f"{name} is missing or not a text of at most {_ID_CHARS} characters")
    return value


def _bad(reason: str) -> RequestError:
    return RequestError("dingtalk_message_invalid", f"This is not a DingTalk message: {reason}.")
