"""The chain of ingestion: discover → changes → prepare → write → flush → publish → retire; and then the vectors.

    in                    what is done there
    ────────────────────  ─────────────────────────────────────────────────────────────────
    the run's thread      source ──► changes
    thread "feeder"       documents that may have changed ──► their bytes, from the source
    worker processes      [prepare: parse, split, make the terms]
    thread "prepared"     prepared documents, as they get done
    the run's thread      up to 64 ──► revision numbers ──► index ──► flush ──► publish ──► retire
    and then              their dense vectors, and those that an earlier run left (`ingest.runs.late_vectors`)

So a document is found by its words as soon as it is read, and by its meaning before the run ends.

Each stage takes items from the stage above it. It takes only a limited number ahead, so memory does not grow with the
number of documents. An error in one stage is raised in the stage below it, and so at last in the run's thread. Both
engines name the thread that takes their items "feeder". The thread "prepared" gets its name below, where it is started.
Two more threads run beside them: one renews the lease of the run, and one records its progress
(`ingest.runs.exclusive`).

A reader always sees either the old revision of a document or the new one. The chunks of a new revision are written
beside the old ones and flushed. Then one SQL transaction makes them current. Only after that are the old ones removed.
If a run is killed at any point, the next run finishes its work.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.document import Candidate, Known, Prepared, Reference
from ingest.engines.from_settings import open_engine
from ingest.errors import DocumentError, SourceError, YoujuError
from ingest.home.lock import check_room
from ingest.runs.changes import Changes
from ingest.runs.exclusive import exclusively
from ingest.runs.grouping import grouped
from ingest.runs.late_vectors import LateVectors
from ingest.runs.rebuild import build_beside
from ingest.runs.records import Failure, OnProgress, Report, Trigger
from ingest.runs.report import Counter
from ingest.runs.stages import EMBEDDING, PREPARING
from ingest.runs.target import Target
from ingest.runs.writer import Draft, Writer, compact, retire
from ingest.settings import IngestSettings
from ingest.sources import Patient, Source
from ingest.store import Store
from ingest.versions.open_versions import Building

# Taking revisions, flushing and publishing cost one write to the disk each for the whole group. Where that takes long,
# a group waits longer (`grouped`).
_BATCH_DOCUMENTS, _BATCH_SECONDS = 64, 0.05


class Ingestor:
    """Brings sources into the index. One run at a time."""

    def __init__(self, store: Store, settings: IngestSettings) -> None:
        self._store = store
        self._settings = settings

    def building(self) -> Building | None:
        """Returns how far the index is that the settings ask for, or None if it is the one that answers questions."""
        return self._store.open_versions.building(self._settings)

    def run(
        self,
        source: Source,
        *,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
        allow_deletions: bool = False,
        trigger: Trigger = "manual",
    ) -> Report:
        """Bring the index up to date with the source.

        Documents that cannot be read are reported, and the run goes on with the others. If `stop` is set or the run is
        cancelled by its record, the run ends early; everything reported so far is searchable. Raises SourceError if the
        source cannot be listed, OwnedError if a run is under way, and UnavailableError if the index, the database or an
        embedding server stopped answering. The next run continues from there.
        """
        with exclusively(self._store, self._settings, source.name, trigger=trigger, stop=stop) as run:
            if isinstance(source, Patient):
                source.give_up_at(run.stop)
            with self._store.open_versions.for_run(self._settings) as (current, building):
                store = run.store if run.store.catalog.version == current.id else run.store.at(current)
                counter = Counter(run.report, on_progress)
                target = Target(store, current.settings, current.fingerprint, source, counter)
                pipeline = partial(_Pipeline, stop=run.stop, allow_deletions=allow_deletions)
                if building is None:
                    pipeline(target).bring_in()
                else:
                    build_beside(run, target, current, building, lambda each: pipeline(each).bring_in())
        return run.report


class _Pipeline:
    """Brings one source into one version of the index. The methods stand in the order in which they are used."""

    def __init__(self, target: Target, stop: threading.Event, *, allow_deletions: bool) -> None:
        self._target, self._stop, self._allow_deletions = target, stop, allow_deletions
        self._store, self._source, self._counter = target.store, target.source, target.counter
        self._writer = Writer(target)
        self._deleted: set[str] = set()

    def bring_in(self) -> None:
        """Bring the version up to date with the source. If it is stopped, the rest is left to the next run."""
        catalog, index, counter = self._store.catalog, self._store.index, self._counter
        try:
            for leftover in catalog.withdraw(self._source.name):  # a killed run wrote them and did not publish them
                index.retire(leftover.document_id, first=leftover.first, last=leftover.last)
            retire(self._store)

            known = catalog.known(self._source.name)
            fingerprint = self._target.fingerprint
            changes = self._target.find_changes(self._source, known, fingerprint, counter.listed, self._stop)
            if changes is not None:
                counter.found(changes)
                if changes.postponed:
                    counter.postpone(changes.postponed)
                if changes.reassigned:
                    self._reassign(changes.reassigned)
                if changes.gone:
                    self._writer.movable = changes.movable(fingerprint)
                    # These are deleted at once, and not after hours. The others may have been moved; that is known only
                    # at the end.
                    self._delete(changes.lost())
                if changes.candidates and not self._stop.is_set():
                    self._ingest(changes.candidates)
                if changes.gone and not self._stop.is_set():
                    self._delete_gone(changes)
            if not self._stop.is_set():
                self._bring_vectors()

            retire(self._store, wait=True)
            compact(self._store, self._stop)
        finally:
            counter.stop_clock()

    def _ingest(self, candidates: Sequence[Candidate]) -> None:
        """Prepare, draft and publish documents. Only the loop below runs in this thread."""
        settings, stop = self._target.settings, self._stop
        preparing = open_engine(settings, PREPARING, workers=min(settings.parse_workers, len(candidates)), stop=stop)
        with TemporaryDirectory(prefix="youju-run-") as folder, closing(preparing):
            prepared = preparing.run(self._fetched(candidates, Path(folder)))
            for group in grouped(prepared, limit=_BATCH_DOCUMENTS, seconds=_BATCH_SECONDS, thread="prepared"):
                if self._store.ownership is not None:
                    check_room(settings.home)
                self._writer.publish(self._drafted(group))
                self._tidy()

    def _bring_vectors(self) -> None:
        """Embed what is published and has no vectors yet, of this run or of an earlier one."""
        settings, late = self._target.settings, LateVectors(self._target, self._stop)
        if late.any_wait():
            embedding = open_engine(settings, EMBEDDING, workers=settings.embed_workers, stop=self._stop)
            with closing(embedding):
                for _ in late.bring(embedding):
                    if self._store.ownership is not None:
                        check_room(settings.home)
                    self._tidy()

    def _tidy(self) -> None:
        """Remove what was replaced, say how far the run is, and keep the index small."""
        retire(self._store)
        self._counter.progress()
        compact(self._store, self._stop)

    def _fetched(self, candidates: Iterable[Candidate], folder: Path) -> Iterator[Candidate]:
        """Yields the candidates with their bytes. If the source cannot give a document, only that document fails."""
        for candidate in candidates:
            if self._stop.is_set():
                return
            try:
                at_hand = self._source.fetch(candidate.reference, folder)
                copy = at_hand.path if at_hand.path != candidate.reference.path else None
                yield replace(candidate, at_hand=at_hand, copy=copy)
            except DocumentError as error:
                if not self._stop.is_set():  # otherwise the source may have given up because of the stop
                    self._writer.fail(candidate.reference, error)

    def _drafted(self, group: Sequence[tuple[Candidate, Prepared | YoujuError]]) -> list[Draft]:
        """Write a draft of every document that changed. Returns those that can be published."""
        changed: list[tuple[Candidate, Prepared]] = []
        same: list[Candidate] = []
        for candidate, document in group:
            if candidate.copy is not None:
                candidate.copy.unlink(missing_ok=True)
            if isinstance(document, YoujuError):
                self._writer.fail(candidate.reference, document)
            elif document.passages is None:
                same.append(candidate)
            else:
                changed.append((candidate, document))
        if same:
            self._keep(same)
        contents = [(candidate.reference, document.digest) for candidate, document in changed]
        taken = self._target.take_revisions(self._store.catalog, contents)
        drafts: list[Draft] = []
        for (candidate, document), revision in zip(changed, taken, strict=True):
            if isinstance(revision, DocumentError):
                self._writer.fail(candidate.reference, revision)
            elif revision is not None and (draft := self._writer.draft(candidate, document, revision)) is not None:
                drafts.append(draft)
        return drafts

    def _keep(self, candidates: Sequence[Candidate]) -> None:
        """Record that these documents have the same bytes as before, although their change tokens differ."""
        self._store.catalog.record_unchanged([candidate.reference for candidate in candidates])
        reassigned = [c.reference for c in candidates if c.known is not None and c.known.access != c.reference.access]
        self._reassign(reassigned)
        self._counter.add("unchanged", len(candidates) - len(reassigned))

    def _reassign(self, references: Sequence[Reference]) -> None:
        changed = self._target.reassign(self._store, references, self._stop)
        self._counter.count("changed", many=changed)

    def _delete_gone(self, changes: Changes) -> None:
        """Delete the documents that are gone and were not moved. Delete none if so many are gone that the source itself
        may not be reachable.
        """
        if self._counter.has_refused_deletions:
            return
        gone = [known for known in changes.gone if known.id not in self._deleted | self._writer.moved]
        try:
            changes.check_deletions(gone, allowed=self._allow_deletions)
        except SourceError as error:
            self._counter.refuse_deletions(Failure(self._source.name, error.code, str(error)))
        else:
            self._delete(gone)

    def _delete(self, documents: Sequence[Known]) -> None:
        if documents:
            self._store.catalog.delete([known.id for known in documents])
            self._deleted |= {known.id for known in documents}
            self._counter.add("deleted", len(documents))
            self._counter.progress()
