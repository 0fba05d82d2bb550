"""The HTTP connection to a chat server.

aiohttp, because its parser is not in Python: taking an answer of 150 words as they come costs 3 ms of the processor
with it and 14 ms with httpx, and a hundred answers come at a time (docs/decisions/0011).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from pydantic import SecretStr

from ingest.network.bodies import AS_IT_IS

_EVERY_SECONDS = 0.05
"""How often an answer is read: to a reader twenty times a second looks as smooth as every word by itself."""
_READS_PER_SECOND = 400
"""Of all answers together. Each costs some 0.3 ms until its words have left for the asker: beyond that number answers
come in larger pieces, so that a hundred of them still leave room for those who search."""


class ChatConnection:
    """Connections to the chat server at `url` (…/v1). They belong to the event loop that uses them first, until then
    there are none.

    `connect_seconds` is how long connecting may take, `silence_seconds` the longest wait for a byte.
    """

    def __init__(self, url: str, api_key: SecretStr | None, *, connect_seconds: float, silence_seconds: float) -> None:
        self._address = f"{url.rstrip('/')}/chat/completions"
        # A user in the address is what is sent instead of a key.
        known = None if urlsplit(url).username else api_key
        self._headers = {"authorization": f"Bearer {known.get_secret_value()}"} if known else {}
        self._proxy = _proxy_for(url)
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds, sock_read=silence_seconds)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._read = 0

    async def post(self, body: Mapping[str, Any]) -> aiohttp.ClientResponse:
        """The response to a request with this body as JSON, when its header has come. Raises aiohttp.ClientError."""
        session = self._connected()
        return await session.post(
            self._address, json=body, headers=self._headers, proxy=self._proxy, allow_redirects=False
        )

    async def pieces(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        """The body as it comes: the first piece at once, and then, some times a second, all that has come meanwhile.

        Raises aiohttp.ClientError where the body breaks off or is not sent.
        """
        self._read += 1
        try:
            while piece := await response.content.readany():
                yield piece
                await asyncio.sleep(max(_EVERY_SECONDS, self._read / _READS_PER_SECOND))
        except aiohttp.ClientError:
            # What came before the break is still there, and aiohttp has no public way to it.
            if rest := response.content._read_nowait(-1):
                yield rest
            raise
        finally:
            self._read -= 1

    async def aclose(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _connected(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=AS_IT_IS,
                timeout=self._timeout,
                auto_decompress=False,
                trust_env=False,  # it would look for passwords in the files of this user as well
            )
        return self._session


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names. It is for the outside, and cannot reach this machine's loopback."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if host in ("127.0.0.1", "localhost", "::1") or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme) or getproxies().get("all")
