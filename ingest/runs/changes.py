"""What changed in a source since the last run, found out without opening a file."""

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

# A source that has lost more than this is more likely to be away than to be empty.
_SUSPICIOUS_SHARE = 0.5
_SUSPICIOUS_COUNT = 10
MANY_DELETIONS = "many_deletions"
"""The code of the error that a source which has lost so much is refused with."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run has to do.

    `listed` says how many documents the source has now: `unchanged` and those of the next three fields. `reassigned`
    are documents of which only the access rules changed. `postponed` failed before and are not due yet, each with why.
    `gone` are the documents that the source no longer lists, `covered` says of how many. `from_elsewhere` counts those
    listed that say nothing about whether the source is there.
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
        """Those that are gone and have nothing new of their name or size, so that they were neither moved nor
        renamed; none where so much is gone that the source may itself be away."""
        if self._are_suspicious(self.gone):
            return []
        new = [candidate.reference for candidate in self.candidates if candidate.is_new]
        names, sizes = {reference.name for reference in new}, {reference.size for reference in new}
        return [each for each in self.gone if PurePath(each.uri).name not in names and each.size not in sizes]

    def movable(self, fingerprint: str) -> dict[str, list[Known]]:
        """Those that are gone, by digest: where the same bytes turn up elsewhere, they were moved."""
        found: defaultdict[str, list[Known]] = defaultdict(list)
        for known in self.gone:
            # What another pipeline made is of no use to this one.
            if known.digest is not None and known.revision is not None and known.fingerprint == fingerprint:
                found[known.digest].append(known)
        return dict(found)

    def check_deletions(self, gone: Collection[Known], *, allowed: bool) -> None:
        """Raise SourceError where these are so many of the documents that it is suspicious, unless that is allowed."""
        if not allowed and self._are_suspicious(gone):
            raise SourceError(
                MANY_DELETIONS,
                f"{len(gone)} of {self.covered} documents are no longer there; none was removed.",
                "Check that everything is mounted. If they are really gone, run again with --allow-deletions.",
            )

    def _are_suspicious(self, gone: Collection[Known]) -> bool:
        """Returns True if so much is gone that the source itself is probably away: most of many documents, or all of
        several with nothing in their place."""
        is_empty = self.listed == self.from_elsewhere
        return len(gone) > max(_SUSPICIOUS_COUNT, self.covered * _SUSPICIOUS_SHARE) or (is_empty and len(gone) > 1)


def find_changes(
    source: Source,
    known: Mapping[str, Known],
    fingerprint: str,
    on_listed: Callable[[int], None],
    stop: threading.Event,
) -> Changes | None:
    """Compare the source's listing with the catalog: by size, time and token first, by digest later.

    `fingerprint` identifies the pipeline: a document that another one made is read again. `on_listed` is told how many
    documents have been listed so far. None where `stop` was set before the listing ended.
    """
    candidates: list[Candidate] = []
    reassigned: list[Reference] = []
    postponed: list[tuple[Reference, FailedTry]] = []
    unchanged = 0
    listed: set[str] = set()
    now = time.time()
    for reference in source.references({uri: document.token for uri, document in known.items()}):
        if reference.uri in listed:  # a listing that goes on while files are renamed may name one twice
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
    # After a failure the bytes are read again in any case: what failed may have been the machine.
    comparable = before.fingerprint == fingerprint and before.failure is None
    return Candidate(now, before, before.digest if comparable else None)


def _same(before: Known, now: Reference, fingerprint: str) -> bool:
    if before.failure is not None or before.revision is None:
        return False
    state = (before.size, before.mtime_ns, before.token, before.fingerprint)
    return state == (now.size, now.mtime_ns, now.token, fingerprint)
