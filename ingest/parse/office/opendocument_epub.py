"""Reads open formats that are zip files: OpenDocument (ODT, ODS, ODP) and EPUB."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import unquote

from lxml import etree

from ingest.document import Element, Location
from ingest.parse.extracted import Extracted
from ingest.parse.html_word_markdown import read_html
from ingest.parse.office.ooxml import xml
from ingest.parse.office.opendocument_text import SKIPPED, Styles, Texts, state_typed_headings
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.in_pages import PagePictures
from ingest.parse.properties import stated
from ingest.parse.sheets.opendocument import OpenSheets
from ingest.parse.sheets.reader import read_sheets
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.markdown import Rows
from ingest.parse.text import encoding

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_TEXT, _TABLE, _OFFICE, _STYLE, _SHOW = map(_NAMES.format, ("text", "table", "office", "style", "presentation"))
_DRAW = _NAMES.format("drawing")
_HREF = "{http://www.w3.org/1999/xlink}href"
_DC = "{http://purl.org/dc/elements/1.1/}"
_DC_TITLE = f"{_DC}title"
_PICTURE = re.compile(r"<(?:img|image)\b([^<>]*)", re.I)
_SOURCE = re.compile(r"""\b(?:xlink:href|src)\s*+=\s*+["']([^"']+)["']""", re.I)
_REPEATED = frozenset({"header", "footer", "page-number", "date-time"})
"""The frames of a slide, or of its notes, that say on every page the same."""
_MAX_REPEATED = 100
"""No repetition counts for more than this."""
_MAX_MERGED = 100_000
"""The limit for the places that the merged cells of a table cover."""


def read_odt(data: bytes, pictures: Pictures) -> Extracted:
    """Read an OpenDocument text: headings with their outline level, paragraphs, lists, tables, notes and pictures."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = xml(archive.read("content.xml"))
        body, texts = content.find(f"{_OFFICE}body"), _texts(archive, content)
        if body is None:
            return Extracted((), _title(archive))
        state_typed_headings(body, texts)
        return Extracted(tuple(_Body(archive, pictures, texts).elements(body)), _title(archive))


def read_odp(data: bytes, pictures: Pictures) -> Extracted:
    """Read an OpenDocument presentation. `location.slide` counts from 1. The first title of a slide is its heading."""
    elements: list[Element] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = xml(archive.read("content.xml"))
        texts = _texts(archive, content)
        reader = _Body(archive, pictures, texts)
        number = 0
        for number, page in enumerate(content.iter(f"{_DRAW}page"), 1):
            frames = list(page.iter(f"{_DRAW}frame"))
            for frame in (frame for frame in frames if frame.get(f"{_SHOW}class") in _REPEATED):
                frame.getparent().remove(frame)
            titles = [frame for frame in frames if frame.get(f"{_SHOW}class") == "title"]
            for title in titles[:1]:
                text = " ".join(" ".join(texts.of(part)[0] for part in title.iter(f"{_TEXT}p")).split())
                elements.append(Element("heading", text, Location(slide=number), level=1))
                title.getparent().remove(title)
            elements.extend(replace(found, location=Location(slide=number)) for found in reader.elements(page))
        return Extracted(tuple(elements), _title(archive), number or None)


def read_ods(data: bytes, name: str, pictures: Pictures) -> Extracted:
    """Read an OpenDocument spreadsheet like a workbook of Excel. Sheets whose style hides them are left out. The words
    in the pictures of a sheet come after its tables.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = xml(archive.read("content.xml"))
        texts = _texts(archive, content)
        sheets = OpenSheets(content, lambda paragraph: texts.of(paragraph)[0])
        elements: list[Element] = []
        for sheet, found in sheets:
            elements.extend(read_sheets([(sheet, found)], name).elements)
            for path, where in sheets.pictures(sheet):
                seen = _read_picture(archive, path, pictures)
                elements.extend(replace(element, location=where) for element in seen)
        return Extracted(tuple(elements), _title(archive), notes=sheets.notes)


def read_epub(data: bytes, pictures: Pictures) -> Extracted:
    """Read the chapters of an EPUB in the order of its spine. Each is read as a web page, and its
    pictures follow it.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        package = next(path for path in xml(archive.read("META-INF/container.xml")).xpath("//@full-path"))
        content = xml(archive.read(package))
        files = {item.get("id"): item.get("href") for item in content.iterfind(".//{*}manifest/{*}item")}
        elements: list[Element] = []
        chapters = [chapter.get("idref") for chapter in content.iterfind(".//{*}spine/{*}itemref")]
        for chapter in dict.fromkeys(chapters):
            href = unquote(files.get(chapter) or "").split("#")[0]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(package), href))
            if href and path in archive.namelist():
                page = encoding.decode(archive.read(path), declared=True)
                words_of = PagePictures(pictures, partial(_beside, archive, posixpath.dirname(path)))
                elements.extend(read_html(page, words_of=words_of).elements)
                for source in filter(None, map(_SOURCE.search, _PICTURE.findall(page))):  # those of drawings, too
                    picture = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(source[1])))
                    if picture in archive.namelist():
                        elements.extend(_read_picture(archive, picture, pictures))
    metadata = stated(content.findtext(f".//{_DC}creator"), content.findtext(f".//{_DC}date"))
    return Extracted(tuple(elements), content.findtext(f".//{_DC_TITLE}"), metadata=metadata)


def _beside(archive: zipfile.ZipFile, folder: str, address: str) -> bytes | None:
    path = posixpath.normpath(posixpath.join(folder, unquote(address)))
    return archive.read(path) if path in archive.namelist() else None


def _texts(archive: zipfile.ZipFile, content: etree._Element) -> Texts:
    """Returns the reader of texts for the styles of an archive."""
    named = [xml(archive.read("styles.xml"))] if "styles.xml" in archive.namelist() else []
    return Texts(Styles(*named, content))


def _title(archive: zipfile.ZipFile) -> str | None:
    if "meta.xml" not in archive.namelist():
        return None
    title: str | None = xml(archive.read("meta.xml")).findtext(f".//{_DC_TITLE}")
    return title


def _read_picture(archive: zipfile.ZipFile, path: str, pictures: Pictures) -> Iterator[Element]:
    if path in archive.namelist():
        yield from (Element("paragraph", text) for text in pictures.texts(archive.read(path)))
    elif path:
        pictures.give_up()


class _Body:
    """Reads the elements of an OpenDocument body."""

    def __init__(self, archive: zipfile.ZipFile, pictures: Pictures, texts: Texts) -> None:
        self._archive = archive
        self._texts = texts
        self._pictures = pictures
        self._notes = 0

    def elements(self, parent: etree._Element, listed: bool = False) -> Iterator[Element]:
        for node in parent:
            if node.tag in (f"{_TEXT}h", f"{_TEXT}p"):
                yield from self._paragraph(node, listed)
            elif node.tag == f"{_TABLE}table":
                yield from table_elements(_rows(node, self._texts, self._pictured))
            elif node.tag not in SKIPPED and isinstance(node.tag, str):
                yield from self._pictured(node) if node.tag == f"{_DRAW}image" else ()
                yield from self.elements(node, listed or node.tag == f"{_TEXT}list")

    def _paragraph(self, node: etree._Element, listed: bool) -> Iterator[Element]:
        text, inner = self._texts.of(node)
        if node.tag == f"{_TEXT}h":
            level = node.get(f"{_TEXT}outline-level", "1")
            yield Element("heading", text, level=int(level) if level.isdecimal() else 1)
        else:
            yield Element("list_item" if listed else "paragraph", text)
        for frame in inner:  # notes, text boxes and pictures in the paragraph
            if frame.tag == f"{_TEXT}note":
                body = frame.find(f"{_TEXT}note-body")
                words = " ".join(self._texts.of(part)[0] for part in body.iter(f"{_TEXT}p")) if body is not None else ""
                yield Element("paragraph", f"[{frame.findtext(f'{_TEXT}note-citation') or ''}] {words}")
            else:
                yield from self.elements([frame])

    def _pictured(self, image: etree._Element) -> Iterator[Element]:
        yield from _read_picture(self._archive, image.get(_HREF, "").removeprefix("./"), self._pictures)


def _rows(
    table: etree._Element, texts: Texts, pictured: Callable[[etree._Element], Iterable[Element]] = lambda image: ()
) -> Rows:
    """Returns the cells of a table, with the words in their pictures. Every place that a merged cell covers gets its
    text.
    """
    rows: Rows = []
    merged: dict[tuple[int, int], str] = {}
    spread = 0
    for number, row in enumerate(table.iter(f"{_TABLE}table-row")):
        cells: list[str] = []
        for cell in row.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            paragraphs, look = cell.iter(f"{_TEXT}p", f"{_TEXT}h"), texts.cell(cell)
            said = [texts.of(paragraph, cell=look)[0] for paragraph in paragraphs]
            said.extend(found.text for image in cell.iter(f"{_DRAW}image") for found in pictured(image))
            text = " ".join(said)
            across, down = _count(cell, "number-columns-spanned"), _count(cell, "number-rows-spanned")
            places = [(below, column) for below in range(down) for column in range(across)]
            spread += len(places) if len(places) > 1 else 0
            if spread > _MAX_MERGED:
                raise ValueError("a table with too many merged cells")
            for below, column in places if len(places) > 1 else ():
                merged[number + below, len(cells) + column] = text
            for _ in range(_count(cell, "number-columns-repeated")):
                cells.append(merged.get((number, len(cells)), text))
        rows.append(cells)
    return rows


def _count(node: etree._Element, attribute: str) -> int:
    value = node.get(f"{_TABLE}{attribute}", "1")
    return min(max(int(value), 1), _MAX_REPEATED) if value.isdecimal() else 1
