"""What only a server shows: how its refusals and its silence come out, over real HTTP on loopback."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingest.errors import ConfigurationError, UnavailableError, YoujuError
from ingest.index.from_settings import open_index
from ingest.index.server import ServerIndex
from ingest.settings import IngestSettings

KEY = "secret-key-of-the-server"

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")


class Answers(BaseHTTPRequestHandler):
    """Says of each path what the test has put down for it, and remembers what it was asked."""

    status = 200
    version = "1.15.0"
    silent = threading.Event()
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("api-key")))
        if self.silent.is_set():
            self.silent.wait(5)
            return
        body = {"title": "qdrant", "version": self.version} if self.path == "/" else {"status": {"error": "no"}}
        content = json.dumps(body).encode()
        self.send_response(200 if self.path == "/" else self.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_GET  # noqa: N815
    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Answers]]]:
    handler = type("Handler", (Answers,), {"asked": [], "silent": threading.Event()})
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", handler
    running.shutdown()
    thread.join()
    running.server_close()


def opening_error(url: str, timeout_seconds: float = 5.0) -> YoujuError:
    settings = IngestSettings(qdrant_url=url, qdrant_api_key=KEY, qdrant_timeout_seconds=timeout_seconds)
    with pytest.raises(YoujuError) as caught:
        open_index(settings, dimension=16, name="embedder")
    assert KEY not in repr(caught.value)
    assert caught.value.hint
    return caught.value


def test_a_server_that_does_not_run_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    error = opening_error(f"http://127.0.0.1:{port}")

    assert (type(error), error.code) == (UnavailableError, "qdrant_unreachable")


def test_a_server_that_says_nothing_is_unavailable_after_the_timeout(server: tuple[str, type[Answers]]) -> None:
    url, handler = server
    handler.silent.set()

    error = opening_error(url, timeout_seconds=1)

    assert (type(error), error.code) == (UnavailableError, "qdrant_unreachable")
    assert "YOUJU_QDRANT_TIMEOUT_SECONDS" in error.hint


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, ConfigurationError, "qdrant_denied"),
        (403, ConfigurationError, "qdrant_denied"),
        (404, UnavailableError, "collection_missing"),
        (429, UnavailableError, "qdrant_failed"),
        (500, UnavailableError, "qdrant_failed"),
        (503, UnavailableError, "qdrant_failed"),
        (200, UnavailableError, "qdrant_failed"),
    ],
)
def test_each_refusal_says_who_can_put_it_right(
    server: tuple[str, type[Answers]], status: int, kind: type[YoujuError], code: str
) -> None:
    url, handler = server
    handler.status = status

    error = opening_error(url)

    assert (type(error), error.code) == (kind, code)


def test_a_server_that_is_too_old_is_refused(server: tuple[str, type[Answers]]) -> None:
    url, handler = server
    handler.version = "1.9.7"

    error = opening_error(url)

    assert (type(error), error.code) == (ConfigurationError, "qdrant_too_old")


def test_the_key_is_sent_and_never_logged(server: tuple[str, type[Answers]], caplog: pytest.LogCaptureFixture) -> None:
    url, handler = server
    handler.status = 403
    with caplog.at_level(logging.DEBUG):
        opening_error(url)

    assert {key for _, key in handler.asked} == {KEY}
    assert KEY not in caplog.text
    assert "unencrypted" in caplog.text


def test_the_collection_is_named_for_the_embedder(server: tuple[str, type[Answers]]) -> None:
    url, handler = server
    for name in ("one", "two", "one"):
        with pytest.raises(YoujuError):
            open_index(IngestSettings(qdrant_url=url, qdrant_collection="docs"), dimension=16, name=name)

    first, second, third = [path.split("/")[2] for path, _ in handler.asked if path.startswith("/collections/")]
    assert first == third != second
    assert first.startswith("docs-")


def test_a_url_that_is_none_is_refused() -> None:
    error = opening_error("ftp://qdrant:6333")

    assert (type(error), error.code) == (ConfigurationError, "qdrant_url_invalid")


@pytest.mark.parametrize("vectors", [{"dense": 8}, {"other": 16}])
def test_a_collection_of_something_else_is_refused(vectors: dict[str, int]) -> None:
    from qdrant_client import QdrantClient
    from qdrant_client.models import Distance, VectorParams

    client = QdrantClient(":memory:")
    params = {name: VectorParams(size=size, distance=Distance.COSINE) for name, size in vectors.items()}
    client.create_collection("youju", vectors_config=params)

    with pytest.raises(ConfigurationError) as caught:
        ServerIndex.open(client, collection="youju", dimension=16)

    assert caught.value.code == "collection_mismatch"


@pytest.mark.parametrize(
    "url", ["http://me:hunter2pw@127.0.0.1:9", "http://me:hunter2pw@127.0.0.1:port", "http://me:hunter2pw@[::1"]
)
def test_a_password_in_the_address_of_the_server_is_not_repeated(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = IngestSettings(home=tmp_path, qdrant_url=url, qdrant_timeout_seconds=1)
    with pytest.raises(YoujuError) as caught:
        open_index(settings, name="youju", dimension=3)
    assert "hunter2pw" not in str(caught.value) + caught.value.hint + caplog.text
