"""Reads the words in the pictures on a page that has text, too. They are placed where the picture stands."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from ingest.parse.page.segments import Segment
from ingest.parse.pdf.garbled_runs import Strip
from ingest.parse.pdf.text_layer import Layer, Part, Picture
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.images import MAX_PIXELS, Pixels

_LONG, _SHORT = 24.0, 10.0
"""In points. A picture with a smaller side has no words that a person could read."""
_TOUCHING = 1.5
"""Some programs cut a picture into strips. Pictures that are closer than this are drawn as one."""
_BACKGROUND = 0.8
"""A picture over more of the page than this, with text on it, is its background."""
_READ_CHARACTERS = 20
"""If the text layer has more characters on a picture than this, it says what is in it."""
_LETTERS = 3
"""A line that takes no more bytes than this is a letter or two, or a single Han character."""
_DPI = 200
_MAX_SIDE = 2000
_LINE = 48
"""In pixels. The model for lines makes each of them so high."""
_ROOM = 0.1
"""So much room is left around a line, in heights of it."""
_LEAST_CONTRAST = 48
_MAX_MARK_BYTES = 64 << 20

Box = tuple[float, float, float, float]


def read_pictures(page: Any, layer: Layer, pictures: Pictures) -> None:
    """Add what OCR reads in the pictures of a pypdfium2 page to the upright part of its text, or as one."""
    if layer.more_pictures:
        pictures.give_up()
    if not layer.addresses and not len(layer.painted):
        return
    upright = next((part for part in layer.parts if part.turn == 0 and not part.is_slanted), None)
    if upright is None:
        width, height = page.get_size()
        upright = Part(0, width, height, [])
    groups = _joined(_candidates(layer, upright))
    for box, addresses in groups:
        x0, y0, x1, y1 = box
        over = _inside(upright.segments, box)
        if min(x1 - x0, y1 - y0) < _SHORT or sum(len(segment.text) for segment in over) > _READ_CHARACTERS:
            continue
        sizes = [_size(address) for address in addresses]
        if any(wide * tall > MAX_PIXELS for wide, tall in sizes):
            pictures.give_up()
            continue
        scale = _scale(box, sizes)
        drawn = round((x1 - x0) * scale), round((y1 - y0) * scale)
        size = min(drawn, sizes[0]) if len(sizes) == 1 else drawn
        text = pictures.part(_mark(addresses), size, lambda box=box, scale=scale: _drawn(page, box, scale))  # type: ignore[misc]
        _keep(upright, text, over, box)
    for box, over in _painted(layer, upright, [group for group, _ in groups]):
        pixels = _drawn(page, box, _scale(box, ()))
        if _is_plain(pixels, upright, box):
            continue
        text = pictures.part(pixels.tobytes(), pixels.shape[1::-1], lambda pixels=pixels: pixels)  # type: ignore[misc]
        _keep(upright, text, over, box)
    if upright.pictures and upright not in layer.parts:
        layer.parts.insert(0, upright)


def _keep(upright: Part, text: Part | None, over: Sequence[Segment], box: Box) -> None:
    """Add what was read in a box to a part of the page, without what the text layer has there."""
    if text is not None and _has_words(seen := _without(text, over, box)):
        upright.pictures.append(Picture(*box, seen))


def _painted(layer: Layer, part: Part, taken: Sequence[Box]) -> Iterator[tuple[Box, list[Segment]]]:
    """Yields the boxes of what patterns and masks paint, but for backgrounds and for what is in a picture, with the
    text on them.
    """
    seen: set[Box] = set()
    for corners in layer.painted.tolist():
        box = (max(corners[0], 0.0), max(corners[1], 0.0), min(corners[2], part.width), min(corners[3], part.height))
        wide, tall = box[2] - box[0], box[3] - box[1]
        if box in seen or max(wide, tall) < _LONG or min(wide, tall) < _SHORT:
            continue
        seen.add(box)
        over = _inside(part.segments, box)
        is_background = wide * tall >= _BACKGROUND * part.width * part.height and over
        is_said = is_background or sum(len(segment.text) for segment in over) > _READ_CHARACTERS
        if not is_said and not any(_touch(box, other) for other in taken):
            yield box, over


def _is_plain(pixels: Pixels, part: Part, box: Box) -> bool:
    """Returns True if nothing is to be seen in a box of the page, besides the text that is in the text layer. What is
    at the edge may belong to what is beside the box.
    """
    scale = pixels.shape[1] / max(box[2] - box[0], 1e-6)
    edge = math.ceil(_TOUCHING * scale)
    rest = np.zeros(pixels.shape[:2], dtype=np.bool_)
    rest[edge:-edge, edge:-edge] = True
    for segment in part.segments:
        left, top = (math.floor(place * scale) - edge for place in (segment.x0 - box[0], segment.y0 - box[1]))
        right, bottom = (math.ceil(place * scale) + edge for place in (segment.x1 - box[0], segment.y1 - box[1]))
        rest[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = False
    shown = pixels[rest]
    return not shown.size or int(np.ptp(shown, axis=0).max()) < _LEAST_CONTRAST


def _candidates(layer: Layer, part: Part) -> Iterator[tuple[Box, int]]:
    """Yields the boxes and addresses of the pictures that may have words and are no background."""
    for corners, address in zip(layer.pictures.tolist(), layer.addresses, strict=True):
        box = (max(corners[0], 0.0), max(corners[1], 0.0), min(corners[2], part.width), min(corners[3], part.height))
        wide, tall = box[2] - box[0], box[3] - box[1]
        if max(wide, tall) < _LONG or min(wide, tall) <= 0:
            continue
        if wide * tall < _BACKGROUND * part.width * part.height or not _inside(part.segments, box):
            yield box, address


def _joined(found: Iterator[tuple[Box, int]]) -> list[tuple[Box, list[int]]]:
    """Returns the pictures. Those that touch each other are one. They come from top to bottom."""
    groups: list[tuple[Box, list[int]]] = []
    for box, address in found:
        joined, addresses = box, [address]
        apart = []
        for other, members in groups:
            if _touch(joined, other):
                joined = (*map(min, joined[:2], other[:2]), *map(max, joined[2:], other[2:]))  # type: ignore[assignment]
                addresses = [*members, *addresses]
            else:
                apart.append((other, members))
        groups = [*apart, (joined, addresses)]
    return sorted(groups, key=lambda group: (group[0][1], group[0][0]))


def _touch(one: Box, other: Box) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return min(across, down) >= -_TOUCHING


def _inside(segments: Sequence[Segment], box: Box) -> list[Segment]:
    return [
        segment
        for segment in segments
        if box[0] <= (segment.x0 + segment.x1) / 2 <= box[2] and box[1] <= (segment.y0 + segment.y1) / 2 <= box[3]
    ]


def _size(address: int) -> tuple[int, int]:
    """Returns the width and the height of a picture in pixels."""
    import pypdfium2.raw as pdfium

    width, height = ctypes.c_uint(), ctypes.c_uint()
    pdfium.FPDFImageObj_GetImagePixelSize(_object(address), width, height)
    return width.value, height.value


def _scale(box: Box, sizes: Sequence[tuple[int, int]]) -> float:
    """Returns how many pixels are drawn for a point: as many as a single picture has, but enough for OCR."""
    longest = max(box[2] - box[0], box[3] - box[1])
    stated = max(sizes[0]) / longest if len(sizes) == 1 else 0.0
    return min(max(_DPI / 72, stated), _MAX_SIDE / longest)


def _mark(addresses: Sequence[int]) -> bytes:
    """Returns the packed data of pictures. It is the same if a page shows the same picture again."""
    import pypdfium2.raw as pdfium

    mark = bytearray()
    for address in addresses:
        size = pdfium.FPDFImageObj_GetImageDataRaw(_object(address), None, 0)
        if len(mark) + size > _MAX_MARK_BYTES:
            return bytes(mark) + int(size).to_bytes(8, "big")
        buffer = ctypes.create_string_buffer(max(size, 1))
        pdfium.FPDFImageObj_GetImageDataRaw(_object(address), buffer, size)
        mark += bytes(buffer)
    return bytes(mark)


def _object(address: int) -> Any:
    import pypdfium2.raw as pdfium

    return ctypes.cast(address, pdfium.FPDF_PAGEOBJECT)


def drawn_line(page: Any, strip: Strip) -> Pixels:
    """Returns a line of text on a page as a picture for OCR: level, with a little room around it."""
    width, height = page.get_size()
    x0, y0, x1, y1 = strip.box(_ROOM)
    box = (max(x0, 0.0), max(y0, 0.0), min(x1, width), min(y1, height))
    scale = min(max(_DPI / 72, _LINE / max(strip.height, 1.0)), _MAX_SIDE / max(x1 - x0, y1 - y0, 1.0))
    pixels = _drawn(page, box, scale)
    quarters = strip.angle / 90
    if quarters == round(quarters):
        return np.ascontiguousarray(np.rot90(pixels, -round(quarters)))
    # What is outside of the page is white, so that the middle of the line is in the middle of the picture.
    outside = ((box[1] - y0, y1 - box[3]), (box[0] - x0, x1 - box[2]), (0, 0))
    whole = np.pad(pixels, np.rint(np.array(outside) * scale).astype(int).tolist(), constant_values=255)
    level = Image.fromarray(whole).rotate(-strip.angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    across, down = strip.length * scale / 2, strip.height * scale * (0.5 + _ROOM)
    middle_x, middle_y = level.width / 2, level.height / 2
    return np.asarray(level.crop((middle_x - across, middle_y - down, middle_x + across, middle_y + down)))


def _drawn(page: Any, box: Box, scale: float) -> Pixels:
    width, height = page.get_size()
    crop = (box[0], height - box[3], width - box[2], box[1])
    pixels = page.render(scale=scale, crop=crop, rev_byteorder=True, draw_annots=False, may_draw_forms=False).to_numpy()
    return np.ascontiguousarray(pixels[:, :, :3])


def _has_words(text: Part) -> bool:
    """Returns True if OCR read more than single letters, which it takes some drawings for."""
    return any(len(segment.text.encode()) > _LETTERS for segment in text.segments)


def _without(text: Part, over: Sequence[Segment], box: Box) -> Part:
    """Returns what was read in a picture without what the text layer has at the same place."""
    if not over:
        return text
    wide, tall = box[2] - box[0], box[3] - box[1]
    kept = []
    for segment in text.segments:
        x0, y0, x1, y1 = text.on_page(segment.x0, segment.y0, segment.x1, segment.y1)
        here = (box[0] + x0 * wide, box[1] + y0 * tall, box[0] + x1 * wide, box[1] + y1 * tall)
        if not _inside(over, here):
            kept.append(segment)
    return replace(text, segments=kept)
