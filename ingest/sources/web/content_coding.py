"""Unpacks the bodies of answers in pieces, so that no body takes more memory than one piece."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ingest.errors import DocumentError

ACCEPTED: Final = "gzip, deflate"
"""The codings that can be unpacked here, in the form of the header `Accept-Encoding`."""

_PIECE_BYTES = 256 * 1024
_GZIP, _ZLIB, _BARE = 31, 15, -15  # how zlib numbers its formats
_MAGIC = b"\x1f\x8b"


def unpacked(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Yields the unpacked body. `pieces` are its packed bytes; `coding` is the header `Content-Encoding`.

    The body may be plain, or packed once by gzip or deflate. An unpacked piece has at most 256 KiB.
    Raises DocumentError `corrupt`, and `encoding_unsupported` for all other codings, before a byte is read.
    """
    codings = [name for part in coding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
    if not codings:
        return iter(pieces)
    if len(codings) > 1 or codings[0] not in ("gzip", "x-gzip", "deflate"):
        raise DocumentError(
            "encoding_unsupported",
            f"The site packed it as {coding[:60]!r}, which nobody asked for.",
            "Have the site send it as it is, or with gzip alone; or exclude it.",
        )
    return _unzipped(pieces, _Unzipping(is_gzip=codings[0] != "deflate"))


def _unzipped(pieces: Iterable[bytes], unzipping: _Unzipping) -> Iterator[bytes]:
    try:
        for piece in pieces:
            yield from unzipping.add(piece)
    except zlib.error as error:
        raise _corrupt(str(error)) from None
    if not unzipping.is_whole:
        raise _corrupt("it ends too soon")


class _Unzipping:
    """Unpacks one body. A gzip file may have several parts. Bytes after the last part are left out."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._stream: Any = None  # of the part that is read now
        self._waiting = b""
        self._parts = 0
        self._is_over = False

    @property
    def is_whole(self) -> bool:
        """Returns True if the body may end here. An empty body is allowed."""
        return self._stream is None and (self._parts > 0 or not self._waiting)

    def add(self, data: bytes) -> Iterator[bytes]:
        """Yields the bytes that can be unpacked with this data."""
        if self._is_over:
            return
        self._waiting += data
        while self._stream is not None or self._begins():
            plain = self._stream.decompress(self._waiting, _PIECE_BYTES)
            ended = self._stream.eof
            self._waiting = self._stream.unused_data if ended else self._stream.unconsumed_tail
            if ended:
                self._stream = None
            if plain:
                yield plain
            elif not ended:
                return  # zlib needs more data

    def _begins(self) -> bool:
        """Returns True if the waiting bytes begin another part."""
        if len(self._waiting) < len(_MAGIC):
            return False
        if self._parts and not (self._is_gzip and self._waiting.startswith(_MAGIC)):
            self._is_over = True
            return False
        self._stream = zlib.decompressobj(_GZIP if self._is_gzip else _form_of_deflate(self._waiting))
        self._parts += 1
        return True


def _form_of_deflate(data: bytes) -> int:
    """Returns zlib's number for the form of deflate.

    Sites send it with zlib's header, as the standard says, or without.
    """
    has_header = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
    return _ZLIB if has_header else _BARE


def _corrupt(reason: str) -> DocumentError:
    return DocumentError("corrupt", f"The site sent it packed, and it is damaged ({reason}).", "Run again.")
