"""PDF by pypdfium2: text, boxes and fonts; pages without a usable text layer go to OCR."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingest.document import Box, Element, ElementKind, Location
from ingest.parse import ocr
from ingest.parse.characters import Part, parts_of
from ingest.parse.extracted import Extracted
from ingest.parse.headings import Headings
from ingest.parse.paragraphs import Block, blocks_of
from ingest.parse.refusals import refuse
from ingest.parse.regions import reading_order

_OCR_DPI = 200
_MAX_RENDERED_SIDE = 4000
_MAX_BROKEN_PAGES = 20
"""Pages in a row that cannot be opened before the rest is believed not to exist."""
_FEW_CHARACTERS = 60
_EDGE = 0.12
"""Running headers and footers stand in this fraction of the page at its top and bottom."""
_DIGITS = re.compile(r"\d+")
_MEANINGLESS = re.compile(r"[\x00-\x1f\ue000-\uf8ff\ufffd]")
_LEADING_NUMBER = re.compile(r"^\s*\d+(\.\d+)*[.、]?\s*")


@dataclass(slots=True)
class _Page:
    """One page on its way: parts where it has a text layer, elements where it was read by OCR."""

    number: int
    parts: list[Part] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)


def read_pdf(data: bytes, name: str, read_scans: bool) -> Extracted:
    """Paragraphs, headings and tables of a PDF in reading order, each with its box. `pages` is the page count.

    With `read_scans` pages that are pictures, or whose text layer is garbage, are read by OCR.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        code = "encrypted" if getattr(error, "err_code", None) == 4 else "corrupt"
        reason = "it opens only with its password" if code == "encrypted" else "it is damaged beyond repair"
        raise refuse(code, name, reason) from error
    with document:
        pages = list(_pages(document, read_scans))
        outline = _outline(document)
        title = document.get_metadata_value("Title")
        count = len(document)
    if not pages:
        raise refuse("corrupt", name, "none of its pages can be opened")
    _drop_repeated(pages)
    return Extracted(tuple(_elements(pages, outline)), title or None, count)


def _pages(document: Any, read_scans: bool) -> Iterator[_Page]:
    import pypdfium2

    broken = 0
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
        except pypdfium2.PdfiumError:
            broken += 1
            if broken >= _MAX_BROKEN_PAGES:
                return
            continue
        broken = 0
        try:
            yield _page(page, number, read_scans)
        finally:
            page.close()


def _page(page: Any, number: int, read_scans: bool) -> _Page:
    parts = parts_of(page)
    text = "".join(segment.text for part in parts for segment in part.segments)
    if read_scans and _needs_ocr(page, text):
        scale = min(_OCR_DPI / 72, _MAX_RENDERED_SIDE / max(*page.get_size(), 1.0))
        pixels = page.render(scale=scale, rev_byteorder=True).to_numpy()
        if elements := ocr.elements_of(np.ascontiguousarray(pixels[:, :, :3]), number):
            return _Page(number, elements=elements)
    return _Page(number, [] if _is_garbage(text) else parts)


def _needs_ocr(page: Any, text: str) -> bool:
    """Whether the page is a picture with at most a few words of text, or its text layer means nothing."""
    import pypdfium2.raw as pdfium

    if _is_garbage(text):
        return True
    if len(text) >= _FEW_CHARACTERS:
        return False
    covered = 0.0
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = picture.get_bounds()
        covered += (right - left) * (top - bottom)
    width, height = page.get_size()
    return bool(covered > (0.5 if text else 0.05) * width * height)


def _is_garbage(text: str) -> bool:
    """Mostly characters without a meaning: private use, replacement, control."""
    return len(_MEANINGLESS.findall(text)) * 2 > len(text) > 0


def _drop_repeated(pages: list[_Page]) -> None:
    """Take out headers and footers: the same words (numbers aside) at the same height on most pages."""

    def key(part: Part, place: int) -> tuple[str, int] | None:
        segment = part.segments[place]
        middle = (segment.y0 + segment.y1) / 2 / max(part.height, 1.0)
        at_edge = middle < _EDGE or middle > 1 - _EDGE
        return (_DIGITS.sub("#", segment.text), round(middle * 50)) if at_edge and part.turn == 0 else None

    if len(pages) < 3:
        return
    counts = Counter(
        found
        for page in pages
        for found in {key(part, place) for part in page.parts for place in range(len(part.segments))}
    )
    del counts[None]
    needed = max(3, math.ceil(len(pages) * 0.4))  # left and right pages may have headers of their own
    for page in pages:
        for part in page.parts:
            kept = [place for place in range(len(part.segments)) if counts[key(part, place)] < needed]
            part.segments = [part.segments[place] for place in kept]


def _outline(document: Any) -> dict[tuple[int, str], int]:
    """Levels of the headings that the outline names, by page and text without spaces."""
    levels: dict[tuple[int, str], int] = {}
    for bookmark in document.get_toc(max_depth=6):
        destination = bookmark.get_dest()
        page = destination.get_index() if destination else None
        if page is not None:
            levels[page + 1, _bare(bookmark.get_title())] = bookmark.level + 1
    return levels


def _elements(pages: list[_Page], outline: dict[tuple[int, str], int]) -> Iterable[Element]:
    blocks: dict[int, list[tuple[Part, Block]]] = {
        page.number: [
            (part, block)
            for part in page.parts
            for region in reading_order(part.segments, part.width)
            for block in blocks_of(region)
        ]
        for page in pages
    }
    headings = Headings([block for found in blocks.values() for part, block in found if part.turn == 0])
    stated = any((page, _bare(block.text)) in outline for page, found in blocks.items() for _, block in found)
    for page in pages:
        yield from page.elements
        for part, block in blocks[page.number]:
            level = outline.get((page.number, _bare(block.text))) if stated else headings.level(block)
            kind: ElementKind = block.kind if level is None else "heading"
            box = Box(page.number, *part.on_page(block.x0, block.y0, block.x1, block.y1))
            yield Element(kind, block.text, Location(page=page.number, boxes=(box,)), level)


def _bare(text: str) -> str:
    """Text for comparison: outlines often leave out the number that the heading has on its page."""
    return "".join(_LEADING_NUMBER.sub("", text).split()).casefold()
