"""A page as a picture: what a citation points at, as its reader would see it on paper."""

from __future__ import annotations

import io
import logging
import math
import warnings
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps
from pydantic import SecretStr

from ingest.errors import DocumentError, RequestError, YoujuError
from ingest.parse.pdf.unlock import open_pdf
from ingest.parse.pictures.images import frames_of, on_white, open_image

MAX_WIDTH_PX = 2000

_MAX_PIXELS = 32_000_000
_MAX_RATIO = 100
"""A page so much longer than wide, or wider than long, is a mistake or an attack."""
_COMPRESSION = 1
"""Of a scan, zlib's usual level takes four times as long for a tenth of its size."""

logger = logging.getLogger(__name__)


def render_page(path: Path, page: int, *, width_px: int, passwords: Sequence[SecretStr] = ()) -> bytes:
    """Page `page` (counted from 1) of a PDF, or that frame of a picture, upright and on white, as a PNG.

    It is `width_px` wide, and narrower where the picture itself is, or where the page is very long.
    `passwords` are tried in turn on a PDF that needs one. Raises RequestError `unknown_page` and DocumentError
    `not_renderable`. It opens a file that nobody vouches for: call it in a child process.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of big pictures: the child has limits
            wide = min(width_px, MAX_WIDTH_PX)
            drawn = _pdf_page(path, page, wide, passwords) if _is_pdf(path) else _frame(path, page, wide)
            written = io.BytesIO()
            drawn.save(written, "PNG", compress_level=_COMPRESSION)
            return written.getvalue()
    except DocumentError as error:
        raise error if error.code == "not_renderable" else not_renderable(error.message) from error
    except YoujuError:
        raise
    except Exception as error:
        logger.info("Page %d of %s could not be drawn", page, path, exc_info=True)
        raise not_renderable("It is no PDF and no picture, or it is damaged.") from error


def not_renderable(reason: str) -> DocumentError:
    """The error to raise where a page cannot be shown."""
    return DocumentError(
        "not_renderable", f"This page cannot be shown as a picture. {reason}", "Read the passage, or the original file."
    )


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return b"%PDF-" in file.read(1024)


def _pdf_page(path: Path, page: int, width_px: int, passwords: Sequence[SecretStr]) -> Image.Image:
    with open_pdf(path, path.name, passwords) as document:
        _check(page, len(document))
        opened = document[page - 1]
        width, height = opened.get_size()
        fitting = _fitting(width, height, width_px)
        # pdfium's picture is rounded up, so half a pixel less gives the width that was meant.
        picture: Image.Image = opened.render(scale=(fitting - 0.5) / width).to_pil()
        return picture.convert("RGB")


def _frame(path: Path, page: int, width_px: int) -> Image.Image:
    with open_image(path, path.name) as image:
        _check(page, frames_of(image))
        image.seek(page - 1)
        _fitting(image.width, image.height, width_px)  # before its pixels are unpacked
        upright = ImageOps.exif_transpose(image)
        width = min(_fitting(upright.width, upright.height, width_px), upright.width)
        height = max(round(upright.height * width / upright.width), 1)
        coloured = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        return on_white(coloured.resize((width, height), reducing_gap=2.0))


def _check(page: int, pages: int) -> None:
    if not 1 <= page <= pages:
        raise RequestError("unknown_page", f"There is no page {page}.", f"The document has {pages} pages.")


def _fitting(width: float, height: float, width_px: int) -> int:
    """How many pixels wide a page of these proportions is drawn."""
    if not (width > 0 and height > 0 and 1 / _MAX_RATIO <= height / width <= _MAX_RATIO):
        raise not_renderable("Its proportions are absurd.")
    return min(width_px, math.floor(math.sqrt(_MAX_PIXELS * width / height)))
