"""Ingests uploads. One thread does one run at a time, with all uploads that have gathered by then.

Threads of requests accept and remove uploads. The thread "intake" runs them. It keeps nothing that a crash could lose:
SQL says which uploads wait, so the next start continues. A run of another source is waited for. Once a day the thread
removes bytes whose deletion is some days old.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ingest.access import OPERATOR
from ingest.catalog.records import Document
from ingest.document import document_id
from ingest.errors import OwnedError, YoujuError
from ingest.home.originals import Incoming, Originals
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.settings import IngestSettings
from ingest.store import Store
from ingest.uploads.register import PUSH, Receipt, Upload, Uploads, Wanted
from ingest.uploads.source import PushSource, digest_of, published_digests

_GATHER_SECONDS = 0.2  # a run takes seconds, so uploads that come together share one
_BUSY_SECONDS = 0.5
_TRY_AGAIN_SECONDS = (2.0, 10.0, 60.0, 300.0)
_LOOK_SECONDS = 0.1
_SWEEP_SECONDS = _DAY_SECONDS = 24 * 3600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of an upload. `state` is `queued`, `running`, `ready` or `failed`, or `replaced` by a newer upload."""

    state: str
    run_id: str | None
    upload: Upload | None
    document: Document | None


class Intake:
    """The uploads of a home and the thread that ingests them. It does nothing until it is started or called."""

    def __init__(self, store: Store, ingestor: Ingestor, settings: IngestSettings) -> None:
        self.originals = Originals(settings.home)
        self._keep_seconds = settings.keep_deleted_days * _DAY_SECONDS
        self._opened = store
        self._ingestor = ingestor
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._noting = threading.Lock()  # for the next two: a note made during a run is for the next round
        self._sweep = True  # there may be bytes to remove
        self._due = False  # a run is needed without a waiting upload: to remove chunks, or to read again
        self._swept = time.monotonic()
        self._running: tuple[str, frozenset[str]] | None = None  # the current run and the uploads that it listed
        self._thread: threading.Thread | None = None

    @cached_property
    def uploads(self) -> Uploads:
        """The register of uploads."""
        return Uploads(self._store.database, self.originals)

    @property
    def _store(self) -> Store:
        return self._opened.current()

    def start(self) -> None:
        """Start the thread. Uploads of an earlier process are ingested first."""
        self._stop.clear()
        self._wanted.set()
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)
        self._thread.start()

    def accept(self, incoming: Incoming, wanted: Wanted, key: str | None) -> Receipt:
        """Accept an upload. After this returns, it survives a crash. Raises the errors of `Uploads.accept`."""
        before = self.uploads.get(document_id(PUSH, wanted.uri))
        receipt = self.uploads.accept(incoming, wanted, key)
        self._take_up(receipt, before, wanted.title)
        return receipt

    def change(self, identity: str, *, title: str | None, access: tuple[str, ...] | None) -> Receipt:
        """Change the title or the readers of an uploaded document. Raises the errors of `Uploads.change`."""
        before = self.uploads.get(identity)
        receipt = self.uploads.change(identity, title=title, access=access)
        self._take_up(receipt, before, title)
        return receipt

    def _take_up(self, receipt: Receipt, before: Upload | None, title: str | None) -> None:
        if before is not None and title not in (None, before.title):
            self._store.catalog.distrust([receipt.document_id])  # a title is part of the embedded text
            self._note(due=True)
        self._note(sweep=receipt.replaced)
        self._wanted.set()

    def remove(self, identity: str, key: str | None) -> Receipt:
        """Remove an uploaded document. No search finds it after this returns. Its bytes are removed some days later."""
        receipt = self.uploads.remove(identity, key)
        # A repeated request does this too, because the process may have died here the first time. A new upload of the
        # same document must stay.
        if self.uploads.get(identity) is None:
            self._store.catalog.delete([identity])
        self._note(sweep=True, due=True)
        self._wanted.set()
        return receipt

    def standing(self, identity: str, upload_id: str | None = None) -> Standing:
        """Returns the state of the newest upload of a document, or of the upload `upload_id`."""
        # The upload is read first. A run changes the catalog before it enters itself in the upload. So an upload with a
        # run always finds the result of that run in the catalog.
        upload, running = self.uploads.get(identity), self._running
        document = self._store.catalog.document(identity)
        if upload is None or (upload_id is not None and upload.upload_id != upload_id):
            return Standing("replaced", None, upload, document)
        if upload.run_id is None:
            run_id = running[0] if running is not None and upload.upload_id in running[1] else None
            if _is_published(upload, document):  # the run still works on others
                return Standing("ready", run_id, upload, document)
            return Standing("queued" if run_id is None else "running", run_id, upload, document)
        failed = document is None or document.error_code is not None
        return Standing("failed" if failed else "ready", upload.run_id, upload, document)

    async def settled(self, identity: str, upload_id: str, timeout_seconds: float) -> Standing:
        """Returns the state of the upload once a run has finished it, or after `timeout_seconds`."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            standing = await asyncio.to_thread(self.standing, identity, upload_id)
            if standing.state not in ("queued", "running") or time.monotonic() > deadline or self._stop.is_set():
                return standing
            await asyncio.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """End the current run and the thread. The next start does what is left."""
        self._stop.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._wanted.wait(max(0.0, self._swept + _SWEEP_SECONDS - time.monotonic()))
            self._note(sweep=time.monotonic() >= self._swept + _SWEEP_SECONDS)
            self._stop.wait(_GATHER_SECONDS)
            # Cleared before the uploads are read. An upload that comes later sets it again, and the next round finds
            # it.
            self._wanted.clear()
            if self._stop.is_set():
                return
            try:
                self._bring_in()
                failures = 0
                continue
            except OwnedError:
                pause = _BUSY_SECONDS
            except Exception as error:
                pause = _TRY_AGAIN_SECONDS[min(failures, len(_TRY_AGAIN_SECONDS) - 1)]
                failures += 1
                known = isinstance(error, YoujuError)
                logger.warning("Uploads wait for %s s: %s", pause, error, exc_info=None if known else error)
            self._stop.wait(pause)
            self._wanted.set()

    def _bring_in(self) -> None:
        """Do one run if anything waits for it. Then remove bytes that are due."""
        with self._noting:
            sweep, due = self._sweep, self._due
            self._sweep = self._due = False
        try:
            if due or self.uploads.waiting():
                self._run()
            if sweep and not self._stop.is_set():
                self._forget_removed()
                with self._store.open_versions.files:
                    self.uploads.sweep(self._published, older_than_seconds=self._keep_seconds)
                self._swept = time.monotonic()
        except BaseException:
            self._note(sweep=sweep, due=due)
            raise

    def _note(self, *, sweep: bool = False, due: bool = False) -> None:
        """Note what the next round has to do besides the waiting uploads."""
        with self._noting:
            self._sweep, self._due = self._sweep or sweep, self._due or due

    def _run(self) -> None:
        source = PushSource(self.uploads, self.originals)

        def started(report: Report) -> None:
            if self._running is None:
                self._running = report.run_id, frozenset(source.listed)

        try:
            report = self._ingestor.run(source, on_progress=started, stop=self._stop, trigger="push")
            if self._running is not None and self._store.runs.run(report.run_id).state == "done":
                # Only the uploads of the first listing are recorded. Later ones may be only in an index that is still
                # being built.
                self.uploads.record_run(self._running[1], report.run_id)
        finally:
            self._running = None

    def _forget_removed(self) -> None:
        """Delete documents from the catalog whose removal was cut short by a crash."""
        held = {upload.document_id for upload in self.uploads.all()}
        listed = self._store.catalog.documents(OPERATOR, source=PUSH)
        if gone := [document.id for document in listed if document.id not in held]:
            self._store.catalog.delete(gone)

    def _published(self) -> set[str]:
        return published_digests(self._store.catalog)


def _is_published(upload: Upload, document: Document | None) -> bool:
    """Returns True if the published revision was made from this upload."""
    if document is None or document.path is None or document.revision is None or document.error_code is not None:
        return False
    made_from = digest_of(Path(document.path))
    return (made_from, document.access, document.title) == (
        upload.digest,
        upload.access,
        upload.title if upload.title is not None else document.title,
    )
