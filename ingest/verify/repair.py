"""Mends the problems of a verification by the ordinary means. For each source it takes the place of a run.

    wrong readers ──► written again from the catalog
    orphans       ──► removed
    all the rest  ──► the catalog forgets what made the document, and a run over just these reads them again

A damaged document stays as it is until its new revision is written, flushed and published. If its source cannot be
read, nothing happens to it. No document is deleted.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from ingest.errors import OwnedError, YoujuError
from ingest.runs.exclusive import busy_sources, exclusively
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import OnProgress
from ingest.settings import IngestSettings
from ingest.sources.folder import LOCAL
from ingest.sources.subsets import NarrowedSource
from ingest.store import Store
from ingest.verify.listing import Listing
from ingest.verify.orphans import find_orphans
from ingest.verify.problems import DAMAGES, ORPHANS, READERS, UNFINISHED, Problem

_PATIENCE_SECONDS = 30.0
_TRY_AGAIN_SECONDS = 0.5


class Repair:
    """Mends problems, source by source."""

    def __init__(
        self,
        store: Store,
        settings: IngestSettings,
        ingestor: Ingestor,
        listing: Listing,
        *,
        on_progress: OnProgress,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._settings = settings
        self._ingestor = ingestor
        self._listing = listing
        self._on_progress = on_progress
        self._stop = stop

    def mend(self, problems: Sequence[Problem]) -> dict[str, str]:
        """Mend what can be mended. Returns, by source, the error that stopped its repair, if one was raised.

        Raises the errors of the index and the database if they are away.
        """
        of_source: dict[str, list[Problem]] = defaultdict(list)
        for problem in problems:
            if problem.document_id is not None:
                of_source[problem.source].append(problem)
        reasons: dict[str, str] = {}
        for source, found in sorted(of_source.items()):
            if self._stop.is_set():
                break
            try:
                self._patiently(self._mend_in_place, source, found)
                self._patiently(self._ingest_again, source, found)
            except YoujuError as error:
                reasons[source] = str(error)
        return reasons

    def _patiently(
        self, mend: Callable[[str, Sequence[Problem]], None], source: str, problems: Sequence[Problem]
    ) -> None:
        """Call `mend`. If another run is in the way, wait a limited time for its end."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return mend(source, problems)
            except OwnedError:
                if time.monotonic() > deadline or self._stop.wait(_TRY_AGAIN_SECONDS):
                    raise

    def _mend_in_place(self, source: str, problems: Sequence[Problem]) -> None:
        """Mend what needs no source: chunks that belong to nothing, and readers, which the catalog knows."""
        orphaned = _ids(problems, {ORPHANS}).keys()
        readers = _ids(problems, {READERS}).keys()
        if not orphaned and not readers:
            return
        # A chunk without a source has no known owner, so it is removed under the name of the local source.
        with exclusively(self._store, self._settings, source or LOCAL, stop=self._stop):
            for document_id, now in self._store.catalog.standing(readers).items():
                self._store.index.set_access(document_id, now.access)
            if orphaned:
                # No other run works on the source now, so a chunk that belongs to nothing will never belong to
                # anything.
                found = find_orphans(self._store, busy=lambda: busy_sources(self._store) - {source})
                for document_id in orphaned & found.keys():
                    self._store.index.remove(found[document_id].chunk_ids)
            self._store.index.flush()

    def _ingest_again(self, source: str, problems: Sequence[Problem]) -> None:
        damaged = _ids(problems, DAMAGES)
        unfinished = _ids(problems, UNFINISHED)
        wanted = damaged | unfinished
        if not wanted:
            return
        opened = self._listing.open(source, wanted.values())
        self._store.catalog.distrust(damaged.keys())
        self._store.catalog.retry(wanted.keys())
        self._ingestor.run(NarrowedSource(opened, wanted.values()), on_progress=self._on_progress, stop=self._stop)


def _ids(problems: Sequence[Problem], codes: Collection[str]) -> dict[str, str]:
    """Returns the uris of the documents with one of these problems, by id."""
    return {problem.document_id: problem.uri for problem in problems if problem.code in codes and problem.document_id}
