"""Reads one zip or tar file without trusting what it says about itself."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from ingest.archives.names import encoding_of, harmless
from ingest.archives.zip_entries import TooManyEntriesError, open_zip
from ingest.errors import DocumentError, UnavailableError

_MAX_MEMBERS = 50_000
_MAX_NAMES_BYTES = 32 * 2**20
"""The limit for the paths of all members together. They are sent between processes and kept in the catalog."""
_MAX_HEADER_BYTES = 2**20
"""The most bytes of a tar file that may describe one member.

`tarfile` reads a long name or a list of attributes at once.
"""
_MAX_GLOBAL_ATTRIBUTES = 1000
_MAX_BYTES = 64 * 2**30
_MAX_RATIO = 200
"""Logs and tables shrink by 10 to 100 times. Only a bomb shrinks more."""
_RATIO_FLOOR_BYTES = 128 * 2**20
_BLOCK = 1 << 20
_UNICODE_PATH = 0x7075  # the extra field with a name in UTF-8, by Info-ZIP
_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 0x1
_COMPRESSIONS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_DOCUMENTS = ("word/", "ppt/", "xl/")

_HINTS = {
    "corrupt": "Pack it again and replace it.",
    "encrypted": "Add its password to the setting passwords, or pack it without one.",
    "too_large": "Split it, or raise max_file_mb.",
    "unsafe": "It looks made to fill a disk. If it is not, unpack it beside and leave the archive out.",
    "file_missing": "Run again: it was changed while it was read.",
    "unreadable": "Give this user the right to read it.",
}


def refuse(code: str, reason: str) -> DocumentError:
    """Returns the error for an archive or a member. `reason` is one sentence."""
    return DocumentError(code, reason, _HINTS[code])


class Budget:
    """Limits what may come out of an archive and its inner archives.

    `packed_bytes` is the size of the outermost one.
    """

    def __init__(self, packed_bytes: int) -> None:
        self.bytes_left = min(_MAX_BYTES, max(_RATIO_FLOOR_BYTES, packed_bytes * _MAX_RATIO))
        self._members_left = _MAX_MEMBERS
        self._names_left = _MAX_NAMES_BYTES

    def spend(self, size: int, name: str) -> None:
        """Count one member with this size and name. Raises DocumentError `unsafe` if the budget is spent."""
        if size < 0:
            raise refuse("corrupt", "A member says that it is smaller than nothing.")
        self._members_left -= 1
        self.bytes_left -= size
        self._names_left -= len(name)
        if self._members_left < 0:
            raise refuse("unsafe", f"It has more than {_MAX_MEMBERS} members.")
        if self._names_left < 0:
            raise refuse("unsafe", "The names of its members are far longer than names are.")
        if self.bytes_left < 0:
            raise refuse("unsafe", "It would unpack to far more than an archive of its size does.")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    `path` is harmless. `handle` is the library's own description of the file. `size` is in bytes.
    """

    path: str
    size: int
    handle: Any


class Archive(Protocol):
    """An open archive. `members` are keyed by path. If two have the same path, the later one counts."""

    members: dict[str, Member]

    def extract(self, member: Member, target: Path, limit_bytes: int) -> None:
        """Write the member to `target`. Raises DocumentError `encrypted`, `too_large` or `corrupt`."""
        ...

    def close(self) -> None: ...


def open_archive(path: Path, budget: Budget, passwords: Sequence[bytes] = ()) -> Archive | None:
    """Returns the archive in this file. Returns None if the content is not an archive, whatever the name of the file
    says.

    Raises DocumentError `corrupt`, `unsafe`, `unreadable` or `file_missing`.
    """
    with _translated():
        with path.open("rb") as file:
            head = file.read(512)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            zipped = ZipArchive(path, budget, passwords)
            if not zipped.is_document:
                return zipped
            zipped.close()
            return None
        compression = next((opener for magic, opener in _COMPRESSIONS.items() if head.startswith(magic)), None)
        if compression is not None or head[257:262] == b"ustar":
            return TarArchive(path, budget, compression)
        return None


class ZipArchive:
    """A zip file."""

    def __init__(self, path: Path, budget: Budget, passwords: Sequence[bytes]) -> None:
        self._file = path.open("rb")
        self._passwords = passwords
        try:
            self._zip = open_zip(self._file, _MAX_MEMBERS)
            infos = self._zip.infolist()
            names = {info.filename for info in infos}
            self.is_document = bool(names & {"mimetype", "OFD.xml"}) or (
                "[Content_Types].xml" in names and any(name.startswith(_DOCUMENTS) for name in names)
            )
            self.members = {} if self.is_document else dict(self._listed(infos, budget))
        except TooManyEntriesError:
            self._file.close()
            raise refuse("unsafe", f"It has more than {_MAX_MEMBERS} members.") from None
        except BaseException:
            self._file.close()
            raise

    def extract(self, member: Member, target: Path, limit_bytes: int) -> None:
        """See `Archive`. If the member is encrypted, each password is tried."""
        info: zipfile.ZipInfo = member.handle
        if not info.flag_bits & _ENCRYPTED_FLAG:
            with _translated(), self._zip.open(info) as stream:
                _copy(stream, target, limit_bytes)
            return
        for password in self._passwords:
            # One byte reveals a wrong password. One time in 256 only the unpacked data does.
            with suppress(RuntimeError, zipfile.BadZipFile, zlib.error, EOFError), _translated_but_for_passwords():
                with self._zip.open(info, pwd=password) as stream:
                    _copy(stream, target, limit_bytes)
                return
        raise refuse("encrypted", "It has a password." if not self._passwords else "No password that is known fits.")

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def _listed(self, infos: list[zipfile.ZipInfo], budget: Budget) -> Iterator[tuple[str, Member]]:
        unsaid = [_raw(info) for info in infos if not info.flag_bits & _UTF8_FLAG]
        encoding = encoding_of(unsaid)
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir() or kind not in (0, stat.S_IFREG):
                continue
            budget.spend(info.file_size, info.filename)
            if path := harmless(_name(info, encoding)):
                yield path, Member(path, info.file_size, info)


class TarArchive:
    """A tar file, compressed or not. Extracting members in the order of the file is fastest."""

    def __init__(self, path: Path, budget: Budget, decompress: Any) -> None:
        self._stream = _Bounded(decompress(path) if decompress else path.open("rb"), budget.bytes_left)
        try:
            file: Any = self._stream
            self._tar = tarfile.open(fileobj=file, mode="r:", errors="surrogateescape")  # noqa: SIM115
            infos = [info for info in self._all(budget) if info.isreg() or info.islnk()]
            encoding = encoding_of(info.name.encode("utf-8", "surrogateescape") for info in infos)
            named = ((harmless(_decoded(info.name, encoding)), info) for info in infos)
            self.members = {path: Member(path, info.size, info) for path, info in named if path}
        except BaseException:
            self._stream.close()
            raise

    def extract(self, member: Member, target: Path, limit_bytes: int) -> None:
        """See `Archive`."""
        with _translated():
            stream = self._tar.extractfile(member.handle)
            if stream is None:
                raise refuse("corrupt", "It leads to a member that is not there.")
            with stream:
                _copy(stream, target, limit_bytes)

    def close(self) -> None:
        self._tar.close()
        self._stream.close()

    def _all(self, budget: Budget) -> Iterator[tarfile.TarInfo]:
        while True:
            with self._stream.reading_headers():
                info = self._tar.next()
            if info is None:
                break
            budget.spend(info.size if info.isreg() else 0, info.name + info.linkname)
            if len(self._tar.pax_headers) > _MAX_GLOBAL_ATTRIBUTES:
                raise refuse("unsafe", "It gives its members more attributes than any archive does.")
            info.pax_headers = {}  # already used, and each member has a copy of all
            yield info
        # At a damaged header tarfile stops in the same way as at the end. Only the real end is a block of zeros.
        self._stream.seek(self._tar.offset)
        if self._stream.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise refuse("corrupt", "It is damaged in the middle.")


class _Bounded:
    """A readable file with a limit in bytes. Data beyond the limit is not decompressed."""

    def __init__(self, file: IO[bytes], limit_bytes: int) -> None:
        self._file = file
        # Headers and padding come in addition to the content of the members.
        self._limit = limit_bytes + _RATIO_FLOOR_BYTES
        self._header_bytes_left: int | None = _MAX_HEADER_BYTES  # `tarfile` reads the first member when it opens

    @contextmanager
    def reading_headers(self) -> Iterator[None]:
        """Limit what is read in this block. It describes one member, in one or several headers."""
        self._header_bytes_left = _MAX_HEADER_BYTES
        try:
            yield
        finally:
            self._header_bytes_left = None

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise refuse("corrupt", "A member says that it is smaller than nothing.")
        if self._header_bytes_left is not None:
            self._header_bytes_left -= size
            if self._header_bytes_left < 0:
                raise refuse("unsafe", "It describes a member in more than 1 MiB.")
        self._check(self._file.tell() + size)
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._check(offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise refuse("unsafe", "It would unpack to far more than an archive of its size does.")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DocumentError:
        raise
    except MemoryError:
        raise refuse("unsafe", "It takes more memory than an archive should.") from None
    except FileNotFoundError as error:
        raise refuse("file_missing", "It was gone when it was opened.") from error
    except PermissionError as error:
        raise refuse("unreadable", "It may not be read.") from error
    except NotImplementedError as error:
        raise refuse("corrupt", f"It is packed in a way that cannot be read here ({error}).") from error
    except Exception as error:  # decompressors, parsers and arithmetic raise errors of many kinds
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnavailableError("disk_full", "There is no room to unpack an archive.", "Make room.") from error
        reason = str(error)[:200] or type(error).__name__
        raise refuse("corrupt", f"The archive is damaged ({reason}).") from error


@contextmanager
def _translated_but_for_passwords() -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:  # AES, which the standard library cannot decrypt
        raise refuse("encrypted", "It is encrypted in a way that cannot be opened here (AES).") from error


def _copy(stream: IO[bytes], target: Path, limit_bytes: int) -> None:
    written = 0
    with target.open("wb") as file:
        while block := stream.read(_BLOCK):
            written += len(block)
            if written > limit_bytes:
                raise refuse("too_large", f"It is larger than {limit_bytes >> 20} MiB.")
            file.write(block)


def _raw(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_FLAG else "cp437", "replace")


def _name(info: zipfile.ZipInfo, encoding: str) -> str:
    if info.flag_bits & _UTF8_FLAG:
        return info.orig_filename
    raw = _raw(info)
    with suppress(struct.error, UnicodeDecodeError):
        extra = info.extra
        while len(extra) >= 4:
            kind, size = struct.unpack("<HH", extra[:4])
            data, extra = extra[4 : 4 + size], extra[4 + size :]
            if kind == _UNICODE_PATH and struct.unpack("<L", data[1:5])[0] == zlib.crc32(raw):
                return data[5:].decode("utf-8")
    return raw.decode(encoding)


def _decoded(name: str, encoding: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode(encoding)
