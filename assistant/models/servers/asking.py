"""Asks a server something about itself, and reads what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

_LONGEST_WINDOW = 1 << 24
_INTERFACES = ("v1", "v3", "api")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to one question about the server. `data` is its JSON, or None if it is none."""

    status: int
    data: Any


class Asks(Protocol):
    """Asks a server something about itself."""

    async def __call__(self, address: str, body: Mapping[str, Any] | None = None) -> Fetched:
        """Returns the answer to GET, or to POST if there is a `body`. Raises aiohttp.ClientError and TimeoutError."""
        ...


def root_of(url: str) -> str:
    """Returns the address of a server without the path of its interface: `http://host:8000` for `…:8000/v1`."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    kept = path.rpartition("/")[0] if path.rpartition("/")[2] in _INTERFACES else path
    return urlunsplit((parts.scheme, parts.netloc, kept.rstrip("/"), "", ""))


def parsed(body: bytes) -> Any:
    """Returns the JSON of an answer, or None if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def objects_in(data: Any, name: str) -> list[Mapping[str, Any]]:
    """Returns the JSON objects of the list with this name, or none if there is no such list."""
    listed = data.get(name) if isinstance(data, dict) else None
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def window_in(stated: Any) -> int | None:
    """Returns a context window that was stated, in tokens, or None if it can be none."""
    usable = isinstance(stated, int) and not isinstance(stated, bool) and 0 < stated <= _LONGEST_WINDOW
    return stated if usable else None
