"""Holds what the Office formats have in common: variants of a format, its title, its diagrams."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from ingest.parse.office.drawing_text import text_of

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_DRAWN_PARAGRAPH = "{http://schemas.openxmlformats.org/drawingml/2006/main}p"
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_EMBED, _LINK = f"{_RELATIONS}embed", f"{_RELATIONS}link"
_DIAGRAMS = ".//*[local-name()='relIds']/@r:dm"
_TYPES = "[Content_Types].xml"
_VARIANTS = (
    (rb"application/vnd\.(?:openxmlformats-officedocument\.wordprocessingml|ms-word)\.(?:document|template)[\w.]*\.main",
     b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main"),
    (rb"application/vnd\.(?:openxmlformats-officedocument\.presentationml|ms-powerpoint)"
     rb"\.(?:presentation|template|slideshow)[\w.]*\.main",
     b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main"),
)  # fmt: skip
_TYPE = re.compile(rb"<(?:Default|Override)\s[^<>]*+>")
_INNER = re.compile(rb"(?:Extension=[\"']|\.)(?:docx|docm|dotx|dotm)[\"']", re.I)
_CONTENT_TYPE = re.compile(rb"ContentType=(?:\"[^\"]*+\"|'[^']*+')")
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_TRANSITIONAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"


def xml(data: bytes) -> Any:
    """Returns the root element of an XML document. Entities are not resolved and nothing is fetched."""
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def core_title(data: bytes) -> str | None:
    """Returns the title in the document's properties, or None."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if "docProps/core.xml" not in archive.namelist():
            return None
        try:
            title: str | None = xml(archive.read("docProps/core.xml")).findtext(_TITLE)
        except etree.XMLSyntaxError:
            return None
    return title


def plain_variant(data: bytes) -> bytes:
    """Returns the same Office document as an ordinary one. Templates, shows and files with macros differ from ordinary
    ones only in the name of their type, and "strict" ones only in the names of their tags. But the libraries for the
    formats refuse them. A Word file that is a part of another one is stated to be bytes: the library would take it for
    the document.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        types = archive.read(_TYPES)
        stated = types
        for variant, ordinary in _VARIANTS:
            stated = re.sub(variant, ordinary, stated)
        stated = _TYPE.sub(_outer, stated)
        relations = archive.read("_rels/.rels") if "_rels/.rels" in archive.namelist() else b""
        strict = _STRICT.search(relations) is not None
        if stated == types and not strict:
            return data
        plain = io.BytesIO()
        with zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as copy:
            for member in archive.infolist():
                part = stated if member.filename == _TYPES else archive.read(member)
                if strict and member.filename.endswith((".xml", ".rels")):
                    part = _STRICT.sub(_TRANSITIONAL, part)
                copy.writestr(member.filename, part)
    return plain.getvalue()


def picture_relations(blip: Any) -> list[str]:
    """Returns the relations of the files of a picture: that of its drawing (SVG), if it has one, and last that of what
    programs show that know none.
    """
    drawn = [drawing.get(_EMBED) for drawing in blip.iter("{*}svgBlip")]
    return [relation for relation in (*drawn, blip.get(_EMBED) or blip.get(_LINK)) if relation]


def take_choices(root: Any) -> None:
    """Replace what a program wrote in two ways by the newer one. Charts, formulas and models of today are written so,
    beside a picture for programs that do not know them. The way with VML is the older one.
    """
    for alternate in list(root.iter(f"{_MC}AlternateContent")):
        ways = list(alternate.iterchildren(f"{_MC}Choice", f"{_MC}Fallback"))
        newer = [way for way in ways if way.get("Requires") != "v"]
        for child in list((newer or ways)[0]) if ways else ():
            alternate.addprevious(child)
        if (parent := alternate.getparent()) is not None:
            parent.remove(alternate)


def without_dangling(data: bytes) -> bytes:
    """Returns the same Office document without relations to parts that it does not have. The libraries refuse them."""
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as copy:
        names = set(archive.namelist())
        for member in archive.infolist():
            part = archive.read(member)
            if member.filename.endswith(".rels"):
                relations, folder = xml(part), posixpath.dirname(posixpath.dirname(member.filename))
                for relation in list(relations):
                    target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target") or ""))
                    if relation.get("TargetMode") != "External" and target.lstrip("/") not in names:
                        relations.remove(relation)
                part = etree.tostring(relations)
            copy.writestr(member.filename, part)
    return whole.getvalue()


def _outer(stated: re.Match[bytes]) -> bytes:
    """Returns the type that is stated of a part. That of a Word file inside the file is changed."""
    if not _INNER.search(stated[0]):
        return stated[0]
    return _CONTENT_TYPE.sub(b'ContentType="application/octet-stream"', stated[0])


def diagram_texts(part: Any, element: Any) -> Iterator[str]:
    """Yields the words of the diagrams (SmartArt) in an element of a Word or PowerPoint document, one text for each
    paragraph.
    """
    for relation in element.xpath(_DIAGRAMS):
        if (diagram := part.related_parts.get(relation)) is not None:
            for paragraph in xml(diagram.blob).iter(_DRAWN_PARAGRAPH):
                yield text_of(paragraph, diagram.rels)
