"""Verifies by reading back that every document that should be searchable can be found. `repair` mends the rest.

    catalog ──► each document read back through search ──┐
    index ────► each chunk belongs to something? ────────┼──► looked at again ──► [repair] ──► Verification
    sources ──► what they have and the catalog has not ──┘

It may run during ingestion. Whatever looks wrong is looked at again at the end, with the catalog of that moment.
Documents that a run is working on then are not reported.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from ingest.catalog.records import Document
from ingest.runs.exclusive import busy_sources
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.settings import IngestSettings
from ingest.store import Store
from ingest.verify.listing import Listing
from ingest.verify.orphans import Orphans, find_orphans
from ingest.verify.problems import (
    ORPHANS,
    VECTORS_WAITING,
    OnVerifyProgress,
    Problem,
    Stage,
    Verification,
    VerifyProgress,
)
from ingest.verify.readback import ReadBack
from ingest.verify.repair import Repair

_PAGE_DOCUMENTS = 500
_LOOKS = 4
_LOOK_AGAIN_SECONDS = 1.0
"""A run changes a searchable document in less time than this. It flushes the index before a change counts."""
_FROM_LISTING = ("not_ingested", "changed", "gone")


class _BrokenOff(Exception):  # noqa: N818
    """The caller wants the verification to end."""


class Verifier:
    """Verifies a home, as often as it is called."""

    def __init__(self, store: Store, settings: IngestSettings, ingestor: Ingestor) -> None:
        self._store = store
        self._settings = settings
        self._ingestor = ingestor

    def verify(
        self,
        *,
        repair: bool = False,
        thorough: bool = False,
        ask_sources: bool = True,
        on_progress: OnVerifyProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Verification:
        """Read everything back. With `repair`, mend what is wrong and look at it again. Returns the report.

        With `thorough`, every passage is searched for and embedded again. Otherwise this is done for a few of each
        document, with the stored vectors. Without `ask_sources`, only the index is compared with the catalog. Setting
        `stop` ends it early, and the report has what was found until then. Raises UnavailableError if the index or the
        database goes away.
        """
        looking = _Verifying(self._store, self._settings, on_progress, stop or threading.Event(), thorough=thorough)
        try:
            looking.look(ask_sources=ask_sources)
            if repair:
                looking.repair(self._ingestor)
        except _BrokenOff:
            looking.report.complete = False
        return looking.finish()


class _Verifying:
    """One verification."""

    def __init__(
        self,
        store: Store,
        settings: IngestSettings,
        on_progress: OnVerifyProgress | None,
        stop: threading.Event,
        *,
        thorough: bool,
    ) -> None:
        self.report = Verification()
        self._store = store
        self._settings = settings
        self._on_progress = on_progress or (lambda progress: None)
        self._stop = stop
        self._thorough = thorough
        self._started = time.monotonic()
        self._readback = ReadBack(store.index, store.embedder)
        self._listing = Listing(store, settings)

    def look(self, *, ask_sources: bool) -> None:
        suspects = self._read_back()
        self.report.documents_per_second = self.report.documents / max(self._seconds(), 1e-9)
        orphans = self._orphans()
        self.report.problems += self._settled(suspects)
        self.report.problems += self._confirmed(orphans)
        if ask_sources:
            for name in self._listing.names():
                self._ask(name)
        self.report.busy = tuple(sorted(self._busy()))

    def repair(self, ingestor: Ingestor) -> None:
        """Mend what was found, look at it once more, and note for each problem whether it is repaired."""
        before = self.report.problems
        if not before:
            return
        repair = Repair(
            self._store, self._settings, ingestor, self._listing, on_progress=self._repairing, stop=self._stop
        )
        reasons = repair.mend(before)
        now = {problem.key: problem for problem in self._found_again(before)}
        after = [now.pop(problem.key, replace(problem, repaired=True)) for problem in before]
        after += now.values()  # found when a document was read again
        failed = {problem.document_id for problem in now.values()}
        after = [p for p in after if p.code != "not_ingested" or p.document_id not in failed]
        self.report.problems = [
            problem
            if problem.repaired or problem.source not in reasons
            else replace(problem, message=f"{problem.message} Not repaired: {reasons[problem.source]}")
            for problem in after
        ]

    def finish(self) -> Verification:
        report = self.report
        report.problems.sort(key=lambda problem: (problem.source, problem.uri, problem.code))
        report.searchable = report.documents - len([p for p in report.hidden if p.document_id is not None])
        report.seconds = round(self._seconds(), 3)
        report.documents_per_second = round(report.documents_per_second, 1)
        return report

    # The documents

    def _read_back(self) -> list[str]:
        """Look at every document once. Returns the ids of the documents that seem to have a problem."""
        suspects: list[str] = []
        total = self._store.catalog.count()
        after, done = "", 0
        while page := self._store.catalog.page(after=after, limit=_PAGE_DOCUMENTS):
            for document in page:
                self._tell("documents", done, total, found=len(suspects))
                problems = self._examine(document)
                self.report.documents += problems is not None
                if problems:
                    suspects.append(document.id)
                done += 1
            after = page[-1].id
        self._tell("documents", done, total, found=len(suspects))
        return suspects

    def _examine(self, document: Document) -> list[Problem] | None:
        """Returns the problems of a document at this moment. Returns None if it need not be searchable."""

        def problem(code: str, message: str, *, hides: bool = True) -> Problem:
            return Problem(document.uri, document.id, document.source, code, message, hides)

        reason = f"{document.error_message} [{document.error_code}]"
        if document.revision is None:
            if document.state == "dropped" or document.source in self._busy():
                return None
            if document.state == "failed":
                return [problem("failed", f"It could not be ingested: {reason}")]
            return [problem("pending", "The run that was to ingest it was interrupted before it came to that.")]
        found = self._readback.check(document, thorough=self._thorough)
        problems = [problem(finding.code, finding.message, hides=finding.hides) for finding in found]
        if document.state == "failed" and any(each.code == VECTORS_WAITING for each in problems):
            message = f"It could not be embedded, so it is found by its words only: {reason}"
            problems.append(problem("not_embedded", message, hides=False))
        elif document.state == "failed":
            message = f"Its newest version could not be ingested, an older one is searchable: {reason}"
            problems.append(problem("not_updated", message, hides=False))
        elif document.source in self._busy():  # the run brings them
            problems = [each for each in problems if each.code != VECTORS_WAITING]
        return problems

    def _settled(self, suspects: Sequence[str], stage: Stage = "documents") -> list[Problem]:
        """Returns the problems that these documents still have, with the catalog as it is now."""
        found: dict[str, list[Problem]] = {}
        for look in range(_LOOKS):
            for done, document_id in enumerate(suspects):
                self._tell(stage, done, len(suspects), found=sum(map(bool, found.values())))
                document = self._store.catalog.document(document_id)
                # A document that was moved or deleted meanwhile is left out.
                there = document is not None and document.id == document_id
                problems = self._examine(document) if document is not None and there else None
                self.report.documents -= problems is None
                found[document_id] = problems or []
            busy = self._busy()
            suspects = [document_id for document_id in suspects if any(p.source in busy for p in found[document_id])]
            if not suspects or look == _LOOKS - 1:
                break
            self._pause()
        return [problem for problems in found.values() for problem in problems]

    # The index

    def _orphans(self) -> dict[str, Orphans]:
        total = self._store.index.count()
        self.report.chunks = total

        def looked_at(chunks: int) -> None:
            self._tell("index", chunks, total)

        return find_orphans(self._store, busy=self._busy, on_progress=looked_at)

    def _confirmed(self, orphans: dict[str, Orphans]) -> list[Problem]:
        """Returns problems for the orphans that are still there a little later."""
        if not orphans:
            self.report.orphans = 0
            return []
        self._pause()
        now = self._orphans()
        problems = []
        for identity, found in orphans.items():
            ids = set(found.chunk_ids) & set(now[identity].chunk_ids) if identity in now else set()
            if ids:
                self.report.orphans += len(ids)
                message = f"{len(ids)} passages in the index belong to no current revision. No search gives them."
                uri = found.uri or identity
                problems.append(Problem(uri, identity, found.source, ORPHANS, message, hides=False))
        return problems

    # The sources

    def _ask(self, name: str) -> None:
        def listed(documents: int) -> None:
            self._tell("sources", documents, 0)

        if name in self._busy():
            return
        found = list(self._listing.compare(name, on_progress=listed))
        if name in self._busy():
            return
        # A run may have begun and ended meanwhile.
        found = [problem for problem in found if problem.code not in _FROM_LISTING or self._is_open(problem)]
        self.report.documents += sum(problem.code == "not_ingested" for problem in found)
        self.report.problems += found

    def _is_open(self, problem: Problem) -> bool:
        known = self._store.catalog.document(problem.document_id or "")
        known = known if known is not None and known.id == problem.document_id else None
        if problem.code == "changed":
            return known is not None and not self._listing.is_settled(problem)
        return (known is not None) == (problem.code == "gone")

    # Afterwards

    def _found_again(self, before: Sequence[Problem]) -> list[Problem]:
        """Returns which of these problems are still there, and new ones that the repair brought."""
        listed = [problem for problem in before if problem.code in _FROM_LISTING and self._is_open(problem)]
        sources = [problem for problem in before if problem.document_id is None]
        missing = {problem.document_id for problem in listed if problem.code == "not_ingested"}
        of_documents = [p.document_id for p in before if p.document_id is not None and p.code != ORPHANS]
        suspects = [document_id for document_id in dict.fromkeys(of_documents) if document_id not in missing]
        self.report.orphans = 0
        orphans = self._orphans() if any(problem.code == ORPHANS for problem in before) else {}
        return [*self._settled(suspects, "again"), *self._confirmed(orphans), *listed, *sources]

    # Progress

    def _tell(self, stage: Stage, done: int, total: int, *, found: int | None = None) -> None:
        if self._stop.is_set():
            raise _BrokenOff
        self._say(stage, done, total, len(self.report.problems) if found is None else found)

    def _say(self, stage: Stage, done: int, total: int, found: int) -> None:
        self._on_progress(VerifyProgress(stage, done, total, found, round(self._seconds(), 3)))

    def _repairing(self, report: Report) -> None:
        # The run calls this. It looks at `stop` itself.
        self._say("repair", report.done, report.found, len(self.report.problems))

    def _busy(self) -> frozenset[str]:
        return busy_sources(self._store)

    def _pause(self) -> None:
        if self._stop.wait(_LOOK_AGAIN_SECONDS):
            raise _BrokenOff

    def _seconds(self) -> float:
        return time.monotonic() - self._started
