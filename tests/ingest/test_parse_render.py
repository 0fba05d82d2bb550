"""Pages as pictures: their size, which way up they are, and that the parser's boxes fall on what they name."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.document import Reference
from ingest.errors import DocumentError, RequestError
from ingest.parse.parsed import parse
from ingest.parse.pdf.page_picture import render_page
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Words, pdf

EXAMPLES = Path(__file__).parents[2] / "examples"
SCAN = EXAMPLES / "laboratory-notice-scan.jpg"
MANUAL = EXAMPLES / "LX-24-user-manual.pdf"


def drawn(path: Path, page: int = 1, *, width_px: int = 800) -> Image.Image:
    picture = Image.open(io.BytesIO(render_page(path, page, width_px=width_px)))
    assert picture.format == "PNG"
    return picture.convert("RGB")


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize(("asked", "width"), [(100, 100), (1333, 1333), (9000, 2000)])
def test_a_page_is_as_wide_as_asked_within_reason(asked: int, width: int) -> None:
    picture = drawn(MANUAL, 2, width_px=asked)
    assert picture.width == width
    assert picture.height == pytest.approx(width * 842 / 595, rel=0.005)


def test_a_picture_is_not_blown_up(tmp_path: Path) -> None:
    assert drawn(saved(tmp_path / "a.bmp", Image.new("RGB", (120, 90), "red")), width_px=1000).size == (120, 90)


def test_a_long_screenshot_becomes_narrower_instead_of_huge(tmp_path: Path) -> None:
    picture = drawn(saved(tmp_path / "a.bmp", Image.new("L", (1100, 40_000), "white")), width_px=1100)
    assert 900 < picture.width < 1000
    assert picture.height == pytest.approx(picture.width * 40_000 / 1100, abs=20)


@pytest.mark.parametrize("name", ["a.pdf", "a.png"])
def test_absurd_proportions_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.pdf":
        path.write_bytes(pdf([Words(9, 9, "a")]).replace(b"/MediaBox[0 0 595 842]", b"/MediaBox[0 0 9 9999]"))
    else:
        saved(path, Image.new("L", (9, 9999)))
    with pytest.raises(DocumentError, match="absurd") as caught:
        render_page(path, 1, width_px=800)
    assert caught.value.code == "not_renderable"


def test_a_photograph_stands_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (80, 40), "white")
    picture.paste("blue", (0, 0, 10, 40))
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held on its side: what is left in the file is the top
    upright = drawn(saved(tmp_path / "a.jpg", picture, exif=turned))
    assert upright.size == (40, 80)
    assert upright.getpixel((20, 2))[2] > 200 > upright.getpixel((20, 2))[0]
    assert min(upright.getpixel((20, 70))) > 200


def test_the_pages_of_a_tiff_are_its_frames(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "lime")]
    path = saved(tmp_path / "a.tiff", frames[0], save_all=True, append_images=frames[1:])
    assert [drawn(path, page).getpixel((5, 5)) for page in (1, 2)] == [(255, 0, 0), (0, 255, 0)]


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    assert drawn(saved(tmp_path / "a.webp", Image.new("RGBA", (9, 9), (0, 0, 0, 0)))).getpixel((4, 4)) == (255,) * 3


@pytest.mark.parametrize("path", [MANUAL, SCAN])
@pytest.mark.parametrize("page", [-1, 0, 99])
def test_a_page_that_is_not_there_is_named(path: Path, page: int) -> None:
    with pytest.raises(RequestError, match=f"no page {page}") as caught:
        render_page(path, page, width_px=800)
    assert caught.value.code == "unknown_page"


@pytest.mark.parametrize(
    "content",
    [b"", b"plain text", b"%PDF-1.7\nand no more", MANUAL.read_bytes()[:9000], SCAN.read_bytes()[:9000]],
    ids=["empty", "text", "pdf", "half-pdf", "half-jpeg"],
)
def test_a_file_that_cannot_be_drawn_is_a_clean_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "名字.pdf"
    path.write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        render_page(path, 1, width_px=800)
    assert caught.value.code == "not_renderable"
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_boxes_of_the_parser_hold_the_ink_of_their_words(tmp_path: Path, rotate: int) -> None:
    path = tmp_path / "a.pdf"
    words = [Words(70, 90, "A heading in the corner", 20), Words(70, 300, "费用报销须在三十日内提交", 12)]
    path.write_bytes(pdf([*words, Words(500, 700, "upwards along the margin", 12, turned=True)], rotate=rotate))
    assert _ink_in_boxes(path) > 0.99


def test_boxes_on_a_scan_hold_the_ink_of_its_words() -> None:
    assert _ink_in_boxes(SCAN) > 0.9


def _ink_in_boxes(path: Path) -> float:
    """How much of what is dark on the first page lies in a box, which must not be the whole page."""
    document = parse(Reference("local", str(path), path.name, path.stat().st_size, 0, path), IngestSettings())
    dark = np.asarray(drawn(path).convert("L")) < 128
    height, width = dark.shape
    boxed = np.zeros_like(dark)
    for box in (box for element in document.elements for box in element.location.boxes):
        left, right = round(box.x0 * width) - 2, round(box.x1 * width) + 2
        boxed[round(box.y0 * height) - 2 : round(box.y1 * height) + 2, left:right] = True
    assert boxed.mean() < 0.5
    return float((dark & boxed).sum() / dark.sum())
