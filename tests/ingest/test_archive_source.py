"""Archives as folders: what is listed, what is opened, and what a bad archive may cost."""

from __future__ import annotations

import base64
import io
import os
import random
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.settings import IngestSettings
from ingest.sources import Source
from ingest.sources.from_settings import open_paths, open_source
from ingest.sources.settings import FolderSettings

_SETTINGS = IngestSettings(max_file_mb=1)
_ENCRYPTED = base64.b64decode(
    "UEsDBBQAAQAAAAAAIQAn2uw3EQAAAAUAAAAFAAAAYS50eHQ9AqwZUMqPpcKuEZ3XeCHuDVBLAQIUABQAAQAAAAAAIQAn2uw3EQAA"
    "AAUAAAAFAAAAAAAAAAAAAAAAAAAAAABhLnR4dFBLBQYAAAAAAQABADMAAAA0AAAAAAA="
)
"""A zip with one member, `a.txt`, under the password `secret`: the standard library reads such but writes none."""

_WITH_AES = base64.b64decode(
    "UEsDBBQACQBjAAAAIQAAAAAAAAAAAGQAAAAFAB8AYS50eHRVVAEAAHV4CwABBAAAAAAEAAAAAAGZBwABAEFFAwgA0VAAJ0narQ6r+ML8"
    "UuE8nIlb3LVtvC+Wy392/QQ579ni/ECTcdVQSwcIXh4ahSYAAABkAAAAUEsBAhQDFAAJAGMAAAAhAF4eGoUmAAAAZAAAAAUAHwAAAAAA"
    "AAAAALSBAAAAAGEudHh0VVQBAAB1eAsAAQQAAAAABAAAAAABmQcAAQBBRQMIAFBLBQYAAAAAAQABAFIAAAB4AAAAAAA="
)
"""The same with AES, by libarchive."""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs"


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(members: Mapping[str, str], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            archive.addfile(info, io.BytesIO(content.encode()))
    return stream.getvalue()


def raw_named_zip(name: bytes, content: str = "text") -> bytes:
    """A zip whose one member has this name, in an encoding that it does not tell."""
    placeholder = "x" * len(name)
    return zipped({placeholder: content}).replace(placeholder.encode(), name)


def listed(source: Source, known: Mapping[str, str] | None = None) -> dict[str, Reference]:
    return {reference.uri: reference for reference in source.references(known or {})}


def relative(uris: Mapping[str, object], folder: Path) -> list[str]:
    return [uri.removeprefix(f"{folder}/") for uri in uris]


def text_of(source: Source, reference: Reference, folder: Path) -> str:
    path = source.fetch(reference, folder).path
    assert path is not None
    return path.read_text()


def refusal(source: Source, reference: Reference, folder: Path) -> str:
    with pytest.raises(DocumentError) as caught:
        source.fetch(reference, folder)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_members_of_a_tar_are_documents_with_their_text(docs: Path, tmp_path: Path, mode: str) -> None:
    suffix = mode.replace("w", ".tar").replace(":", ".")
    (docs / f"a{suffix}").write_bytes(tarred({"one.txt": "first", "sub/two.txt": "second"}, mode))
    source = open_paths([docs], _SETTINGS)
    found = listed(source)
    assert relative(found, docs) == [f"a{suffix}!/one.txt", f"a{suffix}!/sub/two.txt"]
    assert [text_of(source, reference, tmp_path) for reference in found.values()] == ["first", "second"]


def test_archives_in_archives_are_folders_too_to_a_small_depth(docs: Path, tmp_path: Path) -> None:
    fourth = zipped({"d.txt": "too deep"})
    third = zipped({"c.txt": "third", "fourth.zip": fourth})
    (docs / "a.zip").write_bytes(zipped({"b.zip": zipped({"b.txt": "second", "third.zip": third}), "a.txt": "first"}))
    source = open_paths([docs], _SETTINGS)
    found = listed(source)
    assert relative(found, docs) == [
        "a.zip!/b.zip!/b.txt",
        "a.zip!/b.zip!/third.zip!/c.txt",
        "a.zip!/b.zip!/third.zip!/fourth.zip",
        "a.zip!/a.txt",
    ]
    texts = [text_of(source, reference, tmp_path) for uri, reference in found.items() if uri.endswith("txt")]
    assert texts == ["second", "third", "first"]


def test_an_unchanged_archive_is_not_opened(docs: Path) -> None:
    archive = docs / "a.zip"
    archive.write_bytes(zipped({"one.txt": "first", "in.zip": zipped({"two.txt": "second"})}))
    status = archive.stat()
    before = listed(open_paths([docs], _SETTINGS))
    archive.write_bytes(b"x" * status.st_size)  # were it opened, this would show
    os.utime(archive, ns=(status.st_atime_ns, status.st_mtime_ns))
    known = {uri: reference.token for uri, reference in before.items()}
    assert listed(open_paths([docs], _SETTINGS), known) == before


def test_a_run_that_was_interrupted_inside_an_archive_forgets_none_of_its_members(docs: Path) -> None:
    (docs / "a.zip").write_bytes(zipped({f"{number}.txt": "text" for number in range(5)}))
    every = listed(open_paths([docs], _SETTINGS))
    known = {uri: every[uri].token for uri in list(every)[:3]}
    assert listed(open_paths([docs], _SETTINGS), known) == every


def test_a_changed_archive_lists_what_it_holds_now(docs: Path) -> None:
    (docs / "a.zip").write_bytes(zipped({"one.txt": "first", "two.txt": "second"}))
    before = listed(open_paths([docs], _SETTINGS))
    (docs / "a.zip").write_bytes(zipped({"one.txt": "first", "three.txt": "third"}))
    source = open_paths([docs], _SETTINGS)
    now = listed(source, {uri: reference.token for uri, reference in before.items()})
    assert relative(now, docs) == ["a.zip!/one.txt", "a.zip!/three.txt"]
    assert all(now[uri].token != before[uri].token for uri in now.keys() & before.keys())
    assert source.covers(f"{docs}/a.zip!/two.txt")


@pytest.mark.parametrize(
    "content",
    [zipped({"one.txt": "first" * 999})[:-40], tarred({"one.txt": random.Random(5).randbytes(999).hex()})[:400]],
)
def test_a_broken_archive_is_one_failed_document_and_what_was_in_it_stays(
    docs: Path, tmp_path: Path, content: bytes
) -> None:
    (docs / "a.zip").write_bytes(content)
    (docs / "b.txt").write_text("text")
    known: dict[str, str] = {}
    for _ in range(2):
        source = open_paths([docs], _SETTINGS)
        found = listed(source, known)
        known = {uri: reference.token for uri, reference in found.items()}
        assert relative(found, docs) == ["a.zip", "b.txt"]
        assert refusal(source, found[f"{docs}/a.zip"], tmp_path) == "corrupt"
        assert not source.covers(f"{docs}/a.zip!/one.txt")
        assert source.covers(f"{docs}/c.zip!/one.txt")


def test_a_broken_archive_in_an_archive_costs_only_itself(docs: Path, tmp_path: Path) -> None:
    (docs / "a.zip").write_bytes(zipped({"in.zip": zipped({"x.txt": "x" * 999})[:-9], "one.txt": "first"}))
    source = open_paths([docs], _SETTINGS)
    found = listed(source)
    assert relative(found, docs) == ["a.zip!/in.zip", "a.zip!/one.txt"]
    assert refusal(source, found[f"{docs}/a.zip!/in.zip"], tmp_path) == "corrupt"
    assert not source.covers(f"{docs}/a.zip!/in.zip!/x.txt")
    assert source.covers(f"{docs}/a.zip!/two.txt")


@pytest.mark.parametrize("packed", ["zip", "tar.xz"])
def test_a_bomb_is_unsafe_and_nothing_of_it_is_unpacked(docs: Path, tmp_path: Path, packed: str) -> None:
    bomb = docs / f"bomb.{packed}"
    zeros = b"\0" * (160 << 20)
    if packed == "zip":
        bomb.write_bytes(zipped({"zeros.txt": zeros}))
    else:
        with tarfile.open(bomb, "w:xz", preset=0) as archive:
            info = tarfile.TarInfo("zeros.txt")
            info.size = len(zeros)
            archive.addfile(info, io.BytesIO(zeros))
    source = open_paths([docs], _SETTINGS)
    found = listed(source)
    assert relative(found, docs) == [bomb.name]
    assert refusal(source, found[str(bomb)], tmp_path) == "unsafe"


def test_a_bomb_of_archives_in_archives_is_unsafe(docs: Path, tmp_path: Path) -> None:
    inner = zipped({f"{number}.txt": b"\0" * (1 << 20) for number in range(20)})
    (docs / "bomb.zip").write_bytes(zipped({f"{number}.zip": inner for number in range(10)}))
    source = open_paths([docs], _SETTINGS)
    found = listed(source)
    assert relative(found, docs) == ["bomb.zip"]
    assert refusal(source, found[f"{docs}/bomb.zip"], tmp_path) == "unsafe"


def test_a_member_that_is_too_large_fails_alone(docs: Path, tmp_path: Path) -> None:
    noise = random.Random(7).randbytes(2 << 20)
    (docs / "a.zip").write_bytes(zipped({"big.txt": noise, "small.txt": "text"}))
    source = open_paths([docs], _SETTINGS)
    big, small = listed(source).values()
    assert refusal(source, big, tmp_path) == "too_large"
    assert text_of(source, small, tmp_path) == "text"


def test_paths_that_lead_out_of_the_archive_lead_nowhere(docs: Path, tmp_path: Path) -> None:
    names = ["../../out.txt", "/etc/passwd.txt", "C:\\Windows\\win.txt", "a/./b//c.txt"]
    (docs / "a.zip").write_bytes(zipped(dict.fromkeys(names, "text")))
    source = open_paths([docs], _SETTINGS)
    found = listed(source)
    uris = ["a.zip!/out.txt", "a.zip!/etc/passwd.txt", "a.zip!/Windows/win.txt", "a.zip!/a/b/c.txt"]
    assert relative(found, docs) == uris
    target = tmp_path / "unpacked"
    target.mkdir()
    for reference in found.values():
        path = source.fetch(reference, target).path
        assert path is not None
        assert path.parent == target


def test_links_and_devices_in_archives_are_left_out(docs: Path) -> None:
    with tarfile.open(docs / "a.tar", "w") as archive:
        for name, kind in (("link.txt", tarfile.SYMTYPE), ("pipe.txt", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("file.txt"))
    assert relative(listed(open_paths([docs], _SETTINGS)), docs) == ["a.tar!/file.txt"]


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("差旅费/报销标准.txt", "gbk"),
        ("镕基讲话.txt", "gbk"),
        ("規章制度.txt", "big5"),
        ("会社のきそく.txt", "cp932"),
        ("制度汇编.txt", "utf-8"),
        ("Müller Größe é.txt", "cp437"),
    ],
)
def test_names_that_do_not_tell_their_encoding_are_read_right(docs: Path, name: str, encoding: str) -> None:
    (docs / "a.zip").write_bytes(raw_named_zip(name.encode(encoding)))
    assert relative(listed(open_paths([docs], _SETTINGS)), docs) == [f"a.zip!/{name}"]


def test_a_member_with_a_long_or_odd_name_can_be_read(docs: Path, tmp_path: Path) -> None:
    names = ["名" * 300 + ".txt", "new\nline.txt", "a!/b.txt"]
    (docs / "a.zip").write_bytes(zipped(dict.fromkeys(names, "text")))
    source = open_paths([docs], _SETTINGS)
    found = listed(source)
    assert relative(found, docs) == [f"a.zip!/{name}" for name in names]
    assert [text_of(source, reference, tmp_path) for reference in found.values()] == ["text"] * 3


@pytest.mark.parametrize(("content", "text"), [(_ENCRYPTED, "text\n"), (_WITH_AES, "text\n" * 20)])
def test_a_protected_member_opens_with_a_password_of_the_list(
    docs: Path, tmp_path: Path, content: bytes, text: str
) -> None:
    (docs / "a.zip").write_bytes(content)
    for passwords, expected in (((), None), (("wrong",), None), (("wrong", "secret"), text)):
        settings = IngestSettings(passwords=tuple(map(SecretStr, passwords)))
        source = open_paths([docs], settings)
        (reference,) = listed(source).values()
        if expected is None:
            assert refusal(source, reference, tmp_path) == "encrypted"
        else:
            assert text_of(source, reference, tmp_path) == expected


def test_a_document_that_is_a_zip_inside_stays_a_document(docs: Path, tmp_path: Path) -> None:
    content = zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<document/>"})
    (docs / "a.zip").write_bytes(content)
    (docs / "b.docx").write_bytes(content)
    source = open_paths([docs], _SETTINGS)
    found = listed(source)
    assert relative(found, docs) == ["a.zip", "b.docx"]
    assert source.fetch(found[f"{docs}/a.zip"], tmp_path).path == docs / "a.zip"
    known = {uri: reference.token for uri, reference in found.items()}
    assert listed(open_paths([docs], _SETTINGS), known) == found


def test_globs_and_rules_see_an_archive_as_a_folder(docs: Path) -> None:
    members = {"hr/pay.txt": "1", "hr/draft/x.txt": "2", "it/rules.txt": "3", "it/logo.png": "4", "__MACOSX/a.txt": "5"}
    (docs / "all.zip").write_bytes(zipped(members))
    configured = FolderSettings(
        name="docs",
        type="folder",
        path=docs,
        include=("*.txt",),
        exclude=("draft",),
        access=({"glob": "all.zip/hr/**", "principals": ["group:hr"]}, {"glob": "**", "principals": ["everyone"]}),  # type: ignore[arg-type]
    )
    found = listed(open_source(configured, _SETTINGS))
    assert {uri.partition("!/")[2]: reference.access for uri, reference in found.items()} == {
        "hr/pay.txt": ("group:hr",),
        "it/rules.txt": ("everyone",),
    }


def test_a_setting_leaves_archives_closed(docs: Path) -> None:
    (docs / "a.zip").write_bytes(zipped({"one.txt": "1"}))
    configured = FolderSettings(name="docs", type="folder", path=docs, archives=False)
    assert relative(listed(open_source(configured, _SETTINGS)), docs) == ["a.zip"]
