"""Reads pictures inside documents by OCR, within limits."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ingest.errors import DocumentError
from ingest.parse.notes import PICTURES_NOT_READ
from ingest.parse.pdf.text_layer import Part
from ingest.parse.pictures import ocr
from ingest.parse.pictures.drawings import Drawing, read_drawing
from ingest.parse.pictures.images import Pixels, open_image

_MAX_PIXELS = 120_000_000
_MIN_SIDES = (64, 20)
"""The longer and the shorter side, in pixels. A picture with a smaller side is a bullet, a rule or an icon."""

logger = logging.getLogger(__name__)


class Pictures:
    """The pictures of one document. A picture that is used again (such as the logo on every slide) is read once.

    The limits on pixels and pictures come first, so the same document gives the same text on a slow machine. The limit
    on time is for the few documents whose pictures are full of words.
    """

    def __init__(self, enabled: bool, most: int, most_seconds: float = 120.0) -> None:
        """`most` pictures are read, until `most_seconds` of the processor's time are over."""
        self.is_enabled = enabled
        self._most = most
        self._seconds_left = most_seconds
        self._seen: set[bytes] = set()
        self._read = 0
        self._pixels = 0
        self._given_up = 0

    @property
    def notes(self) -> dict[str, int]:
        """Returns how many pictures were given up: too many, too large, too late, an unknown format, or OCR is off."""
        return {PICTURES_NOT_READ: self._given_up}

    def give_up(self) -> None:
        """Count a picture whose words may be missing."""
        self._given_up += 1

    def texts(self, data: bytes) -> tuple[str, ...]:
        """Returns the paragraphs in a picture when it comes for the first time. Returns nothing if it has no text or
        cannot be read. The words of a drawing (EMF, WMF, SVG) are read without OCR.
        """
        if not self._is_new(data):
            return ()
        drawing = _drawing(data)
        if drawing is None:
            return self._seen_in(data)
        if not drawing.lines and not drawing.bitmaps:
            self.give_up()
        inside = (text for bitmap in drawing.bitmaps if self._is_new(bitmap) for text in self._seen_in(bitmap))
        return (*drawing.lines, *inside)

    def _seen_in(self, data: bytes) -> tuple[str, ...]:
        """Returns the paragraphs that OCR reads in a picture."""
        try:
            with open_image(data, "picture") as image:
                size = image.size
            if not self._fits(*size):
                return ()
            with self._timed():
                found = ocr.read_image(data, "picture", ocr=True, glance=True)
            return tuple(element.text for element in found.elements)
        except DocumentError as error:
            logger.debug("A picture inside a document was not read: %s", error.message)
        except Exception:  # drawings of other programs, damaged pictures: the document is read without them
            logger.debug("A picture inside a document could not be read", exc_info=True)
        self.give_up()
        return ()

    def part(self, mark: bytes, size: tuple[int, int], drawn: Callable[[], Pixels]) -> Part | None:
        """Returns the text in a picture of this size as a part of a page when it comes for the first time. `mark` is
        the same for the same picture, and `drawn` draws it.
        """
        if not self._is_new(mark) or not self._fits(*size):
            return None
        try:
            with self._timed():
                pixels = drawn()
                part = ocr.part_of(pixels) if ocr.may_have_text(pixels) else None
        except Exception:
            logger.debug("A picture on a page could not be read", exc_info=True)
            self.give_up()
            return None
        return part if part and part.segments else None

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Take the processor's time of what is done in this block from what is left."""
        start = time.process_time()
        try:
            yield
        finally:
            self._seconds_left -= time.process_time() - start

    def _is_new(self, data: bytes) -> bool:
        digest = hashlib.sha256(data).digest()
        if digest in self._seen:
            return False
        self._seen.add(digest)
        return True

    def _fits(self, width: int, height: int) -> bool:
        """Returns True if a picture of this size is large enough for words, and is to be read within the limits."""
        if max(width, height) < _MIN_SIDES[0] or min(width, height) < _MIN_SIDES[1]:
            return False
        over = self._read >= self._most or self._pixels + width * height > _MAX_PIXELS
        if not self.is_enabled or over or self._seconds_left <= 0:
            self.give_up()
            return False
        self._read += 1
        self._pixels += width * height
        return True


def best_of(ways: Sequence[bytes]) -> bytes:
    """Returns the one of several files of the same picture that is read. A drawing whose letters are text is read
    without OCR, and the last file stands for all programs.
    """
    lettered = (data for data in ways[:-1] if (drawing := _drawing(data)) is not None and drawing.lines)
    return next(lettered, ways[-1])


def _drawing(data: bytes) -> Drawing | None:
    try:
        return read_drawing(data)
    except Exception:  # a picture that is damaged must not cost the document
        logger.debug("A drawing inside a document could not be read", exc_info=True)
        return Drawing()
