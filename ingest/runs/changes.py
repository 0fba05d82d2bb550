"""What changed in a source since the last run, found out without opening a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from ingest.catalog.records import FailedTry, Known, state_of
from ingest.document import Reference
from ingest.errors import SourceError
from ingest.sources import Source

# A source that has lost more than this is more likely to be away than to be empty.
_SUSPICIOUS_SHARE = 0.5
_SUSPICIOUS_COUNT = 10
MANY_DELETIONS = "many_deletions"
"""The code of the error that a source which has lost so much is refused with."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document to read, and what is known of it. `known_digest` is set where only its bytes can tell whether it
    changed.

    `at_hand` is the reference with its bytes, once the source has fetched them.
    """

    reference: Reference
    known: Known | None = None
    known_digest: str | None = None
    at_hand: Reference | None = None

    @property
    def is_new(self) -> bool:
        """Whether no revision of it is searchable yet."""
        return self.known is None or self.known.revision is None

    def discard(self) -> None:
        """Remove the copy that was fetched, if there is one."""
        copy = self.at_hand.path if self.at_hand is not None else None
        if copy is not None and copy != self.reference.path:
            copy.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run has to do.

    `reassigned` are documents of which only the access rules changed. `postponed` failed before and are not due yet,
    each with why. `gone` are the documents that the source no longer lists, `covered` says of how many.
    """

    candidates: tuple[Candidate, ...]
    unchanged: int
    reassigned: tuple[Reference, ...]
    postponed: tuple[tuple[Reference, FailedTry], ...]
    gone: tuple[Known, ...]
    covered: int

    @property
    def listed(self) -> int:
        """How many documents the source has now."""
        return self.unchanged + len(self.candidates) + len(self.reassigned) + len(self.postponed)

    def lost(self, listed: int) -> list[Known]:
        """Those that are gone and have nothing new of their name or size, so that they were neither moved nor
        renamed; none where so much is gone that the source, which has `listed` others, may itself be away."""
        if _are_suspicious(self.gone, self.covered, listed):
            return []
        new = [candidate.reference for candidate in self.candidates if candidate.is_new]
        names, sizes = {reference.name for reference in new}, {reference.size for reference in new}
        return [each for each in self.gone if PurePath(each.uri).name not in names and each.size not in sizes]


def find_changes(
    source: Source,
    known: Mapping[str, Known],
    fingerprint: str,
    ends: Callable[[int], bool] = lambda listed: False,
) -> Changes | None:
    """Compare the source's listing with the catalog: by size, time and token first, by digest later.

    `fingerprint` identifies the pipeline: a document that another one made is read again. `ends` is told how many
    documents have been listed; once it says so the listing is given up, and there is nothing to tell.
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
        if ends(len(listed)):
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
    return Changes(tuple(candidates), unchanged, tuple(reassigned), tuple(postponed), gone, len(covered))


def _are_suspicious(gone: Collection[Known], covered: int, listed: int) -> bool:
    """Whether so much is gone that the source itself is probably away: most of many documents, or all of several,
    with nothing `listed` in their place."""
    return len(gone) > max(_SUSPICIOUS_COUNT, covered * _SUSPICIOUS_SHARE) or (listed == 0 and len(gone) > 1)


def check_deletions(gone: Collection[Known], covered: int, *, listed: int, allowed: bool) -> None:
    """Raise SourceError where so much is gone that it is suspicious, unless that is allowed."""
    if _are_suspicious(gone, covered, listed) and not allowed:
        raise SourceError(
            MANY_DELETIONS,
            f"{len(gone)} of {covered} documents are no longer there; none was removed.",
            "Check that everything is mounted. If they are really gone, run again with --allow-deletions.",
        )


def _candidate(before: Known, now: Reference, fingerprint: str) -> Candidate:
    # After a failure the bytes are read again in any case: what failed may have been the machine.
    comparable = before.fingerprint == fingerprint and before.failure is None
    return Candidate(now, before, before.digest if comparable else None)


def _same(before: Known, now: Reference, fingerprint: str) -> bool:
    if before.failure is not None or before.revision is None:
        return False
    state = (before.size, before.mtime_ns, before.token, before.fingerprint)
    return state == (now.size, now.mtime_ns, now.token, fingerprint)
