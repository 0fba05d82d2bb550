"""Pictures of pages out of a child process, which may hang or die without harm."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.engines import Limits
from ingest.errors import DocumentError, UnavailableError
from ingest.page_images import PageRenderer

MANUAL = Path(__file__).parents[2] / "examples" / "LX-24-user-manual.pdf"


@pytest.fixture
def renderer() -> Iterator[PageRenderer]:
    opened = PageRenderer(Limits(seconds=0.5, memory_mb=1024, start_seconds=30.0), patience_seconds=0.1)
    opened.render(MANUAL, 1, width_px=100)  # starting takes longer than a page may
    yield opened
    opened.close()


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file whose reading never ends: a pipe that nobody writes to."""
    path = tmp_path / "endless.pdf"
    os.mkfifo(path)
    return path


def test_a_page_that_never_ends_is_given_up_and_the_next_one_is_drawn(renderer: PageRenderer, endless: Path) -> None:
    with pytest.raises(DocumentError, match=r"longer than 0\.5 seconds") as caught:
        renderer.render(endless, 1, width_px=100)
    assert caught.value.code == "not_renderable"
    assert "YOUJU_" not in str(caught.value)
    assert renderer.render(MANUAL, 2, width_px=100).startswith(b"\x89PNG")


def test_whoever_waits_too_long_for_other_pages_is_told_so(renderer: PageRenderer, endless: Path) -> None:
    ended: list[str] = []

    def draw() -> None:
        try:
            renderer.render(endless, 1, width_px=100)
        except DocumentError as error:
            ended.append(error.code)

    before = threading.Thread(target=draw)
    before.start()
    with endless.open("wb"), pytest.raises(UnavailableError) as caught:  # opens once the child reads from it
        renderer.render(MANUAL, 1, width_px=100)
    before.join()
    assert caught.value.code == "renderer_busy"
    assert ended == ["not_renderable"]
