"""Prepares pictures for reading: upright, on white, in RGB, and no larger than needed."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ingest.parse.refusals import refuse

Pixels = npt.NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "DIB", "GIF", "AVIF", "HEIF")
MAX_PIXELS = 200_000_000
_MAX_SIDE = 4000
_LONG = 2.5
"""A picture that is this many times longer than wide is a screenshot of a whole page or a receipt. Its size is then
limited by its width.
"""
_LONG_WIDTH = 2000
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def open_image(source: bytes | Path, name: str) -> Image.Image:
    """Returns the picture. Its pixels are not yet unpacked. Raises DocumentError `needs_heif` and `too_large`, and the
    errors of Pillow.
    """
    with_heif = has_heif()
    try:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_known(with_heif))
    except Image.DecompressionBombError:
        raise refuse("too_large", name, "a picture of too many pixels") from None
    except Image.UnidentifiedImageError:
        head = source[:12] if isinstance(source, bytes) else _head(source)
        if is_heif(head) and not with_heif:
            raise refuse("needs_heif", name, "HEIC pictures are read through the package pillow-heif only") from None
        raise


def is_heif(head: bytes) -> bool:
    """Returns True if a file that begins with these 12 or more bytes is a HEIC or HEIF picture."""
    brands = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
    return head[4:8] == b"ftyp" and head[8:12] in brands


@lru_cache(maxsize=1)
def has_heif() -> bool:
    """Returns True if HEIC pictures can be read here. Pillow can then open them from now on."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener(thumbnails=False)
    return True


def frames_of(image: Image.Image) -> int:
    """Returns the number of pages of the picture. Only the frames of a TIFF are pages. The frames of other formats are
    an animation.
    """
    return int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1


def upright(image: Image.Image, name: str) -> Pixels:
    """Returns the current frame, shape (height, width, 3). Raises DocumentError `too_large` before
    it unpacks too much.
    """
    if image.width * image.height > MAX_PIXELS:
        raise refuse("too_large", name, f"a picture of {image.width} × {image.height} pixels")
    fitting = _fitting(image.width, image.height)
    image.draft("RGB", fitting)  # a large JPEG is unpacked at a half or a quarter of its size
    small = _continuous(image)
    small.thumbnail(fitting, reducing_gap=3.0)
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    seen = small.transpose(turn) if turn is not None else small
    return np.asarray(on_white(seen))


def on_white(image: Image.Image) -> Image.Image:
    """Returns the picture in RGB. Transparent places become white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


def strips_of(pixels: Pixels) -> list[tuple[int, Pixels]]:
    """Returns the picture in pieces from top to bottom, each with the row where it begins. No piece is too long to be
    read at once. A cut is at a row of nearly one colour, if there is such a row.
    """
    height, width = pixels.shape[:2]
    if height <= _LONG * max(width, 200):
        return [(0, pixels)]
    step, pieces, top = 2 * max(width, 200), [], 0
    while height - top > step * 1.25:
        search = pixels[top + step // 2 : top + step]
        blank = np.flatnonzero((search.max(axis=(1, 2)) - search.min(axis=(1, 2))) < 24)
        bottom = top + step // 2 + int(blank[-1]) if blank.size else top + step
        pieces.append((top, pixels[top:bottom]))
        top = bottom
    return [*pieces, (top, pixels[top:])]


def _fitting(width: int, height: int) -> tuple[int, int]:
    """Returns the size to which the picture is reduced. The proportions stay the same or nearly the same."""
    short, long = min(width, height), max(width, height)
    if long <= _LONG * short:
        return _MAX_SIDE, _MAX_SIDE
    scale = min(1.0, _LONG_WIDTH / short)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _continuous(image: Image.Image) -> Image.Image:
    """Returns the frame in a mode that can be reduced without the loss of thin strokes."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith(("I", "F")):  # 16 or 32 bits a pixel: Pillow would cut off values above 255
        values: Any = np.asarray(image, dtype=np.float32)
        low, high = float(values.min()), float(values.max())
        return Image.fromarray(((values - low) * (255 / max(high - low, 1.0))).astype(np.uint8))
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.copy()


def _known(with_heif: bool) -> tuple[str, ...]:
    return FORMATS if with_heif else FORMATS[:-1]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)
