"""Reads the answer of a server up to a size. We do not trust other servers to send short answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

AS_IT_IS: Final[Mapping[str, str]] = {"accept-encoding": "identity"}
"""This header asks for an unpacked body. A packed body may unpack to any size."""

ERROR_BYTES: Final = 64 * 1024
"""More than any message that a server writes for a person."""


class BodyError(Exception):
    """The body is not read, because it is too large, or packed without a request for it. The text says which."""


class Body:
    """Collects the raw pieces of one answer in `data`. Raises BodyError if they are more than `limit_bytes`.

    `headers` are those of the answer. Their names are looked up in lower case.
    """

    def __init__(self, headers: Mapping[str, str], limit_bytes: int) -> None:
        check_coding(headers)
        self.data = bytearray()
        self._limit_bytes = limit_bytes

    def add(self, piece: bytes) -> None:
        """Add the next raw piece."""
        if len(self.data) + len(piece) > self._limit_bytes:
            raise BodyError(f"it is larger than {self._limit_bytes >> 10} KiB")
        self.data += piece

    @property
    def text(self) -> str:
        """Returns the body as text."""
        return self.data.decode("utf-8", "replace")


def check_coding(headers: Mapping[str, str]) -> None:
    """Raise BodyError if the body is packed."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise BodyError(f"it is packed ({coding[:40]!r})")
