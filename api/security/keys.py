"""The keys that callers send: which texts may be keys, and who holds each key."""

from __future__ import annotations

import hashlib
import hmac
import re

from pydantic import SecretStr

from ingest.access import EVERYONE, OPERATOR, Reader

SHORTEST_KEY = 16
"""The fewest characters of a key that other machines may try to guess."""

EVERYBODY = Reader(principals=frozenset({EVERYONE}))
"""Anybody with the reader key. This reader reads what is for everyone."""

_KEY = re.compile(r"[\x21-\x7e]+")


def checked_key(key: SecretStr | None) -> SecretStr | None:
    """Returns the key without surrounding white space, or None if nothing is left.

    Raises ValueError if the key cannot be sent in a header.
    """
    text = key.get_secret_value().strip() if key is not None else ""
    if text and not _KEY.fullmatch(text):
        raise ValueError("a key has visible ASCII characters only, and no blanks in it")
    return SecretStr(text) if text else None


class Keys:
    """The keys of the settings. They are `Identities` without a look anywhere.

    A comparison takes the same time for every text.
    """

    def __init__(self, operator: SecretStr | None, reader: SecretStr | None) -> None:
        # The reader's key comes first. If both keys are the same, it then gives the smaller right.
        holders = ((reader, EVERYBODY), (operator, OPERATOR))
        self._holders = [(_digest(key.get_secret_value()), holder) for key, holder in holders if key is not None]

    @property
    def needs_key(self) -> bool:
        """True if there is a key."""
        return bool(self._holders)

    async def reader_of(self, key: str) -> Reader | None:
        """Returns the reader who holds this key, or None."""
        digest = _digest(key)
        matching = [holder for known, holder in self._holders if hmac.compare_digest(digest, known)]
        return matching[0] if matching else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
