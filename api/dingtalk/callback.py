"""DingTalk's HTTP callback. The signature and its age are checked before the body is read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections import OrderedDict

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from api.channels.channel import Begin
from api.dingtalk.settings import DingTalkSettings
from api.dingtalk.stream import Accept
from api.http.errors import error_response
from ingest.errors import RequestError, UnavailableError

logger = logging.getLogger(__name__)

_BODY_BYTES = 1 << 20
_AHEAD_SECONDS = 60.0


def sign(timestamp: str, secret: str) -> str:
    """Returns the signature of a callback: base64 of HMAC-SHA256 over timestamp (Unix ms), newline, secret."""
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class _Signatures:
    """Remembers which message each signature came with, as long as the signature is valid.

    A signature does not cover the body. Without this, anybody who saw a signature could send any message with it.
    DingTalk may deliver the same message again, and that is allowed. Another message with a used signature is refused.
    """

    def __init__(self, window_seconds: float) -> None:
        self._seconds = window_seconds + _AHEAD_SECONDS
        self._used: OrderedDict[str, tuple[float, object]] = OrderedDict()

    def allow(self, timestamp: str, body: object) -> bool:
        """Returns True if this message may come with the signature of `timestamp`.

        From then on no other message may.
        """
        now = time.monotonic()
        while self._used and next(iter(self._used.values()))[0] < now:
            self._used.popitem(last=False)
        msg_id = body.get("msgId") if isinstance(body, dict) else None
        return self._used.setdefault(timestamp, (now + self._seconds, msg_id))[1] == msg_id


class _Acknowledgement(JSONResponse):
    """An empty answer, so nothing is shown in the chat.

    The bot's answer begins when this was sent, or could not be sent.
    """

    def __init__(self, begin: Begin) -> None:
        super().__init__({"msgtype": "empty"})
        self._begin = begin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._begin()


def callback_router(settings: DingTalkSettings, accept: Accept) -> APIRouter:
    """POST /dingtalk/callback. A message is written down and acknowledged. Its answer goes through the session's
    webhook later.

    Status 401: the signature is missing or wrong. 403: the timestamp is outside the window, or the signature came with
    another message before. 400 and 413: the body is not a message. 503: the message could not be kept.
    """
    router = APIRouter(tags=["dingtalk"])
    signatures = _Signatures(settings.window_seconds)

    @router.post("/dingtalk/callback")
    async def callback(request: Request) -> JSONResponse:
        """Receive one message of DingTalk's robot."""
        refusal = _check(request, settings)
        if refusal is not None:
            logger.warning("A DingTalk callback was refused: %s", refusal[1])
            return _error(request, *refusal)
        try:
            body = json.loads(await _read(request))
            if not signatures.allow(request.headers["timestamp"], body):
                logger.warning("A DingTalk callback was refused: its signature came with another message before.")
                return _error(request, 403, "dingtalk_signature_used", "The signature belongs to another message.")
            begin = await accept(body)
        except (ValueError, RecursionError):
            return _error(request, 400, "dingtalk_message_invalid", "The body is not JSON.")
        except RequestError as error:
            status = 413 if error.code == "dingtalk_body_too_large" else 400
            return _error(request, status, error.code, error.message)
        except UnavailableError as error:
            return _error(request, 503, error.code, error.message)
        return _Acknowledgement(begin)

    return router


def _check(request: Request, settings: DingTalkSettings) -> tuple[int, str, str] | None:
    timestamp, signature = request.headers.get("timestamp", ""), request.headers.get("sign", "")
    expected = sign(timestamp, settings.client_secret.get_secret_value())
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        return 401, "dingtalk_signature_wrong", "The signature is missing or wrong."
    if not (timestamp.isascii() and timestamp.isdigit()):
        return 401, "dingtalk_signature_wrong", "The timestamp is missing."
    age_seconds = time.time() - int(timestamp[:20]) / 1000
    if not -_AHEAD_SECONDS <= age_seconds <= settings.window_seconds:
        return 403, "dingtalk_timestamp_old", "The timestamp is too far from this machine's clock."
    return None


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _BODY_BYTES:
            raise RequestError("dingtalk_body_too_large", f"The body is longer than {_BODY_BYTES} bytes.")
    return bytes(body)


def _error(request: Request, status: int, code: str, message: str) -> JSONResponse:
    return error_response(request.scope, status, code, message, "Only DingTalk itself calls this address.")
