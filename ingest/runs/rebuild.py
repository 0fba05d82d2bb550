"""Builds a version of the index beside the one that answers questions. A run goes over its source twice.

First it brings the current version up to date. Then it brings the other version up to date with what the source lists,
and with files that were given by path to other runs. So any run of the source rebuilds all of it. It switches as soon
as nothing would be lost. The pipeline does the work both times, but some of its steps are done in another way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath

from ingest.catalog.catalog import Catalog
from ingest.document import Chunk, Embedding, Known, Reference
from ingest.embedding import Embedder
from ingest.errors import ConfigurationError, DocumentError, UnavailableError, YoujuError
from ingest.runs.changes import Changes, find_changes
from ingest.runs.exclusive import ExclusiveRun
from ingest.runs.reassigning import reassign
from ingest.runs.records import Failure
from ingest.runs.report import LISTING_REPORT_SECONDS, Counter
from ingest.runs.reuse import known_vectors
from ingest.runs.target import Target
from ingest.settings import IngestSettings
from ingest.sources import NOTHING_KNOWN, Source
from ingest.sources.folder import LOCAL
from ingest.sources.from_settings import files_holding, open_paths
from ingest.store import Store
from ingest.versions.open_versions import OpenVersion

logger = logging.getLogger(__name__)


def build_beside(
    run: ExclusiveRun,
    target: Target,
    current: OpenVersion,
    building: OpenVersion,
    bring_in: Callable[[Target], None],
) -> None:
    """Bring a source into the current version, which `target` describes, and into the version that is being built. Then
    switch to the new version if nothing is lost. `bring_in` is the pipeline.
    """
    problem = _tried(bring_in, replace(target, reassign=partial(reassign, beside=(building,))), current)
    if not run.stop.is_set():
        if problem is not None:
            logger.warning("Index %s, which answers questions, stays as it is: %s", current.id, problem)
        bring_in(_target(run, target, current, building))
    if not run.stop.is_set():
        run.store.open_versions.complete(building, instead_of=current.id)


def _tried(bring_in: Callable[[Target], None], target: Target, current: OpenVersion) -> YoujuError | None:
    """Bring the current version up to date, unless its own embedder is no longer available. Returns the reason if it
    stays as it is, or None.
    """
    if current.problem is not None:
        return current.problem
    try:
        bring_in(target)
    except (ConfigurationError, UnavailableError) as error:
        return error
    return None


def _target(run: ExclusiveRun, target: Target, current: OpenVersion, building: OpenVersion) -> Target:
    """Returns the target of the pipeline for the version that is being built."""
    steps = _Steps(CurrentIndex(run.store.at(current), target.source.name), target.source)
    whole = WholeSource(target.source, steps.uncovered, building.settings) if steps.uncovered else target.source
    return Target(
        run.store.at(building),
        building.settings,
        building.fingerprint,
        whole,
        RebuildCounter(run.report, target.counter.on_progress, target.counter.started),
        find_changes=steps.find_changes,
        take_revisions=steps.take_revisions,
        known_vectors=steps.known_vectors,
        reassign=partial(reassign, beside=(current,)),
    )


class _Steps:
    """The steps of the pipeline that look at the current version while another is being built."""

    def __init__(self, current: CurrentIndex, source: Source) -> None:
        self.uncovered = current.uncovered(source)
        self._current = current

    def find_changes(
        self,
        source: Source,
        known: Mapping[str, Known],
        fingerprint: str,
        on_listed: Callable[[int], None],
        stop: threading.Event,
    ) -> Changes | None:
        """Find what has to be read for this version. That includes what is searchable in the current version only."""
        changes = find_changes(source, self._current.known(known), fingerprint, on_listed, stop)
        return changes and replace(changes, from_elsewhere=len(self.uncovered))

    def take_revisions(
        self, catalog: Catalog, contents: Sequence[tuple[Reference, str]]
    ) -> list[int | DocumentError | None]:
        """Take revisions. Gives None for a document that was deleted from the current version after the source was
        listed.
        """
        withdrawn = self._current.withdrawn([reference for reference, _ in contents])
        taken = iter(catalog.take_revisions([each for each in contents if each[0].document_id not in withdrawn]))
        return [None if reference.document_id in withdrawn else next(taken) for reference, _ in contents]

    def known_vectors(self, store: Store, earlier: Known | None, chunks: Sequence[Chunk]) -> dict[str, Embedding]:
        """Returns vectors of an earlier revision in this version, and vectors of the current version."""
        ours = known_vectors(store, earlier, chunks)
        if len(ours) == len(chunks):
            return ours
        return self._current.vectors(store.embedder, chunks[0].uri, chunks) | ours


class RebuildCounter(Counter):
    """Counts the second pass over a source. All documents count as rebuilt, new and changed ones too."""

    def listed(self, count: int) -> None:
        """Report now and then that the run goes on. The first pass has already counted its documents."""
        if time.monotonic() - self.started - self.report.seconds > LISTING_REPORT_SECONDS:
            self.progress()

    def found(self, changes: Changes) -> None:
        """Add the number of documents that have to be brought into the version that is being built."""
        self.report.found += changes.listed - changes.unchanged
        self.progress()

    def count(self, what: str, uri: str | None = None, *, many: int = 1) -> None:
        """Count documents as rebuilt. `what` is not used."""
        super().count("rebuilt", uri, many=many)

    def fail(self, failure: Failure) -> None:
        """Add a document that could not be ingested, unless this run has already reported it as failed."""
        if any(each.uri == failure.uri for each in self.report.failures):
            with self._counting:
                self._uncount(failure.uri)
                self.report.found -= 1
        else:
            super().fail(failure)


class CurrentIndex:
    """Reads the index that answers questions, for the one that is being built. It says which documents of a source are
    searchable there, and gives the vectors of their passages.
    """

    def __init__(self, store: Store, source: str) -> None:
        self._store = store
        self._since = store.catalog.clock()
        self._known = {uri: each for uri, each in store.catalog.known(source).items() if each.revision is not None}

    def known(self, ours: Mapping[str, Known]) -> dict[str, Known]:
        """Returns what is known of each document, by uri: `ours`, and the documents that are searchable only in the
        current index. The latter are given as unread.
        """
        unread = {
            uri: replace(each, revision=None, fingerprint=None, token="", failure=None)
            for uri, each in self._known.items()
        }
        return {**unread, **ours}

    def uncovered(self, source: Source) -> dict[str, Known]:
        """Returns the documents, by uri, that are searchable there and were given by path to another run."""
        if source.name != LOCAL:
            return {}
        return {uri: each for uri, each in self._known.items() if not source.covers(uri)}

    def withdrawn(self, references: Sequence[Reference]) -> set[str]:
        """Returns the ids of those of these documents that were deleted there after the source was listed."""
        return self._store.catalog.deleted_since(self._since, [reference.document_id for reference in references])

    def vectors(self, embedder: Embedder, uri: str, chunks: Sequence[Chunk]) -> dict[str, Embedding]:
        """Returns the vectors, by chunk id, of those chunks that are there word for word. Returns none if another
        embedder made the index.
        """
        if embedder.name != self._store.embedder.name:
            return {}
        # This is the embedder of the version that is being built. It may cover other languages.
        return known_vectors(replace(self._store, embedder=embedder), self._known.get(uri), chunks)


class WholeSource:
    """A source, and the files that were given by path to other runs of it."""

    def __init__(self, source: Source, uncovered: Mapping[str, Known], settings: IngestSettings) -> None:
        self.name = source.name
        self._source = source
        self._uncovered = uncovered
        self._beside = open_paths(files_holding(uncovered), settings)
        self._from_beside: set[str] = set()

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields what the source lists, then the other files. A file that is gone is given too, so that its failure is
        reported.
        """
        listed: set[str] = set()
        for reference in self._source.references(known):
            listed.add(reference.uri)
            yield reference
        waiting = {uri: each for uri, each in self._uncovered.items() if uri not in listed}
        for reference in self._beside.references(known) if waiting else ():
            if (each := waiting.pop(reference.uri, None)) is not None:
                self._from_beside.add(reference.uri)
                yield replace(reference, access=each.access)
        for uri, each in waiting.items():
            yield _gone(self.name, uri, each)

    def covers(self, uri: str) -> bool:
        """Returns what the source itself says. A file that is gone is deleted only by a run that is given its path."""
        return self._source.covers(uri)

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Fetch it from the source that listed it."""
        return (self._beside if reference.uri in self._from_beside else self._source).fetch(reference, folder)


def _gone(source: str, uri: str, known: Known) -> Reference:
    path, name = Path(known.path or uri), PurePath(uri).name
    return Reference(source, uri, name, known.size, known.mtime_ns, path, access=known.access, token=known.token)
