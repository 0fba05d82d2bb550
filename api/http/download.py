"""Sends a file as a download, whole or in parts (RFC 9110, section 14)."""

from __future__ import annotations

from typing import Any

from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from api.http.errors import error_response

PARTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
    206: {
        "description": "The parts that the header `Range` asks for; several as `multipart/byteranges`.",
        "content": {"application/octet-stream": {}, "multipart/byteranges": {}},
    },
}
"""The description of a route that answers with a download."""


class Download(FileResponse):
    """The response with a file.

    A `Range` that cannot be served is refused in the shape of our errors. The framework's refusal has no body.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: Message | None = None

        async def send_unless_refused(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                refused = message
            if refused is None:
                await send(message)

        await super().__call__(scope, receive, send_unless_refused)
        if refused is not None:
            kept = {name.decode(): value.decode() for name, value in refused["headers"] if name == b"content-range"}
            message = "The header Range names no part of this file."
            hint = "Ask for parts like `bytes=0-1023` within the file, or leave it out."
            response = error_response(scope, refused["status"], "invalid_range", message, hint, kept)
            await response(scope, receive, send)
