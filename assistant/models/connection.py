"""The HTTP connection to a chat server.

It uses aiohttp, because the parser of aiohttp is not written in Python. To receive an answer of 150 words one by one
takes 3 ms of processor time with aiohttp and 14 ms with httpx, and a hundred answers may arrive at the same time
(docs/decisions/0011).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from pydantic import SecretStr

from assistant.models.servers.asking import Fetched, parsed
from ingest.network.bodies import AS_IT_IS, Body, BodyError

_EVERY_SECONDS = 0.05
"""The time between two reads of an answer. Twenty reads per second look as smooth as one read for each word."""
_BRISK_READS = 4
"""The first pauses of an answer are shorter: a sixteenth of the usual one, an eighth, and so on. Its beginning is held
until its language is certain, so whoever waits for the first words would wait for whole pauses."""
_FETCHED_BYTES = 4 << 20
"""Gateways list hundreds of models. The prompt that a server writes by its template may be long, too."""
_READS_PER_SECOND = 400
"""The limit for all answers together. Each read takes about 0.3 ms until its words are sent to the asker. Above this
limit the answers come in larger pieces, so that a hundred answers still leave time for searches."""


class ChatConnection:
    """Connections to the chat server at `url` (…/v1). They are opened when they are first used, and belong to the event
    loop that uses them.

    `connect_seconds` is the longest time to connect. `silence_seconds` is the longest wait for a byte.
    """

    def __init__(self, url: str, api_key: SecretStr | None, *, connect_seconds: float, silence_seconds: float) -> None:
        # If the address contains a user, this user is sent instead of the key.
        known = None if urlsplit(url).username else api_key
        self._headers = {"authorization": f"Bearer {known.get_secret_value()}"} if known else {}
        self._proxy = _proxy_for(url)
        self._fetch_seconds = connect_seconds
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds, sock_read=silence_seconds)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._read = 0

    async def post(self, address: str, body: Mapping[str, Any]) -> aiohttp.ClientResponse:
        """Sends this body as JSON to an address of the server. Returns the response when its header has arrived.

        Raises aiohttp.ClientError.
        """
        session = self._connected()
        return await session.post(address, json=body, headers=self._headers, proxy=self._proxy, allow_redirects=False)

    async def fetch(self, address: str, body: Mapping[str, Any] | None = None) -> Fetched:
        """Returns what the server answers to a question about itself: GET, or POST of a body as JSON.

        Waits as long as it may for a connection. Raises aiohttp.ClientError and TimeoutError.
        """
        async with asyncio.timeout(self._fetch_seconds):
            try:
                return await self._fetched(address, body)
            except aiohttp.ClientConnectorError:
                raise
            except aiohttp.ClientConnectionError:  # a connection that was kept, and that the server has closed
                return await self._fetched(address, body)

    async def _fetched(self, address: str, body: Mapping[str, Any] | None) -> Fetched:
        async with self._connected().request(
            "GET" if body is None else "POST",
            address,
            json=body,
            headers=self._headers,
            proxy=self._proxy,
            allow_redirects=False,
        ) as response:
            try:
                said = Body(response.headers, _FETCHED_BYTES)
                async for piece in response.content.iter_any():
                    said.add(piece)
            except BodyError:
                return Fetched(response.status, None)
            return Fetched(response.status, parsed(bytes(said.data)))

    async def pieces(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        """Yields the body as it arrives: the first piece at once, some more soon after it, and then, some times a
        second, all that has arrived meanwhile.

        Raises aiohttp.ClientError if the body breaks off or is not sent.
        """
        self._read += 1
        brisk = _BRISK_READS
        try:
            while piece := await response.content.readany():
                yield piece
                await self._pause(response, self._seconds() / 2**brisk)
                brisk = max(0, brisk - 1)
        except aiohttp.ClientError:
            # The bytes that came before the break are still there. aiohttp has no public method to get them.
            if rest := response.content._read_nowait(-1):
                yield rest
            raise
        finally:
            self._read -= 1

    async def _pause(self, response: aiohttp.ClientResponse, seconds: float) -> None:
        """Wait so long until the next read. Meanwhile the system keeps what arrives: to receive each word by itself
        would cost more than to read it.
        """
        connection = response.connection  # None once the body has ended
        transport = connection.transport if connection is not None else None
        # It is the transport that pauses. If the protocol did, aiohttp's parser would pause too: it would read one word
        # and leave the others for later.
        if transport is None or transport.is_closing():
            await asyncio.sleep(seconds)
            return
        transport.pause_reading()
        try:
            await asyncio.sleep(seconds)
        finally:
            if not transport.is_closing():
                transport.resume_reading()

    def _seconds(self) -> float:
        return max(_EVERY_SECONDS, self._read / _READS_PER_SECOND)

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
                trust_env=False,  # otherwise aiohttp would also look for passwords in the files of this user
            )
        return self._session


def _proxy_for(url: str) -> str | None:
    """Returns the proxy that the environment names, or None. A proxy cannot reach this machine's loopback, so it is not
    used for that.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if host in ("127.0.0.1", "localhost", "::1") or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme) or getproxies().get("all")
