"""The client of the web source over TLS and through a proxy: a certificate is checked against the name."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import DocumentError
from ingest.sources.web.client import Manners, WebClient

OPENSSL = shutil.which("openssl")
MANNERS = Manners("Youju/0.1", delay_seconds=0, timeout_seconds=5, allow_private=True)


class Answering(BaseHTTPRequestHandler):
    """Says which host it was asked for, and how."""

    def do_GET(self) -> None:
        body = f"{self.headers['host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that does not like the certificate is no error here."""


def answering(certificate: Path | None = None) -> Iterator[int]:
    """A server on loopback; its port."""
    server = Quiet(("127.0.0.1", 0), Answering)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if OPENSSL is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    key, signed, both = folder / "key", folder / "signed", folder / "both.pem"
    asked = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {signed}"
    subprocess.run(
        [OPENSSL, *asked.split(), "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True
    )
    both.write_bytes(key.read_bytes() + signed.read_bytes())
    return both


@pytest.fixture(scope="module")
def secure_port(certificate: Path) -> Iterator[int]:
    yield from answering(certificate)


@pytest.fixture
def port() -> Iterator[int]:
    yield from answering()


def test_a_certificate_of_the_name_is_good_at_the_checked_address(
    secure_port: int, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # where a system keeps the authorities it trusts
    with closing(WebClient(MANNERS)) as client:
        answer = client.get(f"https://localhost:{secure_port}/a?b=c", folder=tmp_path)
        assert answer.path is not None
        assert answer.path.read_text() == f"localhost:{secure_port} /a?b=c"
        with pytest.raises(DocumentError, match="certificate"):
            client.get(f"https://127.0.0.1:{secure_port}/")


def test_a_certificate_that_nobody_vouches_for_is_refused(secure_port: int) -> None:
    with closing(WebClient(MANNERS)) as client, pytest.raises(DocumentError, match="certificate") as raised:
        client.get(f"https://localhost:{secure_port}/")
    assert raised.value.code == "web_unreachable"


def test_a_proxy_is_given_the_name_and_private_numbers_are_refused_before(port: int, tmp_path: Path) -> None:
    manners = Manners("Youju/0.1", delay_seconds=0, proxy=f"http://127.0.0.1:{port}")
    with closing(WebClient(manners)) as client:
        answer = client.get("http://wiki.example/a", folder=tmp_path)
        assert answer.path is not None
        assert answer.path.read_text() == "wiki.example http://wiki.example/a"
        with pytest.raises(DocumentError) as raised:
            client.get("http://10.0.0.1/")
    assert raised.value.code == "address_refused"


def test_the_proxies_of_the_environment_are_left_alone(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    with closing(WebClient(MANNERS)) as client:
        answer = client.get(f"http://localhost:{port}/", folder=tmp_path)
    assert answer.status == 200
