"""Reads open formats that are zip files: OpenDocument (ODT, ODS, ODP) and EPUB."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import unquote

from lxml import etree

from ingest.document import Element, Location
from ingest.parse.extracted import Extracted
from ingest.parse.html_word_markdown import read_html
from ingest.parse.links import linked, with_target
from ingest.parse.notes import PARTS_NOT_READ, together
from ingest.parse.office.ooxml import xml
from ingest.parse.office.opendocument_margins import margins
from ingest.parse.office.opendocument_objects import FILM, OBJECTS, Objects
from ingest.parse.office.opendocument_styles import Styles, is_hidden_slide
from ingest.parse.office.opendocument_tables import TABLE, elements_of, unwrap_layout
from ingest.parse.office.opendocument_text import (
    Texts,
    description,
    is_left_out,
    shape_target,
    state_typed_headings,
)
from ingest.parse.pictures.embedded import Pictures, best_of
from ingest.parse.pictures.in_pages import PagePictures
from ingest.parse.properties import stated
from ingest.parse.sheets.opendocument import OpenSheets
from ingest.parse.sheets.reader import read_sheets
from ingest.parse.text import encoding

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_TEXT, _TABLE, _OFFICE, _SHOW = map(_NAMES.format, ("text", "table", "office", "presentation"))
_DRAW = _NAMES.format("drawing")
_HREF = "{http://www.w3.org/1999/xlink}href"
_DC = "{http://purl.org/dc/elements/1.1/}"
_DC_TITLE = f"{_DC}title"
_PICTURE = re.compile(r"<(?:img|image)\b([^<>]*)", re.I)
_SOURCE = re.compile(r"""\b(?:xlink:href|src)\s*+=\s*+["']([^"']+)["']""", re.I)
_REPEATED = frozenset({"header", "footer", "page-number", "date-time"})
"""The frames of a slide, or of its notes, that say on every page the same."""


def read_odt(data: bytes, pictures: Pictures) -> Extracted:
    """Read an OpenDocument text: headings with their outline level, paragraphs, lists, tables, notes and pictures. Each
    header stands above its text and each footer below it, once.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = xml(archive.read("content.xml"))
        roots = [*_named_styles(archive), content]
        body, texts = content.find(f"{_OFFICE}body"), Texts(Styles(*roots))
        if body is None:
            return Extracted((), _title(archive))
        state_typed_headings(body, texts)
        unwrap_layout(body)
        reader = _Body(archive, pictures, texts)
        above, below = (reader.margin(margins(roots, where)) for where in ("header", "footer"))
        elements = (*above, *reader.elements(body), *below)
        return Extracted(elements, _title(archive), notes=reader.objects.notes, attachments=reader.objects.attachments)


def read_odp(data: bytes, pictures: Pictures) -> Extracted:
    """Read an OpenDocument presentation without its hidden slides. `location.slide` counts from 1. The first title of a
    slide is its heading.
    """
    elements: list[Element] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = xml(archive.read("content.xml"))
        styles = _styles(archive, content)
        reader = _Body(archive, pictures, Texts(styles))
        unwrap_layout(content)
        number = 0
        for number, page in enumerate(content.iter(f"{_DRAW}page"), 1):
            for frame in list(page.iter(f"{_DRAW}frame")):
                if frame.get(f"{_SHOW}class") in _REPEATED:
                    frame.getparent().remove(frame)
            if not is_hidden_slide(styles.of("drawing-page", page.get(f"{_DRAW}style-name"))):
                found = (*reader.title(page), *reader.elements(page))
                elements.extend(replace(element, location=Location(slide=number)) for element in found)
        objects = reader.objects
        return Extracted(
            tuple(elements),
            _title(archive),
            number or None,
            notes=objects.notes,
            attachments=objects.attachments,
        )


def read_ods(data: bytes, name: str, pictures: Pictures) -> Extracted:
    """Read an OpenDocument spreadsheet like a workbook of Excel. Sheets whose style hides them are left out. The charts
    of a sheet, and the words in its pictures, come after its tables.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = xml(archive.read("content.xml"))
        styles = _styles(archive, content)
        texts = Texts(styles)
        sheets = OpenSheets(content, lambda paragraph: texts.of(paragraph)[0], styles)
        objects = Objects(archive, frozenset(sheets.names))

        def drawn(sheet: str) -> Iterator[Element]:
            for node in sheets.table(sheet).iter(*OBJECTS):
                yield from objects.elements(node, Location(sheet=sheet))
            for _ in sheets.table(sheet).iter(FILM):
                objects.leave()
            for path, where in sheets.pictures(sheet):
                seen = _read_picture(archive, path, pictures)
                yield from (replace(element, location=where) for element in seen)

        found = read_sheets(sheets, name, drawn)
        notes = together([sheets.notes, objects.notes])
        return replace(found, title=_title(archive), notes=notes, attachments=objects.attachments)


def read_epub(data: bytes, pictures: Pictures) -> Extracted:
    """Read the chapters of an EPUB in the order of its spine. Each is read as a web page, and its
    pictures follow it. A chapter that is not in the file is counted.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        package = next(path for path in xml(archive.read("META-INF/container.xml")).xpath("//@full-path"))
        content = xml(archive.read(package))
        files = {item.get("id"): item.get("href") for item in content.iterfind(".//{*}manifest/{*}item")}
        elements: list[Element] = []
        chapters = [chapter.get("idref") for chapter in content.iterfind(".//{*}spine/{*}itemref")]
        missing = 0
        for chapter in dict.fromkeys(chapters):
            href = unquote(files.get(chapter) or "").split("#")[0]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(package), href))
            missing += path not in archive.namelist()
            if href and path in archive.namelist():
                page = encoding.decode(archive.read(path), declared=True)
                words_of = PagePictures(pictures, partial(_beside, archive, posixpath.dirname(path)))
                elements.extend(read_html(page, words_of=words_of).elements)
                for source in filter(None, map(_SOURCE.search, _PICTURE.findall(page))):  # those of drawings, too
                    picture = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(source[1])))
                    if picture in archive.namelist():
                        elements.extend(_read_picture(archive, picture, pictures))
    metadata = stated(content.findtext(f".//{_DC}creator"), content.findtext(f".//{_DC}date"))
    title, notes = content.findtext(f".//{_DC_TITLE}"), {PARTS_NOT_READ: missing}
    return Extracted(tuple(elements), title, metadata=metadata, notes=notes)


def _beside(archive: zipfile.ZipFile, folder: str, address: str) -> bytes | None:
    path = posixpath.normpath(posixpath.join(folder, unquote(address)))
    return archive.read(path) if path in archive.namelist() else None


def _styles(archive: zipfile.ZipFile, content: etree._Element) -> Styles:
    """Returns the styles of an archive."""
    return Styles(*_named_styles(archive), content)


def _named_styles(archive: zipfile.ZipFile) -> list[etree._Element]:
    return [xml(archive.read("styles.xml"))] if "styles.xml" in archive.namelist() else []


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
        self.objects = Objects(archive)

    def title(self, page: etree._Element) -> Iterator[Element]:
        """Yields the first title of a slide, and takes it out of the slide."""
        title = next((each for each in page.iter(f"{_DRAW}frame") if each.get(f"{_SHOW}class") == "title"), None)
        if title is not None:
            text = " ".join(" ".join(self._texts.of(part)[0] for part in title.iter(f"{_TEXT}p")).split())
            parent = title.getparent()
            yield Element("heading", with_target(text, shape_target(title) or shape_target(parent)), level=1)
            parent.remove(title)

    def margin(self, margins: Iterator[etree._Element]) -> Iterator[Element]:
        """Yields what headers or footers say, each once."""
        said: set[tuple[str, ...]] = set()
        for margin in margins:
            found = list(self.elements(margin))
            words = tuple(element.text for element in found)
            if words not in said:
                said.add(words)
                yield from found

    def elements(self, parent: etree._Element, listed: bool = False) -> Iterator[Element]:
        for node in parent:
            if node.tag in (f"{_TEXT}h", f"{_TEXT}p"):
                yield from self._paragraph(node, listed)
            elif node.tag == TABLE:
                yield from elements_of(node, self._texts, self._words)
                for inner in node.iter(*OBJECTS):
                    yield from self.objects.elements(inner, Location())
            elif node.tag == FILM:
                self.objects.leave()
            elif not is_left_out(node):
                found = self._inside(node, listed)
                target = shape_target(node)
                yield from linked(list(found), target, description(node)) if target else found

    def _inside(self, node: etree._Element, listed: bool) -> Iterator[Element]:
        yield from self._drawn(node) if node.tag == f"{_DRAW}frame" else ()
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

    def _drawn(self, frame: etree._Element) -> Iterator[Element]:
        """Yields what the objects in a frame say, or the words in its picture."""
        for node in frame.iterchildren(*OBJECTS):
            yield from self.objects.elements(node, Location())
        yield from (Element("paragraph", words) for words in self._words(frame))

    def _words(self, frame: etree._Element) -> Iterator[str]:
        """Yields the words in the picture of a frame. A picture beside an object only shows it."""
        if next(frame.iterchildren(*OBJECTS), None) is None:
            paths = [image.get(_HREF, "").removeprefix("./") for image in frame.iterchildren(f"{_DRAW}image")]
            there = [self._archive.read(path) for path in paths if path in self._archive.namelist()]
            if there:
                yield from self._pictures.texts(best_of(there))  # a frame has one picture, in several formats
            elif any(paths):
                self._pictures.give_up()
