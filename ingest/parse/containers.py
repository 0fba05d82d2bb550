"""Detects what is inside a zip or OLE container. It does not trust what the container says about itself."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import olefile

from ingest.archives.zip_entries import PLAIN_METHODS, TooManyEntriesError, open_zip
from ingest.parse.refusals import refuse
from ingest.parse.text.xml_entities import declares_entities

_WORKS_STREAM, _WORKS_MARK = "CONTENTS", b"CHNKWKS"
"""Where Microsoft Works 2000 and later keep the text. Their files are called `.wps`, as those of WPS Office are."""

MAX_BYTES = 300 * 1024 * 1024
_MAX_MEMBERS = 20_000
_MAX_RATIO = 400
"""Office XML is compressed by a factor of 10 to 50. Only a zip bomb exceeds this limit."""
_RATIO_FLOOR_BYTES = 32 * 1024 * 1024
_BLOCK = 1 << 20

_ZIP_KINDS = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))
_OPEN_KINDS = {"text": "odt", "text-master": "odt", "spreadsheet": "ods", "presentation": "odp", "graphics": "odg"}
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_OLE_KINDS = (
    ("EncryptedPackage", "encrypted"),
    ("WordDocument", "doc"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("PowerPoint Document", "ppt"),
    ("MatOST", "works"),
    ("MN0", "works"),
    ("BodyText", "hwp"),
    ("__properties_version1.0", "msg"),
)


def zip_kind(data: bytes, name: str) -> str | None:
    """Returns the kind of document in a zip: docx, pptx, xlsx, xlsb, odt, ods, odp, odg, epub, ofd, or None.

    Raises DocumentError `encrypted` if the archive has a password. Raises `corrupt` if it is broken. Raises `too_large`
    if it unpacks to more than 300 MiB. Both its declared size and the bytes that are read count. Raises `unsafe` if its
    XML declares entities.
    """
    try:
        with opened_zip(data, name) as archive:
            members = archive.infolist()
            kind = _zip_kind(archive)
            if kind is None:
                return None
            check_declared(members, len(data), name)
            _check_actual(archive, members, name)
            _check_open(archive, kind, name)
            return kind
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise refuse("corrupt", name, f"the archive is damaged ({error})") from error
    except RuntimeError as error:  # zipfile raises this if the archive needs a password
        raise refuse("encrypted", name, "the archive has a password") from error
    except Exception as error:  # zlib.error and lzma errors have no common base class but Exception
        if hasattr(error, "code"):
            raise
        raise refuse("corrupt", name, f"the archive is damaged ({error})") from error


def opened_zip(data: bytes, name: str) -> zipfile.ZipFile:
    """Returns the opened zip. Raises `too_large` if it has more than 20,000 parts, and the errors of `zipfile`."""
    try:
        return open_zip(io.BytesIO(data), _MAX_MEMBERS)
    except TooManyEntriesError:
        raise refuse("too_large", name, f"it has more than {_MAX_MEMBERS} parts") from None


def ole_kind(data: bytes, name: str) -> str | None:
    """Returns the kind of document in an OLE container: doc, xls, ppt, works, hwp, msg, `encrypted`, or None."""
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            found = next((kind for stream, kind in _OLE_KINDS if container.exists(stream)), None)
            return found or ("works" if _is_works(container) else None)
    except (OSError, ValueError, IndexError) as error:
        raise refuse("corrupt", name, f"the container is damaged ({error})") from error


def _is_works(container: olefile.OleFileIO) -> bool:
    if not container.exists(_WORKS_STREAM):
        return False
    with container.openstream(_WORKS_STREAM) as stream:
        return bool(stream.read(len(_WORKS_MARK)) == _WORKS_MARK)


def _zip_kind(archive: zipfile.ZipFile) -> str | None:
    names = set(archive.namelist())
    for prefix, kind in _ZIP_KINDS:
        if any(member.lower().startswith(prefix) for member in names):
            return "xlsb" if "xl/workbook.bin" in names else kind
    if "mimetype" in names:
        mime = _start_of(archive, "mimetype").decode("ascii", "replace").strip()
        if mime.startswith(_OPEN_DOCUMENT):
            return _OPEN_KINDS.get(mime.removeprefix(_OPEN_DOCUMENT).removesuffix("-template"))
    if "META-INF/container.xml" in names:
        return "epub"
    return "ofd" if "ofd.xml" in map(str.lower, names) else None


def _check_open(archive: zipfile.ZipFile, kind: str, name: str) -> None:
    """Raise `encrypted` if a part is protected. The manifest of an open format says which parts a password protects."""
    names = archive.namelist()
    manifest = "META-INF/manifest.xml"
    locked = manifest in names and b"encryption-data" in _start_of(archive, manifest, _BLOCK)
    if locked or (kind == "epub" and "META-INF/rights.xml" in names):
        raise refuse("encrypted", name, "it is protected by a password or a licence")


def _start_of(archive: zipfile.ZipFile, member: str, limit: int = 200) -> bytes:
    if archive.getinfo(member).compress_type not in PLAIN_METHODS:
        return b""  # to read one byte may unpack gigabytes
    with archive.open(member) as stream:
        return stream.read(limit)


def check_declared(members: list[zipfile.ZipInfo], packed: int, name: str) -> None:
    """Raise `too_large` if the sizes that the archive declares are those of a zip bomb, or above the limit."""
    declared = sum(member.file_size for member in members)
    expands = declared > _RATIO_FLOOR_BYTES and declared > packed * _MAX_RATIO
    if declared > MAX_BYTES or expands:
        raise refuse("too_large", name, f"it would unpack to {declared >> 20} MiB in {len(members)} parts")


def _check_actual(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> None:
    """Unpack every part once, block by block. The libraries that read the document later unpack a part at once."""
    unpacked = 0

    def blocks(member: zipfile.ZipInfo) -> Iterator[bytes]:
        nonlocal unpacked
        with archive.open(member) as stream:
            while block := stream.read(_BLOCK):
                unpacked += len(block)
                if unpacked > MAX_BYTES:
                    raise refuse("too_large", name, "it unpacks to more than it declares")
                yield block

    for member in members:
        if member.compress_type not in PLAIN_METHODS:
            raise refuse("unsafe", name, f"{member.filename} is packed in a way that no document needs")
        rest = blocks(member)
        if declares_entities(rest):
            raise refuse("unsafe", name, f"{member.filename} declares XML entities")
        for _ in rest:
            pass
