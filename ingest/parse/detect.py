"""The kind of a document: by its content first, by its name where content is just text."""

from __future__ import annotations

import json
import re
from pathlib import PurePath

from ingest.parse import encoding
from ingest.parse.containers import ole_kind, zip_kind
from ingest.parse.images import is_heif
from ingest.parse.refusals import refuse

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"BM", "bmp"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"{\\rtf", "rtf"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BINARY_SUFFIXES = frozenset(
    {"pdf", "docx", "pptx", "xlsx", "doc", "ppt", "xls", "odt", "epub", "msg"}
    | {"png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "gif", "heic", "heif"}
)
_TEXT_KINDS = {
    "md": "md", "markdown": "md", "html": "html", "htm": "html", "xhtml": "html", "csv": "csv", "tsv": "tsv",
    "eml": "eml", "xml": "xml", "json": "json", "ipynb": "ipynb", "rst": "rst", "org": "org",
}  # fmt: skip
_HTML = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.I | re.S)
_MAIL = re.compile(r"(?:^[A-Za-z][A-Za-z-]*:.*\n(?:[ \t].*\n)*){3,}", re.M)
_MAIL_FIELDS = re.compile(r"^(from|received|return-path|message-id|mime-version):", re.I | re.M)


def detect(data: bytes, name: str) -> str:
    """The kind of these bytes. Raises DocumentError when they cannot be any document that is read here."""
    if b"%PDF-" in data[:1024]:
        return "pdf"
    for magic, kind in _MAGIC:
        if data.startswith(magic) and (kind != "bmp" or _is_bitmap(data)):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if is_heif(data[:12]):
        return "heic"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        found = zip_kind(data, name)
    elif data.startswith(_OLE):
        found = ole_kind(data, name)
    else:
        return _text_kind(data, name)
    if found == "encrypted":
        raise refuse("encrypted", name, "it is protected by a password")
    if found is None:
        raise refuse("unsupported", name, "an archive of a kind that is not read here")
    return found


def suffix(name: str) -> str:
    """The extension of a file name, in lower case and without the dot."""
    return PurePath(name).suffix.lower().lstrip(".")


def _is_bitmap(data: bytes) -> bool:
    return len(data) > 26 and data[6:10] == b"\0\0\0\0" and data[14] in (12, 40, 52, 56, 108, 124)


def _text_kind(data: bytes, name: str) -> str:
    if not encoding.is_marked(data) and _is_binary(data):
        if suffix(name) in _BINARY_SUFFIXES:
            raise refuse("corrupt", name, f"its content is not {suffix(name).upper()}")
        raise refuse("unsupported", name, "a binary format that is not read here")
    head = encoding.decode(data[:20_000], declared=True).lstrip("\ufeff")
    named = _TEXT_KINDS.get(suffix(name))
    if _HTML.match(head) and named not in {"md", "eml"}:
        return "html"
    if named == "json" or (named is None and head.lstrip().startswith("{")):
        return "ipynb" if _is_notebook(data) else (named or "txt")
    if named is None and head.lstrip().startswith("<?xml"):
        return "xml"
    fields = _MAIL.match(head)
    if named is None and fields and len(_MAIL_FIELDS.findall(fields.group())) >= 2:
        return "eml"
    return named or "txt"


def _is_binary(data: bytes) -> bool:
    """Control characters that no text has, except in UTF-16 without a mark."""
    sample = data[:8192]
    if encoding.wide(sample):
        return False
    control = sum(sample.count(code) for code in range(32) if code not in (9, 10, 12, 13, 27))
    return control * 100 > len(sample)


def _is_notebook(data: bytes) -> bool:
    try:
        return "nbformat" in json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return False
