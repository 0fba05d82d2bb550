"""PDF by pypdfium2: text, boxes and fonts; pages without a usable text layer go to OCR."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ingest.document import Box, Element, ElementKind, Location
from ingest.parse import ocr
from ingest.parse.extracted import Extracted
from ingest.parse.paragraphs import Block, blocks_of
from ingest.parse.refusals import refuse
from ingest.parse.regions import reading_order
from ingest.parse.segments import Floats, Segment, segments_of

_OCR_DPI = 200
_MAX_RENDERED_SIDE = 4000
_MAX_BROKEN_PAGES = 20
"""Pages in a row that cannot be opened before the rest is believed not to exist."""
_FEW_CHARACTERS = 60
_EDGE = 0.1
"""Running headers and footers stand in this fraction of the page at its top and bottom."""
_HEADING_RATIO = 1.15
_MAX_HEADING_CHARACTERS = 120
_DIGITS = re.compile(r"\d+")


@dataclass(slots=True)
class _Page:
    """One page on its way: segments where it has text, elements where it was read by OCR."""

    number: int
    width: float
    height: float
    segments: list[Segment]
    elements: list[Element]


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
        pages = _pages(document, name, read_scans)
        outline = _outline(document)
        title = document.get_metadata_value("Title")
        count = len(document)
    _drop_repeated(pages)
    return Extracted(tuple(_elements(pages, outline)), title or None, count)


def _pages(document: Any, name: str, read_scans: bool) -> list[_Page]:
    import pypdfium2

    pages: list[_Page] = []
    broken = 0
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
        except pypdfium2.PdfiumError:
            broken += 1
            if broken >= _MAX_BROKEN_PAGES:
                break
            continue
        broken = 0
        try:
            pages.append(_page(page, number, read_scans))
        finally:
            page.close()
    if not pages:
        raise refuse("corrupt", name, "none of its pages can be opened")
    return pages


def _page(page: Any, number: int, read_scans: bool) -> _Page:
    width, height = page.get_size()
    segments = _text(page, width, height)
    if read_scans and _needs_ocr(page, segments, width * height):
        scale = min(_OCR_DPI / 72, _MAX_RENDERED_SIDE / max(width, height, 1.0))
        pixels = page.render(scale=scale, rev_byteorder=True).to_numpy()
        if elements := ocr.elements_of(np.ascontiguousarray(pixels[:, :, :3]), number):
            return _Page(number, width, height, [], elements)
    return _Page(number, width, height, [] if _is_garbage(segments) else segments, [])


def _text(page: Any, width: float, height: float) -> list[Segment]:
    """The segments of a page's text layer, in points of the page as displayed."""
    import pypdfium2.raw as pdfium

    textpage = page.get_textpage()
    try:
        count, raw = textpage.count_chars(), textpage.raw
        if count == 0:
            return []
        # Plain calls per character: one microsecond for both, the fastest way that gives boxes.
        code_of, box_of = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox
        codes = np.array([code_of(raw, place) for place in range(count)], dtype=np.uint32)
        rectangles = (pdfium.FS_RECTF * count)()
        for place, rectangle in enumerate(rectangles):
            box_of(raw, place, rectangle)
        corners = np.frombuffer(rectangles, dtype=np.float32).reshape(count, 4).astype(np.float64)
        boxes = _displayed(corners, page, width, height)
        return [_with_font(raw, segment) for segment in segments_of(codes, boxes, width, height)]
    finally:
        textpage.close()


def _displayed(corners: Floats, page: Any, width: float, height: float) -> Floats:
    """From left, top, right, bottom in the page's own coordinates to those of the page as displayed."""
    left, bottom, right, top = page.get_bbox()
    across, down = max(right - left, 1e-6), max(top - bottom, 1e-6)
    x0, x1 = (corners[:, 0] - left) / across, (corners[:, 2] - left) / across
    y0, y1 = (top - corners[:, 1]) / down, (top - corners[:, 3]) / down
    rotation = page.get_rotation()
    if rotation == 90:
        x0, y0, x1, y1 = 1 - y1, x0, 1 - y0, x1
    elif rotation == 180:
        x0, y0, x1, y1 = 1 - x1, 1 - y1, 1 - x0, 1 - y0
    elif rotation == 270:
        x0, y0, x1, y1 = y0, 1 - x1, y1, 1 - x0
    return np.stack((x0 * width, y0 * height, x1 * width, y1 * height), axis=1)


def _with_font(raw: Any, segment: Segment) -> Segment:
    """The segment with the true size of its letters, and whether they are bold."""
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    size = pdfium.FPDFText_GetFontSize(raw, segment.first)
    if pdfium.FPDFText_GetMatrix(raw, segment.first, matrix):
        size *= math.hypot(matrix.c, matrix.d)
    name = ctypes.create_string_buffer(128)
    pdfium.FPDFText_GetFontInfo(raw, segment.first, name, 128, None)
    weight = pdfium.FPDFText_GetFontWeight(raw, segment.first)
    bold = weight >= 600 or b"bold" in name.value.lower() or b"black" in name.value.lower()
    return replace(segment, size=round(size, 1) if size > 1 else segment.size, bold=bold)


def _needs_ocr(page: Any, segments: list[Segment], area: float) -> bool:
    """Whether the page is a picture with at most a few words of text, or its text layer means nothing."""
    import pypdfium2.raw as pdfium

    characters = sum(len(segment.text) for segment in segments)
    if _is_garbage(segments):
        return True
    if characters >= _FEW_CHARACTERS:
        return False
    covered = 0.0
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = picture.get_bounds()
        covered += (right - left) * (top - bottom)
    return covered > (0.05 if characters == 0 else 0.5) * area


def _is_garbage(segments: list[Segment]) -> bool:
    """Mostly characters without a meaning: private use, replacement, control."""
    text = "".join(segment.text for segment in segments)
    lost = sum("\ue000" <= letter <= "\uf8ff" or letter == "\ufffd" or letter < " " for letter in text)
    return lost * 2 > len(text) > 0


def _drop_repeated(pages: list[_Page]) -> None:
    """Take out headers and footers: the same words (numbers aside) at the same height on most pages."""

    def keys(page: _Page) -> dict[int, tuple[str, int]]:
        found = {}
        for place, segment in enumerate(page.segments):
            middle = (segment.y0 + segment.y1) / 2 / max(page.height, 1.0)
            if middle < _EDGE or middle > 1 - _EDGE:
                found[place] = (_DIGITS.sub("#", segment.text), round(middle * 50))
        return found

    found = [keys(page) for page in pages]
    counts = Counter(key for page in found for key in set(page.values()))
    needed = max(3, math.ceil(len(pages) * 0.4))  # left and right pages may have headers of their own
    for page, places in zip(pages, found, strict=True):
        page.segments = [
            segment for place, segment in enumerate(page.segments) if counts[places.get(place, ("", -1))] < needed
        ]


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
    blocks = [
        (page, block)
        for page in pages
        for region in reading_order(page.segments, page.width)
        for block in blocks_of(region)
    ]
    levels = _levels(blocks)
    scans = {page.number: page for page in pages if page.elements}
    for page, block in blocks:
        for number in [number for number in scans if number < page.number]:
            yield from scans.pop(number).elements
        kind: ElementKind = "paragraph"
        level = outline.get((page.number, _bare(block.text)))
        if level is None and not outline:
            level = levels.get(block.size) if _may_head(block) else None
        if level is not None:
            kind = "heading"
        elif block.kind == "table":
            kind = "table"
        elif block.kind == "list_item":
            kind = "list_item"
        edges = ((block.x0, page.width), (block.y0, page.height), (block.x1, page.width), (block.y1, page.height))
        box = Box(page.number, *(round(min(max(value / whole, 0.0), 1.0), 5) for value, whole in edges))
        yield Element(kind, block.text, Location(page=page.number, boxes=(box,)), level)
    for page in scans.values():
        yield from page.elements


def _levels(blocks: list[tuple[_Page, Block]]) -> dict[float, int]:
    """Heading levels by size of letters: sizes clearly above that of most of the text, the largest first."""
    sizes: Counter[float] = Counter()
    for _, block in blocks:
        sizes[block.size] += len(block.text)
    if not sizes:
        return {}
    body = sizes.most_common(1)[0][0]
    larger = {block.size for _, block in blocks if block.size >= body * _HEADING_RATIO and _may_head(block)}
    return {size: min(level, 6) for level, size in enumerate(sorted(larger, reverse=True), 1)}


def _may_head(block: Block) -> bool:
    """Whether a block could be a heading at all: short, with letters, and no table."""
    letters = sum(letter.isalpha() for letter in block.text)
    return (
        block.kind == "paragraph" and len(block.text) <= _MAX_HEADING_CHARACTERS and block.lines <= 3 and letters >= 2
    )


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()
