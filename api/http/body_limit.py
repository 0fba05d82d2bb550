"""The layer that refuses a body that is too large."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.errors import body_too_large
from api.security.grants import is_upload

BODY_LIMIT_BYTES = 1024 * 1024


class BodyLimit:
    """Refuses a body that is too large, by its announced length or as soon as it grows too long.

    A document may be larger than a question, because it is written to the disk while it comes in.
    """

    def __init__(self, app: ASGIApp, upload_limit_bytes: int, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        self.app = app
        self._limit_bytes = limit_bytes
        self._upload_limit_bytes = upload_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit_bytes = self._upload_limit_bytes if is_upload(scope["method"], scope["path"]) else self._limit_bytes
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
                raise HTTPException(413)  # raised inside the application, whose handler answers it
            return message

        await self.app(scope, receive_limited, send)
