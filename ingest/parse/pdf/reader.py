"""Reads PDF with pypdfium2: text, boxes and fonts. Pages without a usable text layer are read by OCR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import SecretStr

from ingest.document import Box, Element, ElementKind, Location
from ingest.parse.extracted import Extracted
from ingest.parse.notes import PAGES_WITHOUT_TEXT, PARTS_NOT_READ
from ingest.parse.page.contents import drop_contents
from ingest.parse.page.headers_footers import drop_running
from ingest.parse.page.headings import Headings
from ingest.parse.page.hyphens import mended
from ingest.parse.page.tables_over_pages import placed_blocks
from ingest.parse.page.visible_title import visible_title
from ingest.parse.pdf.attachments import attachments_of
from ingest.parse.pdf.fields import fields_and_comments, metadata_of
from ingest.parse.pdf.form_structure import Form
from ingest.parse.pdf.outline import Outline, bare, outline_of
from ingest.parse.pdf.page_text import text_of_page
from ingest.parse.pdf.stamps import stamps_on
from ingest.parse.pdf.text_layer import Part
from ingest.parse.pdf.unlock import open_pdf
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.refusals import refuse

_MAX_BROKEN_PAGES = 20
"""If this many pages in a row cannot be opened, the remaining pages are assumed not to exist."""
_MAX_PAGES = 100_000
_LONGEST_SIDE = 1_000_000
"""In points. It is about 350 metres."""
_CLOSED_FORM = "The form of this file is damaged, and what was filled in was not read."


@dataclass(slots=True)
class Page:
    """One page while it is read: its text in each direction, and the other elements on it."""

    number: int
    parts: list[Part] = field(default_factory=list)
    notes: list[Element] = field(default_factory=list)
    is_damaged: bool = False
    is_missing: bool = False
    is_lost: bool = False
    is_unread: bool = False
    runs_lost: int = 0


def read_pdf(
    data: bytes, name: str, read_scans: bool, pictures: Pictures, passwords: Sequence[SecretStr] = ()
) -> Extracted:
    """Read the paragraphs, headings and tables of a PDF in reading order, each with its box. `pages` is the number of
    pages.

    With `read_scans`, a page is read by OCR if it is a picture or if its text layer is garbage. Words in `pictures` on
    other pages are read, too. If a file needs a password, `passwords` are tried in order.
    """
    with open_pdf(data, name, passwords) as (document, form):
        if _has_page(document, _MAX_PAGES + 1):
            raise refuse("too_large", name, f"it has more than {_MAX_PAGES} pages")
        pages = list(_pages(document, form, read_scans, pictures))
        outline = outline_of(document)
        title = document.get_metadata_value("Title")
        metadata = metadata_of(document)
        count = len(document)
        attached = attachments_of(document)
    opened = [page for page in pages if not page.is_missing]
    if not opened:
        raise refuse("corrupt", name, "none of its pages can be opened")
    if not any(page.parts or page.notes for page in opened):
        pages = opened
    if pages is opened and any(page.is_damaged for page in pages):
        raise refuse("corrupt", name, "its pages have impossible sizes, and nothing on them can be read")
    notes = {
        PAGES_WITHOUT_TEXT: sum(page.is_lost for page in pages),
        PARTS_NOT_READ: sum(page.runs_lost for page in pages),
    }
    elements = elements_of(pages, outline)
    visible = visible_title([page.parts for page in pages])
    return Extracted(elements, title or None, count, metadata, notes, attached, visible)


def elements_of(pages: Sequence[Page], outline: Outline) -> tuple[Element, ...]:
    """Returns the elements of all pages of a document in reading order, without what only repeats at their edges and
    without tables of contents.
    """
    numbered = {page.number: page.parts for page in pages}
    drop_running(numbered, has_more=any(page.is_unread or page.notes for page in pages))
    drop_contents(numbered)
    elements = list(_elements(pages, outline))
    texts = mended(element.text for element in elements)
    return tuple(
        element if element.text == text else replace(element, text=text)
        for element, text in zip(elements, texts, strict=True)
    )


def _pages(document: Any, form: Form, read_scans: bool, pictures: Pictures) -> Iterator[Page]:
    import pypdfium2

    missing: list[Page] = []
    was_closed = False
    for number in range(1, len(document) + 1):
        try:
            page = form.page(number - 1)
        except pypdfium2.PdfiumError:
            missing.append(_missing(number))
            if len(missing) >= _MAX_BROKEN_PAGES:
                return
            continue
        yield from missing
        missing.clear()
        try:
            text = text_of_page(page, read_scans, pictures)
            impossible = not 0 < max(page.get_size()) < _LONGEST_SIDE
            unread = [_said(number, _CLOSED_FORM)] if form.is_closed and not was_closed else []
            was_closed = form.is_closed
            notes = [*unread, *fields_and_comments(document, page, number)]
            stamps, unreadable = stamps_on(document, page, number, pictures)
            said = {element.text for element in notes}
            notes += [stamp for stamp in stamps if stamp.text not in said]
            runs_lost = text.runs_lost + unreadable
            lost = {"is_lost": text.is_lost, "is_unread": text.is_unread, "runs_lost": runs_lost}
            yield Page(number, text.parts, notes, impossible, **lost)  # type: ignore[arg-type]
        finally:
            page.close()
    yield from missing


def _has_page(document: Any, number: int) -> bool:
    """Returns True if there is a page with this number. The number of pages that a file states may be wrong."""
    import pypdfium2

    if len(document) < number:
        return False
    try:
        document[number - 1].close()
    except pypdfium2.PdfiumError:
        return False
    return True


def _missing(number: int) -> Page:
    """Returns an entry for a page that cannot be opened. A reader who looks for the page learns from it why the page is
    missing.
    """
    return Page(
        number, notes=[_said(number, f"Page {number} of this file is damaged and was not read.")], is_missing=True
    )


def _said(number: int, text: str) -> Element:
    return Element("paragraph", text, Location(page=number))


def _elements(pages: Sequence[Page], outline: Outline) -> Iterable[Element]:
    placed = placed_blocks([page.parts for page in pages])
    blocks = {page.number: found for page, found in zip(pages, placed, strict=True)}
    stated = {
        id(block): outline[number, bare(block.text)]
        for number, found in blocks.items()
        for _, block in found
        if block.kind != "table" and len(block.text) < 300 and (number, bare(block.text)) in outline
    } if outline else {}  # fmt: skip
    upright = [
        block for found in blocks.values() for part, block in found if part.has_headings and not block.is_pictured
    ]
    headings = Headings(upright, [(block, stated[id(block)]) for block in upright if id(block) in stated])
    can_head = {id(block) for block in upright}
    for page in pages:
        for part, block in blocks[page.number]:
            level = stated.get(id(block)) or (headings.level(block) if id(block) in can_head else None)
            kind: ElementKind = block.kind if level is None else "heading"
            box = Box(page.number, *part.on_page(block.x0, block.y0, block.x1, block.y1))
            yield Element(kind, block.text, Location(page=page.number, boxes=(box,)), level)
        yield from page.notes
