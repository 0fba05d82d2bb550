"""Opens one archive without trusting what it says about itself, and reads zip and tar files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, Protocol

from ingest.archives.aes_zip import AES_METHOD, WrongPasswordError, decrypted
from ingest.archives.limits import (
    BLOCK_BYTES,
    MAX_MEMBERS,
    RATIO_FLOOR_BYTES,
    Budget,
    Member,
    copied,
    refuse,
    translated,
)
from ingest.archives.names import encoding_of, harmless
from ingest.archives.seven_zip_rar import SevenZipRarArchive, format_of
from ingest.archives.zip_entries import TooManyEntriesError, open_zip

_MAX_HEADER_BYTES = 2**20
"""The most bytes of a tar file that may describe one member.

`tarfile` reads a long name or a list of attributes at once.
"""
_MAX_GLOBAL_ATTRIBUTES = 1000
_UNICODE_PATH = 0x7075  # the extra field with a name in UTF-8, by Info-ZIP
_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 0x1
_WRONG_PASSWORD = (RuntimeError, WrongPasswordError, zipfile.BadZipFile, zlib.error, EOFError)
COMPRESSIONS: Final = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
"""How packed files begin, and what opens them."""
_DOCUMENTS = ("word/", "ppt/", "xl/")


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

    Raises DocumentError `corrupt`, `unsafe`, `unreadable`, `file_missing`, `encrypted` or `needs_libarchive`.
    """
    with translated():
        with path.open("rb") as file:
            head = file.read(512)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            zipped = ZipArchive(path, budget, passwords)
            if not zipped.is_document:
                return zipped
            zipped.close()
            return None
        if (packing := format_of(head)) is not None:
            return SevenZipRarArchive(path, packing, budget)
        compression = next((opener for magic, opener in COMPRESSIONS.items() if head.startswith(magic)), None)
        if compression is not None or is_tar(head):
            return TarArchive(path, budget, compression)
        return None


def is_tar(head: bytes) -> bool:
    """Returns True if a file that begins so, with 512 bytes, is a tar archive."""
    return head[257:262] == b"ustar"


class ZipArchive:
    """A zip file."""

    def __init__(self, path: Path, budget: Budget, passwords: Sequence[bytes]) -> None:
        self._file = path.open("rb")
        self._passwords = passwords
        try:
            self._zip = open_zip(self._file, MAX_MEMBERS)
            infos = self._zip.infolist()
            names = {info.filename for info in infos}
            self.is_document = bool(names & {"mimetype", "OFD.xml"}) or (
                "[Content_Types].xml" in names and any(name.startswith(_DOCUMENTS) for name in names)
            )
            self.members = {} if self.is_document else dict(self._listed(infos, budget))
        except TooManyEntriesError:
            self._file.close()
            raise refuse("unsafe", f"It has more than {MAX_MEMBERS} members.") from None
        except BaseException:
            self._file.close()
            raise

    def extract(self, member: Member, target: Path, limit_bytes: int) -> None:
        """See `Archive`. If the member is encrypted, each password is tried."""
        info: zipfile.ZipInfo = member.handle
        if not info.flag_bits & _ENCRYPTED_FLAG:
            with translated(), self._zip.open(info) as stream:
                copied(_blocks(stream), target, limit_bytes)
            return
        for password in self._passwords:
            # One byte reveals a wrong password. One time in 256 only the unpacked data does.
            with translated(), suppress(*_WRONG_PASSWORD), _translated_but_for_passwords():
                copied(self._decrypted(info, password), target, limit_bytes)
                return
        raise refuse("encrypted", "It has a password." if not self._passwords else "No password that is known fits.")

    def _decrypted(self, info: zipfile.ZipInfo, password: bytes) -> Iterator[bytes]:
        if info.compress_type == AES_METHOD:
            yield from decrypted(self._file, info, password)
            return
        with self._zip.open(info, pwd=password) as stream:
            yield from _blocks(stream)

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

    def __init__(self, source: Path | IO[bytes], budget: Budget, decompress: Any) -> None:
        """`source` is a file, or what has been read of one."""
        if decompress:
            source = decompress(source)
        file: Any = source.open("rb") if isinstance(source, Path) else source
        self._stream = _Bounded(file, budget.bytes_left)
        try:
            bounded: Any = self._stream
            self._tar = tarfile.open(fileobj=bounded, mode="r:", errors="surrogateescape")  # noqa: SIM115
            infos = [info for info in self._all(budget) if info.isreg() or info.islnk()]
            encoding = encoding_of(info.name.encode("utf-8", "surrogateescape") for info in infos)
            named = ((harmless(_decoded(info.name, encoding)), info) for info in infos)
            self.members = {path: Member(path, info.size, info) for path, info in named if path}
        except BaseException:
            self._stream.close()
            raise

    def extract(self, member: Member, target: Path, limit_bytes: int) -> None:
        """See `Archive`."""
        with translated(), self._opened(member) as stream:
            copied(_blocks(stream), target, limit_bytes)

    def read(self, member: Member) -> bytes:
        """Returns the content of a member. Raises DocumentError `corrupt`."""
        with translated(), self._opened(member) as stream:
            return stream.read()

    def _opened(self, member: Member) -> IO[bytes]:
        stream = self._tar.extractfile(member.handle)
        if stream is None:
            raise refuse("corrupt", "It leads to a member that is not there.")
        return stream

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
        self._limit = limit_bytes + RATIO_FLOOR_BYTES
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
def _translated_but_for_passwords() -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise refuse("encrypted", f"It is encrypted in a way that cannot be opened here ({error}).") from error


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK_BYTES):
        yield block


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
