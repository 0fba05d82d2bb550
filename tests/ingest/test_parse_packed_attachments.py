"""Attached archives that are not zip: tar, packed or not, and single files that are packed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from tests.ingest.tiny_word import read

RATE = "每晚五百元。".encode("gb18030")


def mail(name: str, content: bytes) -> str:
    message = EmailMessage()
    message["From"], message["Subject"] = "li@example.com", "附件"
    message.set_content("请查收")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return read(message.as_bytes(), "a.eml").text


def tar(members: dict[str, bytes], links: dict[str, str] | None = None, **more: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", encoding="gb18030", **more) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.LNKTYPE, target
            archive.addfile(info)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.tar", lambda data: data),
        ("a.tar.gz", gzip.compress),
        ("a.tgz", gzip.compress),
        ("资料.gz", gzip.compress),  # the content says that it is more than one file
        ("a.tar.bz2", bz2.compress),
        ("a.tar.xz", lzma.compress),
    ],
)
def test_the_files_of_an_attached_tar_archive_are_attachments_too(name: str, pack: Callable[[bytes], bytes]) -> None:
    members = {"差旅/标准.txt": RATE, "差旅/._标准.txt": b"\0\5\x16\7", "空.txt": b""}
    text = mail(name, pack(tar(members, format=tarfile.GNU_FORMAT)))
    assert f"Attachment: {name}\n\nAttachment: 差旅/标准.txt\n\n每晚五百元。" in text
    assert text.endswith("Attachment: 空.txt\n\nNo text was found in this attachment.")


@pytest.mark.parametrize(
    ("name", "pack", "inner"),
    [
        ("标准.csv.gz", gzip.compress, "标准.csv"),
        ("标准.TXT.BZ2", bz2.compress, "标准.TXT"),
        ("标准.xz", lzma.compress, "标准"),
        ("标准", gzip.compress, "标准"),
    ],
)
def test_a_packed_file_is_read_by_its_own_name(name: str, pack: Callable[[bytes], bytes], inner: str) -> None:
    assert mail(name, pack(RATE)).endswith(f"Attachment: {name}\n\nAttachment: {inner}\n\n每晚五百元。")


def test_archives_in_archives_are_read() -> None:
    text = mail("a.tar", tar({"b.tgz": gzip.compress(tar({"c.txt.gz": gzip.compress(RATE)}))}))
    assert text.endswith("Attachment: b.tgz\n\nAttachment: c.txt.gz\n\nAttachment: c.txt\n\n每晚五百元。")


@pytest.mark.parametrize(
    ("name", "pack", "reason"),
    [
        ("a.txt.gz", lambda: gzip.compress(bytes(140 << 20)), "far more"),
        ("a.tar.gz", lambda: gzip.compress(tar({"a.txt": bytes(140 << 20)})), "far more"),
        (
            "a.tar",
            lambda: tar({"a.txt": bytes(20 << 20)}, {f"{number}.txt": "a.txt" for number in range(20)}),
            "far more",
        ),
        ("a.tar.gz", lambda: gzip.compress(b"no archive"), "damaged"),
        ("a.txt.gz", lambda: gzip.compress(RATE)[:-9], "damaged"),
        ("a.tar", lambda: tar({}, {"a.txt": "nowhere.txt"}), "damaged"),
    ],
)
def test_a_bomb_and_a_damaged_archive_cost_a_line(name: str, pack: Callable[[], bytes], reason: str) -> None:
    text = mail(name, pack())
    assert f"Attachment: {name}\n\nThis attachment was not read." in text
    assert reason in text
