"""The uploaded bytes. They are kept under the home by their digest, and equal contents are kept once.

    originals/incoming/<random>.part     being received; the rest of a crash is removed after an hour
    originals/ab/cdef…                   complete and on the disk, named by the SHA-256 of its content

A file is written aside and flushed to the disk. Only then it gets its name. So a file with a name is complete, also
after a power loss. The thread that names or removes files holds the lock of `uploads.register`, so no file is removed
while it is accepted. The register says which files may be removed: only those that a deletion or a replacement has
named.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from ingest.errors import UnavailableError
from ingest.home.disk import flush_folder
from ingest.home.lock import check_room

_INCOMING = "incoming"
_CHECK_BYTES = 16 * 2**20
_LEFT_BEHIND_SECONDS = 3600.0  # the longest time between two writes of one upload


class Incoming:
    """Bytes that are being received. Write all of them, call `finish`, and pass it to `Originals.keep`."""

    def __init__(self, path: Path, file: BinaryIO, home: Path) -> None:
        self.path = path
        self.size = 0
        self._home = home
        self._checked = 0
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Returns the SHA-256 of the bytes so far, as hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Add bytes. Raises UnavailableError `home_full` if there is no room, or if too little would be left."""
        if self.size >= self._checked + _CHECK_BYTES:  # the total length may not be known
            check_room(self._home, len(data))
            self._checked = self.size
        try:
            self._file.write(data)
        except OSError as error:
            _no_room(error, self.path)
        self._hash.update(data)
        self.size += len(data)

    def finish(self) -> None:
        """Flush all bytes to the disk. Raises UnavailableError `home_full` if there is no room."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            _no_room(error, self.path)


class Originals:
    """The folder `originals` of a home. It holds one file per content."""

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.abspath(home))  # noqa: PTH100 - must not follow links
        self._folder = self.home / "originals"

    def path(self, digest: str) -> Path:
        """Returns the path for the content with this digest. The file need not exist."""
        return self._folder / digest[:2] / digest[2:]

    def moved(self, stored: Path) -> Path:
        """Returns the present path of an original. `stored` is its path before the home was moved."""
        return self._folder / stored.parent.name / stored.name

    @contextmanager
    def receive(self) -> Iterator[Incoming]:
        """Yields a place that receives bytes. If they are not kept by the end of the block, they are removed.

        Call `check_room` before, if the number of bytes is known.
        """
        path = self._folder / _INCOMING / f"{uuid.uuid4().hex}.part"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = path.open("xb")
        except OSError as error:
            _no_room(error, path)
        try:
            with file:
                yield Incoming(path, file, self.home)
        finally:
            path.unlink(missing_ok=True)

    def keep(self, incoming: Incoming) -> Path:
        """Give the finished bytes their name. The caller must hold the lock."""
        path = self.path(incoming.digest)
        try:
            if not path.is_file() or path.stat().st_size != incoming.size:
                path.parent.mkdir(exist_ok=True, mode=0o700)
                incoming.path.replace(path)
                for folder in (path.parent, self._folder, self._folder.parent):
                    flush_folder(folder)
        except OSError as error:
            _no_room(error, path)
        return path

    def has_any(self) -> bool:
        """Returns True if any content is kept here."""
        return next(self.digests(), None) is not None

    def digests(self) -> Iterator[str]:
        """Yields the digests of all contents, in no order."""
        for path in self._folder.glob("??/*"):
            yield path.parent.name + path.name

    def remove(self, digest: str) -> bool:
        """Remove a content for good. Returns True if it was there. The caller must hold the lock.

        Raises OSError if it cannot be removed.
        """
        path = self.path(digest)
        was_there = path.exists()
        path.unlink(missing_ok=True)
        return was_there

    def remove_left_behind(self) -> int:
        """Remove the files that broken uploads left. Returns how many."""
        folder = self._folder / _INCOMING
        left = [path for path in folder.iterdir() if _is_left_behind(path)] if folder.is_dir() else []
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def _is_left_behind(path: Path) -> bool:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > _LEFT_BEHIND_SECONDS
    return False


def _no_room(error: OSError, path: Path) -> NoReturn:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    raise UnavailableError(
        "home_full" if full else "originals_unwritable",
        f"The upload cannot be kept in {path.parent}: {error.strerror}.",
        "Free some space, or move YOUJU_HOME." if full else "Give the server's user the right to write there.",
    ) from None
