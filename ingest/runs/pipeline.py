"""The chain of ingestion: discover → parse → split → embed → write → flush → publish → retire.

    source ──► changes ──► [prepare: parse, split] ──► batches ──► [embed] ──► index ──► catalog ──► retire
                            child processes                        child process

A reader sees the old revision of a document or the new one, whatever happens here: chunks of a new revision are
written beside the old, flushed, then one SQL transaction makes them the current ones, and only then the old are
removed. A run that was killed at any point is finished by the next one.

Where the settings ask for another index than the one that answers questions, the run goes over the source twice: it
brings that one up to date, then builds the other beside it, and switches once nothing would be lost by it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.catalog.records import Known
from ingest.document import Chunk, Reference
from ingest.engines.from_settings import open_engine
from ingest.errors import ConfigurationError, DocumentError, SourceError, UnavailableError, YoujuError
from ingest.home.store import Store
from ingest.index import Index
from ingest.runs import Failure, OnProgress, Report, Trigger
from ingest.runs.changes import MANY_DELETIONS, Candidate, Changes, check_deletions, find_changes
from ingest.runs.exclusive import Tenure, tenure
from ingest.runs.grouping import grouped, in_turns
from ingest.runs.publishing import Publisher
from ingest.runs.report import Tally
from ingest.runs.stages import EMBEDDING, PREPARING, Prepared
from ingest.settings import IngestSettings
from ingest.sources import Patient, Source
from ingest.versions.open_versions import Building, Edition
from ingest.versions.rebuilding import Present, WholeSource

logger = logging.getLogger(__name__)

# Taking revisions costs one write to the disk, however many there are.
_BATCH_DOCUMENTS, _BATCH_DOCUMENTS_SECONDS = 64, 0.05
_BATCH_CHUNKS, _BATCH_SECONDS = 256, 2.0
_LISTING_REPORT_SECONDS = 0.5


class Ingestor:
    """Brings sources into the index. One run at a time."""

    def __init__(self, store: Store, settings: IngestSettings) -> None:
        self._store = store
        self._settings = settings

    def building(self) -> Building | None:
        """How far the index is that the settings ask for; None where it is the one that answers questions."""
        return self._store.editions.building(self._settings)

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

        Documents that cannot be read are reported and the rest goes on; setting `stop` ends the run early with
        everything reported so far searchable, and so does cancelling it by its record. Raises SourceError if the
        source cannot be listed, OwnedError if a run is under way, UnavailableError if the index, the database or
        an embedding server went away; the next run goes on from there.
        """
        held_by = tenure(self._store, self._settings, source.name, trigger=trigger, stop=stop)
        editions = self._store.editions
        with held_by as held, ExitStack() as used:
            if isinstance(source, Patient):
                source.give_up_at(held.stop)
            target = editions.target(self._settings)
            current = editions.with_settings(used.enter_context(editions.using()), self._settings)
            if target is None or target.id == current.id:
                _Run(held, current, source, on_progress).carry_out(allow_deletions=allow_deletions)
                return held.report
            used.enter_context(editions.using(target))
            up_to_date = _Run(held, current, source, on_progress, beside=(target,))
            problem = _tried(up_to_date, current, allow_deletions=allow_deletions)
            if not held.stop.is_set():
                if problem is not None:
                    logger.warning("Index %s, which answers questions, stays as it is: %s", current.id, problem)
                build = _Run(held, target, source, on_progress, beside=(current,), replaces=current)
                build.carry_out(allow_deletions=allow_deletions)
            if not held.stop.is_set():
                editions.complete(target, instead_of=current.id)
        return held.report


def _tried(run: _Run, edition: Edition, *, allow_deletions: bool) -> YoujuError | None:
    """Carry out a run, unless that edition's own embedder cannot be had any more, and why not."""
    if edition.problem is not None:
        return edition.problem
    try:
        run.carry_out(allow_deletions=allow_deletions)
    except (ConfigurationError, UnavailableError) as error:
        return error
    return None


class _Run:
    """One run over one source, into one edition of the index.

    `beside` are the others that are open. One that is built `replaces` the one that answers questions.
    """

    def __init__(
        self,
        held: Tenure,
        edition: Edition,
        source: Source,
        on_progress: OnProgress | None,
        *,
        beside: Sequence[Edition] = (),
        replaces: Edition | None = None,
    ) -> None:
        self._store = held.store if held.store.catalog.version == edition.id else held.store.at(edition)
        self._settings = edition.settings
        self._fingerprint = edition.fingerprint
        self._present = Present(held.store.at(replaces), source.name) if replaces is not None else None
        uncovered = self._present.uncovered(source) if self._present is not None else {}
        self._source = WholeSource(source, uncovered, edition.settings) if uncovered else source
        self._given_elsewhere = len(uncovered)
        self._beside = beside
        self._stop = held.stop
        self._tally = Tally(held.report, on_progress, rebuilding=replaces is not None)
        self._publisher = Publisher(self._store, self._settings, self._fingerprint, self._tally, self._present)
        self._deleted: set[str] = set()
        self._report = held.report

    def carry_out(self, *, allow_deletions: bool) -> Report:
        try:
            self._publisher.recover(self._source.name)
            changes = self._changes()
            if changes is not None:
                self._follow(changes, allow_deletions=allow_deletions)
            self._publisher.retire(wait=True)
            self._compact(self._store.index)
        finally:
            self._tally.stop_clock()
        return self._report

    def _changes(self) -> Changes | None:
        known = self._store.catalog.known(self._source.name)
        if self._present is not None:
            known = self._present.known(known)
        return find_changes(self._source, known, self._fingerprint, self._listed)

    def _listed(self, count: int) -> bool:
        """Report that so many documents have been listed; whether that is enough. A listing may take an hour."""
        if self._tally.seconds_since_progress() > _LISTING_REPORT_SECONDS:
            if self._present is None:
                self._report.found = count
            self._tally.progress()
        return self._stop.is_set()

    def _follow(self, changes: Changes, *, allow_deletions: bool) -> None:
        if self._present is None:
            self._report.unchanged = self._report.found = changes.unchanged
        self._report.found += changes.listed - changes.unchanged
        self._publisher.expect_moves(changes.gone)
        self._tally.progress()
        self._publisher.postpone(changes.postponed)
        self._reassign(changes.reassigned)
        listed = changes.listed - self._given_elsewhere
        # At once, and not after hours; the others may have been moved, which is known at the end.
        self._delete(changes.lost(listed))
        self._ingest(changes.candidates)
        if not self._stop.is_set():
            self._delete_gone(changes, listed, allowed=allow_deletions)

    def _reassign(self, references: Sequence[Reference]) -> None:
        """Change who may read documents that did not change otherwise. The index follows the catalog's word only
        where it helps to find, so whichever of the two is ahead when this is interrupted, nobody reads too much."""
        indexes = (self._store.index, *(edition.index for edition in self._beside))
        told: list[Reference] = []
        for reference in references:
            if self._stop.is_set():
                break
            for index in indexes:
                index.set_access(reference.document_id, reference.access)
            told.append(reference)
            if len(told) % _BATCH_DOCUMENTS == 0:
                for index in indexes:
                    self._compact(index)
        if not told:
            return
        for index in indexes:
            index.flush()
        # Those alone that every index was told: the next run finds the others by what the catalog says of them.
        self._store.catalog.record_access(told, indexed=[edition.id for edition in self._beside])
        self._tally.count("changed", len(told))

    def _ingest(self, candidates: Sequence[Candidate]) -> None:
        if not candidates:
            return
        workers = min(self._settings.parse_workers, len(candidates))
        embedding = open_engine(self._settings, EMBEDDING, workers=self._settings.embed_workers, stop=self._stop)
        preparing = open_engine(self._settings, PREPARING, workers=workers, stop=self._stop)
        # The embedding engine is closed last: it waits for what takes its items, which ends with the other one.
        with TemporaryDirectory(prefix="youju-run-") as folder, closing(embedding), closing(preparing):
            prepared = preparing.run(self._fetched(candidates, Path(folder)))
            documents = grouped(prepared, limit=_BATCH_DOCUMENTS, seconds=_BATCH_DOCUMENTS_SECONDS)
            unknown = in_turns(self._drafted(documents))
            batches = grouped(unknown, limit=_BATCH_CHUNKS, seconds=_BATCH_SECONDS)
            for chunks, embeddings in embedding.run([c for c in batch if c is not None] for batch in batches):
                self._publisher.write(chunks, embeddings)
                self._publisher.publish()
                self._publisher.retire()
                self._tally.progress()
                self._compact(self._store.index)

    def _compact(self, index: Index) -> None:
        """Let an index bring to the disk what it holds in memory, where that has become much."""
        if not self._stop.is_set():
            index.compact(interrupted=self._stop.is_set)

    def _fetched(self, candidates: Iterable[Candidate], folder: Path) -> Iterator[Candidate]:
        """The candidates with their bytes at hand. A document that its source cannot give fails alone."""
        for candidate in candidates:
            if self._stop.is_set():
                return
            try:
                yield replace(candidate, at_hand=self._source.fetch(candidate.reference, folder))
            except DocumentError as error:
                if not self._stop.is_set():  # else it may have been given up for that
                    self._publisher.fail(candidate.reference, error)

    def _drafted(
        self, groups: Iterable[list[tuple[Candidate, Prepared | YoujuError]]]
    ) -> Iterator[Sequence[Chunk | None]]:
        """A draft for every document that changed, and those of its chunks that have to be embedded."""
        for group in groups:
            changed: list[tuple[Candidate, Prepared]] = []
            same: list[Candidate] = []
            for candidate, document in group:
                candidate.discard()
                if isinstance(document, YoujuError):
                    self._publisher.fail(candidate.reference, document)
                elif document.passages is None:
                    same.append(candidate)
                else:
                    changed.append((candidate, document))
            self._keep(same)
            if self._present is not None:
                withdrawn = self._present.withdrawn([candidate.reference for candidate, _ in changed])
                changed = [each for each in changed if each[0].reference.document_id not in withdrawn]
            taken = self._store.catalog.take_revisions([(c.reference, d.digest) for c, d in changed])
            for (candidate, document), revision in zip(changed, taken, strict=True):
                if isinstance(revision, DocumentError):
                    self._publisher.fail(candidate.reference, revision)
                else:
                    yield self._publisher.draft(candidate, document, revision)
            self._tally.progress()

    def _keep(self, candidates: Sequence[Candidate]) -> None:
        """Note that these have the bytes they had, whatever their change tokens said."""
        if not candidates:
            return
        self._store.catalog.record_unchanged([candidate.reference for candidate in candidates])
        reassigned = [c.reference for c in candidates if c.known is not None and c.known.access != c.reference.access]
        self._reassign(reassigned)
        self._tally.add("unchanged", len(candidates) - len(reassigned))

    def _delete_gone(self, changes: Changes, listed: int, *, allowed: bool) -> None:
        if any(each.code == MANY_DELETIONS for each in self._report.failures):  # in the other index, just now
            return
        gone = [known for known in changes.gone if known.id not in self._deleted | self._publisher.moved]
        try:
            check_deletions(gone, changes.covered, listed=listed, allowed=allowed)
        except SourceError as error:
            self._report.failures.append(Failure(self._source.name, error.code, str(error)))
        else:
            self._delete(gone)

    def _delete(self, gone: Sequence[Known]) -> None:
        if gone:
            self._store.catalog.delete([known.id for known in gone])
            self._deleted |= {known.id for known in gone}
            self._report.deleted += len(gone)
