"""The outermost layer of the application: what every response carries, whatever happens behind it."""

from __future__ import annotations

import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.errors import error_response, internal_error
from api.http.headers import SECURITY_HEADERS


class Envelope:
    """Adds a request id and the security headers to every response, and answers even if the code fails."""

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
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            # The error is logged in full here. Raising it again would only log it twice.
            code, message, hint = internal_error(scope, error)
            if not started:
                response = error_response(scope, 500, code, message, hint)
                await response(scope, receive, send_with_headers)
