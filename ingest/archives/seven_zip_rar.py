"""Reads 7z and RAR files with libarchive. It is an extra (`archives`), and needs the library of the system.

libarchive reads from the front only. So members are fastest in the order of the file, and an earlier one opens the file
again.
"""

from __future__ import annotations

import errno
import locale
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from ingest.archives.limits import BLOCK_BYTES, Budget, Member, copied, refuse, translated
from ingest.archives.names import encoding_of, harmless
from ingest.errors import DocumentError

_FORMATS = {b"7z\xbc\xaf'\x1c": "7zip", b"Rar!\x1a\x07\x00": "rar", b"Rar!\x1a\x07\x01\x00": "rar5"}

_MISSING = "7z and RAR files are opened by libarchive, which is not installed (the extra youju[archives])."

Opener = Callable[[], Any]
"""Returns a context manager that gives the entries of an archive."""


def format_of(head: bytes) -> str | None:
    """Returns the name that libarchive has for the format, or None if this is neither 7z nor RAR."""
    return next((name for magic, name in _FORMATS.items() if head.startswith(magic)), None)


@cache
def is_available() -> bool:
    """Returns True if such files can be opened here. To look for the library may take a while, so it is done once."""
    with suppress(DocumentError):
        return _imported() is not None
    return False


class SevenZipRarArchive:
    """A 7z or RAR file. See `files.Archive`."""

    def __init__(self, path: Path, packing: str, budget: Budget) -> None:
        library = _library()
        self._file = path.open("rb")
        # libarchive would convert a path to the encoding of the system, which may not have its characters.
        reader = partial(library.fd_reader, self._file.fileno(), packing, "none", header_codec="ascii")
        self._pass = _Pass(reader)
        self._is_solid = packing == "7zip"  # libarchive 3.6.2 fails to read on where it has skipped a large member
        try:
            with _said():
                found = [(entry.pathname, _size(entry), number) for number, entry in _files(self._begun(), budget)]
        except BaseException:
            self.close()
            raise
        named = zip(_names(path for path, _, _ in found), found, strict=True)
        self.members = {name: Member(name, size, number) for name, (_, size, number) in named if name}

    def extract(self, member: Member, target: Path, limit_bytes: int) -> None:
        """See `files.Archive`."""
        try:
            with translated(), _said():
                if member.handle < self._pass.number:
                    self._begun()
                copied(_content(self._entry(member.handle)), target, limit_bytes)
        except BaseException:
            self._pass.close()  # after an error libarchive reads on from nowhere
            raise

    def close(self) -> None:
        self._pass.close()
        self._file.close()

    def _entry(self, wanted: int) -> Any:
        for number, entry in self._pass:
            if number == wanted:
                return entry
            if self._is_solid:
                deque(entry.get_blocks(BLOCK_BYTES), maxlen=0)
        raise refuse("file_missing", "The archive has changed.")

    def _begun(self) -> _Pass:
        self._file.seek(0)
        self._pass.begin()
        return self._pass


def contents(data: bytes, packing: str, budget: Budget) -> list[tuple[str, bytes]]:
    """Returns the files in a 7z or RAR file, each with its harmless name. Raises the errors of `SevenZipRarArchive`."""
    library = _library()
    begun = _Pass(partial(library.memory_reader, data, packing, "none", header_codec="ascii"))
    try:
        with translated(), _said():
            begun.begin()
            found = [(entry.pathname, b"".join(_content(entry))) for _, entry in _files(begun, budget)]
    finally:
        begun.close()
    return list(zip(_names(path for path, _ in found), (content for _, content in found), strict=True))


class _Pass:
    """One pass over the entries of an archive. `number` is that of the next entry; past the end it is large."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._open = ExitStack()
        self._entries: Iterator[Any] = iter(())
        self.number = 1 << 62

    def begin(self) -> None:
        """Go to the first entry."""
        self.close()
        self._entries = iter(self._open.enter_context(self._opener()))
        self.number = 0

    def close(self) -> None:
        self._entries = iter(())
        self._open.close()
        self.number = 1 << 62

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        for entry in self._entries:
            self.number += 1
            yield self.number - 1, entry


def _files(entries: Iterable[tuple[int, Any]], budget: Budget) -> Iterator[tuple[int, Any]]:
    """Yields the entries that are files. Folders, links and devices count, and are left out."""
    for number, entry in entries:
        plain = entry.isfile and not entry.islnk
        budget.spend(_size(entry) if plain else 0, entry.pathname or "")
        if plain:
            yield number, entry


def _size(entry: Any) -> int:
    return int(entry.size or 0)


def _content(entry: Any) -> Iterator[bytes]:
    left = _size(entry)
    for block in entry.get_blocks(min(BLOCK_BYTES, max(left, 1))):
        left -= len(block)
        if left < 0:
            raise refuse("corrupt", "A member is larger than it says.")
        yield block


def _names(paths: Iterable[str | bytes | None]) -> list[str]:
    """Returns harmless names. Those of old RAR files are bytes that do not tell their encoding."""
    stated = list(paths)
    encoding = encoding_of(path for path in stated if isinstance(path, bytes))
    return [harmless(path.decode(encoding) if isinstance(path, bytes) else path or "") for path in stated]


@contextmanager
def _said() -> Iterator[None]:
    """Turn what libarchive says into a DocumentError."""
    try:
        yield
    except _library().ArchiveError as error:
        said = error.msg if isinstance(error.msg, str) else (error.msg or b"").decode("utf-8", "replace")
        if error.errno == errno.ENOMEM or "allocate" in said.lower():
            raise refuse("unsafe", "It takes more memory than an archive should.") from None
        if "encrypt" in said.lower():
            raise DocumentError(
                "encrypted",
                "It is encrypted, and of these formats only zip is opened with a password.",
                "Pack it again as a zip with this password, or without a password.",
            ) from None
        raise refuse("corrupt", f"It is damaged, in several volumes, or packed in a rare way ({said[:200]}).") from None


@cache
def _library() -> Any:
    """Returns the module `libarchive`, ready for names in every language. Raises the error of `_imported`."""
    if locale.nl_langinfo(locale.CODESET).upper() not in ("UTF-8", "UTF8"):
        with suppress(locale.Error):  # in the encoding of "C" libarchive loses every name that is not English
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    return _imported()


def _imported() -> Any:
    """Returns the module `libarchive`. Raises DocumentError `needs_libarchive` if it, or the system's library, is not
    installed.
    """
    try:
        import libarchive
    except (ImportError, OSError, AttributeError, TypeError) as error:
        raise refuse("needs_libarchive", _MISSING) from error
    return libarchive
