"""Takes the documents that other programs have put into an Office file. Other readers read them, like the attachments
of a mail.

A document of a newer format is a part of the file as it is. An older one, or a file of any kind that was put in as an
icon, is inside an OLE container.
"""

from __future__ import annotations

import io
import posixpath
import struct
from collections.abc import Sequence
from typing import Final

import olefile

from ingest.errors import DocumentError
from ingest.parse.containers import ole_kind
from ingest.parse.extracted import Attachment
from ingest.parse.notes import EMBEDDED_OBJECTS
from ingest.parse.office.ole_storage import whole_file
from ingest.parse.text import encoding

OBJECT_RELATIONS: Final = ("/oleObject", "/package")
"""How the types of the relations end that lead to an embedded object."""
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED_FILE = "\x01Ole10Native"
_WHOLE_DOCUMENTS = ("Package", "EmbeddedOdf", "package_stream")
_CONTENTS, _PDF = "CONTENTS", b"%PDF-"
_LONGEST_NAME = 1_000


class EmbeddedObjects:
    """The objects of other programs in one document."""

    def __init__(self) -> None:
        self._found: dict[str, Attachment | None] = {}
        self._missing = 0
        self._copied = 0

    def add(self, part: str, data: bytes | None) -> None:
        """Add an object that is in this part of the document. A part that is used twice is read once. An object without
        data is only linked, or damaged.
        """
        if data is None:
            self._missing += 1
        elif part not in self._found:
            self._found[part] = attachment_of(data, posixpath.basename(part))

    def add_storage(self, container: olefile.OleFileIO, paths: Sequence[Sequence[str]], most_bytes: int) -> None:
        """Add an object that is a storage of an open container, as in old workbooks. `paths` are those of the storage
        and of what is in it. All objects together may have so many bytes.
        """
        storage = paths[0][0]
        try:
            found = _whole_document(container, storage, f"{storage}/")
            if found is None and (data := whole_file(container, paths, most_bytes - self._copied)) is not None:
                self._copied += len(data)
                found = attachment_of(data, storage)
        except (OSError, ValueError, IndexError):  # one that is damaged
            found = None
        self._found[storage] = found

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Returns the objects that are documents, in the order in which they were added."""
        return tuple(found for found in self._found.values() if found is not None)

    @property
    def notes(self) -> dict[str, int]:
        """Returns how many objects are no documents: drawings, formulas, what is only linked."""
        return {EMBEDDED_OBJECTS: self._missing + sum(found is None for found in self._found.values())}


def attachment_of(data: bytes, name: str) -> Attachment | None:
    """Returns the document that an embedded object is. Returns None if the object is no document. `name` is that of its
    part, and is used if the object has no name.
    """
    if not data.startswith(_OLE_MAGIC):
        return Attachment(name, data) if data else None
    stem = posixpath.splitext(name)[0]
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            if any(map(container.exists, (_PACKED_FILE, *_WHOLE_DOCUMENTS))):
                return _whole_document(container, stem)
            if (found := _whole_document(container, stem)) is not None:
                return found
        kind = ole_kind(data, name)
    except (OSError, ValueError, IndexError, DocumentError):  # a damaged container
        return None
    return Attachment(f"{stem}.{kind}", data) if kind else None


def _whole_document(container: olefile.OleFileIO, stem: str, storage: str = "") -> Attachment | None:
    """Returns the document that is as a whole in one stream of a storage, or None. The storage ends with a slash."""
    if container.exists(storage + _PACKED_FILE):
        return _packed_file(_stream(container, storage + _PACKED_FILE), stem)
    for stream in _WHOLE_DOCUMENTS:
        if container.exists(storage + stream):
            return Attachment(stem, _stream(container, storage + stream))
    contents = storage + _CONTENTS
    if container.exists(contents) and (content := _stream(container, contents)).startswith(_PDF):
        return Attachment(f"{stem}.pdf", content)
    return None


def _stream(container: olefile.OleFileIO, name: str) -> bytes:
    with container.openstream(name) as stream:
        content: bytes = stream.read()
    return content


def _packed_file(stream: bytes, stem: str) -> Attachment | None:
    """Returns a file that was put in as an icon (MS-OLEDS 2.3.6, `Ole10Native`). The stream has its size, two bytes,
    its name, where it came from, where a copy was, its content, and the names once more in Unicode.
    """
    try:
        label, place = _name(stream, 6)
        _, place = _name(stream, place)
        (length,) = struct.unpack_from("<I", stream, place + 4)
        (size,) = struct.unpack_from("<I", stream, place + 8 + length)
    except (struct.error, ValueError):
        return None
    start = place + 12 + length
    content = stream[start : start + size]
    if not content or len(content) < size:
        return None
    name = _unicode_name(stream, start + size) or encoding.decode(label).strip()
    return Attachment(posixpath.basename(name.replace("\\", "/")) or stem, content)


def _name(stream: bytes, start: int) -> tuple[bytes, int]:
    """Returns a name that ends with a zero, and the place behind it. Raises ValueError if it does not end."""
    end = stream.index(b"\0", start, start + _LONGEST_NAME)
    return stream[start:end], end + 1


def _unicode_name(stream: bytes, place: int) -> str:
    """Returns the second of the names behind the content, which is that of the file. It is empty if there is none."""
    try:
        (length,) = struct.unpack_from("<I", stream, place)
        place += 4 + 2 * min(length, _LONGEST_NAME)
        (length,) = struct.unpack_from("<I", stream, place)
    except struct.error:
        return ""
    name = stream[place + 4 : place + 4 + 2 * min(length, _LONGEST_NAME)]
    return name.decode("utf-16-le", "replace").strip("\0 ")
