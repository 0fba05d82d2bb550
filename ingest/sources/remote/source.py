"""The source for object stores and file servers, through fsspec.

The errors of the libraries below are translated here. Every value in `options` is removed from their text.
"""

from __future__ import annotations

import errno
import re
import time
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ingest.archives.names import is_archive
from ingest.document import Reference
from ingest.errors import DocumentError, SourceError, UnavailableError, YoujuError
from ingest.sources import NOTHING_KNOWN
from ingest.sources.remote.file_states import state_of
from ingest.sources.remote.file_systems import Connected, connect, disconnect
from ingest.sources.selection import Selection
from ingest.sources.settings import FsspecSettings

_BLOCK = 1 << 20
_ARCHIVE_FACTOR = 8
"""An archive may be this many times larger than a document. Each file in it has the limit of one document."""
_ATTEMPTS, _PAUSE_SECONDS = 3, 0.5
_SUFFIX = re.compile(r"\.\w{1,10}")
_USER = re.compile(r"(?<=://)[^/@]*@")
_SECRET_CHARS = 4
_LOCAL = ("file", "local")
_STAYS = "Nothing that was ingested from there has been removed."


class RemoteSource:
    """The files below a URL. The uri of a document is that URL without a user, followed by the path below it.

    A folder that cannot be listed does not stop the listing of the others. It is listed as a document that cannot be
    fetched, and the documents that were found in it earlier are not covered.
    """

    def __init__(self, source: FsspecSettings, *, max_file_mb: int, home: Path | None = None) -> None:
        """If the URL is a folder of this machine, files in `home` are never listed."""
        self.name = source.name
        self._settings = source
        self._selection = Selection.of(source, hidden=source.hidden)
        self._limit_mb = max_file_mb
        local = source.url.partition(":")[0].lower() in _LOCAL
        self._home = home.resolve() if home is not None and local else None
        self._base = _USER.sub("", source.url.partition("?")[0]).rstrip("/")
        self._link = _Link()
        weakref.finalize(self, self._link.close)
        self._paths: dict[str, str] = {}  # by uri: the path on the server
        self._refusals: dict[str, DocumentError] = {}

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields every file.

        Folders are read in the order of their names. Raises SourceError if the listing breaks off.
        """
        self._refusals.clear()
        self._paths.clear()
        try:
            for path, info in self._listed():
                relative = self._below(path)
                if not self._takes(relative) or self._is_in_home(path):
                    continue
                uri = f"{self._base}/{relative}"
                self._paths[uri] = path
                time_ns, token = state_of(info)
                yield self._reference(uri, int(info.get("size") or 0), time_ns, token)
        except YoujuError:
            raise
        except Exception as error:  # the library of each protocol raises errors of its own
            if _is(error, errno.ENOENT):
                raise SourceError("path_missing", f"There is nothing at {self._base}.", _STAYS) from None
            raise self._away(SourceError, error) from None
        for folder in self._refusals:
            yield self._reference(folder, 0, 0, "")

    def covers(self, uri: str) -> bool:
        """Returns True if the document would be listed. Returns False if its folder could not be listed now."""
        return not any(uri == folder or uri.startswith(f"{folder}/") for folder in self._refusals)

    def relative(self, uri: str) -> str:
        """Returns the path that globs are matched with."""
        return uri[len(self._base) + 1 :]

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Returns the reference with a copy of the file. A broken connection is tried again."""
        if (refusal := self._refusals.get(reference.uri)) is not None:
            raise refusal
        limit_mb = self._limit_mb * (_ARCHIVE_FACTOR if is_archive(reference.name) else 1)
        if reference.size > limit_mb << 20:
            raise _too_large(reference.size, limit_mb)
        suffix = Path(reference.name).suffix
        target = folder / f"{uuid.uuid4().hex}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
        try:
            self._again(lambda: self._copy(self._paths[reference.uri], reference.size, target, limit_mb))
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return replace(reference, path=target)

    def _reference(self, uri: str, size: int, time_ns: int, token: str) -> Reference:
        access = self._selection.access(self.relative(uri))
        return Reference(self.name, uri, uri.rpartition("/")[2], size, time_ns, access=access, token=token)

    def _listed(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yields the path and the description of every file, selected or not."""
        connected = self._link.connected or self._link.open(self._settings)
        files, root = connected.files, connected.root
        files.invalidate_cache()
        if files.info(root).get("type") == "file":
            yield root, files.info(root)
        elif connected.is_flat:
            found = files.find(root, detail=True)
            yield from ((path, found[path]) for path in sorted(found) if not path.endswith("/"))
        else:
            yield from self._walk(files, root)

    def _walk(self, files: Any, root: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        above = [iter(_entries(files, root))]
        while above:
            info = next(above[-1], None)
            if info is None:
                above.pop()
                continue
            path = info["name"].rstrip("/")
            if info["type"] == "link":  # a link to a file is read; one to a folder might lead in a circle
                with suppress(OSError):
                    info = {**files.info(path), "name": path}
                    if info["type"] == "file":
                        yield path, info
            elif info["type"] == "directory" and self._selection.enters(self._below(path)):
                above.append(iter(self._entries_or_refusal(files, path, root)))
            elif info["type"] == "file":
                yield path, info

    def _entries_or_refusal(self, files: Any, folder: str, root: str) -> list[dict[str, Any]]:
        try:
            return _entries(files, folder)
        except Exception as error:
            files.ls(root, detail=True)  # if this fails too, nothing can be listed any more
            self._refusals[f"{self._base}/{self._below(folder)}"] = DocumentError(
                "folder_unreadable",
                f"The folder cannot be listed ({self._cleaned(error)}).",
                f"Give the account that is used the right to read it. {_STAYS}",
            )
            return []

    def _takes(self, relative: str) -> bool:
        above = [relative[: found.start()] for found in re.finditer("/", relative)]
        if not all(map(self._selection.enters, above)):
            return False
        as_archive = self._settings.archives and is_archive(relative) and self._selection.enters(relative)
        return as_archive or self._selection.takes(relative)

    def _is_in_home(self, path: str) -> bool:
        return self._home is not None and Path(path).resolve().is_relative_to(self._home)

    def _below(self, path: str) -> str:
        """Returns the path below the root, as text that every database and page can hold."""
        root = self._link.root.strip("/")
        path = path.strip("/")
        relative = path[len(root) :].lstrip("/") if path != root else path.rpartition("/")[2]
        return relative.encode("utf-8", "backslashreplace").decode("utf-8")

    def _again(self, work: Callable[[], None]) -> None:
        """Run `work`, up to three times. Raises UnavailableError if the server is away, otherwise DocumentError."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                work()
                return
            except YoujuError:
                raise
            except Exception as error:  # the library of each protocol raises errors of its own
                if _is(error, errno.ENOENT):
                    raise DocumentError("file_missing", "It was gone when it was fetched.", "Run again.") from None
                if attempt == _ATTEMPTS or _is(error, errno.EACCES):
                    raise self._unfetched(error) from None
                time.sleep(_PAUSE_SECONDS * attempt)
                with suppress(Exception):
                    self._link.open(self._settings)

    def _copy(self, path: str, size: int, target: Path, limit_mb: int) -> None:
        files = self._link.files
        written = 0
        with files.open(path, "rb") as remote, target.open("wb") as file:
            while block := remote.read(_BLOCK):
                written += len(block)
                if written > limit_mb << 20:
                    raise _too_large(written, limit_mb)
                file.write(block)
        if written != size and written != (files.info(path).get("size") or written):
            raise ConnectionError(f"it ended after {written} bytes")

    def _unfetched(self, error: Exception) -> YoujuError:
        """Returns the error for this document, or the error for the whole source. The root is asked to decide which."""
        try:
            self._link.files.invalidate_cache()
            self._link.files.info(self._link.root)
        except Exception:
            return self._away(UnavailableError, error)
        return DocumentError(
            "unreadable", f"It cannot be fetched ({self._cleaned(error)}).", "See that the account may read it."
        )

    def _away(self, kind: type[YoujuError], error: Exception) -> YoujuError:
        return kind(
            "source_unavailable",
            f"{self._base} cannot be read ({self._cleaned(error)}).",
            f"Check the address, the account and its rights, and that the server runs. {_STAYS}",
        )

    def _cleaned(self, error: Exception) -> str:
        """Returns the text of the error without any value of the options."""
        text = f"{type(error).__name__}: {error}"
        for secret in _texts(self._settings.storage_options()):
            if len(secret) >= _SECRET_CHARS:
                text = text.replace(secret, "…")
        return _USER.sub("", text).split("\n")[0][:300].rstrip(": ")


class _Link:
    """The connection of a source. It is closed together with the source."""

    def __init__(self) -> None:
        self.connected: Connected | None = None

    @property
    def files(self) -> Any:
        if self.connected is None:
            raise ConnectionError("it is not connected")
        return self.connected.files

    @property
    def root(self) -> str:
        return self.connected.root if self.connected is not None else ""

    def open(self, source: FsspecSettings) -> Connected:
        """Connect. An open connection is closed first."""
        self.close()
        self.connected = connect(source)
        return self.connected

    def close(self) -> None:
        if self.connected is not None:
            disconnect(self.connected)
            self.connected = None


def _entries(files: Any, folder: str) -> list[dict[str, Any]]:
    found = files.ls(folder, detail=True)
    return sorted(
        (info for info in found if info["name"].strip("/") != folder.strip("/")), key=lambda info: str(info["name"])
    )


def _is(error: Exception, number: int) -> bool:
    """Returns True if the error has this number. Some libraries do not raise the Python class of the number."""
    kinds = {errno.ENOENT: FileNotFoundError, errno.EACCES: PermissionError}
    return isinstance(error, kinds[number]) or (isinstance(error, OSError) and error.errno == number)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _too_large(size: int, limit_mb: int) -> DocumentError:
    return DocumentError(
        "too_large", f"{size >> 20} MiB, more than {limit_mb} MiB.", "Split the document, or raise max_file_mb."
    )
