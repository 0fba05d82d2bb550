"""Reads pictures inside documents by OCR. The limits depend on the document alone."""

from __future__ import annotations

import hashlib
import io
import logging

from PIL import Image

from ingest.errors import DocumentError
from ingest.parse.notes import PICTURES_NOT_READ
from ingest.parse.pictures import ocr

_MAX_PICTURES = 60
_MAX_PIXELS = 120_000_000
_MIN_SIDES = (64, 20)
"""The longer and the shorter side, in pixels. A picture with a smaller side is a bullet, a rule or an icon."""

logger = logging.getLogger(__name__)


class Pictures:
    """The pictures of one document. The limit is on pixels and pictures and not on time, so the same document gives the
    same text on a slow machine. A picture that is used again (such as the logo on every slide) is read once.
    """

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._known: dict[bytes, tuple[str, ...]] = {}
        self._pixels = 0
        self._given_up: set[bytes] = set()

    @property
    def notes(self) -> dict[str, int]:
        """Returns how many pictures were given up: too many, too large, or in no format that is read."""
        return {PICTURES_NOT_READ: len(self._given_up)}

    def texts(self, data: bytes) -> tuple[str, ...]:
        """Returns the paragraphs in a picture when it comes for the first time. Returns nothing if it has no text or
        cannot be read.
        """
        digest = hashlib.sha256(data).digest()
        if not self._enabled or digest in self._known or digest in self._given_up:
            return ()
        found = self._read(data)
        if found is None:
            self._given_up.add(digest)
            return ()
        self._known[digest] = found
        return found

    def _read(self, data: bytes) -> tuple[str, ...] | None:
        """Returns the paragraphs, or None for a picture that is given up."""
        try:
            with Image.open(io.BytesIO(data)) as image:
                sides = sorted(image.size)
            if sides[1] < _MIN_SIDES[0] or sides[0] < _MIN_SIDES[1]:
                return ()
            self._pixels += sides[0] * sides[1]
            if len(self._known) >= _MAX_PICTURES or self._pixels > _MAX_PIXELS:
                return None
            return tuple(element.text for element in ocr.read_image(data, "picture", ocr=True).elements)
        except DocumentError:
            return None
        except Exception:  # drawings of other programs, damaged pictures: the document is read without them
            logger.debug("A picture inside a document could not be read", exc_info=True)
            return None
