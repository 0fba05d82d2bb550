"""Pictures of every kind: upright, on white, in eight bits, the right frame, and none too large to be read."""

from __future__ import annotations

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.detect import detect
from ingest.parse.parsed import parse
from ingest.parse.pictures import images
from ingest.settings import IngestSettings

TEXT = "Travel policy"


def picture(text: str = TEXT, width: int = 420, height: int = 120, *, mode: str = "L") -> Image.Image:
    image = Image.new("L", (width, height), 255)
    ImageDraw.Draw(image).text((60, 40), text, fill=0, font=ImageFont.load_default(32))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def read(data: bytes, name: str = "a.dat", *, ocr: bool = True) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=ocr))


def seen(data: bytes) -> np.ndarray:
    """The first page of the picture as OCR is given it."""
    with images.open_image(data, "a.dat") as image:
        return images.upright(image, "a.dat")


def is_black_on_white(data: bytes) -> bool:
    pixels = seen(data)
    return pixels.shape[2] == 3 and np.median(pixels) > 240 and pixels.min() < 60


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_every_kind_is_known_by_its_content(kind: str) -> None:
    data = encoded(picture(), kind)
    assert detect(data, "a.dat") == kind.lower()
    assert is_black_on_white(data)


def test_a_photograph_of_a_telephone_is_read() -> None:
    pytest.importorskip("pillow_heif")
    assert images.has_heif()
    data = encoded(picture(mode="RGB"), "HEIF", quality=95)
    assert detect(data, "IMG_0001.HEIC") == "heic"
    assert is_black_on_white(data)


def test_without_its_package_a_heic_picture_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    images.has_heif.cache_clear()
    data = b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(400)
    with pytest.raises(DocumentError) as caught:
        read(data, "IMG_0001.HEIC")
    images.has_heif.cache_clear()
    assert caught.value.code == "needs_heif"
    assert "youju[heic]" in caught.value.hint


def test_a_picture_is_turned_as_its_camera_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = picture().transpose(Image.Transpose.ROTATE_90)
    parsed = read(encoded(sideways, "JPEG", exif=exif, quality=95))
    (element,) = parsed.elements
    (box,) = element.location.boxes
    assert element.text == TEXT
    assert box.x1 - box.x0 > 0.4
    assert 40 / 120 - 0.1 < box.y0 < box.y1 < 80 / 120 + 0.1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_undone(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = Image.new("L", (60, 40), 255)
    corner.paste(0, (0, 0, 20, 10))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = corner.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else corner
    pixels = seen(encoded(stored, "PNG", exif=exif))
    assert pixels.shape == (40, 60, 3)
    assert pixels[3, 5].max() < 30
    assert pixels[35, 55].min() > 220


def test_only_the_first_picture_of_one_that_moves_is_read() -> None:
    frames = [picture(text) for text in (TEXT, "Second", "Third")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        with images.open_image(data, "a.dat") as image:
            assert images.frames_of(image) == 1
    assert read(data).text == TEXT


def test_transparent_deep_and_coloured_pictures_are_black_on_white() -> None:
    ink = np.asarray(picture())
    transparent = Image.fromarray(np.dstack([np.zeros((*ink.shape, 3), np.uint8), 255 - ink]))
    deep = Image.fromarray(ink.astype(np.uint16) * 257)
    for data in (
        encoded(transparent, "PNG"),
        encoded(transparent, "WEBP", lossless=True),
        encoded(deep, "PNG"),
        encoded(deep, "TIFF"),
        encoded(picture(mode="P"), "GIF"),
        encoded(picture(mode="1"), "TIFF", compression="group4"),
        encoded(picture(mode="CMYK"), "JPEG"),
        encoded(picture(mode="CMYK"), "TIFF"),
        encoded(picture(mode="LA"), "PNG"),
    ):
        assert is_black_on_white(data)


def test_a_large_picture_is_made_smaller_and_a_huge_one_is_refused() -> None:
    assert max(seen(encoded(Image.new("L", (9000, 6000), 255), "JPEG")).shape) <= 4000
    png = encoded(picture(), "PNG")
    for size in ((15_000, 14_000), (60_000, 60_000)):
        header = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
        with pytest.raises(DocumentError) as caught:
            read(png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:])
        assert caught.value.code == "too_large"


def test_a_long_screenshot_keeps_its_width_and_is_cut_between_its_lines() -> None:
    tall = Image.new("L", (600, 9000), 255)
    for y in range(50, 8950, 100):
        ImageDraw.Draw(tall).rectangle((40, y, 500, y + 60), fill=0)
    pixels = seen(encoded(tall, "PNG"))
    assert pixels.shape[1] == 600
    strips = images.strips_of(pixels)
    assert len(strips) > 4
    assert max(len(strip) for _, strip in strips) <= 1500
    assert sum(len(strip) for _, strip in strips) == 9000
    for top, strip in strips[1:]:
        assert strip[0].min() > 200, top


@pytest.mark.slow
def test_the_lines_of_a_long_screenshot_are_read_with_their_boxes() -> None:
    tall = Image.new("L", (700, 6000), 255)
    for number in range(20):
        text = f"Message number {number + 1}"
        ImageDraw.Draw(tall).text((60, 60 + 300 * number), text, fill=0, font=ImageFont.load_default(36))
    parsed = read(encoded(tall, "PNG"))
    assert [element.text for element in parsed.elements] == [f"Message number {number + 1}" for number in range(20)]
    box = parsed.elements[-1].location.boxes[0]
    assert abs(box.y0 - (60 + 300 * 19) / 6000) < 0.01


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_picture_cut_short_is_corrupt(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(7).integers(0, 255, (200, 200), dtype=np.uint8))
    data = encoded(noise, kind)
    with pytest.raises(DocumentError) as caught:
        read(data[: len(data) // 2])
    assert caught.value.code == "corrupt"
