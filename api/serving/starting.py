"""The answers of a server that is still starting: it lives, and other requests should come again later."""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.headers import SECURITY_HEADERS

_JSON, _HTML = b"application/json", b"text/html; charset=utf-8"
_PAGE = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>Youju 有据</title>'
    "<p>正在启动，请稍候…<p>Starting, one moment…"
)
_REFUSAL = {
    "error": {
        "code": "starting",
        "message": "The server is starting.",
        "hint": "Try again in a few seconds.",
        "request_id": None,
    }
}
_ANSWERS = {
    "/healthz": (200, _JSON, json.dumps({"status": "alive"})),
    "/readyz": (
        503,
        _JSON,
        json.dumps({"ready": False, "parts": {"search": {"state": "loading", "code": None}}}),
    ),
    "/": (503, _HTML, _PAGE),
}


class Starting:
    """Stands in for the application until there is one. Set `application`, and every request goes there.

    Importing the application takes two seconds. Before that, monitors should already see that this process lives.
    """

    def __init__(self) -> None:
        self.application: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.application is not None:
            await self.application(scope, receive, send)
            return
        status, kind, body = _ANSWERS.get(scope["path"], (503, _JSON, json.dumps(_REFUSAL)))
        headers = [(b"content-type", kind), (b"retry-after", b"1")]
        headers += [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})
