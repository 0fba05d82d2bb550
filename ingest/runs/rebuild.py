"""Building a version of the index beside the one that answers questions: a run goes over its source twice.

It brings the current version up to date first. Then it catches up in the other with what the source lists, and with
files that were given by path to other runs, so that any run of the source rebuilds all of it; and switches once nothing
would be lost by it. Both times it is the pipeline that does the work, with other ways of doing some steps.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath

from ingest.catalog import Catalog
from ingest.document import Chunk, Embedding, Known, Reference
from ingest.embedding import Embedder
from ingest.errors import ConfigurationError, DocumentError, UnavailableError, YoujuError
from ingest.home.store import Store
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
from ingest.versions.open_versions import OpenVersion

logger = logging.getLogger(__name__)


def build_beside(
    run: ExclusiveRun,
    target: Target,
    current: OpenVersion,
    building: OpenVersion,
    bring_in: Callable[[Target], None],
) -> None:
    """Bring a source into the current version, which `target` is for, and into the one that is being built; then
    switch to that one if nothing is lost by it. `bring_in` is the pipeline."""
    problem = _tried(bring_in, replace(target, reassign=partial(reassign, beside=(building,))), current)
    if not run.stop.is_set():
        if problem is not None:
            logger.warning("Index %s, which answers questions, stays as it is: %s", current.id, problem)
        bring_in(_target(run, target, current, building))
    if not run.stop.is_set():
        run.store.open_versions.complete(building, instead_of=current.id)


def _tried(bring_in: Callable[[Target], None], target: Target, current: OpenVersion) -> YoujuError | None:
    """Bring the current version up to date, unless its own embedder cannot be had any more. Returns why not."""
    if current.problem is not None:
        return current.problem
    try:
        bring_in(target)
    except (ConfigurationError, UnavailableError) as error:
        return error
    return None


def _target(run: ExclusiveRun, target: Target, current: OpenVersion, building: OpenVersion) -> Target:
    """The version that is being built, as the pipeline is to go about it."""
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
        """What is searchable in the current version is to be read for this one too."""
        changes = find_changes(source, self._current.known(known), fingerprint, on_listed, stop)
        return changes and replace(changes, from_elsewhere=len(self.uncovered))

    def take_revisions(
        self, catalog: Catalog, contents: Sequence[tuple[Reference, str]]
    ) -> list[int | DocumentError | None]:
        """None for what has been deleted from the current version since the source was asked what it has."""
        withdrawn = self._current.withdrawn([reference for reference, _ in contents])
        taken = iter(catalog.take_revisions([each for each in contents if each[0].document_id not in withdrawn]))
        return [None if reference.document_id in withdrawn else next(taken) for reference, _ in contents]

    def known_vectors(self, store: Store, earlier: Known | None, chunks: Sequence[Chunk]) -> dict[str, Embedding]:
        """Those of an earlier revision in this version, and those of the current version."""
        ours = known_vectors(store, earlier, chunks)
        if len(ours) == len(chunks):
            return ours
        return self._current.vectors(store.embedder, chunks[0].uri, chunks) | ours


class RebuildCounter(Counter):
    """Counts the second time over a source: documents count as rebuilt, whatever they were to the current version."""

    def listed(self, count: int) -> None:
        """Tell now and then that the run goes on; its documents have been counted."""
        if time.monotonic() - self.started - self.report.seconds > LISTING_REPORT_SECONDS:
            self.progress()

    def found(self, changes: Changes) -> None:
        """Add what has to be brought into the version that is being built."""
        self.report.found += changes.listed - changes.unchanged
        self.progress()

    def count(self, what: str, many: int = 1) -> None:
        """Add documents that are in the version now."""
        self.add("rebuilt", many)

    def fail(self, failure: Failure) -> None:
        """Add a document that could not be ingested, unless it failed the same way in the current version just now."""
        if any(each.uri == failure.uri for each in self.report.failures):
            self.add("found", -1)
        else:
            super().fail(failure)


class CurrentIndex:
    """The index that answers questions, as the one that is being built needs it: which documents of a source are
    searchable there, and the vectors of their passages."""

    def __init__(self, store: Store, source: str) -> None:
        self._store = store
        self._since = store.catalog.clock()
        self._known = {uri: each for uri, each in store.catalog.known(source).items() if each.revision is not None}

    def known(self, ours: Mapping[str, Known]) -> dict[str, Known]:
        """What is known of each document: `ours`, and as unread those that are only searchable there."""
        unread = {
            uri: replace(each, revision=None, fingerprint=None, token="", failure=None)
            for uri, each in self._known.items()
        }
        return {**unread, **ours}

    def uncovered(self, source: Source) -> dict[str, Known]:
        """What is searchable there and was given by path to another run, by uri."""
        if source.name != LOCAL:
            return {}
        return {uri: each for uri, each in self._known.items() if not source.covers(uri)}

    def withdrawn(self, references: Sequence[Reference]) -> set[str]:
        """Those of these documents, by id, that were deleted there after the source was asked what it has."""
        return self._store.catalog.deleted_since(self._since, [reference.document_id for reference in references])

    def vectors(self, embedder: Embedder, uri: str, chunks: Sequence[Chunk]) -> dict[str, Embedding]:
        """The vectors of those chunks, by id, that stand there word for word, made by the same embedder."""
        if embedder.name != self._store.embedder.name:
            return {}
        # The other version's embedder, which may cover other languages.
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
        """What the source lists, then the others; with those whose files are gone, which will be said of each."""
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
        """As the source itself says: a file that is gone is deleted by a run that is given its path."""
        return self._source.covers(uri)

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """From the source that listed it."""
        return (self._beside if reference.uri in self._from_beside else self._source).fetch(reference, folder)


def _gone(source: str, uri: str, known: Known) -> Reference:
    path, name = Path(known.path or uri), PurePath(uri).name
    return Reference(source, uri, name, known.size, known.mtime_ns, path, access=known.access, token=known.token)
