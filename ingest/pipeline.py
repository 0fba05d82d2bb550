"""The chain of ingestion: discover → parse → split → embed → write → flush → publish → retire.

    source ──► changes ──► [prepare: parse, split] ──► batches ──► [embed] ──► index ──► catalog ──► retire
                            child processes                        child process

A reader sees the old revision of a document or the new one, whatever happens here: chunks of a new revision are
written beside the old, flushed, then one SQL transaction makes them the current ones, and only then the old are
removed. A run that was killed at any point is finished by the next one.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.catalog import Publication
from ingest.changes import Candidate, Changes, check_deletions, find_changes
from ingest.document import Chunk, Embedding, Passage, Reference, chunk_id
from ingest.engines.local import Limits, LocalEngine
from ingest.errors import DocumentError, SourceError, YoujuError
from ingest.ownership import check_room
from ingest.parse import PARSER_VERSION
from ingest.runs import Failure, OnProgress, Report, Trigger
from ingest.settings import IngestSettings
from ingest.sources import Source
from ingest.split import SPLITTER_VERSION
from ingest.store import Store
from ingest.tenure import Tenure, tenure
from ingest.workers import Prepared, make_chunk_embedder, make_preparer

_BATCH_CHUNKS = 256
_BATCH_SECONDS = 2.0
# A search that began before a publication may still be reading the old chunks.
_RETIRE_AFTER_SECONDS = 1.0
_EMBED_LIMITS = Limits(seconds=900.0, memory_mb=16_384, items_per_worker=1_000_000)


class Ingestor:
    """Brings sources into the index. One run at a time."""

    def __init__(self, store: Store, settings: IngestSettings) -> None:
        self._store = store
        self._settings = settings
        self._fingerprint = _fingerprint(settings, store.embedder.name)

    def outdated(self) -> int:
        """How many documents were ingested with other settings, and may not be found until they are again."""
        return self._store.catalog.outdated(self._fingerprint)

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
        with tenure(self._store, self._settings, source.name, trigger=trigger, stop=stop) as held:
            run = _Run(held, self._settings, self._fingerprint, source, on_progress)
            return run.carry_out(allow_deletions=allow_deletions)


class _Run:
    """One run over one source."""

    def __init__(
        self,
        held: Tenure,
        settings: IngestSettings,
        fingerprint: str,
        source: Source,
        on_progress: OnProgress | None,
    ) -> None:
        self._store = held.store
        self._settings = settings
        self._fingerprint = fingerprint
        self._source = source
        self._on_progress = on_progress or (lambda report: None)
        self._stop = held.stop
        self._started = time.monotonic()
        self._complete: dict[str, tuple[Candidate, Publication]] = {}  # by the id of a document's last chunk
        self._broken: dict[str, DocumentError] = {}  # documents that lost a batch, by id, and why
        self._counting = threading.Lock()
        self._report = held.report

    def carry_out(self, *, allow_deletions: bool) -> Report:
        try:
            self._recover()
            changes = find_changes(self._source, self._store.catalog.known(self._source.name), self._fingerprint)
            self._report.found = len(changes.candidates) + changes.unchanged
            self._report.unchanged = changes.unchanged
            self._progress()
            self._ingest(changes.candidates)
            if not self._stop.is_set():
                self._delete(changes, allowed=allow_deletions)
            self._retire(wait=True)
            if not self._stop.is_set():
                self._store.index.compact(interrupted=self._stop.is_set)
        finally:
            self._report.seconds = round(time.monotonic() - self._started, 3)
        return self._report

    def _recover(self) -> None:
        """Remove what an interrupted run had written and not published, and retire what it had left to retire."""
        for leftover in self._store.catalog.unpublished(self._source.name):
            self._store.index.retire(leftover.document_id, first=leftover.first, last=leftover.last)
        self._retire()

    def _ingest(self, candidates: Sequence[Candidate]) -> None:
        settings = self._settings
        limits = Limits(settings.parse_timeout_seconds, settings.parse_memory_mb)
        workers = min(settings.parse_workers, max(len(candidates), 1))
        preparing: LocalEngine[Candidate, Prepared] = LocalEngine(
            make_preparer, settings, workers=workers, limits=limits, stop=self._stop
        )
        embedding: LocalEngine[Sequence[Chunk], list[Embedding | DocumentError]] = LocalEngine(
            make_chunk_embedder, settings, workers=1, limits=_EMBED_LIMITS, stop=self._stop
        )
        with closing(preparing), closing(embedding), TemporaryDirectory(prefix="youju-run-") as folder:
            fetched = self._fetched(candidates, Path(folder))
            for chunks, embeddings in embedding.run(_batches(self._chunks(preparing.run(fetched)))):
                self._publish(chunks, embeddings)
                self._retire()
                self._progress()

    def _fetched(self, candidates: Iterable[Candidate], folder: Path) -> Iterator[Candidate]:
        """The candidates with their bytes at hand. A document that its source cannot give fails alone."""
        for candidate in candidates:
            if self._stop.is_set():
                return
            try:
                yield replace(candidate, at_hand=self._source.fetch(candidate.reference, folder))
            except DocumentError as error:
                self._fail(candidate.reference, error)

    def _chunks(self, prepared: Iterable[tuple[Candidate, Prepared | YoujuError]]) -> Iterator[Chunk]:
        """The chunks of every document that changed, under the revision taken for it."""
        for candidate, document in prepared:
            _discard(candidate)
            if isinstance(document, YoujuError):
                self._fail(candidate.reference, document)
            elif document.passages is None:
                self._store.catalog.record_unchanged([candidate.reference])
                self._report.unchanged += 1
            else:
                try:
                    revision = self._store.catalog.take_revision(candidate.reference, document.digest)
                except DocumentError as error:
                    self._fail(candidate.reference, error)
                    continue
                chunks = _number(candidate.reference, revision, document, document.passages)
                publication = _publication(candidate.reference, revision, self._fingerprint, document)
                self._complete[chunks[-1].id] = (candidate, publication)
                yield from chunks
            self._progress()

    def _publish(self, chunks: Sequence[Chunk], embeddings: list[Embedding | DocumentError] | YoujuError) -> None:
        complete = [self._complete.pop(chunk.id) for chunk in chunks if chunk.id in self._complete]
        if isinstance(embeddings, DocumentError):
            embeddings = [_embedding_failed(embeddings)] * len(chunks)
        elif isinstance(embeddings, YoujuError):
            raise embeddings
        embedded: list[tuple[Chunk, Embedding]] = []
        for chunk, embedding in zip(chunks, embeddings, strict=True):
            if isinstance(embedding, DocumentError):
                self._broken.setdefault(chunk.document_id, embedding)
            else:
                embedded.append((chunk, embedding))
        if self._store.ownership is not None:
            check_room(self._settings.home)
        self._write(embedded)
        self._store.index.flush()
        for candidate, _ in complete:
            if (cause := self._broken.get(candidate.reference.document_id)) is not None:
                self._fail(candidate.reference, cause)
        whole = [item for item in complete if item[0].reference.document_id not in self._broken]
        if whole:
            self._store.catalog.publish([publication for _, publication in whole])
            self._report.new += sum(candidate.is_new for candidate, _ in whole)
            self._report.changed += sum(not candidate.is_new for candidate, _ in whole)

    def _write(self, embedded: Sequence[tuple[Chunk, Embedding]]) -> None:
        """Write chunks of documents that are whole so far; where the index refuses them, each document by itself."""
        embedded = [item for item in embedded if item[0].document_id not in self._broken]
        try:
            self._store.index.write([chunk for chunk, _ in embedded], [embedding for _, embedding in embedded])
            self._report.chunks += len(embedded)
        except DocumentError as error:
            documents = [list(group) for _, group in groupby(embedded, key=lambda item: item[0].document_id)]
            if len(documents) == 1:
                self._broken[embedded[0][0].document_id] = error
                return
            for document in documents:
                self._write(document)

    def _delete(self, changes: Changes, *, allowed: bool) -> None:
        try:
            check_deletions(changes, allowed=allowed)
        except SourceError as error:
            self._report.failures.append(Failure(self._source.name, error.code, str(error)))
            return
        if changes.gone:
            self._store.catalog.delete(changes.gone)
            self._report.deleted = len(changes.gone)

    def _retire(self, *, wait: bool = False) -> None:
        """Remove chunks that no search can be reading any more; with `wait`, all of them."""
        catalog, index = self._store.catalog, self._store.index
        if wait and catalog.retirements():
            time.sleep(_RETIRE_AFTER_SECONDS)
        due = catalog.retirements(older_than_seconds=_RETIRE_AFTER_SECONDS)
        for retirement in due:
            index.retire(retirement.document_id, first=retirement.first, last=retirement.last)
        if due:
            index.flush()
            catalog.record_retired(due)

    def _fail(self, reference: Reference, error: YoujuError) -> None:
        self._store.catalog.record_failure(reference, error.code, str(error))
        with self._counting:
            self._report.failed += 1
            self._report.failures.append(Failure(reference.uri, error.code, str(error)))

    def _progress(self) -> None:
        self._report.seconds = round(time.monotonic() - self._started, 3)
        self._on_progress(self._report)


def _discard(candidate: Candidate) -> None:
    """Remove the copy that was fetched, if there is one."""
    copy = candidate.at_hand.path if candidate.at_hand is not None else None
    if copy is not None and copy != candidate.reference.path:
        copy.unlink(missing_ok=True)


def _batches(chunks: Iterable[Chunk]) -> Iterator[Sequence[Chunk]]:
    """Chunks in groups worth embedding, small documents together; none waits long for company."""
    batch: list[Chunk] = []
    started = time.monotonic()
    for chunk in chunks:
        if not batch:
            started = time.monotonic()
        batch.append(chunk)
        if len(batch) == _BATCH_CHUNKS or time.monotonic() - started > _BATCH_SECONDS:
            yield batch
            batch = []
    if batch:
        yield batch


def _number(reference: Reference, revision: int, document: Prepared, passages: Sequence[Passage]) -> list[Chunk]:
    identity = reference.document_id
    return [
        Chunk(
            id=chunk_id(identity, revision, position),
            document_id=identity,
            revision=revision,
            position=position,
            source=reference.source,
            uri=reference.uri,
            title=document.title,
            language=passage.language,
            text=passage.text,
            location=passage.location,
            access=reference.access,
        )
        for position, passage in enumerate(passages)
    ]


def _publication(reference: Reference, revision: int, fingerprint: str, document: Prepared) -> Publication:
    return Publication(
        reference=reference,
        revision=revision,
        digest=document.digest,
        fingerprint=fingerprint,
        title=document.title,
        kind=document.kind,
        language=document.language,
        chunks=len(document.passages or ()),
    )


def _embedding_failed(cause: DocumentError) -> DocumentError:
    # The engine's own hints speak of reading a file.
    return DocumentError("embedding_failed", f"A part of it could not be embedded: {cause.message}", "Run again.")


def _fingerprint(settings: IngestSettings, embedder: str) -> str:
    """Changes whenever the same bytes would give other chunks or other vectors."""
    parts = (
        PARSER_VERSION,
        SPLITTER_VERSION,
        settings.chunk_tokens,
        settings.chunk_overlap_tokens,
        settings.ocr,
        settings.embedding_languages,
        embedder,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()
