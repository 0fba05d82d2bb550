"""Page pictures through the door: who gets them, and of which files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.app import create_app
from api.security.guard import current_reader
from api.settings import Settings
from assistant.history.register import Register
from ingest.access import Reader
from ingest.catalog.records import Publication
from ingest.page_images import PageRenderer
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.api.scripted_assistant import ScriptedAssistant

EXAMPLES = Path(__file__).parents[2] / "examples"
MANUAL = EXAMPLES / "LX-24-user-manual.pdf"


@pytest.fixture(scope="module")
def renderer() -> Iterator[PageRenderer]:
    opened = PageRenderer()
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store, settings: Settings, renderer: PageRenderer) -> TestClient:
    workspace: Any = SimpleNamespace(
        settings=settings, store=store, ingestor=None, assistant=ScriptedAssistant(), pages=renderer,
        conversations=Register(store.database, settings),
    )  # fmt: skip
    return TestClient(create_app(workspace), base_url="http://127.0.0.1")


def published(store: Store, path: Path) -> str:
    """Enter the file into the catalog as if it had been ingested; its id."""
    (reference,) = FolderSource([path]).references()
    revision = store.catalog.take_revision(reference, "digest")
    kind = path.suffix.lstrip(".")
    store.catalog.publish([Publication(reference, revision, "digest", "v1", path.stem, kind, "en", 1)])
    return reference.document_id


def picture_of(client: TestClient, path: str) -> Image.Image:
    response = client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    assert response.headers["cache-control"] == "private, no-cache"
    return Image.open(io.BytesIO(response.content))


def error_of(client: TestClient, path: str) -> tuple[int, str]:
    response = client.get(path)
    return response.status_code, response.json()["error"]["code"]


@pytest.mark.parametrize(
    ("name", "page", "size"),
    [
        ("LX-24-user-manual.pdf", 5, (700, 990)),
        ("消防演练通知-扫描件.pdf", 1, (700, 990)),
        ("laboratory-notice-scan.jpg", 1, (700, 487)),
    ],
)
def test_the_pages_of_the_examples_are_shown(
    client: TestClient, store: Store, name: str, page: int, size: tuple[int, int]
) -> None:
    identity = published(store, EXAMPLES / name)
    picture = picture_of(client, f"/v1/documents/{identity}/pages/{page}.png?width=700")
    assert picture.size == pytest.approx(size, abs=2)
    darkest, brightest = picture.convert("L").getextrema()
    assert darkest < 80 < 200 < brightest


def test_without_a_width_a_page_is_1000_pixels_wide(client: TestClient, store: Store) -> None:
    assert picture_of(client, f"/v1/documents/{published(store, MANUAL)}/pages/1.png").width == 1000


@pytest.mark.parametrize("page", ["1.png?width=2001", "1.png?width=0", "one.png"])
def test_what_is_not_well_formed_is_refused(client: TestClient, store: Store, page: str) -> None:
    assert error_of(client, f"/v1/documents/{published(store, MANUAL)}/pages/{page}") == (400, "invalid_request")


def test_who_may_not_read_a_document_gets_no_page_of_it(client: TestClient, store: Store) -> None:
    identity = published(store, MANUAL)
    client.app.dependency_overrides[current_reader] = lambda: Reader(frozenset({"user:bo"}))  # type: ignore[attr-defined]
    hidden = error_of(client, f"/v1/documents/{identity}/pages/1.png")
    assert hidden == error_of(client, "/v1/documents/no-such/pages/1.png") == (404, "unknown_document")
    client.app.dependency_overrides[current_reader] = lambda: Reader(frozenset({"everyone"}))  # type: ignore[attr-defined]
    assert picture_of(client, f"/v1/documents/{identity}/pages/1.png").width == 1000


@pytest.mark.parametrize("page", ["0", "6", "-1", "99999999999999999999"])
def test_a_page_that_the_document_does_not_have_is_not_found(client: TestClient, store: Store, page: str) -> None:
    assert error_of(client, f"/v1/documents/{published(store, MANUAL)}/pages/{page}.png") == (404, "unknown_page")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pdf", MANUAL.read_bytes()[:9000]), ("a.jpg", b"\xff\xd8\xff\xe0 no more"), ("a.md", b"# No pages")],
)
def test_what_cannot_be_drawn_is_a_clean_error_and_the_next_page_comes(
    client: TestClient, store: Store, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert error_of(client, f"/v1/documents/{published(store, path)}/pages/1.png") == (422, "not_renderable")
    assert picture_of(client, f"/v1/documents/{published(store, MANUAL)}/pages/1.png").width == 1000


def test_a_page_is_drawn_again_only_when_its_file_has_changed(client: TestClient, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(MANUAL.read_bytes())
    page = f"/v1/documents/{published(store, path)}/pages/1.png"
    etag = client.get(page).headers["etag"]
    assert client.get(page, headers={"if-none-match": etag}).status_code == 304
    assert client.get(f"{page}?width=500", headers={"if-none-match": etag}).status_code == 200
    os.utime(path, ns=(0, 0))
    published(store, path)
    assert client.get(page, headers={"if-none-match": etag}).status_code == 200


def test_no_page_is_shown_of_a_file_that_is_not_the_ingested_one_any_more(
    client: TestClient, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(MANUAL.read_bytes())
    page = f"/v1/documents/{published(store, path)}/pages/1.png"
    path.write_bytes((EXAMPLES / "信息安全管理制度.pdf").read_bytes())
    assert error_of(client, page) == (409, "original_changed")
    published(store, path)
    assert picture_of(client, page).width == 1000
    path.unlink()
    assert error_of(client, page) == (404, "unknown_original")
