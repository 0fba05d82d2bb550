"""Archives made to take memory, time or room: each is one failed document, and the run goes on."""

from __future__ import annotations

import bz2
import gzip
import struct
import tarfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.archives.child_process import ArchiveReader, new_opening
from ingest.archives.nested import Entry, MemberLimits
from ingest.errors import DocumentError
from ingest.settings import IngestSettings
from ingest.sources.from_settings import open_paths
from tests.ingest.peak_memory import peak_mb

MEBIBYTE = 1 << 20
_IMPORTS = """
import resource
from ingest.errors import DocumentError
from ingest.settings import IngestSettings
from ingest.sources.from_settings import open_paths
"""
_LIST = """
folder = Path(sys.argv[1])
source = open_paths([folder / "docs"], IngestSettings(max_file_mb=64))
answer = {}
for reference in list(source.references()):
    try:
        source.fetch(reference, folder)
        answer[reference.uri.partition("docs/")[2]] = "read"
    except DocumentError as error:
        answer[reference.uri.partition("docs/")[2]] = error.code if error.hint else "no hint"
del source
answer = [answer, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]
"""


def header(kind: bytes, size: int, name: bytes = b"a.txt", **fields: bytes) -> bytes:
    """A header of a tar file in GNU's form, with a checksum that fits; `fields` are put at offsets."""
    info = tarfile.TarInfo(name.decode())
    info.type, info.size = kind, size
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    for place, value in fields.items():
        at = int(place.removeprefix("at_"))
        block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(body: bytes) -> bytes:
    return body + b"\0" * (-len(body) % 512)


def record(name: str, value: str) -> bytes:
    """One attribute of a PAX header."""
    size = len(name) + len(value) + 3
    size += len(str(size + len(str(size))))
    return f"{size} {name}={value}\n".encode()


def packed_slowly(first: bytes, zeros: int, last: bytes = b"") -> bytes:
    """Gzip of `first`, ever so many zeros, and `last`. A mebibyte of zeros is packed once, and is there often."""
    squeezed, mebibyte, checksum = zlib.compressobj(1, zlib.DEFLATED, -15), bytes(MEBIBYTE), zlib.crc32(first)
    begin = squeezed.compress(first) + squeezed.flush(zlib.Z_FULL_FLUSH)
    packed = squeezed.compress(mebibyte) + squeezed.flush(zlib.Z_FULL_FLUSH)
    for _ in range(zeros // MEBIBYTE):
        checksum = zlib.crc32(mebibyte, checksum)
    end = struct.pack("<LL", zlib.crc32(last, checksum), len(first) + zeros + len(last))
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return head + begin + packed * (zeros // MEBIBYTE) + squeezed.compress(last) + squeezed.flush() + end


def long_attribute() -> bytes:
    return packed_slowly(header(b"x", 768 * MEBIBYTE), 768 * MEBIBYTE)


def long_name() -> bytes:
    return packed_slowly(header(b"L", 768 * MEBIBYTE), 768 * MEBIBYTE)


def long_link() -> bytes:
    return packed_slowly(header(b"K", 768 * MEBIBYTE), 768 * MEBIBYTE)


def sparse_map_without_end() -> bytes:
    block = (b"%011o\0" % 1) * 42 + b"\1" + b"\0" * 7
    first = header(tarfile.GNUTYPE_SPARSE, 0, at_386=(b"%011o\0" % 1) * 8, at_482=b"\1")
    return gzip.compress(first + block * 400_000, 1)


def sparse_map_of_numbers() -> bytes:
    attributes = record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.realsize", "9")
    extended = header(b"x", len(attributes)) + padded(attributes)
    return gzip.compress(extended + header(b"0", 200 << 20) + b"99999999\n" + b"1\n" * (100 << 20), 1)


def attributes_for_all() -> bytes:
    every = b"".join(record(f"a{number}", "") for number in range(60_000))
    members = b"".join(header(b"0", 0, b"%d.txt" % number) for number in range(2000))
    return gzip.compress(header(b"g", len(every)) + padded(every) + members + b"\0" * 1024, 1)


def names_of_a_mebibyte() -> bytes:
    name = b"n" * 900_000
    member = header(b"L", len(name) + 1) + padded(name + b"\0") + header(b"0", 0)
    return gzip.compress(member * 200 + b"\0" * 1024, 1)


def smaller_than_nothing() -> bytes:
    attributes = record("size", "-1024")
    return gzip.compress((header(b"x", len(attributes)) + padded(attributes) + header(b"0", 0)) * 9 + b"\0" * 1024)


TARS: dict[str, tuple[Callable[[], bytes], str]] = {
    "attribute": (long_attribute, "unsafe"),
    "name": (long_name, "unsafe"),
    "link": (long_link, "unsafe"),
    "sparse": (sparse_map_without_end, "unsafe"),
    "sparse-1.0": (sparse_map_of_numbers, "unsafe"),
    "for-all": (attributes_for_all, "unsafe"),
    "names": (names_of_a_mebibyte, "unsafe"),
    "negative": (smaller_than_nothing, "corrupt"),
}


@pytest.mark.parametrize("kind", TARS)
def test_a_tar_that_says_too_much_of_a_member_is_refused_before_it_is_read(tmp_path: Path, kind: str) -> None:
    make, code = TARS[kind]
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.tar.gz").write_bytes(make())
    (docs / "b.txt").write_text("text")
    (answer, child_mb), megabytes = peak_mb(_IMPORTS, _LIST, tmp_path)
    assert answer == {"a.tar.gz": code, "b.txt": "read"}
    assert megabytes < 16
    assert 1 < child_mb < 400


def central_directory(count: int, claimed: int, name: bytes = b"a") -> bytes:
    """A zip file without a member that lists ever so many."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<HHHHHLL", len(name), 0, 0, 0, 0, 0, 0) + name
    size = len(entry) * count
    return b"PK\x03\x04" + entry * count + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, claimed, claimed, size, 4, 0)


def with_zip64(data: bytes, count: int) -> bytes:
    """The same, with its end as large files have it."""
    body = data[:-22]
    wide = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(body) - 4, 4)
    place = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(body), 1)
    return body + wide + place + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, *[0xFFFFFFFF] * 2, 0)


@pytest.mark.parametrize("claimed", [1, 0xFFFF])
@pytest.mark.parametrize("is_wide", [True, False])
@pytest.mark.parametrize(("count", "name"), [(400_000, b"a"), (1_000, b"n" * 60_000)])
def test_a_zip_of_too_many_members_is_refused_before_they_are_listed(
    tmp_path: Path, claimed: int, is_wide: bool, count: int, name: bytes
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    data = central_directory(count, claimed, name)
    (docs / "a.zip").write_bytes(with_zip64(data, count) if is_wide else data)
    (answer, child_mb), megabytes = peak_mb(_IMPORTS, _LIST, tmp_path)
    assert answer == {"a.zip": "unsafe"}
    assert megabytes < 16
    assert 1 < child_mb < 128


def test_a_member_that_unpacks_at_once_to_gigabytes_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("bomb.txt", b"\0" * (200 * MEBIBYTE))
        archive.writestr("good.txt", "text")
    data = bytearray(path.read_bytes())
    listed = data.index(b"PK\x01\x02")
    data[listed + 24 : listed + 28] = struct.pack("<L", 10)  # it says of itself that it is small
    path.write_bytes(data)
    reader = ArchiveReader(MemberLimits(64 * MEBIBYTE), 60.0, memory_mb=128)
    opening = new_opening()
    try:
        entries = reader.entries(path, opening, tmp_path)
        assert entries == [Entry("bomb.txt", 10), Entry("good.txt", 4)]
        with pytest.raises(DocumentError) as caught:
            reader.extract(path, opening, tmp_path, "bomb.txt", tmp_path / "bomb")
        assert (caught.value.code, bool(caught.value.hint)) == ("unsafe", True)
        reader.extract(path, opening, tmp_path, "good.txt", tmp_path / "good")
        assert (tmp_path / "good").read_text() == "text"
    finally:
        reader.close()


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A folder with an archive that takes a second to list between two that take none."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a.zip", "c.zip"):
        with zipfile.ZipFile(docs / name, "w") as archive:
            archive.writestr("one.txt", "text")
    # Many streams, one after the other, are one file of bzip2.
    zeros = bz2.compress(b"\0" * (2 * MEBIBYTE)) * 55
    members = bz2.compress(header(b"0", 110 * MEBIBYTE, b"1.txt")) + zeros
    (docs / "b.tar.bz2").write_bytes(members + bz2.compress(b"\0" * 1024))
    return docs


def test_an_archive_that_takes_too_long_costs_itself_alone(slow: Path, tmp_path: Path) -> None:
    source = open_paths([slow], IngestSettings(parse_timeout_seconds=0.2))
    found = {reference.uri.removeprefix(f"{slow}/"): reference for reference in source.references()}
    assert list(found) == ["a.zip!/one.txt", "b.tar.bz2", "c.zip!/one.txt"]
    with pytest.raises(DocumentError) as caught:
        source.fetch(found["b.tar.bz2"], tmp_path)
    assert caught.value.code == "timeout"
    assert "YOUJU_PARSE_TIMEOUT_SECONDS" in caught.value.hint
    assert not source.covers(f"{slow}/b.tar.bz2!/0.txt")
    path = source.fetch(found["c.zip!/one.txt"], tmp_path).path
    assert path is not None
    assert path.read_text() == "text"


def test_the_end_of_a_run_ends_the_opening_of_an_archive(slow: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    source = open_paths([slow], IngestSettings())
    source.give_up_at(stop)  # type: ignore[attr-defined]
    listing = iter(source.references())
    assert next(listing).uri.endswith("a.zip!/one.txt")
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    interrupted = next(listing)
    assert time.monotonic() - began < 20
    with pytest.raises(DocumentError) as caught:
        source.fetch(interrupted, tmp_path)
    assert caught.value.code == "interrupted"
