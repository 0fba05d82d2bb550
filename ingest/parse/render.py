"""A page as a picture: what a citation points at, as its reader would see it on paper."""

from __future__ import annotations

import io
import logging
import math
import warnings
from pathlib import Path

from PIL import Image, ImageOps

from ingest.errors import DocumentError, RequestError, YoujuError

MAX_WIDTH_PX = 2000

_MAX_PIXELS = 32_000_000
_MAX_RATIO = 100
"""A page so much longer than wide, or wider than long, is a mistake or an attack."""
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_COMPRESSION = 1
"""Of a scan, zlib's usual level takes four times as long for a tenth of its size."""

logger = logging.getLogger(__name__)


def render_page(path: Path, page: int, *, width_px: int) -> bytes:
    """Page `page` (counted from 1) of a PDF, or that frame of a picture, upright and on white, as a PNG.

    It is `width_px` wide, and narrower where the picture itself is, or where the page is very long.
    Raises RequestError `unknown_page` and DocumentError `not_renderable`. It opens a file that nobody vouches for:
    call it in a child process.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of big pictures: the child has limits
            draw = _pdf_page if _is_pdf(path) else _frame
            drawn = draw(path, page, min(width_px, MAX_WIDTH_PX))
            written = io.BytesIO()
            drawn.save(written, "PNG", compress_level=_COMPRESSION)
            return written.getvalue()
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


def _pdf_page(path: Path, page: int, width_px: int) -> Image.Image:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        _check(page, len(document))
        opened = document[page - 1]
        width, height = opened.get_size()
        fitting = _fitting(width, height, width_px)
        # pdfium's picture is rounded up, so half a pixel less gives the width that was meant.
        picture: Image.Image = opened.render(scale=(fitting - 0.5) / width).to_pil()
        return picture.convert("RGB")


def _frame(path: Path, page: int, width_px: int) -> Image.Image:
    with Image.open(path, formats=_FORMATS) as image:
        _check(page, getattr(image, "n_frames", 1))
        image.seek(page - 1)
        _fitting(image.width, image.height, width_px)  # before its pixels are unpacked
        upright = ImageOps.exif_transpose(image)
        width = min(_fitting(upright.width, upright.height, width_px), upright.width)
        height = max(round(upright.height * width / upright.width), 1)
        coloured = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        picture = coloured.resize((width, height), reducing_gap=2.0)
    if picture.mode == "RGB":
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _check(page: int, pages: int) -> None:
    if not 1 <= page <= pages:
        raise RequestError("unknown_page", f"There is no page {page}.", f"The document has {pages} pages.")


def _fitting(width: float, height: float, width_px: int) -> int:
    """How many pixels wide a page of these proportions is drawn."""
    if not (width > 0 and height > 0 and 1 / _MAX_RATIO <= height / width <= _MAX_RATIO):
        raise not_renderable("Its proportions are absurd.")
    return min(width_px, math.floor(math.sqrt(_MAX_PIXELS * width / height)))
