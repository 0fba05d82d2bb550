"""Folders of files: brought to the disk, before anything depends on what a power cut must not undo, and copied."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_BLOCK = 64 * 1024
_BYTES_OF_ALLOCATION_UNIT = 512  # of `st_blocks`, whatever the blocks of the file system


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    _flush(folder, os.O_RDONLY | os.O_DIRECTORY)


def flush_tree(folder: Path) -> None:
    """Bring everything in and below a folder to the disk, and its own name."""
    for path, _, files in os.walk(folder):
        for file in files:
            _flush(Path(path, file), os.O_RDONLY)
        flush_folder(Path(path))
    flush_folder(folder.parent)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder of files that nobody writes to, leaving out the blocks that are nothing but zeros.

    Such files are long and mostly empty, those of an index by nine tenths: a plain copy would fill the disk with zeros.
    The blocks are read, not asked of the file system (SEEK_HOLE): one that answers wrongly would lose data.
    """
    shutil.copytree(source, target, copy_function=_copy_sparse)


def allocated_bytes(folder: Path) -> int:
    """How much of the disk the files in and below a folder take."""
    return _BYTES_OF_ALLOCATION_UNIT * sum(file.stat().st_blocks for file in folder.rglob("*") if file.is_file())


def _copy_sparse(source: str, target: str) -> str:
    empty = bytes(_BLOCK)
    with Path(source).open("rb") as original, Path(target).open("wb") as copy:
        while block := original.read(_BLOCK):
            if block == empty[: len(block)]:
                copy.seek(len(block), os.SEEK_CUR)
            else:
                copy.write(block)
        copy.truncate()  # also if it ends with zeros
    return target


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
