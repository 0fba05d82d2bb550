"""Reads archives inside a document, such as a mail. Each file in one is an attachment of the archive.

A separate archive is treated as a folder, and its source opens it. See `ingest.sources.archives`.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence

from pydantic import SecretStr

from ingest.archives.aes_zip import AES_METHOD, WrongPasswordError, decrypted
from ingest.archives.limits import Budget
from ingest.archives.names import encoding_of, harmless
from ingest.archives.seven_zip_rar import contents, format_of
from ingest.archives.zip_entries import PLAIN_METHODS
from ingest.document import Element
from ingest.errors import DocumentError
from ingest.parse.containers import MAX_BYTES, check_declared, opened_zip, zip_kind
from ingest.parse.extracted import Attachment, Extracted
from ingest.parse.mail.tar_attachments import is_packed_by_tar, members_of_tar

_ZIP = b"PK\x03\x04"
_UTF8_FLAG = 0x800


def is_packed(data: bytes, name: str) -> bool:
    """Returns True for an archive. Returns False for a document whose format is a zip."""
    if format_of(data) is not None or is_packed_by_tar(data):
        return True
    return data.startswith(_ZIP) and zip_kind(data, name) is None


def members(data: bytes, name: str, passwords: Sequence[SecretStr]) -> tuple[Attachment, ...]:
    """Returns the files in an archive. If a file in a zip cannot be unpacked, its text says so.

    Raises `too_large`, or `unsafe` for other archives than zip, if the archive would unpack to more than 300 MiB. For
    the usual methods of compression, `zipfile` unpacks no more bytes than are declared.
    """
    if (packing := format_of(data)) is not None:
        return tuple(
            Attachment(path, content) for path, content in contents(data, packing, Budget(len(data), MAX_BYTES))
        )
    if is_packed_by_tar(data):
        return members_of_tar(data, name)
    with opened_zip(data, name) as archive:
        check_declared(archive.infolist(), len(data), name)
        infos = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
        unmarked = [info.orig_filename.encode("cp437", "replace") for info in infos if not _is_utf8(info)]
        encoding = encoding_of(unmarked)
        return tuple(_member(archive, info, _name(info, encoding), passwords) for info in infos)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, passwords: Sequence[SecretStr]) -> Attachment:
    tried = [secret.get_secret_value().encode() for secret in passwords] if info.flag_bits & 1 else [None]
    reason = "It is protected by a password." if info.flag_bits & 1 else ""
    if info.compress_type not in (*PLAIN_METHODS, AES_METHOD):
        tried, reason = [], "It is packed by bzip2, LZMA or another way that may unpack to anything."
    for password in tried:
        try:
            return Attachment(name, _unpacked(archive, info, password))
        except WrongPasswordError:
            continue
        except DocumentError as error:
            reason = error.message
        except (RuntimeError, NotImplementedError) as error:  # a wrong password, or an unknown method of compression
            reason = reason or str(error)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            reason = reason or f"It is damaged ({error})."
    unread = Element("paragraph", f"This attachment was not read. {reason}")
    return Attachment(name, None, Extracted((unread,)))


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, password: bytes | None) -> bytes:
    if info.compress_type == AES_METHOD and archive.fp is not None:
        return b"".join(decrypted(archive.fp, info, password or b""))
    return archive.read(info, password)


def _name(info: zipfile.ZipInfo, encoding: str) -> str:
    if _is_utf8(info):
        return harmless(info.filename)
    return harmless(info.orig_filename.encode("cp437", "replace").decode(encoding, "replace"))


def _is_utf8(info: zipfile.ZipInfo) -> bool:
    return bool(info.flag_bits & _UTF8_FLAG)
