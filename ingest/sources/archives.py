"""Archives are treated as folders: each file in one is a document with the uri `archive-uri!/path/in/it`.

An archive is opened only if its size, its time or its token has changed. A separate process opens it. The tokens of its
members hold what was found in it. An archive that cannot be opened is listed as a document that cannot be fetched. The
documents that were found in it earlier are then not covered, so none of them is deleted.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import threading
import uuid
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from ingest.archives.child_process import ArchiveReader, new_opening
from ingest.archives.limits import refuse
from ingest.archives.names import SEPARATOR, is_archive, split_uri
from ingest.archives.nested import Entry, MemberLimits
from ingest.archives.seven_zip_rar import is_available
from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.settings import IngestSettings
from ingest.sources import NOTHING_KNOWN, Patient, Source
from ingest.sources.selection import EVERYTHING, Selection

_KEPT_BYTES: Final = 2 * 2**30
"""Bytes of fetched archives that are kept on the disk between listing them and extracting from them."""
_SUFFIX = re.compile(r"\.\w{1,10}")
_VERSION = "2"
"""Raise this number when the code would list other members. Every archive is then opened again."""


class Listable(Source, Protocol):
    """A source whose documents may be archives."""

    def relative(self, uri: str) -> str:
        """Returns the path of a document that globs are matched with."""
        ...


class ArchiveSource:
    """A source whose archives are treated as folders."""

    def __init__(self, inner: Listable, settings: IngestSettings, selection: Selection = EVERYTHING) -> None:
        self.name = inner.name
        self._inner = inner
        self._selection = selection
        passwords = [password.get_secret_value().encode() for password in settings.passwords]
        limits = MemberLimits(settings.max_file_mb * 2**20, passwords)
        self._archives: dict[str, Reference] = {}
        self._failed: set[str] = set()
        self._refusals: dict[str, DocumentError] = {}
        self._reader = ArchiveReader(limits, settings.parse_timeout_seconds)
        self._slot = _Slot()
        weakref.finalize(self, _let_go, self._reader, self._slot)

    def give_up_at(self, stop: threading.Event) -> None:
        """See `Patient`."""
        self._reader.stop = stop
        if isinstance(self._inner, Patient):
            self._inner.give_up_at(stop)

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields every document of the source. The documents in an archive take the place of the archive."""
        self._archives.clear()
        self._failed.clear()
        self._refusals.clear()
        members: dict[str, dict[str, str]] = defaultdict(dict)
        for uri, token in known.items():
            if is_archive(uri):
                members[uri][uri] = token
            if (parts := split_uri(uri)) is not None:
                members[parts[0]][uri] = token
        for reference in self._inner.references(known):
            if not is_archive(reference.name):
                yield reference
                continue
            self._archives[reference.uri] = reference
            state = self._state(reference)
            before = {uri: token for uri, token in members[reference.uri].items() if f" {state} " in token}
            tokens = before if _is_whole(before) else self._tokens(reference, state)
            for uri, token in tokens.items():
                yield self._reference(reference, uri, token)
        self._slot.close()

    def covers(self, uri: str) -> bool:
        """Returns True if the document would be listed. Returns False if its archive cannot be opened now."""
        parts = split_uri(uri)
        if parts is None:
            return self._inner.covers(uri)
        if any(uri.startswith(failed + SEPARATOR) for failed in self._failed):
            return False
        return self._inner.covers(parts[0])

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Returns the reference with its bytes. Of an archive, only the one member is extracted."""
        archive = self._archives.get(reference.uri)
        if archive is not None and reference.uri in self._failed:
            if (refusal := self._refusals.get(reference.uri)) is not None:
                raise DocumentError(refusal.code, refusal.message, refusal.hint)
            self._entries(archive)  # raises the error that says what is wrong with it
            raise refuse("file_missing", "The archive has changed.")
        parts = split_uri(reference.uri)
        if archive is not None or parts is None or parts[0] not in self._archives:
            return self._inner.fetch(reference, folder)
        path = self._opened(self._archives[parts[0]])
        target = folder / f"{uuid.uuid4().hex}{_suffix(reference.name)}"
        try:
            self._reader.extract(path, self._slot.opening, self._slot.folder(), parts[1], target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return replace(reference, path=target)

    def _state(self, archive: Reference) -> str:
        # Where libarchive is installed later, archives that needed it are opened again.
        seen = (_VERSION, is_available(), self._selection.fingerprint, archive.size, archive.mtime_ns, archive.token)
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:20]

    def _tokens(self, archive: Reference, state: str) -> dict[str, str]:
        """Returns a token for each document in the archive, by uri.

        A token has four parts: the kind, the state of the archive, the number of its documents, and the size in bytes.
        """
        try:
            entries = self._entries(archive)
        except DocumentError as error:
            self._refusals[archive.uri] = error.with_traceback(None)  # a traceback keeps its source alive
            return {archive.uri: f"failed {state} 1 {archive.size}"}
        if entries is None:
            return {archive.uri: f"plain {state} 1 {archive.size}"} if self._takes(archive.uri) else {}
        uris = {f"{archive.uri}{SEPARATOR}{entry.path}": entry for entry in entries}
        taken = {uri: entry for uri, entry in uris.items() if self._takes(uri)}
        return {
            uri: f"{'failed' if entry.failed else 'member'} {state} {len(taken)} {entry.size}"
            for uri, entry in taken.items()
        }

    def _entries(self, archive: Reference) -> list[Entry] | None:
        path = self._opened(archive)
        return self._reader.entries(path, self._slot.opening, self._slot.folder())

    def _takes(self, uri: str) -> bool:
        path = self._path(uri)
        above = [path[: found.start()] for found in re.finditer("/", path)]
        if "__MACOSX" in path.split("/"):  # macOS adds this folder to its archives
            return False
        return all(map(self._selection.enters, above)) and self._selection.takes(path)

    def _path(self, uri: str) -> str:
        """Returns the path that globs are matched with. Archives are folders in this path."""
        parts = split_uri(uri)
        if parts is None:
            return self._inner.relative(uri)
        return f"{self._inner.relative(parts[0])}/{parts[1].replace(SEPARATOR, '/')}"

    def _reference(self, archive: Reference, uri: str, token: str) -> Reference:
        kind, _, _, size = token.split(" ")
        if kind == "failed":
            self._failed.add(uri)
        if uri == archive.uri:
            return replace(archive, token=token)
        return Reference(
            source=archive.source,
            uri=uri,
            name=uri.rpartition("/")[2],
            size=int(size),
            mtime_ns=archive.mtime_ns,
            access=self._selection.access(self._path(uri)),
            token=token,
        )

    def _opened(self, archive: Reference) -> Path:
        """Returns the file of the archive. It stays open from the listing until the last member was extracted.

        Raises DocumentError if the archive cannot be fetched.
        """
        if self._slot.uri == archive.uri and self._slot.path is not None:
            return self._slot.path
        self._slot.close()
        path = self._slot.kept.get(archive.uri)
        if path is None:
            fetched = self._inner.fetch(archive, self._slot.folder())
            path = fetched.path or self._slot.written(fetched.content or b"")
            if path != archive.path:
                self._slot.kept[archive.uri] = path
        self._slot.open(archive.uri, path)
        return path


class _Slot:
    """The one open archive, and the archives that were fetched. They lie in a folder that is removed with the source.

    `opening` is a new value each time an archive is opened.
    """

    def __init__(self) -> None:
        self.uri: str | None = None
        self.path: Path | None = None
        self.opening = ""
        self.kept: dict[str, Path] = {}
        self._folder: Path | None = None

    def folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="youju-archives-"))
        return self._folder

    def written(self, content: bytes) -> Path:
        path = self.folder() / uuid.uuid4().hex
        path.write_bytes(content)
        return path

    def open(self, uri: str, path: Path) -> None:
        self.uri, self.path, self.opening = uri, path, new_opening()

    def close(self) -> None:
        """Close the archive. Remove fetched archives, the oldest first, until the rest fits into `_KEPT_BYTES`."""
        self.uri = self.path = None
        while sum(path.stat().st_size for path in self.kept.values()) > _KEPT_BYTES:
            self.kept.pop(next(iter(self.kept))).unlink()

    def discard(self) -> None:
        """Close the archive and remove all files."""
        self.kept.clear()
        self.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _let_go(reader: ArchiveReader, slot: _Slot) -> None:
    reader.close()
    slot.discard()


def _is_whole(tokens: Mapping[str, str]) -> bool:
    """Returns True if these are all the documents that the archive had in this state."""
    return bool(tokens) and len(tokens) == int(next(iter(tokens.values())).split(" ")[2])


def _suffix(name: str) -> str:
    suffix = Path(name).suffix
    return suffix if _SUFFIX.fullmatch(suffix) else ""
