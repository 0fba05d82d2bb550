"""Keeps secrets out of what is shown, logged or said in an error: those in an address, and those a server echoes."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

UNREADABLE = "(an address that cannot be read)"

_SHORTEST = 4
"""What is shorter is no secret worth the name, and would be struck out of ordinary words."""
_SAID_CHARS = 300
_LOOKED_AT_CHARS = 20_000
_USER = re.compile(r"(?<=://)[^/\s@]{1,500}+@")
_CREDENTIAL = re.compile(r"\b(Bearer|Basic)\s++[^\s\"',;]++|\bsk-[\w*.-]++", re.IGNORECASE)


def without_secrets(url: str) -> str:
    """An address as it may be shown: scheme, host, port and path, without user, password, query and fragment.

    `UNREADABLE` where it cannot be told what is a host and what a password.
    """
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        return UNREADABLE
    if not parts.netloc:
        return parts._replace(query="", fragment="").geturl().rpartition("@")[2]
    host, rest = parts.netloc.rpartition("@")[2].removesuffix(":"), url.partition(parts.netloc)[2]
    if "@" not in parts.netloc and parts.username is None and ":" in host and "@" in rest:
        return UNREADABLE  # a slash or a question mark in a password: what looks like a port is its beginning
    if parts.scheme in ("http", "https"):
        host = host.lower()
    return f"{parts.scheme}://{host}{parts.path}"


def secrets_in(url: str | None) -> tuple[str, ...]:
    """What in an address is a secret: its password, which a header has in base64, or else its user, and the values of
    the query."""
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return ()
    user, password = parts.username or "", parts.password or ""
    encoded = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    found = [password, encoded] if password else [user]
    found += [part.partition("=")[2] for part in parts.query.split("&")]
    return tuple(dict.fromkeys(each for secret in found for each in (secret, unquote(secret)) if secret))


def scrubbed(text: str, secrets: Collection[str] = ()) -> str:
    """What somebody else said, as it may be repeated: in one line of at most 300 characters, without these secrets,
    without credentials and without users in addresses."""
    text = text[:_LOOKED_AT_CHARS]
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "…")
    text = _CREDENTIAL.sub("…", _USER.sub("", text))
    text = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    return text if len(text) <= _SAID_CHARS else text[:_SAID_CHARS] + " …"


class _WithoutSecrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_shown(argument) for argument in record.args)
        return True


_FILTER = _WithoutSecrets()


def hide_secrets_of_requests() -> None:
    """From now on the HTTP client's request log shows addresses without secrets. Calling it again is free."""
    logging.getLogger("httpx").addFilter(_FILTER)


def _shown(argument: object) -> object:
    # Told by what it can do, since importing the HTTP client takes long and not every process needs it.
    return without_secrets(str(argument)) if hasattr(argument, "copy_with") else argument
