"""Reads what annotations of a PDF show: stamps, text boxes without stated text, signatures. pdfium tells the text of a
page only. So all annotations of the page are made a part of it, and what was on it before is taken away.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ingest.document import Box, Element, Location
from ingest.parse.pdf.fields import contents_of, is_hidden, location_of
from ingest.parse.pdf.form_structure import MAX_ANNOTATIONS
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.images import Pixels

_MAX_STAMPS = 200
_MAX_OBJECTS = 1_000
_MAX_DEPTH = 4
_MOST_BEFORE = 100_000
"""If a page has more objects than this, its annotations are not read."""
_DPI = 200
_MAX_SIDE = 2000
_MAX_CHARACTERS = 10_000

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an annotation is: on the page as displayed, and in the page's own coordinates, as left, bottom, right, top.
    And if there is text or a picture in it, or something that is not read.
    """

    location: Location
    rectangle: Rectangle
    has_text: bool
    has_picture: bool
    is_unread: bool = False


def stamps_on(document: Any, page: Any, number: int, pictures: Pictures) -> tuple[list[Element], int]:
    """Returns the texts that annotations of a page show and do not state, with their boxes, and how many could not be
    read, those with files, sounds, films and handwriting among them. Pictures in them are read like others. The page is
    changed by this: read everything else on it first.
    """
    places = list(_places(document, page, number))
    unread = sum(place.is_unread for place in places)
    places = [place for place in places if not place.is_unread]
    if not places:
        return [], unread
    drawn = [_pixels(page, place.location.boxes[0]) if place.has_picture else None for place in places]
    with _annotations_only(document, page, number) as textpage:
        said = [" ".join(_bounded(textpage, place.rectangle).split()) if textpage else "" for place in places]
        lost = sum(place.has_text for place in places) if textpage is None else 0
    found: list[Element] = []
    for place, text, pixels in zip(places, said, drawn, strict=True):
        if not text and pixels is not None:
            mark = pixels.tobytes()
            part = pictures.part(mark, pixels.shape[1::-1], lambda pixels=pixels: pixels)  # type: ignore[misc]
            text = "\n".join(segment.text for segment in part.segments) if part else ""
        if text:
            found.append(Element("paragraph", text, place.location))
    return found, lost + unread


def _pixels(page: Any, box: Box) -> Pixels | None:
    """Returns a part of a page as a person sees it. Returns None if nothing of it is on the page."""
    width, height = page.get_size()
    x0, y0, x1, y1 = box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height
    scale = min(_DPI / 72, _MAX_SIDE / max(x1 - x0, y1 - y0, 1.0))
    if min(x1 - x0, y1 - y0) * scale < 1:
        return None
    crop = (x0, height - y1, width - x1, y0)
    pixels = page.render(scale=scale, crop=crop, rev_byteorder=True, may_draw_forms=False).to_numpy()
    return np.ascontiguousarray(pixels[:, :, :3])


def _places(document: Any, page: Any, number: int) -> Iterator[_Place]:
    """Yields the annotations that show something of their own."""
    import pypdfium2.raw as pdfium

    count = 0
    for place in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, place)
        if not annotation:
            continue
        try:
            is_unread = pdfium.FPDFAnnot_GetSubtype(annotation) in _unread() and not is_hidden(annotation)
            kinds = _kinds(annotation) if not is_unread and _shows_more(document, annotation) else set()
            if (is_unread or kinds) and count < _MAX_STAMPS:
                count += 1
                rectangle = pdfium.FS_RECTF()
                pdfium.FPDFAnnot_GetRect(annotation, rectangle)
                sides = (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
                has_text, has_picture = pdfium.FPDF_PAGEOBJ_TEXT in kinds, pdfium.FPDF_PAGEOBJ_IMAGE in kinds
                yield _Place(location_of(annotation, page, number), sides, has_text, has_picture, is_unread)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)


@cache
def _unread() -> frozenset[int]:
    """Returns the kinds of annotations that are not read: files, sounds, films and models, of which pdfium does not
    give the content, and handwriting.
    """
    import pypdfium2.raw as pdfium

    return frozenset({
        pdfium.FPDF_ANNOT_FILEATTACHMENT, pdfium.FPDF_ANNOT_SOUND, pdfium.FPDF_ANNOT_MOVIE, pdfium.FPDF_ANNOT_SCREEN,
        pdfium.FPDF_ANNOT_RICHMEDIA, pdfium.FPDF_ANNOT_THREED, pdfium.FPDF_ANNOT_INK,
    })  # fmt: skip


def _shows_more(document: Any, annotation: Any) -> bool:
    """Returns True if an annotation may show what nothing else says: a stamp, a signature, or one without text."""
    import pypdfium2.raw as pdfium

    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    others = (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP, pdfium.FPDF_ANNOT_TEXT, pdfium.FPDF_ANNOT_WATERMARK)
    if is_hidden(annotation) or kind in others:
        return False
    if kind == pdfium.FPDF_ANNOT_WIDGET:
        form = document.formenv
        return bool(form) and (
            pdfium.FPDFAnnot_GetFormFieldType(form.raw, annotation) == pdfium.FPDF_FORMFIELD_SIGNATURE
        )
    return kind == pdfium.FPDF_ANNOT_STAMP or not contents_of(annotation)


def _kinds(annotation: Any) -> set[int]:
    """Returns the kinds of the objects in what an annotation shows, if there is text or a picture among them."""
    import pypdfium2.raw as pdfium

    left = _MAX_OBJECTS
    found: set[int] = set()
    count = min(pdfium.FPDFAnnot_GetObjectCount(annotation), left)
    waiting = [(pdfium.FPDFAnnot_GetObject(annotation, place), 0) for place in range(count)]
    while waiting and left > 0:
        item, depth = waiting.pop()
        kind = pdfium.FPDFPageObj_GetType(item)
        left -= 1
        found.add(kind)
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            inside = min(pdfium.FPDFFormObj_CountObjects(item), left)
            waiting += [(pdfium.FPDFFormObj_GetObject(item, place), depth + 1) for place in range(inside)]
    return found & {pdfium.FPDF_PAGEOBJ_TEXT, pdfium.FPDF_PAGEOBJ_IMAGE}


@contextmanager
def _annotations_only(document: Any, page: Any, number: int) -> Iterator[Any]:
    """Gives the text of a page that has nothing but its annotations, as pdfium has it, or None."""
    import pypdfium2.raw as pdfium

    before = pdfium.FPDFPage_CountObjects(page.raw)
    is_made = (
        before <= _MOST_BEFORE
        and pdfium.FPDFPage_Flatten(page.raw, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS
    )
    fresh = pdfium.FPDF_LoadPage(document.raw, number - 1) if is_made else None
    if not fresh:
        yield None
        return
    textpage = None
    try:
        for _ in range(before):
            pdfium.FPDFPageObj_Destroy(_taken(fresh))
        textpage = pdfium.FPDFText_LoadPage(fresh)
        yield textpage
    finally:
        if textpage:
            pdfium.FPDFText_ClosePage(textpage)
        pdfium.FPDF_ClosePage(fresh)


def _taken(page: Any) -> Any:
    """Returns the first object of a page, which has it no more."""
    import pypdfium2.raw as pdfium

    item = pdfium.FPDFPage_GetObject(page, 0)
    pdfium.FPDFPage_RemoveObject(page, item)
    return item


def _bounded(textpage: Any, rectangle: Rectangle) -> str:
    import pypdfium2.raw as pdfium

    left, bottom, right, top = rectangle
    buffer = (ctypes.c_ushort * _MAX_CHARACTERS)()
    count = pdfium.FPDFText_GetBoundedText(textpage, left, top, right, bottom, buffer, len(buffer))
    return bytes(buffer)[: 2 * max(count, 0)].decode("utf-16-le", "ignore").rstrip("\0")
