"""DingTalk's stream: one outgoing WebSocket brings all messages, so this machine need not be reachable.

The client opens a connection with a ticket that works once, reads frames, and acknowledges each one at once. The
protocol does not repeat lost messages, so the client must stay connected. It reconnects by itself, and treats a long
silence as a dead connection.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.channels.channel import Begin
from api.dingtalk.settings import DingTalkSettings
from ingest.errors import ConfigurationError, RequestError, UnavailableError
from ingest.network.bodies import AS_IT_IS, ERROR_BYTES, Body
from ingest.network.secrecy import hide_secrets_of_requests

logger = logging.getLogger(__name__)

BOT_TOPIC = "/v1.0/im/bot/messages/get"
_OPEN_SECONDS = 10.0
_HEALTHY_SECONDS = 30.0
_FRAME_BYTES = 1 << 20
_SILENCE = logging.Logger("silence", level=logging.CRITICAL + 1)
"""A logger for the WebSocket library, which would write the ticket and every frame to a debug log. It is registered
nowhere, so no logging configuration can turn it on.
"""

Accept = Callable[[object], Awaitable[Begin]]
"""Takes the JSON object of a message and returns when it is written down. The function that it returns begins the
answer; it is called after DingTalk was told. Raises RequestError if the object is not a message, UnavailableError if it
cannot be kept.
"""


class StreamClient:
    """Keeps one connection to DingTalk and passes every bot message to `accept`."""

    def __init__(self, settings: DingTalkSettings, accept: Accept) -> None:
        self._settings = settings
        self._accept = accept
        hide_secrets_of_requests()

    async def run(self) -> None:
        """Stay connected until cancelled. Raises ConfigurationError if DingTalk refuses the credentials."""
        failures = 0
        async with httpx.AsyncClient(headers=AS_IT_IS, timeout=_OPEN_SECONDS) as client:
            while True:
                began, asked = time.monotonic(), False
                try:
                    asked = await self._connection(client)
                except ConfigurationError:
                    raise
                except Exception as error:
                    # Whatever the error is, messages are lost until the client is connected again. Only the type is
                    # logged, because the text can hold the address, and the address holds the ticket.
                    logger.warning("The DingTalk stream broke (%s); connecting again.", type(error).__name__)
                if time.monotonic() - began >= _HEALTHY_SECONDS:
                    failures = 0
                await asyncio.sleep(self._pause(failures, asked=asked))
                failures += 1

    def _pause(self, failures: int, *, asked: bool) -> float:
        """Returns the seconds to wait.

        DingTalk moves connections on purpose; the first time after that, the wait is short.
        """
        first, longest = self._settings.reconnect_seconds
        if asked and not failures:
            return random.uniform(0, min(first, 0.5))  # noqa: S311 - spreads load, hides nothing
        pause: float = min(first * 2 ** min(failures, 20), longest)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311

    async def _connection(self, client: httpx.AsyncClient) -> bool:
        """Run one connection from its ticket to its end. Returns True if DingTalk asked for a new one."""
        address = await self._open(client)
        async with connect(address, logger=_SILENCE, max_size=_FRAME_BYTES, open_timeout=_OPEN_SECONDS) as socket:
            logger.info("The DingTalk stream is connected.")
            while True:
                try:
                    async with asyncio.timeout(self._settings.idle_seconds):
                        raw = await socket.recv()
                except TimeoutError:
                    raise UnavailableError("dingtalk_silent", "Nothing was heard from DingTalk.") from None
                except ConnectionClosed as closed:
                    code = closed.rcvd.code if closed.rcvd else None
                    logger.info("DingTalk closed the stream (code %s); connecting again.", code)
                    return False
                if await self._frame(socket, raw):
                    return True

    async def _open(self, client: httpx.AsyncClient) -> str:
        """Ask for a ticket. Returns the address to connect to, which is a secret."""
        asked = client.stream(
            "POST",
            f"{self._settings.api_base}/v1.0/gateway/connections/open",
            headers={"Accept": "application/json"},
            json={
                "clientId": self._settings.client_id,
                "clientSecret": self._settings.client_secret.get_secret_value(),
                "subscriptions": [{"type": "CALLBACK", "topic": BOT_TOPIC}],
                "ua": "youju",
            },
        )
        async with asked as response:
            read = Body(response.headers, ERROR_BYTES)  # its errors count as a broken stream
            async for piece in response.aiter_raw():
                read.add(piece)
        body = _object(read.text)
        if response.status_code in (400, 401, 403) and "QpsLimit" not in str(body.get("code")):
            raise ConfigurationError(
                "dingtalk_refused",
                f"DingTalk refused the application (HTTP {response.status_code}, {str(body.get('code'))[:60]}).",
                "Check YOUJU_DINGTALK_CLIENT_ID and YOUJU_DINGTALK_CLIENT_SECRET, and that the application is "
                "published with its robot in stream mode; then start again.",
            )
        endpoint, ticket = body.get("endpoint"), body.get("ticket")
        if not response.is_success or not isinstance(endpoint, str) or not isinstance(ticket, str):
            raise UnavailableError("dingtalk_no_ticket", f"DingTalk gave no ticket (HTTP {response.status_code}).")
        if not endpoint.startswith("wss://") and self._settings.api_base.startswith("https://"):
            raise UnavailableError("dingtalk_endpoint_insecure", "DingTalk named an endpoint without encryption.")
        return f"{endpoint}?{urlencode({'ticket': ticket})}"

    async def _frame(self, socket: ClientConnection, raw: str | bytes) -> bool:
        """Acknowledge one frame. Returns True if it asks for a new connection."""
        frame = _object(raw)
        headers = frame.get("headers")
        if not isinstance(headers, dict):
            logger.warning("DingTalk sent a frame that is not readable; it is skipped.")
            return False
        topic, data = headers.get("topic"), frame.get("data")
        if frame.get("type") == "SYSTEM":
            if topic == "disconnect":
                return True
            await _acknowledge(socket, headers, 200, "OK", data if isinstance(data, str) else "{}")
        elif frame.get("type") == "CALLBACK" and topic == BOT_TOPIC:
            code, reason, begin = await self._message(data)
            try:
                await _acknowledge(socket, headers, code, reason, '{"response": null}')
            finally:
                begin()
        else:
            await _acknowledge(socket, headers, 404, "no handler for this topic", "{}")
        return False

    async def _message(self, data: object) -> tuple[int, str, Begin]:
        try:
            return 200, "OK", await self._accept(json.loads(data) if isinstance(data, str) else None)
        except (ValueError, RecursionError, RequestError):
            logger.warning("DingTalk sent a bot message that is not readable; it is skipped.")
            return 400, "bad data", _nothing
        except UnavailableError:
            return 500, "not accepted", _nothing
        except Exception:
            # One bad message must not break the connection that brings all the others.
            logger.exception("A DingTalk message could not be accepted.")
            return 500, "not accepted", _nothing


def _nothing() -> None:
    pass


async def _acknowledge(socket: ClientConnection, headers: dict[str, Any], code: int, message: str, data: str) -> None:
    echoed = {"messageId": headers.get("messageId"), "contentType": "application/json"}
    await socket.send(json.dumps({"code": code, "headers": echoed, "message": message, "data": data}))


def _object(raw: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
