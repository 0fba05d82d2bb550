"""7z, RAR and zip with AES: folders like other archives, with the same limits, in sources and in mails."""

from __future__ import annotations

import io
import random
import sys
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest.archives import seven_zip_rar
from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from ingest.sources import Source
from ingest.sources.from_settings import open_paths
from tests.ingest.packed import aes_zip, needs_libarchive, packed, rar4, rar5

pytestmark = needs_libarchive

RATE, RULES = "三亚住宿限额 500 元".encode(), "差旅费管理办法".encode()
MEMBERS = {"差旅/标准.txt": RATE, "rules.txt": RULES}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs"


def opened(docs: Path, *passwords: str) -> tuple[Source, dict[str, Reference]]:
    source = open_paths([docs], IngestSettings(max_file_mb=1, passwords=tuple(map(SecretStr, passwords))))
    return source, {reference.uri.removeprefix(f"{docs}/"): reference for reference in source.references({})}


def text_of(source: Source, reference: Reference, folder: Path) -> str:
    path = source.fetch(reference, folder).path
    assert path is not None
    return path.read_text()


def refusal(source: Source, reference: Reference, folder: Path) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        source.fetch(reference, folder)
    assert caught.value.hint
    return caught.value


def forgotten() -> None:
    """Let this process look for libarchive anew."""
    seven_zip_rar._library.cache_clear()
    seven_zip_rar.is_available.cache_clear()


def mail(name: str, content: bytes, *passwords: str) -> str:
    message = EmailMessage()
    message["From"], message["Subject"] = "li@example.com", "附件"
    message.set_content("请查收")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    data = message.as_bytes()
    settings = IngestSettings(ocr=False, passwords=tuple(map(SecretStr, passwords)))
    return parse(Reference("local", "a.eml", "a.eml", len(data), 0, content=data), settings).text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.7z", packed("7zip", MEMBERS)),
        ("a.rar", rar5(MEMBERS)),
        ("a.RAR", rar4({name.encode("gbk"): content for name, content in MEMBERS.items()})),
        ("a.zip", rar5(MEMBERS)),  # the content says what it is
    ],
)
def test_members_are_documents_with_their_names_and_text_in_any_order(
    docs: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    (docs / name).write_bytes(content)
    source, found = opened(docs)
    assert list(found) == [f"{name}!/差旅/标准.txt", f"{name}!/rules.txt"]
    for reference in (*reversed(found.values()), *found.values()):
        expected = RATE if "标准" in reference.name else RULES
        assert text_of(source, reference, tmp_path) == expected.decode()


def test_archives_in_archives_are_folders_too(docs: Path, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("in.7z", packed("7zip", {"deep.rar": rar5({"one.txt": b"first"})}))
    (docs / "a.zip").write_bytes(stream.getvalue())
    source, found = opened(docs)
    assert list(found) == ["a.zip!/in.7z!/deep.rar!/one.txt"]
    assert text_of(source, next(iter(found.values())), tmp_path) == "first"


def test_links_and_paths_that_lead_out_lead_nowhere(docs: Path, tmp_path: Path) -> None:
    members = {"../../up.txt": b"1", "/etc/root.txt": b"2", "C:\\windows\\x.txt": b"3"}
    (docs / "a.rar").write_bytes(rar5(members))
    source, found = opened(docs)
    assert list(found) == ["a.rar!/up.txt", "a.rar!/etc/root.txt", "a.rar!/windows/x.txt"]
    assert [text_of(source, reference, tmp_path) for reference in found.values()] == ["1", "2", "3"]
    (docs / "a.rar").write_bytes(
        rar5({"kept.txt": b"1"}, links={"soft.txt": (1, "/etc/passwd"), "hard.txt": (4, "kept.txt")})
    )
    assert list(opened(docs)[1]) == ["a.rar!/kept.txt"]


@pytest.mark.parametrize(
    "made",
    [
        lambda: rar5({"a.txt": b"hello"}, declared=1 << 37),
        lambda: rar5({f"{number}.txt": b"" for number in range(50_001)}),
        lambda: rar5({"n" * 60_000 + str(number): b"" for number in range(600)}),
    ],
    ids=["size", "members", "names"],
)
def test_what_would_fill_a_disk_is_unsafe_before_it_is_unpacked(
    docs: Path, tmp_path: Path, made: Callable[[], bytes]
) -> None:
    (docs / "a.rar").write_bytes(made())
    source, found = opened(docs)
    assert list(found) == ["a.rar"]
    assert refusal(source, found["a.rar"], tmp_path).code in ("unsafe", "corrupt")


def test_a_bomb_is_unsafe(docs: Path, tmp_path: Path) -> None:
    (docs / "a.7z").write_bytes(packed("7zip", {"zeros.txt": bytes(129 << 20)}, options="compression=bzip2"))
    source, found = opened(docs)
    assert refusal(source, found["a.7z"], tmp_path).code == "unsafe"


def test_a_member_that_is_too_large_or_larger_than_it_says_fails_alone(docs: Path, tmp_path: Path) -> None:
    (docs / "a.7z").write_bytes(packed("7zip", {"big.txt": random.Random(1).randbytes(1 << 21), "b.txt": b"small"}))
    (docs / "b.rar").write_bytes(rar5({"lie.txt": b"hello"}, declared=2))
    source, found = opened(docs)
    assert refusal(source, found["a.7z!/big.txt"], tmp_path).code == "too_large"
    assert text_of(source, found["a.7z!/b.txt"], tmp_path) == "small"
    with pytest.raises(DocumentError):
        source.fetch(found["b.rar!/lie.txt"], tmp_path)


def test_a_damaged_archive_is_one_failed_document(docs: Path, tmp_path: Path) -> None:
    (docs / "a.7z").write_bytes(packed("7zip", MEMBERS)[:-9])
    (docs / "b.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + b"\xff" * 400)
    source, found = opened(docs)
    assert list(found) == ["a.7z", "b.rar"]
    assert {refusal(source, reference, tmp_path).code for reference in found.values()} == {"corrupt"}


def test_a_member_whose_content_is_damaged_fails_and_its_archive_stays_open(docs: Path, tmp_path: Path) -> None:
    first = random.Random(3).randbytes(300_000).hex()
    content = bytearray(packed("7zip", {"a.txt": first.encode(), "b.txt": random.Random(4).randbytes(300_000)}))
    content[-2000] ^= 1
    (docs / "a.7z").write_bytes(bytes(content))
    source, found = opened(docs)
    assert refusal(source, found["a.7z!/b.txt"], tmp_path).code == "corrupt"
    assert text_of(source, found["a.7z!/a.txt"], tmp_path) == first


def test_an_encrypted_rar_says_that_only_zip_has_passwords_here(docs: Path, tmp_path: Path) -> None:
    (docs / "a.rar").write_bytes(rar5({}, before=bytes([4, 0, 0, 0, 15]) + bytes(16)) + bytes(64))
    source, found = opened(docs, "geheim")
    error = refusal(source, found["a.rar"], tmp_path)
    assert (error.code, "zip" in error.hint) == ("encrypted", True)


@pytest.mark.parametrize("bits", [128, 256])
def test_a_zip_with_aes_opens_with_a_password_of_the_list(docs: Path, tmp_path: Path, bits: int) -> None:
    members = {**MEMBERS, "long.txt": b"line of text\n" * 50_000, "one.txt": b"1", "none.txt": b""}
    (docs / "a.zip").write_bytes(aes_zip(members, "geheim", bits))
    source, found = opened(docs, "wrong", "geheim")
    read = {uri.removeprefix("a.zip!/"): text_of(source, reference, tmp_path) for uri, reference in found.items()}
    assert read == {name: content.decode() for name, content in members.items()}
    for passwords in ((), ("wrong",)):
        source, found = opened(docs, *passwords)
        assert refusal(source, found["a.zip!/rules.txt"], tmp_path).code == "encrypted"


def test_a_member_with_aes_that_was_changed_is_not_read(docs: Path, tmp_path: Path) -> None:
    data = bytearray(aes_zip({"a.txt": random.Random(2).randbytes(2000)}, "geheim"))
    data[1000] ^= 1
    (docs / "a.zip").write_bytes(bytes(data))
    source, found = opened(docs, "geheim")
    assert refusal(source, found["a.zip!/a.txt"], tmp_path).code == "encrypted"


def test_a_member_with_aes_gives_no_more_than_it_declares(docs: Path, tmp_path: Path) -> None:
    data = aes_zip({"a.txt": bytes(500_000)}, "geheim")
    (docs / "a.zip").write_bytes(data.replace((500_000).to_bytes(4, "little"), (500).to_bytes(4, "little")))
    source, found = opened(docs, "geheim")
    assert refusal(source, found["a.zip!/a.txt"], tmp_path).code == "corrupt"


@pytest.mark.parametrize(
    ("name", "content", "passwords"),
    [
        ("a.7z", packed("7zip", MEMBERS), ()),
        ("a.rar", rar5(MEMBERS), ()),
        ("a.zip", aes_zip(MEMBERS, "geheim"), ("wrong", "geheim")),
    ],
)
def test_archives_in_a_mail_are_read_below_their_names(name: str, content: bytes, passwords: tuple[str, ...]) -> None:
    found = mail(name, content, *passwords)
    assert "Attachment: 差旅/标准.txt\n\n三亚住宿限额 500 元" in found
    assert "Attachment: rules.txt\n\n差旅费管理办法" in found


def test_a_member_with_aes_in_a_mail_says_that_it_has_a_password() -> None:
    assert "It is protected by a password." in mail("a.zip", aes_zip(MEMBERS, "geheim"), "wrong")


@pytest.mark.parametrize("content", [rar5({"a.txt": b"x"}, declared=1 << 37), packed("7zip", MEMBERS)[:-5]])
def test_a_bad_archive_in_a_mail_costs_itself(content: bytes) -> None:
    assert "请查收" in mail("a.rar", content)
    assert "This attachment was not read." in mail("a.rar", content)


def test_without_the_extra_it_is_said_what_to_install_and_later_it_is_opened(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = packed("7zip", MEMBERS)
    (docs / "a.7z").write_bytes(content)
    with monkeypatch.context() as missing:
        missing.setitem(sys.modules, "libarchive", None)
        missing.setenv("LIBARCHIVE", "/nowhere/libarchive.so")  # for the process that opens archives
        forgotten()
        source, found = opened(docs)
        error = refusal(source, found["a.7z"], tmp_path)
        assert error.code == "needs_libarchive"
        assert "youju[archives]" in error.hint
        assert "libarchive13" in error.hint
        assert "youju[archives]" in mail("a.7z", content)
    forgotten()
    source = open_paths([docs], IngestSettings(max_file_mb=1))
    known: Mapping[str, str] = {reference.uri: reference.token for reference in found.values()}
    assert len(list(source.references(known))) == 2
