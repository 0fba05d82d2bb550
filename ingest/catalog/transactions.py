"""The single steps of the catalog's transactions."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ingest.catalog.records import Document, Publication
from ingest.catalog.tables import clock as _clock
from ingest.catalog.tables import documents as _documents
from ingest.catalog.tables import index_versions as _versions
from ingest.catalog.tables import retirements as _retirements
from ingest.document import About, FailedTry, Reference
from ingest.errors import DocumentError, YoujuError

_NO_REASON: dict[str, Any] = {
    "error_code": None,
    "error_message": None,
    "failed_state": None,
    "retry_at": None,
    "dropped": False,
}
NO_FAILURE: dict[str, Any] = {**_NO_REASON, "attempts": 0}
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 300.0, 86_400.0
WITHDRAWN = "withdrawn"
"""Replaces the digest of a revision number. No digest equals it, so no run gets the number again or publishes it."""
_BATCH = 500  # bound variables per statement; the lowest limit of any SQLite is 999


def take_revisions(
    connection: sa.Connection, version: int, contents: Sequence[tuple[Reference, str]]
) -> list[int | DocumentError]:
    """Give out the revisions for these contents. Each belongs to another document. See `Catalog.take_revisions`."""
    rows: dict[str, list[sa.Row[Any]]] = {reference.document_id: [] for reference, _ in contents}
    for ids in batches(rows):
        query = sa.select(_documents).where(_documents.c.id.in_(ids)).order_by(_documents.c.id)
        for found in connection.execute(query.with_for_update()):
            rows[found.id].append(found)
    given: list[int | DocumentError] = []
    new, changed = [], []
    for reference, digest in contents:
        identity = reference.document_id
        row = next((row for row in rows[identity] if row.version == version), None)
        # Citations name revision and position. So a number must not mean different contents in different versions.
        newest = max((row.taken for row in rows[identity]), default=0)
        taken = newest + 1
        if row is None:
            new.append(_new_row(version, reference, digest, base=newest))
        elif (row.source, row.uri) != (reference.source, reference.uri):
            given.append(_identity_taken(row))
            continue
        elif row.taken_digest == digest and row.taken > (row.revision or 0):
            taken = int(row.taken)
        else:
            base = row.base if row.taken else newest
            changed.append({"document": identity, "taken": taken, "taken_digest": digest, "base": base})
        given.append(taken)
    if new:
        connection.execute(sa.insert(_documents), new)
    if changed:
        where = of_version(version, sa.bindparam("document"))
        connection.execute(sa.update(_documents).where(*where), changed)
    return given


def _new_row(version: int, reference: Reference, digest: str, base: int) -> dict[str, Any]:
    return {
        "id": reference.document_id,
        "version": version,
        "base": base,
        "source": reference.source,
        "uri": reference.uri,
        "access": list(reference.access),
        "path": stored_path(reference),
        "size": reference.size,
        "mtime_ns": reference.mtime_ns,
        "token": reference.token,
        "taken": base + 1,
        "taken_digest": digest,
        "updated_at": now(),
    }


def _identity_taken(row: sa.Row[Any]) -> DocumentError:
    return DocumentError(
        "identity_taken", f"It would have the identity of {row.uri} in {row.source}: one in 2^64.", "Rename it."
    )


def make_current(connection: sa.Connection, version: int, publications: Sequence[Publication], at: int) -> set[str]:
    """Make these revisions current, except for documents that were deleted after their revision was taken. Returns the
    ids of those documents.
    """
    values = [
        {
            "document": new.reference.document_id,
            "written": new.digest,
            "path": stored_path(new.reference),
            "title": new.title,
            "kind": new.kind,
            "language": new.language,
            "access": list(new.reference.access),
            "revision": new.revision,
            "published": at,
            "digest": new.digest,
            "fingerprint": new.fingerprint,
            "size": new.reference.size,
            "mtime_ns": new.reference.mtime_ns,
            "token": new.reference.token,
            "chunks": new.chunks,
            "about": _stated(new.about),
            "missing": new.waiting,
            "moved_to": None,
            "deleted": False,
            "updated_at": now(),
            **_NO_REASON,
        }
        for new in publications
    ]
    # Deleting a document replaces or removes this digest, so a deleted document does not match.
    where = (*of_version(version, sa.bindparam("document")), _documents.c.taken_digest == sa.bindparam("written"))
    connection.execute(
        sa.update(_documents).where(*where).values(**waits(sa.bindparam("missing", type_=sa.Integer))), values
    )
    withdrawn = {new.reference.document_id for new in publications}
    for ids in batches(withdrawn):
        ours = (_documents.c.id.in_(ids), _documents.c.version == version, _documents.c.published == at)
        withdrawn.difference_update(connection.scalars(sa.select(_documents.c.id).where(*ours)))
    return withdrawn


def waits(missing: sa.BindParameter[int]) -> dict[str, Any]:
    """Returns the columns of a published document of which `missing` passages have no dense vector yet."""
    # Until all are there it may fail again. Then its next try has to wait longer than the last one.
    return {"waiting": missing, "attempts": sa.case((missing > 0, _documents.c.attempts), else_=0)}


def delete(
    connection: sa.Connection,
    document_ids: Collection[str],
    at: int,
    *,
    version: int | None = None,
    moved_to: str | None = None,
) -> None:
    """Remove documents from every search of one version or of all versions. Record all their chunks for retirement."""
    published = sa.func.coalesce(_documents.c.revision, _documents.c.base)
    for ids in batches(document_ids):
        meant = [_documents.c.id.in_(ids), *([_documents.c.version == version] if version is not None else [])]
        columns = (_documents.c.version, _documents.c.id, _documents.c.base, _documents.c.taken)
        taken = connection.execute(sa.select(*columns).where(*meant)).all()
        connection.execute(
            sa.update(_documents)
            .where(*meant)
            .values(
                deleted=True,
                # The numbers given out so far will be retired, so this content must not get one of them again. A run
                # may still be writing under the newest number. If that run is killed, the next run finds its chunks.
                taken_digest=sa.case((_documents.c.taken > published, WITHDRAWN), else_=None),
                revision=None,
                published=at,
                digest=None,
                chunks=0,
                waiting=0,
                moved_to=moved_to,
                updated_at=now(),
                **NO_FAILURE,
            )
        )
        retire(connection, [(row.version, row.id, row.base + 1, row.taken) for row in taken])


def open_only_to(connection: sa.Connection, version: int, access: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Give these documents the same readers in the other versions, so that nobody may read more after a switch."""
    if connection.scalar(sa.select(sa.exists().where(_versions.c.id != version))):
        for identity, readers in access:
            others = (_documents.c.id == identity, _documents.c.version != version)
            connection.execute(sa.update(_documents).where(*others).values(access=list(readers)))


def retire_outdated(
    connection: sa.Connection, version: int, publications: Sequence[Publication], withdrawn: Collection[str]
) -> None:
    """Record for retirement what these publications replace, and all of those that were withdrawn."""
    bases: dict[str, int] = {}
    for ids in batches([new.reference.document_id for new in publications]):
        ours = (_documents.c.id.in_(ids), _documents.c.version == version)
        query = sa.select(_documents.c.id, _documents.c.base).where(*ours)
        bases |= {row.id: row.base for row in connection.execute(query)}
    taken = [(new.reference.document_id, new.revision) for new in publications]
    outdated = [(identity, last if identity in withdrawn else last - 1) for identity, last in taken]
    retire(connection, [(version, identity, bases.get(identity, 0) + 1, last) for identity, last in outdated])


def retire(connection: sa.Connection, revisions: Sequence[tuple[int, str, int, int]]) -> None:
    """Record revisions for retirement. Each item has a version, a document's id, the first and the last revision."""
    since = time.time()
    rows = [
        {"version": version, "document_id": identity, "first": first, "last": last, "since": since}
        for version, identity, first, last in revisions
        if first <= last
    ]
    if rows:
        connection.execute(sa.insert(_retirements), rows)


def of_version(
    version: int, document_id: str | sa.BindParameter[str]
) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Returns the conditions that select the row of a document in a version."""
    return _documents.c.id == document_id, _documents.c.version == version


def tick(connection: sa.Connection) -> int:
    """Advance the clock of publications. Returns its new tick."""
    # The row stays locked until commit. So publications are committed in the order of their ticks, on every database.
    connection.execute(sa.update(_clock).values(value=_clock.c.value + 1))
    return int(connection.scalar(sa.select(_clock.c.value)) or 0)


def failure(error: YoujuError, state: str | sa.ColumnElement[str], attempts: int) -> dict[str, Any]:
    """Returns the columns of a document that failed now, at `state` (see `state_of`), after `attempts` failures."""
    return {
        "error_code": error.code,
        "error_message": str(error),
        "failed_state": state,
        "dropped": False,
        "attempts": attempts + 1,
        "retry_at": time.time() + _pause_seconds(attempts),
        "updated_at": now(),
    }


def _pause_seconds(attempts: int) -> float:
    """Returns how many seconds to wait after a failure. `attempts` failures came before it. The first wait is 0, and
    each later one is longer, up to a day.
    """
    return 0.0 if attempts == 0 else min(_FIRST_PAUSE_SECONDS * 4.0 ** (attempts - 1), _LONGEST_PAUSE_SECONDS)


def failed_try_of(row: sa.Row[Any]) -> FailedTry | None:
    """Returns the failure in the row, or None if there is none."""
    if row.error_code is None:
        return None
    return FailedTry(row.error_code, row.error_message, row.failed_state, row.retry_at or 0.0, row.dropped)


def document_of(row: sa.Row[Any]) -> Document:
    """Returns the document that the row describes."""
    state = "ready" if row.revision is not None else "pending"
    if row.error_code is not None:
        state = "dropped" if row.dropped else "failed"
    return Document(
        row.id,
        row.source,
        row.uri,
        row.title,
        row.kind,
        row.language,
        row.revision,
        row.chunks,
        tuple(row.access),
        state,
        row.error_code,
        row.error_message,
        row.updated_at,
        row.path,
        row.size,
        row.mtime_ns,
        row.waiting,
        About(**row.about or {}),
    )


def _stated(about: About) -> dict[str, Any] | None:
    """Returns what is stored of it: what is not empty."""
    return {name: said for name, said in asdict(about).items() if said} or None


def stored_path(reference: Reference) -> str | None:
    """Returns the path as text. Bytes that are not UTF-8 are escaped. Returns None if there is no path."""
    if reference.path is None:
        return None
    return os.fsencode(reference.path).decode("utf-8", "backslashreplace")


def batches(values: Collection[str] | Collection[int]) -> Iterable[list[Any]]:
    """Returns the values in lists that are short enough for one statement."""
    ordered = list(values)
    return (ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH))


def now() -> str:
    """Returns the current time in UTC, as the catalog writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
