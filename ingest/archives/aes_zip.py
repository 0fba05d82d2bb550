"""Decrypts the members of a zip file that are encrypted with AES, as WinZip, 7-Zip and Bandizip do. `zipfile` cannot.

The format: www.winzip.com/en/support/aes-encryption (AE-1 and AE-2). The member is salt, two bytes that reveal a wrong
password, the encrypted data, and ten bytes of HMAC-SHA1 over them.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from ingest.archives.limits import BLOCK_BYTES, refuse

AES_METHOD = 99
"""What stands in place of the method of compression."""
_EXTRA = 0x9901
_KEY_BYTES = {1: 16, 2: 24, 3: 32}
_ROUNDS = 1000
_CHECK_BYTES, _CODE_BYTES = 2, 10
_LOCAL_HEADER = struct.Struct("<26xHH")
_AES_BLOCK = 16


class WrongPasswordError(Exception):
    """The password does not fit, or what it decrypts was changed."""


def decrypted(file: IO[bytes], info: zipfile.ZipInfo, password: bytes) -> Iterator[bytes]:
    """Yields the content of a member. The last block has been checked only when the iteration ends.

    Raises WrongPasswordError, and DocumentError `corrupt` if it is larger than it says or packed in a rare way.
    """
    strength, method = _stated(info)
    key_bytes = _KEY_BYTES[strength]
    salt_bytes = key_bytes // 2
    size = info.compress_size - salt_bytes - _CHECK_BYTES - _CODE_BYTES
    if size < 0:
        raise refuse("corrupt", "An encrypted member is too short.")
    file.seek(info.header_offset)
    name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    file.seek(info.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes)
    salt, check = file.read(salt_bytes), file.read(_CHECK_BYTES)
    keys = hashlib.pbkdf2_hmac("sha1", password, salt, _ROUNDS, 2 * key_bytes + _CHECK_BYTES)
    if not hmac.compare_digest(keys[2 * key_bytes :], check):
        raise WrongPasswordError
    plain = _decrypted(file, size, keys[:key_bytes], keys[key_bytes : 2 * key_bytes])
    left = info.file_size
    for block in _inflated(plain) if method == zipfile.ZIP_DEFLATED else plain:
        left -= len(block)
        if left < 0:
            raise refuse("corrupt", "A member is larger than it says.")
        yield block
    if left:
        raise WrongPasswordError


def _stated(info: zipfile.ZipInfo) -> tuple[int, int]:
    """Returns the strength of the key and the method of compression. The extra field of the member states them."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        data, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _EXTRA and len(data) >= 7:
            strength, method = struct.unpack("<BH", data[4:7])
            if strength in _KEY_BYTES and method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return strength, method
    raise refuse("corrupt", "An encrypted member is packed in a way that cannot be read here.")


def _decrypted(file: IO[bytes], size: int, key: bytes, signing_key: bytes) -> Iterator[bytes]:
    """Yields the next `size` bytes of the file, decrypted. Raises WrongPasswordError at the end if they changed."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    signed = hmac.new(signing_key, digestmod="sha1")
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the counters below make it CTR
    counted = 1
    while size > 0:
        block = file.read(min(BLOCK_BYTES, size))
        if not block:
            raise EOFError("the archive ends inside a member")
        size -= len(block)
        signed.update(block)
        # The counter is little-endian here, and the library has the big-endian one only.
        counters = np.zeros((-(-len(block) // _AES_BLOCK), 2), dtype="<u8")
        counters[:, 0] = np.arange(counted, counted + len(counters), dtype=np.uint64)
        counted += len(counters)
        stream = np.frombuffer(cipher.update(counters.tobytes()), dtype=np.uint8)
        yield (np.frombuffer(block, dtype=np.uint8) ^ stream[: len(block)]).tobytes()
    if not hmac.compare_digest(signed.digest()[:_CODE_BYTES], file.read(_CODE_BYTES)):
        raise WrongPasswordError


def _inflated(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yields unpacked blocks. None is larger than `BLOCK_BYTES`, whatever a block unpacks to."""
    unpacking: Any = zlib.decompressobj(-zlib.MAX_WBITS)
    for block in blocks:
        rest = block
        while rest and not unpacking.eof:
            yield unpacking.decompress(rest, BLOCK_BYTES)
            rest = unpacking.unconsumed_tail
    yield unpacking.flush()
