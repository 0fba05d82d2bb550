"""A message that someone sent to the bot in DingTalk.

The body of the HTTP callback and the `data` of the stream are the same object.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.channels.message import Message, restored
from ingest.errors import RequestError
from ingest.parse.text.encoding import storable

NAME = "dingtalk"
"""The name of this channel, in the inbox and in principals."""

_SESSION_MS = 5_400_000  # how long DingTalk keeps a session, if the message does not say it
_ID_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DingTalkMessage(Message):
    """A message with the way back to its chat.

    `user_id` is the sender's staff id. It is known only for members of the application's organisation. `insider`: the
    message names our organisation, and DingTalk knows the sender by a staff id there. `session_webhook` is the address
    for the answer until `session_expires_ms` (Unix time in milliseconds); it is a secret.
    """

    channel: str = NAME
    session_webhook: str = field(repr=False)
    session_expires_ms: int

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> DingTalkMessage:
        """Returns the message that `to_json` stored. See `restored`.

        Older versions stored `user_id` as `sender_staff_id`. They also stored `outsider`, which was false too if
        nothing was known of the sender, so it is left out.
        """
        least = {"channel": NAME, "session_webhook": "", "session_expires_ms": 0}
        return restored(cls, stored, **least, user_id=stored.get("sender_staff_id"))


def parse_message(body: object, corp_id: str | None = None) -> DingTalkMessage:
    """Read DingTalk's JSON object. Unknown fields are ignored.

    `corp_id` is our organisation if the settings name it. Otherwise our organisation is the robot's, which the message
    names. The result can be stored and sent: half a surrogate pair in a text is replaced, and an id with one is
    dropped. Raises RequestError if the body is not an object or lacks a field that every message has.
    """
    if not isinstance(body, Mapping):
        raise _bad("it is not a JSON object")
    msgtype = _required(body, "msgtype")
    expires_ms = body.get("sessionWebhookExpiredTime")
    staff_id = _id(body, "senderStaffId")
    return DingTalkMessage(
        id=_required(body, "msgId"),
        msgtype=msgtype,
        conversation_id=_required(body, "conversationId"),
        # If a chat is not clearly a single chat, others may read the answer too.
        group=_required(body, "conversationType") != "1",
        question=_question(msgtype, body),
        session_webhook=_id(body, "sessionWebhook") or "",
        session_expires_ms=expires_ms if isinstance(expires_ms, int) else int(time.time() * 1000) + _SESSION_MS,
        sender_id=_id(body, "senderId"),
        sender_name=_id(body, "senderNick"),
        user_id=staff_id,
        insider=staff_id is not None and _is_ours(body, corp_id),
    )


def _is_ours(body: Mapping[str, Any], corp_id: str | None) -> bool:
    """Returns True if the sender's organisation is named and is the robot's, and also the configured one if there is
    one.
    """
    sender, robot = _id(body, "senderCorpId"), _id(body, "chatbotCorpId")
    return sender is not None and sender == robot and corp_id in (None, sender)


def _question(msgtype: str, body: Mapping[str, Any]) -> str:
    """Returns the words of a message: a text, the text parts of a rich text, or the recognised words of a voice
    message.
    """
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
    # In a group the text begins with the space after the removed mention.
    return storable(words or "").strip()


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _id(body: Mapping[str, Any], name: str) -> str | None:
    """Returns the text of an id, or None.

    It has no control characters and no halves of characters, so databases store it.
    """
    value = _text(body, name)
    return value if value is not None and value.isprintable() and value.strip() else None


def _required(body: Mapping[str, Any], name: str) -> str:
    value = _id(body, name)
    if value is None or len(value) > _ID_CHARS:
        raise _bad(f"{name} is missing or not a printable text of at most {_ID_CHARS} characters")
    return value


def _bad(reason: str) -> RequestError:
    return RequestError("dingtalk_message_invalid", f"This is not a DingTalk message: {reason}.")
