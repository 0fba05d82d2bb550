"""Compares the sources with the catalog. It finds documents that are missing, changed or gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator

from ingest.document import Known, Reference, document_id
from ingest.errors import YoujuError
from ingest.home.originals import Originals
from ingest.settings import IngestSettings
from ingest.sources import Source
from ingest.sources.folder import LOCAL
from ingest.sources.from_settings import files_holding, named, open_paths, open_source
from ingest.store import Store
from ingest.uploads.register import PUSH, Uploads
from ingest.uploads.source import PushSource
from ingest.verify.problems import Problem

State = tuple[int, int, str]
"""Size in bytes, time of change in nanoseconds, and token: what a source says about a document without opening it."""


class Listing:
    """Compares sources with the catalog. Opens no document.

    Documents from `youju ingest PATHS` are compared file by file. Nobody remembers which paths were given, so new files
    below them cannot be found.
    """

    def __init__(self, store: Store, settings: IngestSettings) -> None:
        self._store = store
        self._settings = settings
        self._expected: dict[str, State] = {}

    def names(self) -> list[str]:
        """Returns the names of the sources that can be compared: paths, uploads, and the sources of the settings."""
        return [LOCAL, PUSH, *(source.name for source in self._settings.sources if source.enabled)]

    def open(self, name: str, uris: Collection[str]) -> Source:
        """Returns the source with this name, for reading these documents again.

        Raises RequestError if there is none.
        """
        if name == LOCAL:
            return open_paths(files_holding(uris), self._settings)
        if name == PUSH:
            originals = Originals(self._settings.home)
            return PushSource(Uploads(self._store.database, originals), originals)
        return open_source(named(self._settings, name), self._settings)

    def compare(self, name: str, *, on_progress: Callable[[int], None] = lambda listed: None) -> Iterator[Problem]:
        """Yields a problem for each document that the source has and the catalog has not, or has otherwise.

        If the source cannot be listed, the problem is the source itself. `on_progress` gets the number of listed
        documents, and may raise to end the comparison.
        """
        known = self._store.catalog.known(name)
        if name == LOCAL:
            yield from self._compare_files(known, on_progress)
            return
        try:
            yield from self._compare_listed(self.open(name, ()), known, on_progress)
        except YoujuError as error:
            yield Problem(name, None, name, error.code, f"It cannot be listed: {error}", hides=False)

    def is_settled(self, problem: Problem) -> bool:
        """Returns True if the catalog now has what `compare` missed."""
        found = self._store.catalog.known(problem.source).get(problem.uri)
        if found is None or found.revision is None:
            return False
        return self._expected.get(found.id, _state(found)) == _state(found)

    def _compare_listed(
        self, source: Source, known: dict[str, Known], on_progress: Callable[[int], None]
    ) -> Iterator[Problem]:
        listed: set[str] = set()
        for reference in source.references({uri: document.token for uri, document in known.items()}):
            listed.add(reference.uri)
            on_progress(len(listed))
            before = known.get(reference.uri)
            if before is None:
                yield _problem(source.name, reference, "not_ingested", "Its source has it, and it was never ingested.")
            elif before.failure is None and _state(before) != _state(reference):
                self._expected[before.id] = _state(reference)
                yield _problem(source.name, reference, "changed", "It changed in its source after it was ingested.")
        for uri in sorted(known.keys() - listed):
            if source.covers(uri):
                yield _gone(source.name, uri, known[uri].id, "Its source no longer has it.")

    def _compare_files(self, known: dict[str, Known], on_progress: Callable[[int], None]) -> Iterator[Problem]:
        for number, (uri, document) in enumerate(known.items(), start=1):
            on_progress(number)
            # The bytes of such a path are not text. It is stored escaped and cannot be looked up.
            if document.path != uri or "\\" in uri:
                continue
            try:
                status = os.stat(uri)  # noqa: PTH116 - ten thousand of them a moment
            except OSError:
                yield _gone(LOCAL, uri, document.id, "Its file is gone.")
                continue
            state = (status.st_size, status.st_mtime_ns, document.token)
            if document.failure is None and state != _state(document):
                self._expected[document.id] = state
                message = "Its file changed after it was ingested."
                yield Problem(uri, document.id, LOCAL, "changed", message, hides=False)


def _problem(source: str, reference: Reference, code: str, message: str) -> Problem:
    hides = code == "not_ingested"
    return Problem(reference.uri, document_id(source, reference.uri), source, code, message, hides=hides)


def _gone(source: str, uri: str, identity: str, message: str) -> Problem:
    return Problem(uri, identity, source, "gone", f"{message} The next `youju ingest` of it removes it.", hides=False)


def _state(of: Known | Reference) -> State:
    return of.size, of.mtime_ns, of.token
