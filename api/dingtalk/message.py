"""A message that someone sent to the bot. The HTTP callback's body and the stream's `data` are the same object."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ingest.errors import RequestError
from ingest.parse.text.encoding import storable

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
    "insider": False,
}


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What the bot uses of a message, as DingTalk said it.

    `question` is the text, stripped, and empty where the message has none. `session_webhook` is where the answer
    goes until `session_expires_ms` (Unix time in milliseconds); it is a secret. `sender_staff_id` is known for
    members of the application's organisation only. `insider` says that the sender is known to be one of them: their
    organisation is named and is ours, and DingTalk knows them there by a staff id.
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
    insider: bool = False

    def to_json(self) -> dict[str, Any]:
        """All fields, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> InboundMessage:
        """What `to_json` stored, of this version or another: what is not known is left out.

        What is missing takes the value that lets the sender see the least. Older versions stored `outsider`, which
        was false too where nothing was known of the sender: it is left out.
        """
        known = {item.name for item in fields(cls)}
        return cls(**({**_LEAST, **{name: value for name, value in stored.items() if name in known}}))


def parse_message(body: object, corp_id: str | None = None) -> InboundMessage:
    """Read DingTalk's JSON object; fields that are not known are ignored.

    `corp_id` is our organisation where the settings name it; else it is the robot's, as the message has it.
    Text can be stored and sent: half a surrogate pair in it is replaced, and an id that has one is no id.
    Raises RequestError where it is not an object or lacks what every message has.
    """
    if not isinstance(body, Mapping):
        raise _bad("it is not a JSON object")
    msgtype = _required(body, "msgtype")
    expires_ms = body.get("sessionWebhookExpiredTime")
    staff_id = _id(body, "senderStaffId")
    return InboundMessage(
        id=_required(body, "msgId"),
        msgtype=msgtype,
        conversation_id=_required(body, "conversationId"),
        # Anything that is not plainly a single chat is read by more than the sender.
        group=_required(body, "conversationType") != "1",
        question=_question(msgtype, body),
        session_webhook=_id(body, "sessionWebhook") or "",
        session_expires_ms=expires_ms if isinstance(expires_ms, int) else int(time.time() * 1000) + _SESSION_MS,
        sender_id=_id(body, "senderId"),
        sender_staff_id=staff_id,
        insider=staff_id is not None and _is_ours(body, corp_id),
    )


def _is_ours(body: Mapping[str, Any], corp_id: str | None) -> bool:
    """Whether the sender's organisation is named and is the robot's, and the configured one where there is one."""
    sender, robot = _id(body, "senderCorpId"), _id(body, "chatbotCorpId")
    return sender is not None and sender == robot and corp_id in (None, sender)


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
    return storable(words or "").strip()


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _id(body: Mapping[str, Any], name: str) -> str | None:
    """A text without control characters and halves of characters: no database stores those as they are."""
    value = _text(body, name)
    return value if value is not None and value.isprintable() and value.strip() else None


def _required(body: Mapping[str, Any], name: str) -> str:
    value = _id(body, name)
    if value is None or len(value) > _ID_CHARS:
        raise _bad(f"{name} is missing or not a printable text of at most {_ID_CHARS} characters")
    return value


def _bad(reason: str) -> RequestError:
    return RequestError("dingtalk_message_invalid", f"This is not a DingTalk message: {reason}.")
