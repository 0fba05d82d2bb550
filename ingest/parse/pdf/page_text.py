"""Decides how one page of a PDF is read: by its text layer, or by OCR if it is a picture or its text means nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.parse.pdf.garbled_runs import leave_out, read_runs
from ingest.parse.pdf.garbled_text import is_doubtful, is_garbage
from ingest.parse.pdf.pictures_on_page import drawn_line, read_pictures
from ingest.parse.pdf.text_layer import Layer, Part, layer_of
from ingest.parse.pictures import ocr
from ingest.parse.pictures.embedded import Pictures

_OCR_DPI = 200
_MAX_RENDERED_SIDE = 4000
_FEW_CHARACTERS = 60
_SOME_CHARACTERS = 200
"""If a picture fills the page, fewer characters than this are only a stamp, or a note about who downloaded it."""
_MANY_UNREADABLE = 0.3
_SOME_UNREADABLE = 0.1
"""With fewer unreadable characters than this, only they are read by OCR, and not the whole page."""
_OUTLINED_SHAPES = 8
"""A page without text and with at least this many shapes may have its letters drawn as shapes."""
_RECTANGLE_POINTS = 5
"""A shape with more points is no line and no rectangle. It may be a letter."""


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page, in one part for each direction, with what was read in its pictures.

    `is_lost` is True if the page shows something, and nothing of it was read. `is_unread` is True if it is a picture
    that was not read, whatever stands on it. `runs_lost` counts the runs of characters on it that their font does not
    tell and that were not read by OCR either. The shortest of them stand there as the font has them.
    """

    parts: list[Part]
    is_lost: bool = False
    is_unread: bool = False
    runs_lost: int = 0


def text_of_page(page: Any, read_scans: bool, pictures: Pictures) -> PageText:
    """Returns the text of a pypdfium2 page."""
    layer = layer_of(page)
    text = _text_of(layer.parts)
    garbage = is_garbage(text) or layer.unreadable > _MANY_UNREADABLE
    doubtful = not garbage and (layer.unreadable > _SOME_UNREADABLE or is_doubtful(text))
    is_picture = _is_picture(page, text)
    if read_scans and (garbage or doubtful or is_picture):
        scanned = _scanned(page)
        seen = _text_of([scanned] if scanned else [])
        # A text that only looks odd is kept in two cases: the OCR of the page looks odd too, or it gives less than half
        # as much text.
        if scanned and not (doubtful and (is_doubtful(seen) or len(seen) * 2 < len(text))):
            return PageText([scanned])
    if garbage:
        return PageText([], is_lost=True, is_unread=not read_scans)
    runs_lost = _read_runs(page, layer, read_scans) + layer.untold
    is_unread = is_picture and not read_scans
    if is_unread and layer.parts:
        pictures.give_up()  # a scan with a stamp, a page number or a few words more
    if not is_picture:
        read_pictures(page, layer, pictures)
    return PageText(layer.parts, is_unread and not layer.parts, is_unread, runs_lost)


def _read_runs(page: Any, layer: Layer, read_scans: bool) -> int:
    """Read the runs of characters that their font does not tell by OCR. Without OCR they are left out. Returns how many
    are not read.
    """
    if not layer.garbled:
        return 0
    if read_scans:
        lost = read_runs(layer.garbled, ocr.line_in, lambda strip: drawn_line(page, strip))
    else:
        lost = leave_out(layer.garbled)
    for part in layer.parts:
        part.segments = [segment for segment in part.segments if segment.text]
    return lost


def _text_of(parts: Sequence[Part]) -> str:
    return "\n".join(segment.text for part in parts for segment in part.segments)


def _scanned(page: Any) -> Part | None:
    """Returns the page as OCR reads it. Returns None if OCR finds no text."""
    width, height = page.get_size()
    scale = min(_OCR_DPI / 72, _MAX_RENDERED_SIDE / max(width, height, 1.0))
    if min(width, height) * scale < 1:
        return None
    pixels = page.render(scale=scale, rev_byteorder=True).to_numpy()
    part = ocr.part_of(np.ascontiguousarray(pixels[:, :, :3]))
    return part if part.segments else None


def _is_picture(page: Any, text: str) -> bool:
    """Returns True if the page is a picture with at most a few words of text, or if its letters are drawn as shapes."""
    import pypdfium2.raw as pdfium

    if len(text) >= _SOME_CHARACTERS:
        return False
    width, height = page.get_size()
    whole = max(width * height, 1e-6)
    covered = 0.0
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = picture.get_bounds()
        covered += (min(right, width) - max(left, 0.0)) * (min(top, height) - max(bottom, 0.0)) / whole
    if text:
        return covered > (0.5 if len(text) < _FEW_CHARACTERS else 0.9)
    if covered > 0.05:
        return True
    shapes = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=3)
    seen = [pdfium.FPDFPath_CountSegments(shape) for shape, _ in zip(shapes, range(_OUTLINED_SHAPES), strict=False)]
    return len(seen) == _OUTLINED_SHAPES or any(points > _RECTANGLE_POINTS for points in seen)
