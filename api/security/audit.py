"""The audit log. It has one line of JSON for each request that changes what the server holds or does for everybody:
what people ask, and do with conversations of their own, is not in it.

A line says who sent the request, from where, what it asked for, and how it was answered. It never says what a document
contains, and it never holds a key.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.excerpts import excerpt
from api.security.grants import Route, Routes
from api.serving.logs import LineLimit

ACTIONS: dict[Route, str] = {
    ("POST", "/v1/documents"): "upload",
    ("PUT", "/v1/documents/{document_id}"): "replace",
    ("PATCH", "/v1/documents/{document_id}"): "change",
    ("DELETE", "/v1/documents/{document_id}"): "delete",
    ("POST", "/v1/documents/failed/retry"): "retry",
    ("POST", "/v1/documents/failed/drop"): "give_up",
    ("POST", "/v1/index/{index_id}/switch"): "switch_index",
    ("DELETE", "/v1/index/{index_id}"): "drop_index",
    ("POST", "/v1/runs"): "start_run",
    ("POST", "/v1/runs/{run_id}/cancel"): "cancel_run",
    ("POST", "/v1/verify"): "verify",
    ("DELETE", "/v1/sources/{name}"): "remove_source",
}

_MOST_VALUES = 20
_REFUSALS_PER_MINUTE = 60

logger = logging.getLogger("api.audit")  # the name that docs/http.md promises


def audited(request: Request, **details: object) -> None:
    """Add details of this request to its line in the audit log: ids and addresses."""
    _details(request.scope).update(details)


class Audit:
    """Writes the line when the answer begins. It stands before `Guard`, so refusals of known callers are logged too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._routes = Routes(ACTIONS)
        # Many people have the reader's key. One of them could fill the disk with refused requests.
        self._refusals = LineLimit(_REFUSALS_PER_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._routes.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        route, parts = found
        _details(scope).update(parts)
        status: int | None = None

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._write(scope, ACTIONS[route], status)
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            if status is None:
                self._write(scope, ACTIONS[route], None)

    def _write(self, scope: Scope, action: str, status: int | None) -> None:
        who = scope["state"].get("who")
        if who is None:
            return  # an unknown caller, whom `Guard` has refused
        if who == "reader" and self._refusals.take() is None:
            return
        line = {
            "action": action,
            "who": who,
            "client": client_address(scope),
            "request_id": scope["state"].get("request_id"),
            **{name: _short(value) for name, value in _details(scope).items()},
            "status": status,
            "outcome": "broken" if status is None or status >= 500 else "refused" if status >= 400 else "accepted",
        }
        # The line is ASCII, so nothing from a caller can end it or hide in it.
        logger.info("%s", json.dumps(line))


def client_address(scope: Scope) -> str:
    """Returns the address that a request came from, or `local` for the local socket."""
    client = scope.get("client")
    return "local" if scope.get("state", {}).get("local") or not client else str(client[0])


def _details(scope: Scope) -> dict[str, Any]:
    details: dict[str, Any] = scope["state"].setdefault("audit", {})
    return details


def _short(value: object) -> object:
    if isinstance(value, (list, tuple, set)):
        return [_short(each) for each in list(value)[:_MOST_VALUES]]
    return excerpt(value, 300) if isinstance(value, str) else value
