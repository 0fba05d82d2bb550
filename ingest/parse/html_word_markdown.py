"""Reads HTML, Word and Markdown with unstructured. Markdown is first turned into HTML. Only this file imports
unstructured.

By default, unstructured downloads an English spaCy model at first use, sends telemetry, and guesses from English
grammar which texts are narrative. Here it does neither: only what the format itself states remains (styles, tags,
placeholders). Its guess would decide nothing and take most of its time.
"""

from __future__ import annotations

import html
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from multiprocessing import parent_process
from types import ModuleType, SimpleNamespace
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from ingest.document import Element, ElementKind, Location
from ingest.parse.extracted import Extracted
from ingest.parse.notes import together
from ingest.parse.office.numerals import chinese_number
from ingest.parse.office.ooxml import core_title
from ingest.parse.office.rtf import read_rtf
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.in_pages import PagePictures
from ingest.parse.properties import of_page, stated
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.layout import drop_bare_rows, drop_empty_rows, unwrap_layout
from ingest.parse.tables.markdown import rows_of_html, spread, stated_headers
from ingest.parse.text import confluence, encoding
from ingest.parse.text.html_headings import mark_typed_headings
from ingest.parse.text.html_marks import prepare
from ingest.parse.text.html_pictures import WordsOf, write_descriptions, write_words
from ingest.parse.text.markdown import TangledError, html_of, without_marks
from ingest.parse.word.alt_chunks import ARCHIVE, Allowance, Reader
from ingest.parse.word.layout import with_marked_header
from ingest.parse.word.reader import prepared

_ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "SCARF_NO_ANALYTICS": "true",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
}
_KINDS: dict[str, ElementKind] = {
    "Title": "heading",
    "ListItem": "list_item",
    "Table": "table",
    "CodeSnippet": "code",
    "FigureCaption": "caption",
    "Image": "caption",
}
_MAX_DEPTH = 200
_WHOLE_DEPTH = 1000
_NO_LANGUAGE_DETECTION = [""]
_UNSEEN = ("script", "style", "head", "template")
_TAG = re.compile(r"<(/?[a-zA-Z]*+)[^<>]*+>")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.S)
_FRONT_LINE = re.compile(r"^(title|author|date|updated|lastmod):[^\S\n]*+(\S.*)$", re.M | re.I)
_BLANK_LINES = re.compile(r"\n[^\S\n]*+\n\s*+")
ReadArchive = Callable[[bytes, Pictures], Extracted]
_XML_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>")


@contextmanager
def _without_spacy() -> Iterator[None]:
    """In a worker process, gives unstructured an empty module for spaCy, which it imports and does not need here. spaCy
    takes 1 s and 60 MB of each worker, and where torch is installed, 1.5 s and 180 MB more. A worker reads in one
    thread, and its others import nothing.
    """
    if parent_process() is None or "spacy" in sys.modules:
        yield
        return
    sys.modules["spacy"] = ModuleType("spacy")
    try:
        yield
    finally:
        del sys.modules["spacy"]


@lru_cache(maxsize=1)
def _unstructured() -> Any:
    """Returns the partitioners. Network access and guessing are switched off."""
    os.environ.update(_ENVIRONMENT)
    with _without_spacy(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecation warnings of its dependencies at import
        from unstructured.partition import docx
        from unstructured.partition.html import parser, partition_html

    for guessing in (docx, parser):
        guessing.is_possible_narrative_text = lambda text: False
    guessed = parser.derive_element_type_from_text
    # It leaves out texts of one character. In Chinese that is a word: 无, 是.
    parser.derive_element_type_from_text = lambda text: guessed(text) or (parser.Text if text.isalnum() else None)
    western = docx._ListLabels._format_number
    docx._ListLabels._format_number = staticmethod(
        lambda value, numbering: chinese_number(value, numbering) or western(value, numbering)
    )
    written = docx._DocxPartitioner._convert_table_to_html
    docx._DocxPartitioner._convert_table_to_html = lambda self, table: with_marked_header(written(self, table), table)
    return SimpleNamespace(docx=docx.partition_docx, html=partition_html)


def read_html(text: str, address: str | None = None, words_of: WordsOf | None = None) -> Extracted:
    """Read a web page. Its title is the text of `<title>`. `address` is where it was found, if that is known.
    `words_of` reads its pictures.
    """
    return _read_page(text, address, words_of, marks_headers=True)


def _read_page(
    text: str, address: str | None = None, words_of: WordsOf | None = None, *, marks_headers: bool
) -> Extracted:
    body = _XML_DECLARATION.sub("", text)
    if not body.strip():
        return Extracted(())
    body = confluence.html_of(body) if confluence.is_storage(body) else body
    page = lxml_html.document_fromstring(body, parser=lxml_html.HTMLParser(huge_tree=True))
    drop_bare_rows(page)
    confluence.leave_out_surroundings(page)
    title = next(iter(page.xpath("//title[not(ancestor::svg)]/text()")), None)
    metadata = of_page(page)
    prepare(page, address)
    if words_of is not None:
        write_words(page, words_of)
    if (depth := _depth(page)) > _MAX_DEPTH:
        # The parser leaves out what is nested more deeply still. Then its page is not the whole one.
        body = body if depth > _WHOLE_DEPTH else lxml_html.tostring(page, encoding="unicode")
        return Extracted(tuple(_plain_paragraphs(body)), title, metadata=metadata)
    unwrap_layout(page)
    write_descriptions(page)
    mark_typed_headings(page)
    copies = 0
    for table in page.xpath("//table[.//@colspan or .//@rowspan][not(.//table)]"):
        copies += spread(table, copies)  # unstructured ignores the spans of the cells
    drop_empty_rows(page)
    parts = _unstructured().html(text=lxml_html.tostring(page, encoding="unicode"), languages=_NO_LANGUAGE_DETECTION)
    return Extracted(tuple(_elements(parts, marks_headers=marks_headers)), title, metadata=metadata)


def _depth(page: Any) -> int:
    """Returns how deeply the elements of a page are nested."""
    deepest = depth = 0
    for event, _ in etree.iterwalk(page, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _plain_paragraphs(page: str) -> Iterator[Element]:
    """Yields the texts of a page without its structure. It is used for a page that is nested too deeply for the
    parsers.
    """
    closed = {name: max((tag.start() for tag in re.finditer(f"</{name}", page, re.I)), default=-1) for name in _UNSEEN}
    unseen, start = "", 0
    for tag in (*_TAG.finditer(page), None):
        words = html.unescape(page[start : tag.start() if tag else None]).split()
        if words and not unseen:
            yield Element("paragraph", " ".join(words))
        if tag is None:
            return
        start, name = tag.end(), tag[1].lower()
        if unseen:
            unseen = "" if name == f"/{unseen}" else unseen
        elif closed.get(name, -1) > tag.start():
            unseen = name


def read_markdown(text: str, words_of: WordsOf | None = None) -> Extracted:
    """Read Markdown with tables and fenced code. Front matter is left out, but for its title, author and date.
    `words_of` reads its pictures.
    """
    title, metadata = None, {}
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        lines = {key.lower(): value.strip("\"' ") for key, value in _FRONT_LINE.findall(front.group(1))}
        title = lines.get("title")
        metadata = stated(lines.get("author"), lines.get("date"), lines.get("updated") or lines.get("lastmod"))
    if not text.strip():
        return Extracted((), title)
    try:
        page = html_of(text)
    except TangledError:
        # The words are kept. The structure of quotes and lists is lost.
        return Extracted(tuple(_blocks(without_marks(text))), title, metadata=metadata)
    return replace(_read_page(page, words_of=words_of, marks_headers=False), title=title, metadata=metadata)


def _blocks(text: str) -> Iterator[Element]:
    """Yields the paragraphs of a plain text. Blank lines part them."""
    blocks = (block.strip() for block in _BLANK_LINES.split(text))
    yield from (Element("paragraph", block) for block in blocks if block)


def read_docx(
    data: bytes, pictures: Pictures, comments: bool, read_archive: ReadArchive, allowance: Allowance | None = None
) -> Extracted:
    """Read a Word document. Each header and footer appears once. See `word.prepared` for all other parts. Documents in
    a document share its `allowance`. `read_archive` reads the web archives in it.
    """
    allowance = allowance or Allowance()
    word = prepared(data, pictures, comments)
    parts = _unstructured().docx(file=io.BytesIO(word.data), languages=_NO_LANGUAGE_DETECTION)
    pages = max((part.metadata.page_number or 0 for part in parts), default=0)
    readers: dict[str, Reader] = {
        "html": lambda chunk: read_html(encoding.decode(chunk, declared=True), words_of=PagePictures(pictures)),
        ARCHIVE: lambda chunk: read_archive(chunk, pictures),
        "txt": lambda chunk: Extracted(tuple(_blocks(encoding.decode(chunk)))),
        "rtf": lambda chunk: read_rtf(chunk, pictures),
        "docx": lambda chunk: read_docx(chunk, pictures, comments, read_archive, allowance),
    }
    found = word.chunks.read_in_place(_elements(_once(parts), paged=True, marks_headers=True), readers, allowance)
    notes = together([word.notes, found.notes])
    attachments = (*word.attachments, *found.attachments)
    return Extracted(found.elements, core_title(data), pages or None, notes=notes, attachments=attachments)


def _once(parts: Iterable[Any]) -> Iterator[Any]:
    """Yields the parts, with each header and footer once. Every section of a Word document repeats them."""
    seen: set[str] = set()
    for part in parts:
        if part.category in {"Header", "Footer"}:
            if part.text in seen:
                continue
            seen.add(part.text)
        yield part


def _elements(parts: Iterable[Any], *, paged: bool = False, marks_headers: bool = False) -> Iterator[Element]:
    """Yields our elements. `paged` is True if unstructured's page numbers are meaningful. `marks_headers` is True if a
    table may have a header or not, and says so.
    """
    for part in parts:
        about = part.metadata
        kind = _KINDS.get(part.category, "paragraph")
        text = part.text.strip()
        if not text or part.category == "PageBreak":
            continue
        location = Location(page=about.page_number) if paged and about.page_number else Location()
        if kind == "table" and about.text_as_html:
            yield from _table(about.text_as_html, location, marks_headers)
            continue
        level = (about.category_depth or 0) + 1 if kind == "heading" else None
        yield Element(kind, text, location, level)


def _table(table: str, location: Location, marks_headers: bool) -> Iterator[Element]:
    stated = stated_headers(table)
    stated = stated if marks_headers or not stated else None
    yield from table_elements(rows_of_html(table), stated, lambda first, stop: location)
