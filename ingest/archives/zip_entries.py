"""Opening zip files of which it is known how many entries they list before anything is made of them.

`zipfile` describes each entry in an object of 700 bytes before anybody can ask how many there are: 17 MiB hold 400,000.
"""

from __future__ import annotations

import zipfile
from typing import IO, Any

_SIGNATURE = b"PK\x01\x02"
_BYTES_AN_ENTRY = 512
"""On average at most, in the list: 46 and the name."""
PLAIN_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Ways of packing that `zipfile` unpacks in pieces. Of the others (bzip2, LZMA) a few bytes may come out as gigabytes
at once."""


class TooManyEntriesError(Exception):
    """The file lists more entries than allowed."""


def open_zip(file: IO[bytes], limit: int) -> zipfile.ZipFile:
    """The zip file in `file`, which stays the caller's to close. Raises as `zipfile` does, and TooManyEntriesError
    where it lists more than `limit` entries, whatever it says about their number."""
    listing = _Listing(file, limit)
    as_file: Any = listing
    opened = zipfile.ZipFile(as_file)
    listing.is_read = True
    return opened


class _Listing:
    """The file as `zipfile` reads it: what it makes its entries of is what it has read here."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self.is_read = False
        self._file = file
        self._limit = limit
        self._entries = 0

    def read(self, size: int = -1) -> bytes:
        if not self.is_read and size > self._limit * _BYTES_AN_ENTRY:
            raise TooManyEntriesError
        data = self._file.read(size)
        if not self.is_read:
            self._entries += data.count(_SIGNATURE)
            if self._entries > self._limit:
                raise TooManyEntriesError
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True
