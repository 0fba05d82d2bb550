"""Draws a page as a picture. A citation points at it, and it looks like the page on paper."""

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
"""A page with a larger ratio of its sides is a mistake or an attack."""
_COMPRESSION = 1
"""For a scan, zlib's usual level takes four times as long and saves a tenth of the size."""

logger = logging.getLogger(__name__)


def render_page(path: Path, page: int, *, width_px: int, passwords: Sequence[SecretStr] = ()) -> bytes:
    """Returns page `page` (counted from 1) of a PDF, or that frame of a picture, as a PNG. It is upright and on white.

    It is `width_px` wide. It is narrower if the picture itself is narrower, or if the page is very long. If a PDF needs
    a password, `passwords` are tried in order. Raises RequestError `unknown_page` and DocumentError `not_renderable`.
    The file is not trusted, so call this in a child process.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata and big pictures; the child has limits
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
    """Returns the error to raise if a page cannot be shown."""
    return DocumentError(
        "not_renderable", f"This page cannot be shown as a picture. {reason}", "Read the passage, or the original file."
    )


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return b"%PDF-" in file.read(1024)


def _pdf_page(path: Path, page: int, width_px: int, passwords: Sequence[SecretStr]) -> Image.Image:
    with open_pdf(path, path.name, passwords) as (document, form):
        _check(page, len(document))
        opened = form.page(page - 1)
        width, height = opened.get_size()
        fitting = _fitting(width, height, width_px)
        # pdfium rounds the size of its picture up. Half a pixel less gives exactly the intended width.
        picture: Image.Image = opened.render(scale=(fitting - 0.5) / width).to_pil()
        return picture.convert("RGB")


def _frame(path: Path, page: int, width_px: int) -> Image.Image:
    with open_image(path, path.name) as image:
        _check(page, frames_of(image))
        image.seek(page - 1)
        _fitting(image.width, image.height, width_px)  # check the size before the pixels are unpacked
        upright = ImageOps.exif_transpose(image)
        width = min(_fitting(upright.width, upright.height, width_px), upright.width)
        height = max(round(upright.height * width / upright.width), 1)
        coloured = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        return on_white(coloured.resize((width, height), reducing_gap=2.0))


def _check(page: int, pages: int) -> None:
    if not 1 <= page <= pages:
        raise RequestError("unknown_page", f"There is no page {page}.", f"The document has {pages} pages.")


def _fitting(width: float, height: float, width_px: int) -> int:
    """Returns the width in pixels for a page of these proportions."""
    if not (width > 0 and height > 0 and 1 / _MAX_RATIO <= height / width <= _MAX_RATIO):
        raise not_renderable("Its proportions are absurd.")
    return min(width_px, math.floor(math.sqrt(_MAX_PIXELS * width / height)))
