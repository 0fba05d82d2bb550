"""Keeps secrets out of pages, logs and errors: the secrets in an address, and the secrets that a server repeats."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

UNREADABLE = "(an address that cannot be read)"

_SHORTEST = 4
"""A shorter text is not treated as a secret, because it would be removed from ordinary words."""
_SAID_CHARS = 300
_LOOKED_AT_CHARS = 20_000
_USER = re.compile(r"(?<=://)[^/\s@]{1,500}+@")
_CREDENTIAL = re.compile(r"\b(Bearer|Basic)\s++[^\s\"',;]++|\bsk-[\w*.-]++", re.IGNORECASE)


def without_secrets(url: str) -> str:
    """Returns an address that may be shown: scheme, host, port and path, without user, password, query and fragment.

    Returns `UNREADABLE` if the host cannot be told from the password.
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
        return UNREADABLE  # a password may have a slash or a question mark: what looks like a port is its beginning
    if parts.scheme in ("http", "https"):
        host = host.lower()
    return f"{parts.scheme}://{host}{parts.path}"


def secrets_in(url: str | None) -> tuple[str, ...]:
    """Returns the secrets in an address: its password, also in base64 as a header has it, or else its user; and the
    query's values.
    """
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
    """Returns the text of another program in a form that may be repeated: one line of at most 300 characters.

    These secrets, other credentials, and users in addresses are removed from it.
    """
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
    """From now on, the HTTP client's request log shows addresses without secrets. A second call does nothing."""
    logging.getLogger("httpx").addFilter(_FILTER)


def _shown(argument: object) -> object:
    # The argument is recognized by its methods. Importing the HTTP client takes long, and not every process needs it.
    return without_secrets(str(argument)) if hasattr(argument, "copy_with") else argument
