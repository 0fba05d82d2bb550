"""What the catalog takes in and hands out."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.document import Reference


@dataclass(frozen=True, slots=True)
class Document:
    """A document as the catalog lists it. `state` is `ready`, `failed` (with or without an older revision that
    is still searchable: `revision`), `dropped` (failed, and given up), or `pending` when its first ingestion
    was interrupted.

    `size` (bytes) and `mtime_ns` are those of the file that `revision` was made from."""

    id: str
    source: str
    uri: str
    title: str
    kind: str
    language: str
    revision: int | None
    chunks: int
    access: tuple[str, ...]
    state: str
    error_code: str | None
    error_message: str | None
    updated_at: str
    path: str | None
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Which revision of a document counts, since which tick of the clock, and who may read it."""

    revision: int
    published: int
    access: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Publication:
    """A revision whose chunks are in the index, flushed, ready to become the current one.

    `moved_from` is the document whose content it takes over, if it was moved."""

    reference: Reference
    revision: int
    digest: str
    fingerprint: str
    title: str
    kind: str
    language: str
    chunks: int
    moved_from: str | None = None


@dataclass(frozen=True, slots=True)
class Retirement:
    """Revisions of a document, `first` to `last`, whose chunks are to be removed from the index."""

    id: int
    document_id: str
    first: int
    last: int


def state_of(reference: Reference, fingerprint: str) -> str:
    """The state of a document in its source, and the pipeline, in one text: the same if nothing has changed."""
    return f"{reference.size} {reference.mtime_ns} {reference.token} {fingerprint}"
