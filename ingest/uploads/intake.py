"""Brings in what was uploaded: one thread, one run at a time, as many uploads in each as have gathered meanwhile.

It holds nothing that would be missed: which uploads wait is in SQL, so that the next start goes on where a crash
ended. A run of another source is waited for. Once a day it removes the bytes that deletions left some days ago.
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
from ingest.home.store import Store
from ingest.runs import Report
from ingest.runs.pipeline import Ingestor
from ingest.settings import IngestSettings
from ingest.sources.uploaded import PushSource, digest_of, published_digests
from ingest.uploads.originals import Incoming, Originals
from ingest.uploads.register import PUSH, Receipt, Upload, Uploads, Wanted

_GATHER_SECONDS = 0.2  # a run costs seconds: uploads that come together go together
_BUSY_SECONDS = 0.5
_TRY_AGAIN_SECONDS = (2.0, 10.0, 60.0, 300.0)
_LOOK_SECONDS = 0.1
_SWEEP_SECONDS = _DAY_SECONDS = 24 * 3600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of an upload. `state` is `queued`, `running`, `ready` or `failed`, or `replaced` by a newer one."""

    state: str
    run_id: str | None
    upload: Upload | None
    document: Document | None


class Intake:
    """The uploads of a home and the thread that ingests them. Does nothing until it is started or asked."""

    def __init__(self, store: Store, ingestor: Ingestor, settings: IngestSettings) -> None:
        self.originals = Originals(settings.home)
        self._keep_seconds = settings.keep_deleted_days * _DAY_SECONDS
        self._opened = store
        self._ingestor = ingestor
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._noting = threading.Lock()  # for the two that follow: what is noted while a run begins is for the next
        self._sweep = True  # bytes may be there whose time is over
        self._due = False  # a run is needed though no upload waits: to remove chunks, or to read again
        self._swept = time.monotonic()
        self._running: tuple[str, frozenset[str]] | None = None  # the run under way and the uploads it listed
        self._thread: threading.Thread | None = None

    @cached_property
    def uploads(self) -> Uploads:
        """What was accepted."""
        return Uploads(self._store.database, self.originals)

    @property
    def _store(self) -> Store:
        return self._opened.current()

    def start(self) -> None:
        """Start the thread; uploads that an earlier process accepted are brought in first."""
        self._stop.clear()
        self._wanted.set()
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)
        self._thread.start()

    def accept(self, incoming: Incoming, wanted: Wanted, key: str | None) -> Receipt:
        """Take an upload: once this returns, it survives a crash. Raises what `Uploads.accept` raises."""
        before = self.uploads.get(document_id(PUSH, wanted.uri))
        receipt = self.uploads.accept(incoming, wanted, key)
        self._take_up(receipt, before, wanted.title)
        return receipt

    def change(self, identity: str, *, title: str | None, access: tuple[str, ...] | None) -> Receipt:
        """Call an uploaded document otherwise, or open it to other readers. Raises what `Uploads.change` raises."""
        before = self.uploads.get(identity)
        receipt = self.uploads.change(identity, title=title, access=access)
        self._take_up(receipt, before, title)
        return receipt

    def _take_up(self, receipt: Receipt, before: Upload | None, title: str | None) -> None:
        if before is not None and title not in (None, before.title):
            self._store.catalog.distrust([receipt.document_id])  # a title is part of what is embedded
            self._note(due=True)
        self._note(sweep=receipt.replaced)
        self._wanted.set()

    def remove(self, identity: str, key: str | None) -> Receipt:
        """Take an uploaded document out of every search before this returns; its bytes go some days later."""
        receipt = self.uploads.remove(identity, key)
        # Also where the receipt is an earlier one: that process may have died here. Not where it was uploaded anew.
        if self.uploads.get(identity) is None:
            self._store.catalog.delete([identity])
        self._note(sweep=True, due=True)
        self._wanted.set()
        return receipt

    def standing(self, identity: str, upload_id: str | None = None) -> Standing:
        """How the newest upload of a document stands, or this one."""
        # The upload first: what a run did to the catalog, it did before it was entered there.
        upload, running = self.uploads.get(identity), self._running
        document = self._store.catalog.document(identity)
        if upload is None or (upload_id is not None and upload.upload_id != upload_id):
            return Standing("replaced", None, upload, document)
        if upload.run_id is None:
            run_id = running[0] if running is not None and upload.upload_id in running[1] else None
            if _is_published(upload, document):  # the run goes on with others
                return Standing("ready", run_id, upload, document)
            return Standing("queued" if run_id is None else "running", run_id, upload, document)
        failed = document is None or document.error_code is not None
        return Standing("failed" if failed else "ready", upload.run_id, upload, document)

    async def settled(self, identity: str, upload_id: str, timeout_seconds: float) -> Standing:
        """The same once a run has dealt with it, or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            standing = await asyncio.to_thread(self.standing, identity, upload_id)
            if standing.state not in ("queued", "running") or time.monotonic() > deadline or self._stop.is_set():
                return standing
            await asyncio.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """End the run that is under way, if any, and the thread. What was not done is done at the next start."""
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
        """One run, if anything waits for it, and then away with the bytes whose time is over."""
        with self._noting:
            sweep, due = self._sweep, self._due
            self._sweep = self._due = False
        try:
            if due or self.uploads.waiting():
                self._run()
            if sweep and not self._stop.is_set():
                self._forget_removed()
                self.uploads.sweep(self._published, older_than_seconds=self._keep_seconds)
                self._swept = time.monotonic()
        except BaseException:
            self._note(sweep=sweep, due=due)
            raise

    def _note(self, *, sweep: bool = False, due: bool = False) -> None:
        """Note what the next round has to do beside the uploads that wait."""
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
                # Those of its first listing: what came later may be in an index only that is still being built.
                self.uploads.record_run(self._running[1], report.run_id)
        finally:
            self._running = None

    def _forget_removed(self) -> None:
        """Take documents out of the catalog whose removal a crash cut short."""
        held = {upload.document_id for upload in self.uploads.all()}
        listed = self._store.catalog.documents(OPERATOR, source=PUSH)
        if gone := [document.id for document in listed if document.id not in held]:
            self._store.catalog.delete(gone)

    def _published(self) -> set[str]:
        return published_digests(self._store.catalog)


def _is_published(upload: Upload, document: Document | None) -> bool:
    """Whether the revision that counts was made from this upload."""
    if document is None or document.path is None or document.revision is None or document.error_code is not None:
        return False
    made_from = digest_of(Path(document.path))
    return (made_from, document.access, document.title) == (
        upload.digest,
        upload.access,
        upload.title if upload.title is not None else document.title,
    )
