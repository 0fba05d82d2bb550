"""Who is let in, and what every response carries. Plain ASGI, so that streams and disconnects pass through.

With an API key, `/v1` needs it. Without one the server listens on loopback only (`settings.check_safety`), and the
danger is a web page of somebody else in the operator's browser: its requests are told by Host and Origin.
"""

from __future__ import annotations

import hmac
import uuid
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from fastapi import Depends, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import body_too_large, error_response, internal_error, is_upload
from api.settings import ApiSettings, is_loopback
from ingest.access import OPERATOR, Reader
from ingest.errors import RequestError

BODY_LIMIT_BYTES = 1024 * 1024

_OPEN_PATHS = ("/healthz", "/readyz")
"""Say nothing but that the server lives."""
_SIGNED_PATHS = ("/dingtalk/",)
"""Check a signature of their own, and come through a public address."""
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def current_reader(request: Request) -> Reader:
    """Who is asking. Set by `Guard`; a route that `Guard` did not pass has no reader and fails."""
    reader = request.scope["state"]["reader"]
    if not isinstance(reader, Reader):
        raise TypeError("the reader of a request must be a Reader")
    return reader


def current_operator(reader: Annotated[Reader, Depends(current_reader)]) -> Reader:
    """Who is asking, if it is the operator. Raises RequestError `operators_only` otherwise."""
    if reader != OPERATOR:
        raise RequestError(
            "operators_only",
            "This key may read and not write.",
            "Use the key of the operator, YOUJU_API_KEY.",
        )
    return reader


class Envelope:
    """The outermost layer: a request id, the security headers, and an answer even where the code broke."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = identifier = uuid.uuid4().hex
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = identifier
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            # Logged whole here; raising it on would only log it again.
            code, message, hint = internal_error(scope, error)
            if not started:
                response = error_response(scope, 500, code, message, hint)
                await response(scope, receive, send_with_headers)


class Guard:
    """Lets a request in as a reader, or turns it away."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self.app = app
        self._key = settings.api_key.get_secret_value().encode() if settings.api_key else None
        self._hosts = {settings.host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path in _OPEN_PATHS or path.startswith(_SIGNED_PATHS):
            await self.app(scope, receive, send)
            return
        refusal = None if scope["state"].get("local") else self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            scope["state"]["reader"] = OPERATOR
            await self.app(scope, receive, send)
            return
        status, code, message, hint = refusal
        headers = {"www-authenticate": "Bearer"} if status == 401 else {}
        await error_response(scope, status, code, message, hint, headers)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str, str] | None:
        if self._key is None:
            return self._foreign(scope, headers)
        if not scope["path"].startswith("/v1/"):
            return None
        given = _given_key(headers)
        if given is not None and hmac.compare_digest(given.encode(), self._key):
            return None
        problem = "This server needs an API key." if given is None else "The API key is not valid."
        return 401, "unauthorized", problem, "Send it as `Authorization: Bearer KEY`."

    def _foreign(self, scope: Scope, headers: Headers) -> tuple[int, str, str, str] | None:
        authority = headers.get("host", "")
        host = _split(f"//{authority}").hostname or ""
        if not is_loopback(host) and host not in self._hosts:
            message = "Without an API key this server answers to this machine's own name only."
            hint = "Open it as http://127.0.0.1, or set YOUJU_API_KEY to serve other names."
            return 403, "foreign_host", message, hint
        origin = headers.get("origin")
        if scope["method"] not in _SAFE_METHODS and origin and _split(origin).netloc != authority:
            hint = "Set YOUJU_API_KEY and send it, or ask from the server's own page."
            return 403, "foreign_origin", "Another web site may not ask here.", hint
        return None


class BodyLimit:
    """Turns away a body that is too large, by its announced length or as soon as it has grown too long.

    A document may be larger than a question: it goes to the disk as it comes.
    """

    def __init__(self, app: ASGIApp, upload_limit_bytes: int, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        self.app = app
        self._limit_bytes = limit_bytes
        self._upload_limit_bytes = upload_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit_bytes = self._upload_limit_bytes if is_upload(scope) else self._limit_bytes
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > limit_bytes:
            await body_too_large(scope)(scope, receive, send)
            return
        size = 0

        async def receive_limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit_bytes:
                raise HTTPException(413)  # inside the application, whose handler answers it
            return message

        await self.app(scope, receive_limited, send)


def _split(address: str) -> SplitResult:
    """The parts of an address that a stranger wrote; of one that is none, no parts."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _given_key(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key")
