"""Flushes folders of files to the disk before later steps depend on them, and copies them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

_BLOCK = 64 * 1024
_BYTES_OF_ALLOCATION_UNIT = 512  # the unit of `st_blocks`, on every file system


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    _flush(folder, os.O_RDONLY | os.O_DIRECTORY)


def flush_tree(folder: Path) -> None:
    """Flush everything in and below a folder to the disk, and the folder's own name."""
    for path, _, files in os.walk(folder):
        for file in files:
            _flush(Path(path, file), os.O_RDONLY)
        flush_folder(Path(path))
    flush_folder(folder.parent)


def copy_tree(source: Path, target: Path, *, leave_out: Sequence[str] = ()) -> None:
    """Copy a folder of files that nobody writes to. Blocks that hold only zeros take no room in the copy. Files and
    folders with one of the names `leave_out` are not copied.

    Files of an index are long, and nine tenths of them are empty. A plain copy would fill the disk with zeros. The
    blocks are read to see whether they are empty. A file system that answered SEEK_HOLE wrongly would lose data.
    """
    shutil.copytree(source, target, copy_function=_copy_sparse, ignore=shutil.ignore_patterns(*leave_out))


def allocated_bytes(folder: Path) -> int:
    """Returns the bytes of the disk that the files in and below a folder take."""
    return _BYTES_OF_ALLOCATION_UNIT * sum(file.stat().st_blocks for file in folder.rglob("*") if file.is_file())


def _copy_sparse(source: str, target: str) -> str:
    empty = bytes(_BLOCK)
    with Path(source).open("rb") as original, Path(target).open("wb") as copy:
        while block := original.read(_BLOCK):
            if block == empty[: len(block)]:
                copy.seek(len(block), os.SEEK_CUR)
            else:
                copy.write(block)
        copy.truncate()  # sets the length if the file ends with zeros
    return target


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
