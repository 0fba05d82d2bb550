"""Writes archives of the kinds that the standard library does not write: 7z and AES zip by libarchive, RAR by hand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import pytest

from ingest.archives.seven_zip_rar import is_available

needs_libarchive = pytest.mark.skipif(not is_available(), reason="libarchive is not installed")


def packed(kind: str, members: Mapping[str, bytes], *, options: str = "", password: str | None = None) -> bytes:
    """Returns an archive by libarchive. `kind` is `7zip` or `zip`."""
    import libarchive

    blocks: list[bytes] = []

    def write(block: bytes) -> int:
        blocks.append(bytes(block))
        return len(block)

    with libarchive.custom_writer(write, kind, options=options, passphrase=password) as archive:
        for name, content in members.items():
            archive.add_file_from_memory(name, len(content), content)
    return b"".join(blocks)


def aes_zip(members: Mapping[str, bytes], password: str, bits: int = 256) -> bytes:
    """Returns a zip whose members are encrypted with AES."""
    return packed("zip", members, options=f"encryption=aes{bits}", password=password)


def rar5(
    members: Mapping[str, bytes],
    *,
    links: Mapping[str, tuple[int, str]] | None = None,
    declared: int | None = None,
    before: bytes = b"",
) -> bytes:
    """Returns a RAR file of version 5, not compressed. `declared` is a false size for every member, `links` have a kind
    (1: soft, 4: hard) and a target, and `before` is the content of a block before all others.
    """
    body = [b"Rar!\x1a\x07\x01\x00", _block5(before) if before else b"", _block5(bytes([1, 0, 0]))]
    for name, (kind, target) in (links or {}).items():
        redirection = bytes([5, kind, 0]) + _number(len(target)) + target.encode()
        extra = _number(len(redirection)) + redirection
        head = bytes([2, 3]) + _number(len(extra)) + bytes([0, 0, 0]) + _number(0o100644) + bytes([0, 1])
        body.append(_block5(head + _number(len(name)) + name.encode() + extra))
    for name, content in members.items():
        raw = name.encode()
        size = _number(len(content) if declared is None else declared)
        head = bytes([2, 2]) + _number(len(content)) + bytes([4]) + size + _number(0o100644)
        head += struct.pack("<I", zlib.crc32(content)) + bytes([0, 1]) + _number(len(raw)) + raw
        body += [_block5(head), content]
    return b"".join([*body, _block5(bytes([5, 0, 0]))])


def rar4(members: Mapping[bytes, bytes]) -> bytes:
    """Returns a RAR file of version 4, not compressed. Its names are bytes that do not tell their encoding."""
    body = b"Rar!\x1a\x07\x00" + _block4(0x73, 0, bytes(6))
    for name, content in members.items():
        sizes = struct.pack("<IIB", len(content), len(content), 3)
        rest = struct.pack("<IIBBHI", zlib.crc32(content), 0x58650000, 20, 0x30, len(name), 0o100644)
        body += _block4(0x74, 0x8000, sizes + rest + name) + content
    return body + _block4(0x7B, 0x4000, b"")


def _block5(head: bytes) -> bytes:
    sized = _number(len(head)) + head
    return struct.pack("<I", zlib.crc32(sized)) + sized


def _block4(kind: int, flags: int, rest: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


def _number(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low]) if not rest else bytes([low | 0x80]) + _number(rest)
