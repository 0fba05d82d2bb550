"""What a power cut must not undo: bytes and names brought to the disk before anything depends on them."""

from __future__ import annotations

import os
from pathlib import Path


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


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
