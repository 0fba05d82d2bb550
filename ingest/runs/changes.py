"""Finds what changed in a source since the last run, without opening a file."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from ingest.catalog.records import state_of
from ingest.document import Candidate, FailedTry, Known, Reference
from ingest.errors import SourceError
from ingest.sources import Source

# If more than this is gone, the source itself is probably not reachable. It is probably not empty.
_SUSPICIOUS_SHARE = 0.5
_SUSPICIOUS_COUNT = 10
MANY_DELETIONS = "many_deletions"
"""The code of the error that refuses to delete so many documents."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The work that a run has to do.

    `listed` is the number of documents that the source has now. It counts `candidates`, `unchanged`, `reassigned` and
    `postponed`. Only the access rules of `reassigned` documents changed. The documents in `postponed` failed before and
    are not due yet; each comes with its failure. `gone` are the known documents that the source no longer lists, out of
    `covered` documents. `from_elsewhere` counts listed documents that do not prove that the source is reachable.
    """

    listed: int
    candidates: tuple[Candidate, ...]
    unchanged: int
    reassigned: tuple[Reference, ...]
    postponed: tuple[tuple[Reference, FailedTry], ...]
    gone: tuple[Known, ...]
    covered: int
    from_elsewhere: int = 0

    def lost(self) -> list[Known]:
        """Returns the documents that are gone and were neither moved nor renamed: no new document has the same name or
        size. Returns none if so many are gone that the source itself may not be reachable.
        """
        if self._are_suspicious(self.gone):
            return []
        new = [candidate.reference for candidate in self.candidates if candidate.is_new]
        names, sizes = {reference.name for reference in new}, {reference.size for reference in new}
        return [each for each in self.gone if PurePath(each.uri).name not in names and each.size not in sizes]

    def movable(self, fingerprint: str) -> dict[str, list[Known]]:
        """Returns the documents that are gone, by digest. If the same bytes are found elsewhere, they were moved."""
        found: defaultdict[str, list[Known]] = defaultdict(list)
        for known in self.gone:
            # This pipeline cannot use what another pipeline made.
            if known.digest is not None and known.revision is not None and known.fingerprint == fingerprint:
                found[known.digest].append(known)
        return dict(found)

    def check_deletions(self, gone: Collection[Known], *, allowed: bool) -> None:
        """Raise SourceError if `gone` is a suspicious number of documents, unless that is `allowed`."""
        if not allowed and self._are_suspicious(gone):
            raise SourceError(
                MANY_DELETIONS,
                f"{len(gone)} of {self.covered} documents are no longer there; none was removed.",
                "Check that everything is mounted. If they are really gone, run again with --allow-deletions.",
            )

    def _are_suspicious(self, gone: Collection[Known]) -> bool:
        """Returns True if so many are gone that the source itself is probably not reachable: most of many documents, or
        more than one document while the source lists nothing.
        """
        is_empty = self.listed == self.from_elsewhere
        return len(gone) > max(_SUSPICIOUS_COUNT, self.covered * _SUSPICIOUS_SHARE) or (is_empty and len(gone) > 1)


def find_changes(
    source: Source,
    known: Mapping[str, Known],
    fingerprint: str,
    on_listed: Callable[[int], None],
    stop: threading.Event,
) -> Changes | None:
    """Compare the source's listing with the catalog. This step compares size, time and token; a worker compares digests
    later.

    `fingerprint` identifies the pipeline. A document that another pipeline made is read again. `on_listed` is called
    with the number of documents listed so far. Returns None if `stop` was set before the listing ended.
    """
    candidates: list[Candidate] = []
    reassigned: list[Reference] = []
    postponed: list[tuple[Reference, FailedTry]] = []
    unchanged = 0
    listed: set[str] = set()
    now = time.time()
    for reference in source.references({uri: document.token for uri, document in known.items()}):
        if reference.uri in listed:  # if files are renamed during the listing, it may name one twice
            continue
        listed.add(reference.uri)
        on_listed(len(listed))
        if stop.is_set():
            return None
        before = known.get(reference.uri)
        if before is None:
            candidates.append(Candidate(reference))
        elif before.failure is not None and before.failure.state == state_of(reference, fingerprint):
            if before.failure.dropped:
                unchanged += 1
            elif before.failure.retry_at > now:
                postponed.append((reference, before.failure))
            else:
                candidates.append(_candidate(before, reference, fingerprint))
        elif not _same(before, reference, fingerprint):
            candidates.append(_candidate(before, reference, fingerprint))
        elif before.access != reference.access:
            reassigned.append(reference)
        else:
            unchanged += 1
    covered = [uri for uri in known if source.covers(uri)]
    gone = tuple(known[uri] for uri in covered if uri not in listed)
    return Changes(len(listed), tuple(candidates), unchanged, tuple(reassigned), tuple(postponed), gone, len(covered))


def _candidate(before: Known, now: Reference, fingerprint: str) -> Candidate:
    # After a failure the bytes are read again in any case, because the machine may have caused the failure.
    comparable = before.fingerprint == fingerprint and before.failure is None
    return Candidate(now, before, before.digest if comparable else None)


def _same(before: Known, now: Reference, fingerprint: str) -> bool:
    if before.failure is not None or before.revision is None:
        return False
    state = (before.size, before.mtime_ns, before.token, before.fingerprint)
    return state == (now.size, now.mtime_ns, now.token, fingerprint)
