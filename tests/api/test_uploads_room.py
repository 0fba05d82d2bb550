"""An upload that would fill the disk is refused, before it comes in where its length was announced."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from tests.api.served import served

MIB = 2**20


@pytest.fixture
def url(settings: Settings, inline: None) -> Iterator[str]:
    with closing(Workspace.open(settings, command="test")) as workspace, served(create_app(workspace)) as url:
        yield url


@pytest.fixture
def free(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """How much is free, less what comes in."""
    usage, free = shutil.disk_usage(settings.home), 84 * MIB
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free - incoming(settings.home)))
    return free


def incoming(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "originals" / "incoming").glob("*"))


def test_a_length_that_does_not_fit_is_refused_before_a_byte_is_sent(url: str, free: int, settings: Settings) -> None:
    address = urlsplit(url)
    head = f"POST /v1/documents?path=a.txt HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {21 * MIB}\r\n\r\n"
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
        connection.sendall(head.encode())
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        answer = response.read().decode()
    assert response.status == 503
    assert '"home_full"' in answer
    assert "85 MiB are needed" in answer
    assert incoming(settings.home) == 0


def test_a_length_that_fits_is_taken(url: str, free: int) -> None:
    headers = {"content-type": "application/octet-stream"}
    response = httpx.post(f"{url}/v1/documents?path=a.txt", content=b"x" * 1000, headers=headers, trust_env=False)
    assert response.status_code == 202


def test_bytes_of_unknown_number_are_refused_once_they_are_too_many(
    url: str, free: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.home.originals._CHECK_BYTES", MIB)
    sent = 0

    def content() -> Iterator[bytes]:
        nonlocal sent
        while sent < 200 * MIB:
            sent += MIB
            yield bytes(MIB)

    headers = {"content-type": "application/octet-stream"}
    response = httpx.post(f"{url}/v1/documents?path=a.txt", content=content(), headers=headers, trust_env=False)
    assert response.status_code == 503
    assert json.loads(response.text)["error"]["code"] == "home_full"
    assert incoming(settings.home) == 0
    assert [*(settings.home / "originals").glob("??/*")] == []
