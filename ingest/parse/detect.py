"""Detects the kind of a document from its content. If the content is only text, the name decides too."""

from __future__ import annotations

import json
import re
from pathlib import PurePath

from ingest.archives.seven_zip_rar import format_of
from ingest.errors import DocumentError
from ingest.parse.containers import ole_kind, zip_kind
from ingest.parse.pictures.images import is_heif
from ingest.parse.refusals import PACK_AS_ZIP, refuse
from ingest.parse.sniff import text_kind
from ingest.parse.text import encoding

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"BM", "bmp"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    # Old Excel and Word files that are not in containers, and WordPerfect.
    (b"\x09\x00\x04\x00", "xls"),
    (b"\x09\x02\x06\x00", "xls"),
    (b"\x09\x04\x06\x00", "xls"),
    (b"\xdb\xa5\x2d\x00", "doc"),
    (b"\xffWPC", "wpd"),
)
HEAD_BYTES = 20_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF = re.compile(rb"%PDF-\d")
_BINARY_SUFFIXES = frozenset(
    {"pdf", "docx", "pptx", "xlsx", "doc", "ppt", "xls", "odt", "ods", "odp", "epub", "msg", "xlsb", "docm", "pptm"}
    | {"xlsm", "png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "gif", "heic", "heif", "rtf", "ofd"}
    | {"wps", "wpt", "et", "ett", "dps", "dpt"}  # WPS Office, documents and templates
)

_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
"""How files begin that gzip, bzip2, xz and Zstandard have packed."""
_VOLUME = re.compile(r"\.(?:part[0-9]{1,5}\.rar|[rz][0-9]{2,3}|(?:7z|zip|rar|tar)\.[0-9]{3})$", re.I)
_NEVER_TEXT = frozenset({"pdf", "png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "gif", "heic", "heif"})


def detect(data: bytes, name: str) -> str:
    """Returns the kind of these bytes. It is `encrypted` for an Office file that needs a password.

    Raises DocumentError if they are no document of a kind that is read here.
    """
    for magic, kind in _MAGIC:
        if data.startswith(magic) and (kind != "bmp" or _is_bitmap(data)):
            return kind
    if data[:100].lstrip().startswith(b"{\\rtf"):
        return "rtf"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if is_heif(data[:12]):
        return "heic"
    if _is_pdf(data, name):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        found = zip_kind(data, name)
    elif data.startswith(_OLE):
        found = ole_kind(data, name)
    elif format_of(data) is not None:
        found = None
    else:
        return _text_kind(data, name)
    if found is None:
        raise _packed(name, "an archive of a kind that is not read here")
    return found


def _packed(name: str, reason: str) -> DocumentError:
    """Returns the error to raise for an archive, or for one of its volumes."""
    reason = "one of several volumes of an archive" if _VOLUME.search(name) else reason
    return refuse("unsupported", name, reason, PACK_AS_ZIP)


def suffix(name: str) -> str:
    """Returns the extension of a file name, in lower case and without the dot."""
    return PurePath(name).suffix.lower().lstrip(".")


def _is_bitmap(data: bytes) -> bool:
    return len(data) > 26 and data[6:10] == b"\0\0\0\0" and data[14] in (12, 40, 52, 56, 108, 124)


def _is_pdf(data: bytes, name: str) -> bool:
    """Returns True for a PDF. A PDF may begin with other bytes, but a text that only mentions `%PDF-` is not one."""
    found = _PDF.search(data[:1024])
    return found is not None and (found.start() == 0 or suffix(name) == "pdf" or b"endobj" in data)


def _text_kind(data: bytes, name: str) -> str:
    if not encoding.is_marked(data) and _is_binary(data):
        if suffix(name) in _BINARY_SUFFIXES:
            raise refuse("corrupt", name, f"its content is not {suffix(name).upper()}")
        if data.startswith(_PACKED) or data[257:262] == b"ustar" or _VOLUME.search(name):
            raise _packed(name, "a packed file of a kind that is not read here")
        raise refuse("unsupported", name, "a binary format that is not read here")
    head = encoding.decode(data[:HEAD_BYTES], declared=True).lstrip("\ufeff")
    kind = text_kind(head, suffix(name), whole=len(data) <= HEAD_BYTES, is_notebook=lambda: _is_notebook(data))
    if kind == "txt" and suffix(name) in _NEVER_TEXT:
        # Such a name promises a picture or pages. If the file has text instead, it is an error page or a pointer to the
        # real file.
        raise refuse("corrupt", name, f"its content is not {suffix(name).upper()} but plain text")
    return kind


def _is_binary(data: bytes) -> bool:
    """Returns True if there are control characters that no text has. UTF-16 without a mark may have them."""
    sample = data[:8192]
    if encoding.unmarked(sample):
        return False
    control = sum(sample.count(code) for code in range(32) if code not in (9, 10, 12, 13, 27))
    return control * 100 > len(sample)


def _is_notebook(data: bytes) -> bool:
    try:
        return "nbformat" in json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return False
