"""The records that the catalog accepts and returns."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.document import NOTHING_SAID, About, Reference


@dataclass(frozen=True, slots=True)
class Document:
    """A document as the catalog lists it.

    `state` is `ready`, `failed`, `dropped` (failed and given up), or `pending` (its first ingestion was interrupted). A
    failed document may have an older `revision` that is still searchable. `waiting` counts those of its `chunks` that
    are found by their words only, because their dense vectors are not in the index yet. `size` (bytes) and `mtime_ns`
    belong to the file that `revision` was made from.
    """

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
    waiting: int = 0
    about: About = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Standing:
    """The current revision of a document, the tick of the clock since which it is valid, and who may read it.

    `modified_ns` is when the file of that revision was last changed, in nanoseconds since 1970. It is 0 if its source
    does not say.
    """

    revision: int
    published: int
    access: tuple[str, ...]
    source: str
    modified_ns: int = 0


@dataclass(frozen=True, slots=True)
class Publication:
    """A revision whose chunks are in the index and flushed. It can become the current one.

    If the document was moved, `moved_from` is the id that its content had before. `waiting` of its chunks still have to
    get their dense vectors.
    """

    reference: Reference
    revision: int
    digest: str
    fingerprint: str
    title: str
    kind: str
    language: str
    chunks: int
    moved_from: str | None = None
    waiting: int = 0
    about: About = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Waiting:
    """A published document of which `passages` have no dense vectors yet."""

    id: str
    uri: str
    revision: int
    passages: int


@dataclass(frozen=True, slots=True)
class Retirement:
    """Revisions of a document, from `first` to `last`, whose chunks have to be removed from the index."""

    id: int
    document_id: str
    first: int
    last: int


def state_of(reference: Reference, fingerprint: str) -> str:
    """Returns one text for the state of a document in its source and for the pipeline. It stays the same as long as
    nothing changes.
    """
    return f"{reference.size} {reference.mtime_ns} {reference.token} {fingerprint}"
