"""OpenDocument in one XML file (FODT, FODS, FODP), made into the zip file that its readers know."""

from __future__ import annotations

import base64
import binascii
import io
import re
import zipfile

from lxml import etree

from ingest.parse.office.ooxml import xml
from ingest.parse.refusals import refuse

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_IMAGE = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}image"
_HREF = "{http://www.w3.org/1999/xlink}href"
_KINDS = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}
_ROOT = re.compile(rb"<office:document\s[^<>]{0,20000}?office:mimetype=\"application/vnd\.oasis\.opendocument\.(\w+)")
_PICTURE = re.compile(rb"<office:binary-data>([^<]*+)</office:binary-data>")
_HEAD_BYTES = 20_000


def flat_kind(data: bytes) -> str | None:
    """Returns `odt`, `ods` or `odp` for an XML file that is such a document, or None."""
    found = _ROOT.search(data[:_HEAD_BYTES])
    return _KINDS.get(found[1].decode("ascii", "replace")) if found is not None else None


def zipped(data: bytes, name: str) -> bytes:
    """Returns the same document as a zip file. Raises `unsafe` if its XML declares entities."""
    if b"<!ENTITY" in data:
        raise refuse("unsafe", name, "it declares XML entities")
    pictures: list[bytes] = []

    def taken(match: re.Match[bytes]) -> bytes:
        pictures.append(match[1])
        return b"<office:binary-data>%d</office:binary-data>" % (len(pictures) - 1)

    # A picture may be longer than what libxml2 takes for one text.
    root = xml(_PICTURE.sub(taken, data))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for image in root.iter(_IMAGE):
            number = image.findtext(f"{{{_OFFICE}}}binary-data")
            if number is not None:
                image.set(_HREF, f"Pictures/{number}")
        for number, picture in enumerate(pictures):
            archive.writestr(f"Pictures/{number}", _decoded(picture))
        if (meta := root.find(f"{{{_OFFICE}}}meta")) is not None:
            archive.writestr("meta.xml", etree.tostring(meta))
        archive.writestr("content.xml", etree.tostring(root))
    return stream.getvalue()


def _decoded(picture: bytes) -> bytes:
    try:
        return base64.b64decode(picture)
    except binascii.Error:
        return b""
