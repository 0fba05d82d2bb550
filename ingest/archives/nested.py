"""Opens an archive and its inner archives, but only when they are needed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.archives.files import Archive, open_archive
from ingest.archives.limits import Budget, refuse
from ingest.archives.names import SEPARATOR, is_archive
from ingest.errors import DocumentError

_MAX_DEPTH: Final = 3
"""The levels of archives that are opened. A deeper archive is a document that cannot be read."""


@dataclass(frozen=True, slots=True)
class MemberLimits:
    """Limits for a member of an archive (`member_bytes`), and the passwords to try."""

    member_bytes: int
    passwords: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A document in an archive. `failed`: it is itself an archive that cannot be opened. `size` is in bytes."""

    path: str
    size: int
    failed: bool = False


class ArchiveTree:
    """An open archive. Its inner archives are unpacked into `scratch`, one at a time. `close` removes them."""

    def __init__(self, path: Path, archive: Archive, scratch: Path, limits: MemberLimits, depth: int = 1) -> None:
        self._path = path
        self._archive = archive
        self._scratch = scratch
        self._limits = limits
        self._depth = depth
        self._child: tuple[str, ArchiveTree] | None = None

    @classmethod
    def open(cls, path: Path, scratch: Path, limits: MemberLimits, budget: Budget) -> ArchiveTree | None:
        """Returns the archive in this file, or None if it is not one. Raises the DocumentErrors of `open_archive`."""
        archive = open_archive(path, budget, limits.passwords)
        return cls(path, archive, scratch, limits) if archive is not None else None

    def entries(self, budget: Budget) -> Iterator[Entry]:
        """Yields all documents in this archive and its inner archives.

        Raises DocumentError `unsafe` if they are too many.
        """
        for path, member in self._archive.members.items():
            if not self._opens(path):
                yield Entry(path, member.size)
                continue
            try:
                child = self._opened(path, budget)
            except DocumentError as error:
                if error.code == "unsafe":
                    raise
                yield Entry(path, member.size, failed=True)
                continue
            if child is None:
                yield Entry(path, member.size)
                continue
            for entry in child.entries(budget):
                yield Entry(f"{path}{SEPARATOR}{entry.path}", entry.size, entry.failed)

    def extract(self, path: str, target: Path) -> None:
        """Write the document at this path to `target`.

        The path is one of `entries`. Raises DocumentError if that fails.
        """
        above = next((name for name in _archives_in(path) if name in self._archive.members), None)
        if above is not None and path not in self._archive.members:
            child = self._opened(above, Budget(self._path.stat().st_size))
            if child is None:
                raise refuse("file_missing", "The archive has changed.")
            child.extract(path[len(above) + len(SEPARATOR) :], target)
            return
        if (member := self._archive.members.get(path)) is None:
            raise refuse("file_missing", "It is not in the archive any more.")
        if member.size > self._limits.member_bytes:
            raise refuse("too_large", f"It is larger than {self._limits.member_bytes >> 20} MiB.")
        self._archive.extract(member, target, self._limits.member_bytes)
        if self._opens(path):  # it was listed because it cannot be opened: opening it raises the reason
            self._opened(path, Budget(target.stat().st_size))

    def close(self) -> None:
        """Close this archive and its inner archives."""
        self._archive.close()
        self._close_child()

    def _opens(self, path: str) -> bool:
        return self._depth < _MAX_DEPTH and is_archive(path)

    def _opened(self, path: str, budget: Budget) -> ArchiveTree | None:
        """Returns the archive in the member `path`. It is kept until another one is asked for."""
        if self._child is not None and self._child[0] == path:
            return self._child[1]
        self._close_child()
        member = self._archive.members[path]
        if member.size > self._limits.member_bytes:
            raise refuse("too_large", f"It is larger than {self._limits.member_bytes >> 20} MiB.")
        file = self._scratch / uuid.uuid4().hex
        archive = None
        try:
            self._archive.extract(member, file, self._limits.member_bytes)
            archive = open_archive(file, budget, self._limits.passwords)
        finally:
            if archive is None:
                file.unlink(missing_ok=True)
        if archive is None:
            return None
        child = ArchiveTree(file, archive, self._scratch, self._limits, self._depth + 1)
        self._child = (path, child)
        return child

    def _close_child(self) -> None:
        if self._child is not None:
            self._child[1].close()
            self._child[1]._path.unlink(missing_ok=True)
            self._child = None


def _archives_in(path: str) -> Iterator[str]:
    """Yields the part before each separator: `a.zip`, then `a.zip!/b.zip`."""
    at = path.find(SEPARATOR)
    while at >= 0:
        yield path[:at]
        at = path.find(SEPARATOR, at + 1)
