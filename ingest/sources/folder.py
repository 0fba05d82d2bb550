"""The source for files and folders of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ingest.archives.names import is_archive
from ingest.document import Reference
from ingest.errors import DocumentError, SourceError
from ingest.sources import NOTHING_KNOWN
from ingest.sources.selection import EVERYTHING, Selection
from ingest.sources.settings import FolderSettings

LOCAL = "local"
"""The source of the documents from `youju ingest PATHS`."""

FollowLinks = Literal["none", "files", "all"]


class FolderSource:
    """Files, and everything below folders. The uri of a document is its absolute path.

    A subfolder that cannot be read does not stop the listing. It is listed as a document that cannot be fetched, and
    the documents that were found in it earlier are not covered. If links to folders are followed, each folder is read
    only once. It is read at its own place if that place is in the source.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        name: str = LOCAL,
        *,
        selection: Selection = EVERYTHING,
        follow_links: FollowLinks = "files",
        archives: bool = False,
        covers_all: bool = False,
        home: Path | None = None,
    ) -> None:
        """With `archives`, zip and tar files are listed even if they are not selected, because their members may be.
        With `covers_all`, every document of this source lies under `paths`. Files in `home` are never listed.
        """
        self.name = name
        self._paths = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - must not follow links
        self._selection = selection
        self._follow_links = follow_links
        self._archives = archives
        self._covers_all = covers_all
        self._home = os.path.realpath(home) if home is not None else None
        self._refusals: dict[str, DocumentError] = {}

    @classmethod
    def of(cls, source: FolderSettings, home: Path | None = None) -> FolderSource:
        """Returns the folder that these settings describe, without the files in `home`."""
        return cls(
            [source.path],
            source.name,
            selection=Selection.of(source, hidden=source.hidden),
            follow_links=source.follow_links,
            archives=source.archives,
            covers_all=True,
            home=home,
        )

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields every file once. Folders are read in the order of their names.

        Raises SourceError if one of the paths is gone or cannot be listed, or if all paths lie in the home.
        """
        self._refusals.clear()
        listed: dict[str, str] = {}
        roots = [root for root in self._paths if not self._is_in_home(root)]
        if self._paths and not roots:
            raise SourceError(
                "path_in_home",
                f"{_shown(self._paths[0])} belongs to Youju's own home, which is not ingested.",
                "Keep documents outside of YOUJU_HOME.",
            )
        for root in roots:
            for path, status in self._files(root):
                uri = _shown(path)
                if listed.get(uri) == path:
                    continue
                while uri in listed:  # two names may differ only in bytes that are not text
                    uri += "'"
                listed[uri] = path
                yield self._reference(uri, path, status)

    def covers(self, uri: str) -> bool:
        """Returns True if the uri is one of the given paths or lies below one.

        Returns False below an unreadable folder.
        """
        if any(_is_below(uri, folder) for folder in self._refusals):
            return False
        return self._covers_all or any(_is_below(uri, _shown(path)) for path in self._paths)

    def relative(self, uri: str) -> str:
        """Returns the path that globs are matched with."""
        root = next((root for root in map(_shown, self._paths) if _is_below(uri, root)), "")
        return uri[len(root.rstrip("/")) + 1 :] if uri != root else uri.rpartition("/")[2]

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Returns the reference unchanged, because the file is read in place."""
        if (refusal := self._refusals.get(reference.uri)) is not None:
            raise refusal
        return reference

    def _reference(self, uri: str, path: str, status: os.stat_result | None) -> Reference:
        # Without a status, opening the file later will say what is wrong.
        return Reference(
            source=self.name,
            uri=uri,
            name=uri.rpartition("/")[2],
            size=status.st_size if status else 0,
            mtime_ns=status.st_mtime_ns if status else 0,
            path=Path(path),
            access=self._selection.access(self.relative(uri)),
        )

    def _files(self, root: str) -> Iterator[tuple[str, os.stat_result | None]]:
        try:
            status = os.stat(root)  # noqa: PTH116 - paths are texts here, ten thousand a moment
        except (OSError, ValueError):
            raise SourceError(
                "path_missing",
                f"{_shown(root)} does not exist.",
                "Check the spelling, and that it is mounted; nothing that was ingested from there has been removed.",
            ) from None
        if not os.path.isdir(root):  # noqa: PTH112
            yield root, status
            return
        try:
            entries = _entries(root)
        except OSError as error:
            raise SourceError(
                "folder_unreadable",
                f"The folder {_shown(root)} cannot be listed: {error.strerror}.",
                "Give this user the right to read it; nothing that was ingested from there has been removed.",
            ) from None
        seen: set[tuple[int, int]] = {(status.st_dev, status.st_ino)}
        linked: list[str] = []
        yield from self._walk(root, entries, seen, linked)
        while linked:
            folder = linked.pop(0)
            if not self._is_in_home(folder) and self._is_first_visit(folder, seen):
                yield from self._walk(root, self._entries_or_refusal(folder), seen, linked)
        yield from ((folder, None) for folder in list(self._refusals) if _is_below(folder, _shown(root)))

    def _walk(
        self, root: str, entries: list[os.DirEntry[str]], seen: set[tuple[int, int]], linked: list[str]
    ) -> Iterator[tuple[str, os.stat_result | None]]:
        """Yields the files in a folder and below it. Links to folders are added to `linked`."""
        above = [iter(entries)]
        start = len(root.rstrip("/")) + 1
        while above:
            entry = next(above[-1], None)
            if entry is None:
                above.pop()
                continue
            path = entry.path
            relative = _shown(path[start:])
            if entry.is_dir(follow_symlinks=False):
                enters = self._selection.enters(relative) and not self._is_home(entry)
                if enters and self._is_first_visit(path, seen):
                    above.append(iter(self._entries_or_refusal(path)))
            elif self._leads_to_folder(entry):
                if self._selection.enters(relative):
                    linked.append(path)
            elif self._takes(entry, relative):
                yield path, _status(entry)

    def _is_first_visit(self, folder: str, seen: set[tuple[int, int]]) -> bool:
        if self._follow_links != "all":
            return True
        try:
            status = os.stat(folder)  # noqa: PTH116
        except OSError:
            return True  # listing the folder will say what is wrong
        identity = (status.st_dev, status.st_ino)
        first = identity not in seen
        seen.add(identity)
        return first

    def _leads_to_folder(self, entry: os.DirEntry[str]) -> bool:
        try:
            return self._follow_links == "all" and entry.is_symlink() and entry.is_dir()
        except OSError:
            return False

    def _takes(self, entry: os.DirEntry[str], relative: str) -> bool:
        """Returns True if the entry is listed. A link that leads nowhere or in a circle is not listed."""
        wanted = self._selection.takes(relative) or (
            self._archives and is_archive(entry.name) and self._selection.enters(relative)
        )
        try:
            wanted = wanted and entry.is_file(follow_symlinks=self._follow_links != "none")
            return wanted and not (entry.is_symlink() and self._is_in_home(entry.path))
        except OSError:
            return False

    def _is_home(self, entry: os.DirEntry[str]) -> bool:
        """Returns True if this folder is the home. The entry is not a link."""
        if self._home is None:
            return False
        try:
            home = os.stat(self._home)  # noqa: PTH116
            return entry.inode() == home.st_ino and os.path.samestat(entry.stat(), home)
        except OSError:
            return False  # there is no home yet

    def _is_in_home(self, path: str) -> bool:
        """Returns True if the path is the home or lies in it, after all links are followed."""
        return self._home is not None and _is_below(os.path.realpath(path), self._home)

    def _entries_or_refusal(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            return _entries(folder)
        except OSError as error:
            self._refusals[_shown(folder)] = DocumentError(
                "folder_unreadable",
                f"The folder cannot be listed: {error.strerror}.",
                "Give this user the right to read it; nothing that was ingested from there has been removed.",
            )
            return []


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    with suppress(OSError):
        return entry.stat()
    return None


def _is_below(uri: str, folder: str) -> bool:
    return uri == folder or uri.startswith(folder if folder.endswith("/") else folder + "/")


def _shown(path: str) -> str:
    """Returns the path as text.

    Bytes that are not UTF-8 are escaped, because no database and no page could hold them.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    return path
