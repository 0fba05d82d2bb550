"""Opens archives in a child process. Their content is not trusted, and a decompressor may unpack far more than it
announced.

The first archive starts the child, and the child is kept. If it ends, hangs or takes too much memory, only the archive
that it was reading fails.
"""

from __future__ import annotations

import resource
import shutil
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ingest.archives.limits import Budget, refuse
from ingest.archives.nested import ArchiveTree, Entry, MemberLimits
from ingest.engines import ENDED_WORKER, Limits
from ingest.engines.local import Child
from ingest.errors import DocumentError, YoujuError

_MEMORY_MB: Final = 1024
"""Far more than the largest dictionary of xz and the names of all members need."""
_PAGE_BYTES = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A task for the child: list the documents of the archive at `path`, or write `member` to `target`.

    A new value in `opening` tells the child to open the archive again. The child unpacks inner archives into `scratch`.
    """

    path: Path
    opening: str
    scratch: Path
    member: str = ""
    target: Path | None = None


class ArchiveReader:
    """Lists archives and extracts documents from them. Use it from one thread at a time, and close it.

    `timeout_seconds` is the limit for one listing and for one document. If `stop` is set, the current task ends.
    """

    def __init__(self, limits: MemberLimits, timeout_seconds: float, *, memory_mb: int = _MEMORY_MB) -> None:
        self.stop = threading.Event()
        self._child = Child(_make_opener, (limits, memory_mb), _limits(timeout_seconds, memory_mb))
        self._memory_mb = memory_mb

    def entries(self, path: Path, opening: str, folder: Path) -> list[Entry] | None:
        """Returns all documents in an archive and in its inner archives. Returns None if the file is not an archive.

        Raises DocumentError `corrupt`, `unsafe`, `unreadable`, `file_missing`, `timeout`, `worker_crashed`, and
        `interrupted` once `stop` is set. Raises UnavailableError `disk_full`.
        """
        found: list[Entry] | None = self._asked(_Asked(path, opening, _scratch(folder)))
        return found

    def extract(self, path: Path, opening: str, folder: Path, member: str, target: Path) -> None:
        """Write one of the documents to `target`. Raises the errors of `entries`, and `too_large` and `encrypted`."""
        self._asked(_Asked(path, opening, _scratch(folder), member, target))

    def close(self) -> None:
        """End the child."""
        self._child.stop()

    def _asked(self, asked: _Asked) -> Any:
        result = self._child.call(asked, self.stop.is_set)
        if isinstance(result, DocumentError) and result.code in (*ENDED_WORKER, "interrupted"):
            shutil.rmtree(asked.scratch, ignore_errors=True)  # the child could not do it
        if isinstance(result, DocumentError) and result.code == "out_of_memory":
            raise refuse("unsafe", f"It takes more than {self._memory_mb} MiB of memory to open.")
        if isinstance(result, YoujuError):
            raise result
        return result


class _Opener:
    """The work of the child. It keeps one archive open, because documents of the same archive follow each other."""

    def __init__(self, limits: MemberLimits) -> None:
        self._limits = limits
        self._opening = ""
        self._tree: ArchiveTree | None = None

    def __call__(self, asked: _Asked) -> list[Entry] | None:
        try:
            return self._answer(asked)
        except MemoryError:
            self._close()
            raise refuse("unsafe", "It takes more memory than an archive should.") from None

    def _answer(self, asked: _Asked) -> list[Entry] | None:
        packed_bytes = self._open(asked)
        if asked.target is None:
            return None if self._tree is None else list(self._tree.entries(Budget(packed_bytes)))
        if self._tree is None:
            raise refuse("file_missing", "The archive has changed.")
        self._tree.extract(asked.member, asked.target)
        return None

    def _open(self, asked: _Asked) -> int:
        """Open this archive if it is not open. Returns its size in bytes."""
        try:
            packed_bytes = asked.path.stat().st_size
        except OSError:
            raise refuse("file_missing", "It was gone when it was opened.") from None
        if self._opening != asked.opening:
            self._close()
            asked.scratch.mkdir(parents=True, exist_ok=True)
            self._tree = ArchiveTree.open(asked.path, asked.scratch, self._limits, Budget(packed_bytes))
            self._opening = asked.opening
        return packed_bytes

    def _close(self) -> None:
        self._opening = ""
        if self._tree is not None:
            self._tree.close()
            self._tree = None


def new_opening() -> str:
    """Returns a new mark. With it an archive is opened again."""
    return uuid.uuid4().hex


def _make_opener(argument: tuple[MemberLimits, int]) -> Callable[[_Asked], list[Entry] | None]:
    limits, memory_mb = argument
    _bound_memory(memory_mb)
    return _Opener(limits)


def _bound_memory(megabytes: int) -> None:
    """Limit the memory of this process, so that an allocation beyond the limit fails at once.

    The parent also looks at the memory, but a decompressor can take gigabytes between two looks.
    """
    with suppress(OSError, ValueError):  # if the system refuses, the parent's looks remain
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * _PAGE_BYTES
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = taken + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _limits(seconds: float, memory_mb: int) -> Limits:
    return Limits(
        seconds=seconds,
        memory_mb=memory_mb,
        time_hint="Raise YOUJU_PARSE_TIMEOUT_SECONDS, or unpack the archive beside and leave it out.",
        memory_hint="Unpack it beside and leave the archive out.",
        crash_hint="Pack it again and replace it.",
    )


def _scratch(folder: Path) -> Path:
    return folder / "scratch"
