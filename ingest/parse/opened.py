"""Open formats in a zip: OpenDocument text (ODT) and EPUB."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from ingest.document import Element
from ingest.parse import encoding
from ingest.parse.extracted import Extracted
from ingest.parse.partition import read_html
from ingest.parse.pictures import Pictures
from ingest.parse.tables import Rows, markdown

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_MAX_REPEATED = 100
"""Sheets pad their tables with thousands of repeated empty cells."""


def read_odt(data: bytes, pictures: Pictures) -> Extracted:
    """An OpenDocument text: headings with their outline level, paragraphs, lists and tables."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        body = _xml(archive.read("content.xml")).find(f"{_OFFICE}body")
        title = _xml(archive.read("meta.xml")).findtext(f".//{_TITLE}") if "meta.xml" in archive.namelist() else None
    return Extracted(tuple(_odt_elements(body)) if body is not None else (), title)


def read_ods(data: bytes) -> Extracted:
    return Extracted(())


def read_epub(data: bytes, pictures: Pictures) -> Extracted:
    """The chapters of an EPUB in the order of its spine, each read as the web page it is."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        container = _xml(archive.read("META-INF/container.xml"))
        package = next(path for path in container.xpath("//@full-path"))
        content = _xml(archive.read(package))
        files = {item.get("id"): item.get("href") for item in content.iterfind(".//{*}manifest/{*}item")}
        elements: list[Element] = []
        for chapter in content.iterfind(".//{*}spine/{*}itemref"):
            href = unquote(files.get(chapter.get("idref")) or "").split("#")[0]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(package), href))
            if href and path in archive.namelist():
                elements.extend(read_html(encoding.decode(archive.read(path), declared=True)).elements)
    return Extracted(tuple(elements), content.findtext(f".//{_TITLE}"))


def _xml(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _odt_elements(parent: etree._Element, listed: bool = False) -> Iterator[Element]:
    for node in parent:
        if node.tag == f"{_TEXT}h":
            yield Element("heading", _odt_text(node), level=int(node.get(f"{_TEXT}outline-level", "1")))
        elif node.tag == f"{_TEXT}p":
            yield Element("list_item" if listed else "paragraph", _odt_text(node))
        elif node.tag == f"{_TABLE}table":
            yield Element("table", markdown(_odt_rows(node)))
        elif node.tag not in (f"{_TEXT}sequence-decls", f"{_TEXT}tracked-changes", f"{_TEXT}table-of-content"):
            yield from _odt_elements(node, listed or node.tag == f"{_TEXT}list")


def _odt_text(node: etree._Element) -> str:
    """The text of a paragraph; spaces, tabs and line breaks are elements in OpenDocument."""
    pieces = [node.text or ""]
    for child in node:
        if child.tag == f"{_TEXT}s":
            pieces.append(" " * min(int(child.get(f"{_TEXT}c", "1")), _MAX_REPEATED))
        elif child.tag == f"{_TEXT}tab":
            pieces.append("\t")
        elif child.tag == f"{_TEXT}line-break":
            pieces.append("\n")
        elif isinstance(child.tag, str):
            pieces.append(_odt_text(child))
        pieces.append(child.tail or "")
    return "".join(pieces)


def _odt_rows(table: etree._Element) -> Rows:
    """The cells of a table; cells that a merged one covers get its text."""
    rows: Rows = []
    merged: dict[tuple[int, int], str] = {}
    for number, row in enumerate(table.iter(f"{_TABLE}table-row")):
        cells: list[str] = []
        for cell in row:
            repeated = min(int(cell.get(f"{_TABLE}number-columns-repeated", "1")), _MAX_REPEATED)
            text = " ".join(_odt_text(paragraph) for paragraph in cell.iter(f"{_TEXT}p", f"{_TEXT}h"))
            across = min(int(cell.get(f"{_TABLE}number-columns-spanned", "1")), _MAX_REPEATED)
            down = min(int(cell.get(f"{_TABLE}number-rows-spanned", "1")), _MAX_REPEATED)
            places = [(below, column) for below in range(down) for column in range(across)]
            for below, column in places if len(places) > 1 else ():
                merged[number + below, len(cells) + column] = text
            for _ in range(repeated):
                cells.append(merged.get((number, len(cells)), text))
        rows.append(cells)
    return rows
