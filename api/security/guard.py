"""Decides who is let in. It is plain ASGI, so streams and disconnects pass through.

Where keys are needed, everything but the page and the probes needs one; `grants` says which. Without keys the server
listens on loopback only (`settings.check_safety`). Two things could still let strangers in as the operator. One is
another web page in the operator's browser; Host and Origin show it. The other is a proxy; its headers show it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Protocol
from urllib.parse import SplitResult, urlsplit

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.errors import error_response, response_to
from api.security.audit import client_address
from api.security.grants import Grant, grant_of
from api.security.wrong_keys import WrongKeys
from api.settings import is_loopback
from ingest.access import OPERATOR, Reader
from ingest.errors import RequestError, YoujuError

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_PROXY_HEADERS = ("forwarded", "via", "x-real-ip")
_PROXY_PREFIX = "x-forwarded-"


def current_reader(request: Request) -> Reader:
    """Returns who is asking. `Guard` has set it. A route without a key has no reader, and this raises there."""
    reader = request.scope["state"]["reader"]
    if not isinstance(reader, Reader):
        raise TypeError("the reader of a request must be a Reader")
    return reader


def current_operator(reader: Annotated[Reader, Depends(current_reader)]) -> Reader:
    """Returns who is asking, if it is the operator. Otherwise raises RequestError `operators_only`."""
    if reader != OPERATOR:
        raise RequestError(*_OPERATORS_ONLY)
    return reader


_OPERATORS_ONLY = (
    "operators_only",
    "This key may ask and read, and nothing else.",
    "Use the operator's key, YOUJU_API_KEY, or the command line on the machine that serves.",
)


class Identities(Protocol):
    """Says whose a key is. `api.security.keys.Keys` has the keys of the settings.

    `reader_of` runs in the event loop. One that looks into a database crosses to a thread.
    """

    @property
    def needs_key(self) -> bool:
        """True if requests need a key. Without one, only this machine is served. It must not change at run time."""

    async def reader_of(self, key: str) -> Reader | None:
        """Returns the reader who holds this key, or None if nobody does. The operator's key gives `OPERATOR`.

        The time that it takes must not depend on how much of a key is right. It is called for wrong keys too, also for
        those of an address that must wait. Raises UnavailableError if it cannot look: then nobody is let in.
        """


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason for a refused request: an error of ours and its status."""

    status: int
    code: str
    message: str
    hint: str
    headers: dict[str, str] = field(default_factory=dict)


class Guard:
    """Lets a request in as a reader, or refuses it. A route without an entry in `grants` lets only the operator in.

    The local socket belongs to the operator, because only the user that serves can open it.
    """

    def __init__(self, app: ASGIApp, identities: Identities, host: str) -> None:
        """`host` is the address that the server listens on. Without a key, requests may name it."""
        self.app = app
        self._identities = identities
        self._hosts = {host}
        self._wrong_keys = WrongKeys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                admitted = await self._admitted(scope, grant_of(scope["method"], scope["path"]))
            except YoujuError as error:  # the look for the key failed
                await response_to(error, scope)(scope, receive, send)
                return
            if isinstance(admitted, Refusal):
                refused = admitted
                response = error_response(
                    scope, refused.status, refused.code, refused.message, refused.hint, refused.headers
                )
                await response(scope, receive, send)
                return
            if admitted is not None:
                scope["state"]["reader"] = admitted
        elif scope["type"] != "lifespan":
            await send({"type": "websocket.close", "code": 1008})  # no route uses WebSockets
            return
        await self.app(scope, receive, send)

    async def _admitted(self, scope: Scope, grant: Grant) -> Reader | Refusal | None:
        """Returns the reader of a request, or its refusal. Returns None for a request that needs no reader."""
        if grant == "open":
            return None
        state, headers = scope["state"], Headers(scope=scope)
        if state.get("local"):
            state["who"] = "local"
            return OPERATOR
        if not self._identities.needs_key:
            refusal = self._foreign(scope, headers) or _proxied(headers)
            state["who"] = None if refusal else "operator"
            return refusal or (OPERATOR if grant != "page" else None)
        return await self._identified(scope, headers, grant) if grant != "page" else None

    async def _identified(self, scope: Scope, headers: Headers, grant: Grant) -> Reader | Refusal:
        given = _given_key(headers)
        if not given:
            return _unauthorized("This server needs an API key.")
        reader = await self._identities.reader_of(given)
        if reader is None:
            return self._wrong_key(scope)
        scope["state"]["who"] = "operator" if reader == OPERATOR else "reader"
        if grant == "operator" and reader != OPERATOR:
            return Refusal(403, *_OPERATORS_ONLY)
        return reader

    def _wrong_key(self, scope: Scope) -> Refusal:
        seconds = self._wrong_keys.note(client_address(scope), scope["path"])
        if not seconds:
            return _unauthorized("The API key is not valid.")
        return Refusal(
            429,
            "too_many_wrong_keys",
            "Too many wrong API keys came from this address.",
            f"Wait {seconds} seconds, or send the right one: it is let in at once.",
            {"retry-after": str(seconds)},
        )

    def _foreign(self, scope: Scope, headers: Headers) -> Refusal | None:
        authority = headers.get("host", "")
        host = _split(f"//{authority}").hostname or ""
        if not is_loopback(host) and host not in self._hosts:
            message = "Without an API key this server answers to this machine's own name only."
            hint = "Open it as http://127.0.0.1, or set YOUJU_API_KEY to serve other names."
            return Refusal(403, "foreign_host", message, hint)
        origin = headers.get("origin")
        if scope["method"] not in _SAFE_METHODS and origin and _split(origin).netloc != authority:
            hint = "Set YOUJU_API_KEY and send it, or ask from the server's own page."
            return Refusal(403, "foreign_origin", "Another web site may not ask here.", hint)
        return None


def _proxied(headers: Headers) -> Refusal | None:
    """Returns a refusal if a proxy sent the request.

    Without a key, everybody behind the proxy would be the operator.
    """
    if not any(name in _PROXY_HEADERS or name.startswith(_PROXY_PREFIX) for name in headers):
        return None
    return Refusal(
        403,
        "proxied_without_key",
        "This request came through a proxy, and without an API key everybody behind it would be the operator.",
        "Set YOUJU_API_KEY, and YOUJU_READER_KEY for those who only ask.",
    )


def _unauthorized(message: str) -> Refusal:
    return Refusal(
        401, "unauthorized", message, "Send it as `Authorization: Bearer KEY`.", {"www-authenticate": "Bearer"}
    )


def _given_key(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key")


def _split(address: str) -> SplitResult:
    """Returns the parts of an address from a stranger. If it is not an address, there are no parts."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
