"""Sends requests to web sites. Each host has one connection and one request at a time, at the speed that the site
wants.

The client resolves a name itself and connects to the address that it checked. A name therefore cannot pass the check
and then lead to this machine or its network. Proxies and passwords of the environment are not used. With `proxy`
set, the proxy resolves names, and only numeric addresses are checked.
"""

from __future__ import annotations

import hashlib
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx

from ingest.errors import DocumentError
from ingest.sources.web.addresses import is_numeric, resolve, site
from ingest.sources.web.content_coding import ACCEPTED, unpacked

ACCEPT: Final = "text/html,application/xhtml+xml,application/pdf;q=0.9,*/*;q=0.8"
_TRIES = 2
_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 120.0  # if a site wants more, the next run tries again
_LONGEST_DELAY_SECONDS = 60.0
_LONGEST_ANSWER_SECONDS = 1800.0
_SMALL_BYTES = 64 * 1024
_DRAIN_SECONDS = 5.0
_MAX_DIGITS = 18
_DOWN_AFTER = 3  # failures without a success between them
_BUSY = (429, 503)
_PASSING = (*_BUSY, 500, 502, 504)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a site. `path` is the file with the body if the body was wanted. `digest` (SHA-256) and `size`
    (bytes) are those of the body.
    """

    status: int
    headers: Mapping[str, str]
    path: Path | None = None
    digest: str = ""
    size: int = 0

    @property
    def media_type(self) -> str:
        """Returns the content type in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """Returns the encoding that the header names. Returns None if it names none."""
        for part in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset" and value.strip(" \"'"):
                return value.strip(" \"'").lower()
        return None


@dataclass(frozen=True, slots=True)
class Manners:
    """The rules for requests to sites.

    `delay_seconds` is the pause from the end of one answer of a host to the next request.
    """

    user_agent: str
    delay_seconds: float = 1.0
    timeout_seconds: float = 30.0
    max_bytes: int = 512 * 2**20
    allow_private: bool = False
    proxy: str | None = None


class WebClient:
    """Fetches pages until `stop` is set. Only one thread at a time may use it. Close it."""

    def __init__(self, manners: Manners, stop: threading.Event | None = None) -> None:
        self.stop = stop or threading.Event()
        self._manners = manners
        self._ssl: ssl.SSLContext | None = None
        self._clients: dict[str, httpx.Client] = {}
        self._addresses: dict[str, list[str]] = {}
        self._free_at: dict[str, float] = {}
        self._delays: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def slow_down(self, url: str, delay_seconds: float) -> None:
        """Wait at least this long between requests to the host of this address."""
        self._delays[site(url)] = min(delay_seconds, _LONGEST_DELAY_SECONDS)

    def get(
        self,
        url: str,
        *,
        asking: Mapping[str, str] | None = None,
        folder: Path | None = None,
        wants: Callable[[Answer], bool] = lambda answer: True,
        max_bytes: int | None = None,
    ) -> Answer:
        """Returns the answer of the site. Redirects are returned and not followed.

        The body of an answer with status 200 is written into a new file in `folder`, if `wants` returns True for the
        answer without its body. `asking` has further request headers. Raises DocumentError: `web_unreachable`,
        `address_refused`, `too_large`, `encoding_unsupported`, `corrupt`.
        """
        host = site(url)
        if self._failures.get(host, 0) >= _DOWN_AFTER:
            raise _unreachable(host, f"it failed {_DOWN_AFTER} times in a row")
        limit = min(max_bytes or self._manners.max_bytes, self._manners.max_bytes)
        for tries_left in reversed(range(_TRIES)):
            if self.stop.is_set():
                raise _unreachable(host, "the run was ended")
            try:
                answer = self._once(url, asking or {}, folder, wants, limit)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
                self._forget(host)
                if not tries_left:
                    self._failures[host] = self._failures.get(host, 0) + 1
                    raise _unreachable(host, _reason(error)) from error
                self._wait(_PAUSE_SECONDS)
                continue
            pause = _pause(answer)
            if answer.status not in _PASSING or not tries_left or pause > _LONGEST_PAUSE_SECONDS:
                break
            self._wait(pause)
        self._failures[host] = self._failures.get(host, 0) + 1 if answer.status in _PASSING else 0
        return answer

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _once(
        self,
        url: str,
        asking: Mapping[str, str],
        folder: Path | None,
        wants: Callable[[Answer], bool],
        max_bytes: int,
    ) -> Answer:
        with self._stream(url, asking) as response:
            answer = Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()})
            if folder is None or answer.status != 200 or not wants(answer):
                self._drain(response, answer)
                return answer
            path = folder / f"{hashlib.sha256(url.encode()).hexdigest()}.part"
            return _received(response, answer, path, max_bytes, self.stop)

    def _drain(self, response: httpx.Response, answer: Answer) -> None:
        """Read an unwanted body to its end, still packed, if little of it is left.

        The connection can then be used again.
        """
        if answer.status not in (204, 304) and _SMALL_BYTES < _length(answer) < float("inf"):
            return
        left, deadline = _SMALL_BYTES, time.monotonic() + _DRAIN_SECONDS
        with suppress(httpx.HTTPError):  # the answer is complete without it
            for piece in response.iter_raw():
                left -= len(piece)
                if left < 0 or self.stop.is_set() or time.monotonic() > deadline:
                    return

    @contextmanager
    def _stream(self, url: str, asking: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Yields the response to one request.

        Waits until the host may be asked again. Contacts allowed addresses only.
        """
        host = site(url)
        self._wait(self._free_at.get(host, 0.0) - time.monotonic())
        if self.stop.is_set():
            raise httpx.ReadTimeout("the run was ended")
        client = self._client(host)
        parts = urlsplit(url)
        refused: Exception | None = None
        try:
            for address in self._targets(parts):
                request = client.build_request(
                    "GET",
                    urlunsplit(parts._replace(netloc=address)),
                    headers={"host": host, **asking},
                    extensions={"sni_hostname": parts.hostname},
                )
                try:
                    response = client.send(request, stream=True)
                except httpx.ConnectError as error:
                    refused = error
                    continue
                try:
                    yield response
                finally:
                    response.close()
                return
            raise refused or OSError("it has no address")
        finally:
            self._free_at[host] = time.monotonic() + max(self._manners.delay_seconds, self._delays.get(host, 0.0))

    def _targets(self, parts: SplitResult) -> list[str]:
        """Returns the texts that may stand in the place of the host: its addresses, or its name if a proxy
        resolves it.
        """
        name, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if self._manners.proxy is not None:
            if is_numeric(name):
                resolve(name, port, private=self._manners.allow_private)
            return [parts.netloc]
        if parts.netloc not in self._addresses:
            self._addresses[parts.netloc] = resolve(name, port, private=self._manners.allow_private)
        return [f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for ip in self._addresses[parts.netloc]]

    def _client(self, host: str) -> httpx.Client:
        if host not in self._clients:
            if self._ssl is None:
                self._ssl = httpx.create_ssl_context(trust_env=False)
                self._ssl.load_default_certs()  # the system's store has a company's own authority
            self._clients[host] = httpx.Client(
                headers={"user-agent": self._manners.user_agent, "accept": ACCEPT, "accept-encoding": ACCEPTED},
                timeout=self._manners.timeout_seconds,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30.0),
                verify=self._ssl,
                proxy=self._manners.proxy,
                trust_env=False,
            )
        return self._clients[host]

    def _forget(self, host: str) -> None:
        if client := self._clients.pop(host, None):
            client.close()
        self._addresses.pop(host, None)

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.stop.wait(seconds)


def _received(response: httpx.Response, answer: Answer, path: Path, max_bytes: int, stop: threading.Event) -> Answer:
    if max_bytes < _length(answer) < float("inf"):
        raise _too_large(max_bytes)
    digest, size = hashlib.sha256(), 0
    pieces = unpacked(_raw(response, max_bytes, stop), answer.headers.get("content-encoding", ""))
    try:
        with path.open("wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                digest.update(piece)
                file.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Answer(answer.status, answer.headers, path, digest.hexdigest(), size)


def _raw(response: httpx.Response, max_bytes: int, stop: threading.Event) -> Iterator[bytes]:
    """Yields the body still packed. A packed body may go on for ever although nothing comes out of it."""
    size, deadline = 0, time.monotonic() + _LONGEST_ANSWER_SECONDS
    for piece in response.iter_raw():
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        if stop.is_set() or time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer takes too long")
        yield piece


def _length(answer: Answer) -> float:
    """Returns the number of bytes that the answer announces, still packed. Returns infinity if it announces none."""
    announced = _number(answer.headers.get("content-length", ""))
    return float("inf") if announced is None else announced


def _pause(answer: Answer) -> float:
    """Returns how long the site asks us to wait, in seconds."""
    value = answer.headers.get("retry-after", "").strip()
    if (seconds := _number(value)) is not None:
        return seconds
    try:
        until = parsedate_to_datetime(value)
        until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
        return max((until - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, IndexError, OverflowError):  # some dates exist in no calendar
        return _PAUSE_SECONDS


def _number(text: str) -> float | None:
    """Returns the number in a header. Only ASCII digits count in HTTP; Python also accepts other scripts and `²`."""
    if not (text.isascii() and text.isdecimal()):
        return None
    return float(text) if len(text) <= _MAX_DIGITS else float("inf")


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time"
    return str(error) or type(error).__name__


def _unreachable(host: str, reason: str) -> DocumentError:
    return DocumentError("web_unreachable", f"{host} cannot be reached: {reason}.", "The next run tries again.")


def _too_large(max_bytes: int) -> DocumentError:
    return DocumentError(
        "too_large", f"It is larger than {max_bytes >> 20} MiB.", "Raise YOUJU_MAX_FILE_MB, or exclude it."
    )
