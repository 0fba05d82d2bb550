"""Sends an answer to the webhook that came with the message, and only to DingTalk.

HTTP status 200 does not mean success in DingTalk. `errcode` in the body does.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from functools import partial

import httpx

from api.channels.channel import DeliveryError
from api.channels.markdown import split_markdown
from api.dingtalk.message import DingTalkMessage
from api.dingtalk.settings import DingTalkSettings
from ingest.errors import ConfigurationError
from ingest.network.bodies import AS_IT_IS, ERROR_BYTES, Body, BodyError
from ingest.network.retrying import Patience, TransientError, retried_beside, retry_after
from ingest.network.secrecy import hide_secrets_of_requests
from ingest.parse.text.encoding import storable

_TOO_LONG = {460101, 101002}
_TOO_FAST = {88, 90002, 90018, 90030, 130101}
_SESSION_GONE = 300001
_QUOTA = 90020
_EXPIRED = "dingtalk_session_expired"
_ATTEMPTS = 4
_BUSY_SECONDS = 120.0
_SMALLEST_PART = 100
_TITLE_CHARS = 20
_STAFF_ID = re.compile(r"[\w.$-]{1,64}", re.ASCII)


class _TooLongError(Exception):
    """DingTalk asks for smaller parts."""


class Replier:
    """Sends answers. One HTTP client sends all of them. `aclose` closes it."""

    def __init__(self, settings: DingTalkSettings) -> None:
        self._settings = settings
        self._origins = _origins(settings)
        hide_secrets_of_requests()
        self._client = httpx.AsyncClient(headers=AS_IT_IS, timeout=settings.send_seconds, follow_redirects=False)

    def closed(self, message: DingTalkMessage) -> str | None:
        """Returns the code `dingtalk_session_expired` if the chat session of the message has ended."""
        return _EXPIRED if time.time() * 1000 >= message.session_expires_ms else None

    async def send(self, message: DingTalkMessage, title: str, markdown: str) -> None:
        """Send `markdown` in as many parts as it needs. In a group, the first part mentions the asker.

        A model may write half a surrogate pair, which JSON cannot hold. It is shown as U+FFFD. Raises DeliveryError. If
        it is unknown whether a part arrived, that part is never sent again.
        """
        self._check(message)
        title, markdown = storable(title), storable(markdown)
        mention = _mention(message)
        limit = self._settings.part_chars
        parts = deque(split_markdown(f"@{mention}\n\n{markdown}" if mention else markdown, limit))
        while parts:
            part = parts.popleft()
            try:
                await self._send_part(message, title, part, mention)
            except _TooLongError:
                limit = len(part) // 2
                if limit < _SMALLEST_PART:
                    raise DeliveryError("dingtalk_answer_too_long", "DingTalk finds every part too long.") from None
                parts.extendleft(reversed(split_markdown(part, limit)))
            mention = None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _check(self, message: DingTalkMessage) -> None:
        """Refuse a webhook that is not DingTalk's. It came from a caller, and it names the host to connect to."""
        try:
            url = httpx.URL(message.session_webhook)
        except httpx.InvalidURL:
            url = httpx.URL("")
        if _origin(url) not in self._origins or url.userinfo:
            raise DeliveryError(
                "dingtalk_webhook_host",
                f"The message's webhook is on {url.host[:100] or 'no host'!r}, which is not DingTalk's.",
                "If it should be allowed, add the host to YOUJU_DINGTALK_WEBHOOK_HOSTS.",
            )

    async def _send_part(self, message: DingTalkMessage, title: str, part: str, mention: str | None) -> None:
        body: dict[str, object] = {
            "msgtype": "markdown",
            "markdown": {"title": title[:_TITLE_CHARS], "text": part},
        }
        if mention and part.startswith(f"@{mention}"):
            body["at"] = {"atUserIds": [mention], "isAtAll": False}
        first, longest = self._settings.retry_seconds
        patience = Patience(_ATTEMPTS, _BUSY_SECONDS, first, longest)
        await retried_beside(partial(self._try_part, message, body), patience)

    async def _try_part(self, message: DingTalkMessage, body: dict[str, object]) -> None:
        """Send the part once. Raises TransientError if nothing was delivered and another try may succeed."""
        if self.closed(message):
            raise DeliveryError(_EXPIRED, "The chat session ended before the answer was ready.")
        try:
            async with self._client.stream("POST", message.session_webhook, json=body) as response:
                said = await _read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise _busy() from None
        except httpx.HTTPError as error:
            # The part may have arrived all the same. Nobody wants to read an answer twice.
            raise DeliveryError("dingtalk_delivery_unknown", f"DingTalk broke off ({type(error).__name__}).") from None
        if response.status_code in (429, 503):
            raise _busy(retry_after(response.headers.get("retry-after")))
        _settle(response, said)


async def _read(response: httpx.Response) -> bytes:
    """Returns the body. Returns no bytes if it is too large or packed."""
    try:
        body = Body(response.headers, ERROR_BYTES)
        async for piece in response.aiter_raw():
            body.add(piece)
    except BodyError:
        return b""
    return bytes(body.data)


def _settle(response: httpx.Response, said: bytes) -> None:
    """Return if the part was shown. Otherwise raise the error that its code means."""
    try:
        errcode = json.loads(said)["errcode"]
    except (ValueError, KeyError, TypeError, RecursionError):
        errcode = None
    errcode = errcode if isinstance(errcode, int) else None
    if errcode == 0 and response.is_success:
        return
    if errcode in _TOO_LONG:
        raise _TooLongError
    if errcode in _TOO_FAST:
        raise _busy()
    if errcode == _SESSION_GONE:
        raise DeliveryError(_EXPIRED, "DingTalk does not know the chat session any more.")
    if errcode == _QUOTA:
        raise DeliveryError(
            "dingtalk_quota_used_up", "The organisation's monthly quota is used up.", "Extend it in DingTalk's console."
        )
    raise DeliveryError("dingtalk_refused", f"DingTalk refused (HTTP {response.status_code}, errcode {errcode!r:.20}).")


def _busy(retry_seconds: float | None = None) -> TransientError:
    """Returns the error for a part that was not delivered and can be sent again a little later."""
    return TransientError(DeliveryError("dingtalk_busy", "DingTalk is busy or cannot be reached."), retry_seconds)


def _mention(message: DingTalkMessage) -> str | None:
    known = message.group and message.user_id is not None and _STAFF_ID.fullmatch(message.user_id)
    return message.user_id if known else None


def _origins(settings: DingTalkSettings) -> frozenset[str]:
    hosts = (*settings.webhook_hosts, settings.oapi_base)
    try:
        return frozenset(_origin(httpx.URL(host if "://" in host else f"https://{host}")) for host in hosts)
    except httpx.InvalidURL:
        raise ConfigurationError(
            "invalid_setting",
            "YOUJU_DINGTALK_WEBHOOK_HOSTS or YOUJU_DINGTALK_OAPI_BASE is not an address.",
            "Write hosts as oapi.dingtalk.com, base addresses as https://oapi.dingtalk.com.",
        ) from None


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.host}:{url.port}"
