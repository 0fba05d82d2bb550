"""What a server answers, up to a size. Servers that we call are not trusted to be brief."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

AS_IT_IS: Final[Mapping[str, str]] = {"accept-encoding": "identity"}
"""The header that asks for a body which is not packed: a packed one may unpack to anything."""

ERROR_BYTES: Final = 64 * 1024
"""More than any message that a server has for a person."""


class BodyError(Exception):
    """A body that is not read: too large, or packed though nobody asked for that. Its text says which."""


class Body:
    """Collects the raw pieces of one answer, in `data`. Raises BodyError where they are more than `limit_bytes`.

    `headers` are the answer's; they are asked for names in lower case.
    """

    def __init__(self, headers: Mapping[str, str], limit_bytes: int) -> None:
        check_coding(headers)
        self.data = bytearray()
        self._limit_bytes = limit_bytes

    def add(self, piece: bytes) -> None:
        """Take the next piece, as it came."""
        if len(self.data) + len(piece) > self._limit_bytes:
            raise BodyError(f"it is larger than {self._limit_bytes >> 10} KiB")
        self.data += piece

    @property
    def text(self) -> str:
        """The body as text."""
        return self.data.decode("utf-8", "replace")


def check_coding(headers: Mapping[str, str]) -> None:
    """Raise BodyError where a body is packed."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise BodyError(f"it is packed ({coding[:40]!r})")
