"""Files and folders on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ingest.document import Reference
from ingest.errors import SourceError
from ingest.sources import NOTHING_KNOWN

LOCAL = "local"
"""The source that `youju ingest PATHS` belongs to."""

_SKIPPED_PREFIXES = (".", "~$")  # hidden files, and the lock files of office programs


class FolderSource:
    """Files, and everything below folders, hidden ones left out. Links to folders are not followed.

    A document's uri is its absolute path.
    """

    def __init__(self, paths: Iterable[Path], name: str = LOCAL) -> None:
        self.name = name
        self._paths = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - must not follow links

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Every file, folders in the order of their names, each file once."""
        seen: set[str] = set()
        for path in self._paths:
            if not path.exists():
                raise SourceError(
                    "path_missing",
                    f"{path} does not exist.",
                    "Check the spelling; nothing that was ingested from there has been removed.",
                )
            for file in _files(path) if path.is_dir() else (path,):
                if (uri := str(file)) not in seen:
                    seen.add(uri)
                    yield _reference(self.name, file)

    def covers(self, uri: str) -> bool:
        """Whether the uri is one of the given paths or lies below one."""
        return any(Path(uri).is_relative_to(path) for path in self._paths)

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """The reference as it is: the file is read in place."""
        return reference


def _files(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(
            "folder_unreadable",
            f"The folder {folder} cannot be listed: {error.strerror}.",
            "Give this user the right to read it; nothing that was ingested from there has been removed.",
        ) from None
    for entry in ordered:
        if entry.name.startswith(_SKIPPED_PREFIXES):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(folder / entry.name)
        elif _is_document(entry):
            yield folder / entry.name


def _is_document(entry: os.DirEntry[str]) -> bool:
    """Whether it may be read, at the end of its links too. A link that leads nowhere, or in a circle, is left out."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _reference(source: str, file: Path) -> Reference:
    try:
        status = file.stat()
        size, mtime_ns = status.st_size, status.st_mtime_ns
    except OSError:
        size, mtime_ns = 0, 0  # opening it will say what is wrong
    return Reference(source=source, uri=_shown(file), name=_shown(file.name), size=size, mtime_ns=mtime_ns, path=file)


def _shown(path: Path | str) -> str:
    """The path as text. Bytes that are not UTF-8 come out escaped: no database and no page could hold them."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
