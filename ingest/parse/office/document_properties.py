"""Reads the properties of Office files: author, dates and number of pages, as their programs wrote them.

They are read from the file as it came, because a conversion by LibreOffice may change them. Damaged properties are
those of no document, and never make it fail.
"""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import olefile

from ingest.parse.extracted import Extracted
from ingest.parse.office.ooxml import xml
from ingest.parse.properties import stated

_OOXML = frozenset({"docx", "pptx", "xlsx", "xlsb"})
_OPEN = frozenset({"odt", "ods", "odp", "odg"})
_OLE = frozenset({"doc", "xls", "ppt"})
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_META = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}"
_MAX_PART_BYTES = 1 << 20
_UNICODE_CODE_PAGES = {1200: "utf-16-le", 1201: "utf-16-be", 65001: "utf-8", -535: "utf-8", 936: "gb18030"}
_MAX_PAGES = 100_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Properties:
    metadata: Mapping[str, str] = field(default_factory=dict)
    pages: int | None = None


def with_properties(extracted: Extracted, data: bytes, kind: str) -> Extracted:
    """Returns the same document with what the file states of itself. What its reader has found counts more."""
    try:
        found = _properties(data, kind)
    except Exception:  # lxml, zipfile and olefile raise errors of many kinds
        logger.debug("The properties of a %s file could not be read", kind, exc_info=True)
        return extracted
    pages = extracted.pages if found.pages is None else max(extracted.pages or 0, found.pages)
    return replace(extracted, metadata={**found.metadata, **extracted.metadata}, pages=pages)


def _properties(data: bytes, kind: str) -> _Properties:
    if kind in _OLE and data.startswith(_OLE_MAGIC):
        return _of_ole(data)
    if kind in _OOXML:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _of_ooxml(archive, kind)
    if kind in _OPEN:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _of_open_document(archive)
    return _Properties()


def _of_ooxml(archive: zipfile.ZipFile, kind: str) -> _Properties:
    metadata: dict[str, str] = {}
    if (core := _part(archive, "docProps/core.xml")) is not None:
        metadata = stated(
            core.findtext(f"{_DC}creator"), core.findtext(f"{_TERMS}created"), core.findtext(f"{_TERMS}modified")
        )
    application = _part(archive, "docProps/app.xml") if kind == "docx" else None
    pages = application.findtext("{*}Pages") if application is not None else None
    # Libraries leave the one page of their template in this place.
    return _Properties(metadata, _count(pages, least=2))


def _of_open_document(archive: zipfile.ZipFile) -> _Properties:
    if (meta := _part(archive, "meta.xml")) is None:
        return _Properties()
    author = meta.findtext(f".//{_META}initial-creator") or meta.findtext(f".//{_DC}creator")
    metadata = stated(author, meta.findtext(f".//{_META}creation-date"), meta.findtext(f".//{_DC}date"))
    statistic = meta.find(f".//{_META}document-statistic")
    return _Properties(metadata, _count(statistic.get(f"{_META}page-count") if statistic is not None else None))


def _of_ole(data: bytes) -> _Properties:
    with olefile.OleFileIO(io.BytesIO(data)) as container:
        if not container.exists("\x05SummaryInformation"):
            return _Properties()
        summary = container.get_metadata()
    author = _decoded(summary.author, summary.codepage)
    pages = _count(str(summary.num_pages or ""))
    return _Properties(stated(author, summary.create_time, summary.last_saved_time), pages)


def _decoded(text: bytes | str | None, code_page: int | None) -> str:
    if not isinstance(text, bytes):
        return text or ""
    encoding = _UNICODE_CODE_PAGES.get(code_page or 0, f"cp{code_page}" if code_page else "utf-8")
    try:
        return text.decode(encoding).strip("\0")
    except (UnicodeDecodeError, LookupError):  # WPS Office states one code page and writes another
        return text.decode("gb18030", "replace").strip("\0")


def _part(archive: zipfile.ZipFile, name: str) -> Any:
    """Returns the root of a part, or None if it is missing or far larger than properties are."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        return None
    return xml(archive.read(info)) if info.file_size <= _MAX_PART_BYTES else None


def _count(text: str | None, least: int = 1) -> int | None:
    number = (text or "").strip()
    if not number.isdecimal() or len(number) > 9:
        return None
    return int(number) if least <= int(number) <= _MAX_PAGES else None
