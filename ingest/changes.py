"""What changed in a source since the last run, found out without opening a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.document import Reference
from ingest.errors import SourceError
from ingest.records import Known
from ingest.sources import Source

# A source that has lost more than this is more likely to be away than to be empty.
_SUSPICIOUS_SHARE = 0.5
_SUSPICIOUS_COUNT = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document to read. `known_digest` is set where only its bytes can tell whether it changed.

    `at_hand` is the reference with its bytes, once the source has fetched them.
    """

    reference: Reference
    is_new: bool
    known_digest: str | None
    at_hand: Reference | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run has to do. `gone` are ids of documents that the source no longer lists."""

    candidates: tuple[Candidate, ...]
    unchanged: int
    gone: tuple[str, ...]
    covered: int


def find_changes(source: Source, known: Mapping[str, Known], fingerprint: str) -> Changes:
    """Compare the source's listing with the catalog: by size and time first, by digest later.

    `fingerprint` identifies the pipeline: a document that another one made is read again.
    """
    candidates: list[Candidate] = []
    unchanged = 0
    listed: set[str] = set()
    for reference in source.references({uri: document.token for uri, document in known.items()}):
        listed.add(reference.uri)
        before = known.get(reference.uri)
        if before is not None and _same(before, reference, fingerprint):
            unchanged += 1
        else:
            candidates.append(Candidate(reference, before is None, _comparable(before, reference, fingerprint)))
    covered = [uri for uri in known if source.covers(uri)]
    gone = tuple(known[uri].id for uri in covered if uri not in listed)
    return Changes(tuple(candidates), unchanged, gone, len(covered))


def check_deletions(changes: Changes, *, allowed: bool) -> None:
    """Raise SourceError when so much is gone that the source itself is probably away."""
    many = len(changes.gone) > max(_SUSPICIOUS_COUNT, changes.covered * _SUSPICIOUS_SHARE)
    if many and not allowed:
        raise SourceError(
            "many_deletions",
            f"{len(changes.gone)} of {changes.covered} documents are no longer there; none was removed.",
            "Check that everything is mounted. If they are really gone, run again with --allow-deletions.",
        )


def _same(before: Known, now: Reference, fingerprint: str) -> bool:
    state = (before.size, before.mtime_ns, before.token, before.fingerprint, before.access)
    return not before.failed and state == (now.size, now.mtime_ns, now.token, fingerprint, now.access)


def _comparable(before: Known | None, now: Reference, fingerprint: str) -> str | None:
    if before is None or before.fingerprint != fingerprint or before.access != now.access:
        return None
    return before.digest
