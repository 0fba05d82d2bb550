"""Reads pictures with RapidOCR. Its wheel contains Chinese and English models, so nothing is downloaded."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ingest.document import Box, Element, Location
from ingest.engines.heartbeat import beat
from ingest.parse.extracted import Extracted
from ingest.parse.page.hyphens import mended
from ingest.parse.page.layout import blocks_in
from ingest.parse.page.paragraphs import captioned
from ingest.parse.page.segments import Segment
from ingest.parse.pdf.text_layer import Part
from ingest.parse.pictures.images import Pixels, frames_of, open_image, strips_of, upright
from ingest.parse.pictures.orientation import Corners, turn_of
from ingest.parse.refusals import SWITCH_OCR_ON, refuse

_LEAST_CONTRAST = 16
_GLANCE_SIDE = 800
"""So many pixels has the longer side of a picture when it is only looked for words. The lines of a screenshot of 1,920
pixels are found so, too, and this takes a quarter of the time.
"""
_MANY_TIMES = 2.5
"""A picture that is so many times longer than wide loses its letters when it is made that small."""
_CERTAIN = 0.9
"""How certain the classifier must be that a line is upside down. OCR turns the line before it reads it, too. So certain
must the model for lines be of a picture that has a single word.
"""
_LEGIBLE = 0.5
"""How certain the model for lines must be of a line that was not found by the model for pages."""
_LEAST_INK, _LOWEST = 64, 8
_LONGEST, _LARGEST = 20, 0.25
"""A single word is at most so many times longer than high, and takes at most this fraction of its picture."""
_MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Cls.model_path": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
}

_TUNING = {
    "Global.log_level": "error",
    # One thread and one line at a time. So a line is not padded to the longest line of its batch, and parallel workers
    # do not waste time on each other's cores. This takes a third of the processor time for the same text.
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Rec.rec_batch_num": 1,
    "Det.limit_type": "max",
    "Det.limit_side_len": 1600,
}


def read_image(data: bytes, name: str, ocr: bool, glance: bool = False) -> Extracted:
    """Read the text of a picture. The frames of a TIFF are its pages. Of other animated pictures, the first frame is
    read. With `glance`, a large picture is read only if it seems to have text.

    Raises `no_text` without `ocr`.
    """
    if not ocr:
        raise refuse("no_text", name, "it is a picture, and OCR is switched off", SWITCH_OCR_ON)
    elements: list[Element] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata and big pictures; sizes are checked here
        with open_image(data, name) as image:
            frames = frames_of(image)
            for page in range(1, frames + 1):
                if frames > 1:
                    image.seek(page - 1)
                pixels = upright(image, name)
                if not glance or may_have_text(pixels):
                    elements.extend(elements_of(pixels, page))
    return Extracted(tuple(elements), pages=frames)


def may_have_text(pixels: Pixels) -> bool:
    """Returns False if no text is found in a picture that is made small first. Most photographs are known by this.
    Smaller pictures are not looked at, because to read them takes little longer.
    """
    height, width = pixels.shape[:2]
    if max(width, height) < 1.25 * _GLANCE_SIDE or max(width, height) > _MANY_TIMES * min(width, height):
        return True
    small = Image.fromarray(pixels)
    small.thumbnail((_GLANCE_SIDE, _GLANCE_SIDE), reducing_gap=3.0)
    found = _engine()(np.asarray(small)[:, :, ::-1], use_det=True, use_cls=False, use_rec=False)
    beat()
    return found.boxes is not None and len(found.boxes) > 0


def part_of(pixels: Pixels) -> Part:
    """Returns the text in a picture as a part of a page that is measured in pixels. The picture has shape (height,
    width, 3) in RGB. If its text is upside down or sideways, the part is turned.
    """
    strips = strips_of(pixels)
    lines = [_lines(strip) for _, strip in strips]
    # What is cut into strips is one picture all the same. The strip with the most text tells how it was turned.
    fullest = max(range(len(strips)), key=lambda place: sum(len(text) for _, text in lines[place]))
    if turn := turn_of(strips[fullest][1], lines[fullest], _is_upside_down):
        pixels = np.ascontiguousarray(np.rot90(pixels, -turn))
        strips = strips_of(pixels)
        lines = [_lines(strip) for _, strip in strips]
    segments = []
    for (top, _), found in zip(strips, lines, strict=True):
        for segment in _segments(found):
            segments.append(replace(segment, y0=segment.y0 + top, y1=segment.y1 + top))
    height, width = pixels.shape[:2]
    return Part(turn, width, height, segments, is_scanned=True)


def line_in(pixels: Pixels) -> str | None:
    """Returns the text in the picture of a single line. Returns "" if there is nothing to see in it, and None if it
    cannot be read. The picture has shape (height, width, 3) in RGB.
    """
    if not pixels.size or int(pixels.max()) - int(pixels.min()) < _LEAST_CONTRAST:
        return ""
    text, score = _recognized(pixels)
    return text.strip() or None if score >= _LEGIBLE else None


def elements_of(pixels: Pixels, page: int) -> list[Element]:
    """Returns the paragraphs of a picture in reading order, with their boxes. The picture has shape (height, width, 3)
    in RGB.
    """
    part = part_of(pixels)
    blocks = [each for block in blocks_in(part) for each in captioned(block)]
    texts = mended(block.text for block in blocks)
    return [
        Element(
            block.kind,
            text,
            Location(page=page, boxes=(Box(page, *part.on_page(block.x0, block.y0, block.x1, block.y1)),)),
        )
        for block, text in zip(blocks, texts, strict=True)
    ]


def _lines(pixels: Pixels) -> list[tuple[Corners, str]]:
    """Returns the corners and the text of each line that is read in a picture."""
    if int(pixels.max()) - int(pixels.min()) < _LEAST_CONTRAST:
        return []
    read = _engine()(pixels[:, :, ::-1], use_det=True, use_cls=True, use_rec=True)
    beat()
    if read.boxes is None or read.txts is None:
        return _only_line(pixels)
    return [(corners, text.strip()) for corners, text in zip(read.boxes, read.txts, strict=True) if text.strip()]


def _only_line(pixels: Pixels) -> list[tuple[Corners, str]]:
    """Returns the corners and the text of what is drawn in a picture, if it is a letter or a word and nothing else. The
    model for pages finds no text in such a picture.
    """
    grey = pixels.min(axis=2).astype(np.int16)
    ink = np.abs(grey - int(np.median(grey[::8, ::8]))) > _LEAST_INK
    down, across = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not down.size:
        return []
    x0, y0, x1, y1 = int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1
    tall, wide = y1 - y0, x1 - x0
    if tall < _LOWEST or wide > _LONGEST * tall or wide * tall > _LARGEST * ink.size:
        return []
    room = tall // 4
    text, score = _recognized(pixels[max(y0 - room, 0) : y1 + room, max(x0 - room, 0) : x1 + room])
    if score < _CERTAIN or not any(map(str.isalnum, text)):
        return []
    return [(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32), text.strip())]


def _recognized(line: Pixels) -> tuple[str, float]:
    """Returns the text in the picture of a single line, and how certain the model is of it."""
    read = _engine()(np.ascontiguousarray(line[:, :, ::-1]), use_det=False, use_cls=False, use_rec=True)
    beat()
    return (" ".join(read.txts), min(read.scores)) if read.txts else ("", 0.0)


def _is_upside_down(line: Pixels) -> bool:
    """Returns True if the picture of a line shows it upside down."""
    if not line.size:
        return False
    seen = _engine()(np.ascontiguousarray(line[:, :, ::-1]), use_det=False, use_cls=True, use_rec=False)
    label, score = seen.cls_res[0]
    return bool(label == "180" and score > _CERTAIN)


def _segments(lines: Sequence[tuple[Corners, str]]) -> list[Segment]:
    found = []
    for corners, text in lines:
        x0, y0 = (float(value) for value in corners.min(axis=0))
        x1, y1 = (float(value) for value in corners.max(axis=0))
        # On a skewed scan the upright rectangle is taller than the letters. The left edge has the height of the
        # letters.
        tall = float(np.linalg.norm(corners[3] - corners[0]))
        middle = (y0 + y1) / 2
        found.append(Segment(text, x0, middle - tall / 2, x1, middle + tall / 2, tall))
    return _evened(found)


def _evened(segments: list[Segment]) -> list[Segment]:
    """Returns the same segments. A size that differs from the usual one by no more than the error of measurement
    becomes the usual size.
    """
    usual = sorted(segment.size for segment in segments)[len(segments) // 2] if segments else 0.0
    for segment in segments:
        if abs(segment.size - usual) < 0.3 * usual:
            segment.size = usual
    return segments


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise ImportError("rapidocr")
    models = Path(spec.origin).parent / "models"
    paths = {setting: str(models / file) for setting, file in _MODELS.items()}
    engine = RapidOCR(params={**paths, **_TUNING})
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return engine
