"""Opens zip files and counts their entries before objects are made for them.

`zipfile` makes an object of 700 bytes for each entry before anybody can ask for their number. A file of 17 MiB can list
400,000 entries.
"""

from __future__ import annotations

import zipfile
from typing import IO, Any

_SIGNATURE = b"PK\x01\x02"
_BYTES_AN_ENTRY = 512
"""The most bytes that an entry takes in the list, on average: 46 and the name."""
PLAIN_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The methods that `zipfile` unpacks in pieces.

With the others (bzip2, LZMA) a few bytes may become gigabytes at once.
"""


class TooManyEntriesError(Exception):
    """The file lists more entries than allowed."""


def open_zip(file: IO[bytes], limit: int) -> zipfile.ZipFile:
    """Returns the zip file in `file`. The caller still has to close `file`.

    Raises the errors of `zipfile`, and TooManyEntriesError if the file really lists more than `limit` entries.
    """
    listing = _Listing(file, limit)
    as_file: Any = listing
    opened = zipfile.ZipFile(as_file)
    listing.is_read = True
    return opened


class _Listing:
    """The file as `zipfile` reads it. `zipfile` makes its entries only from bytes that were counted here."""

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
