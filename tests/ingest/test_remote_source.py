"""Sources on object stores and file servers: one contract, run against a real server of each kind."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ingest.document import Reference
from ingest.errors import ConfigurationError, DocumentError, SourceError, UnavailableError, YoujuError
from ingest.settings import IngestSettings
from ingest.sources import Source
from ingest.sources.from_settings import open_source
from ingest.sources.settings import FsspecSettings
from tests.ingest import file_servers
from tests.ingest.file_servers import PASSWORD, FileServer

_KINDS: dict[str, Callable[[Path], AbstractContextManager[FileServer]]] = {
    "s3": file_servers.s3,
    "webdav": file_servers.webdav,
    "sftp": file_servers.sftp,
    "smb": file_servers.smb,
}
_SETTINGS = IngestSettings(max_file_mb=1)


@pytest.fixture(params=list(_KINDS))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FileServer]:
    if request.param == "smb" and (file_servers.SMBD is None or os.getuid() != 0):
        pytest.skip("samba is not installed, or this is not root, whom it needs")
    (tmp_path / "served").mkdir()
    with _KINDS[request.param](tmp_path / "served") as server:
        yield server


def configured(server: FileServer, **changed: Any) -> FsspecSettings:
    fields = {"name": "remote", "type": "fsspec", "url": server.url, "options": server.options, **changed}
    return FsspecSettings.model_validate(fields)


def opened(server: FileServer, **changed: Any) -> Source:
    return open_source(configured(server, **changed), _SETTINGS)


def listed(source: Source, known: Mapping[str, str] | None = None) -> dict[str, Reference]:
    return {reference.uri: reference for reference in source.references(known or {})}


def below(server: FileServer, uris: Mapping[str, object]) -> list[str]:
    base = server.url.replace("reader@", "").rstrip("/")
    return [uri.removeprefix(f"{base}/") for uri in uris]


def state(reference: Reference) -> tuple[object, ...]:
    return reference.size, reference.mtime_ns, reference.token


def test_files_are_listed_fetched_and_told_from_changed_ones(server: FileServer, tmp_path: Path) -> None:
    server.write("b.txt", b"second")
    server.write("规章/差旅 费.txt", "第一".encode())
    server.write(".hidden/c.txt", b"hidden")
    server.write("规章/草稿/d.txt", b"draft")
    server.write("100%20 #1/100% #1 [x]+&.txt", b"odd")
    source = opened(server, exclude=["草稿"], access=[{"glob": "规章", "principals": ["group:hr"]}])
    found = listed(source)
    assert sorted(below(server, found)) == ["100%20 #1/100% #1 [x]+&.txt", "b.txt", "规章/差旅 费.txt"]
    assert [found[uri].access for uri in sorted(found)] == [(), (), ("group:hr",)]
    texts = {}
    for uri, reference in found.items():
        path = source.fetch(reference, tmp_path).path
        assert path is not None
        assert path.parent == tmp_path
        texts[uri.rpartition("/")[2]] = path.read_text()
    assert texts == {"100% #1 [x]+&.txt": "odd", "b.txt": "second", "差旅 费.txt": "第一"}

    server.write("b.txt", b"changed")
    now = listed(opened(server))
    assert any(state(now[uri]) != state(found[uri]) for uri in found if uri.endswith("b.txt"))
    server.remove("b.txt")
    gone = opened(server)
    assert not [uri for uri in listed(gone) if uri.endswith("b.txt")]
    assert all(map(gone.covers, found))


def test_archives_on_a_server_are_folders(server: FileServer, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("in/one.txt", "first")
        archive.writestr("two.txt", "second")
    server.write("a.zip", stream.getvalue())
    source = opened(server, include=["*.txt"])
    found = listed(source)
    assert below(server, found) == ["a.zip!/in/one.txt", "a.zip!/two.txt"]
    texts = [source.fetch(reference, tmp_path).path for reference in found.values()]
    assert [path.read_text() for path in texts if path is not None] == ["first", "second"]


def test_a_file_that_is_too_large_is_not_downloaded(server: FileServer, tmp_path: Path) -> None:
    server.write("big.txt", b"x" * (2 << 20))
    source = opened(server)
    (reference,) = listed(source).values()
    with pytest.raises(DocumentError) as caught:
        source.fetch(reference, tmp_path / "nowhere")
    assert caught.value.code == "too_large"


def test_a_file_that_is_gone_fails_alone(server: FileServer, tmp_path: Path) -> None:
    server.write("a.txt", b"text")
    source = opened(server)
    (reference,) = listed(source).values()
    server.remove("a.txt")
    with pytest.raises(DocumentError) as caught:
        source.fetch(reference, tmp_path)
    assert caught.value.code == "file_missing"
    assert not list(tmp_path.glob("*.txt"))


def test_a_place_that_is_not_there_is_an_error_and_not_an_empty_listing(server: FileServer) -> None:
    server.write("a.txt", b"text")
    with pytest.raises(SourceError) as caught:
        listed(opened(server, url=f"{server.url.rstrip('/')}/nowhere"))
    assert caught.value.code == "path_missing"


# The SMB library cannot close a file on a server that is gone, and complains of it whenever it is collected.
@pytest.mark.filterwarnings("ignore:unclosed SMB handle:ResourceWarning")
def test_a_server_that_went_away_fails_the_run_and_not_the_document(server: FileServer, tmp_path: Path) -> None:
    server.write("a.txt", b"text")
    source = opened(server, timeout_seconds=2)
    (reference,) = listed(source).values()
    server.stop()
    with pytest.raises(UnavailableError):
        source.fetch(reference, tmp_path)
    with pytest.raises(SourceError) as caught:
        listed(opened(server, timeout_seconds=2))
    assert caught.value.code == "source_unavailable"
    assert_keeps_quiet(caught.value)


def test_a_wrong_password_is_an_error_that_does_not_tell_it(
    server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    if server.url.startswith("s3:"):
        pytest.skip("moto takes any password")
    caplog.set_level("DEBUG")
    server.write("a.txt", b"text")
    wrong = {**server.options, "password": "hush-hush-wrong"}
    with pytest.raises(SourceError) as caught:
        listed(opened(server, options=wrong))
    assert_keeps_quiet(caught.value)
    assert "hush" not in caplog.text


def assert_keeps_quiet(error: YoujuError) -> None:
    assert "hush" not in repr(error)
    assert error.hint
    assert error.__suppress_context__


def test_an_sftp_server_with_an_unknown_key_is_not_talked_to(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    with file_servers.sftp(tmp_path / "served") as server:
        with pytest.raises(SourceError) as caught:
            listed(opened(server, options={"password": PASSWORD}))
        assert "ey" in caught.value.message


def test_nothing_of_the_secrets_is_in_what_is_shown(tmp_path: Path) -> None:
    server = FileServer("s3://b", {"secret": PASSWORD}, lambda *_: None, lambda *_: None)
    source = opened(server)
    assert PASSWORD not in f"{configured(server)!r} {source!r} {vars(source)!r}"


def test_a_scheme_that_nothing_reads_says_so() -> None:
    server = FileServer("nonsense://x/y", {}, lambda *_: None, lambda *_: None)
    with pytest.raises(ConfigurationError) as caught:
        listed(opened(server))
    assert caught.value.code == "unknown_protocol"
