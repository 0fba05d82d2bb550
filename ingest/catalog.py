"""The catalog: which documents there are, which revision of each is current, and who may read it.

It is the authority. A revision is published by one row in one transaction; search asks here which of its hits
count. The clock ticks with every publication, so that a search can tell that a document was replaced under it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ingest.access import Reader
from ingest.database import metadata
from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.records import Document, Known, Publication, Retirement, Standing

__all__ = ["Catalog", "Document", "Known", "Publication", "Retirement", "Standing"]

_BATCH = 500  # bound variables per statement: SQLite's oldest limit is 999

_documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("title", sa.Text, nullable=False, default=""),
    sa.Column("kind", sa.String(20), nullable=False, default=""),
    sa.Column("language", sa.String(10), nullable=False, default="other"),
    sa.Column("access", sa.JSON, nullable=False),
    sa.Column("revision", sa.Integer),  # the published one; null: none yet
    sa.Column("published", sa.BigInteger),  # the clock at that publication
    sa.Column("taken", sa.Integer, nullable=False, default=0),  # the newest number ever given out
    sa.Column("taken_digest", sa.String(64)),  # what that number was given out for
    sa.Column("digest", sa.String(64)),  # of the published bytes
    sa.Column("fingerprint", sa.String(64)),  # of the pipeline that made the published revision
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("token", sa.Text, nullable=False, default=""),
    sa.Column("chunks", sa.Integer, nullable=False, default=0),
    sa.Column("error_code", sa.String(60)),
    sa.Column("error_message", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # that failed, one after the other
    sa.Column("retry_at", sa.Float),  # when the next run may try again, seconds since 1970
    sa.Column("dropped", sa.Boolean, nullable=False, default=False),  # given up: left alone until it changes
    sa.Column("moved_to", sa.String(36)),  # the document that took over its content
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
    sa.Column("updated_at", sa.String(32), nullable=False),
)
_clock = sa.Table(
    "clock",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
)
_retirements = sa.Table(
    "retirements",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("document_id", sa.String(36), nullable=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
)


class Catalog:
    """The documents and their states, in SQL. Safe to call from several threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads_only=True)

    # What search asks.

    def clock(self) -> int:
        """The number of publications and deletions so far."""
        with self._reader.begin() as connection:
            return int(connection.scalar(sa.select(_clock.c.value)) or 0)

    def standing(self, document_ids: Collection[str]) -> dict[str, Standing]:
        """How each document stands; those that are deleted or never were published are left out."""
        columns = (
            _documents.c.id,
            _documents.c.revision,
            _documents.c.published,
            _documents.c.access,
            _documents.c.source,
        )
        found: dict[str, Standing] = {}
        with self._reader.begin() as connection:
            for ids in _batches(document_ids):
                rows = connection.execute(sa.select(*columns).where(_documents.c.id.in_(ids), _is_searchable()))
                for row in rows:
                    found[row.id] = Standing(row.revision, row.published, tuple(row.access), row.source)
        return found

    # What lists ask.

    def documents(self, reader: Reader, *, source: str | None = None, failed: bool = False) -> list[Document]:
        """The documents this reader may read, by source and uri; with `failed`, only those that failed."""
        query = sa.select(_documents).where(_documents.c.deleted.is_(False))
        if source is not None:
            query = query.where(_documents.c.source == source)
        if failed:
            query = query.where(_documents.c.error_code.is_not(None))
        with self._reader.begin() as connection:
            rows = connection.execute(query.order_by(_documents.c.source, _documents.c.uri)).all()
        return [_document(row) for row in rows if reader.may_read(row.access, row.source)]

    def document(self, document_id: str) -> Document | None:
        """One document, or None if it is unknown or deleted. The caller checks the reader."""
        query = sa.select(_documents).where(_documents.c.id == document_id, _documents.c.deleted.is_(False))
        with self._reader.begin() as connection:
            row = connection.execute(query).first()
        return _document(row) if row is not None else None

    def known(self, source: str) -> dict[str, Known]:
        """What is remembered of every document of a source that is not deleted, by uri."""
        query = sa.select(_documents).where(_documents.c.source == source, _documents.c.deleted.is_(False))
        with self._reader.begin() as connection:
            return {
                row.uri: Known(
                    row.id,
                    row.path,
                    row.size,
                    row.mtime_ns,
                    row.token,
                    row.digest,
                    row.fingerprint,
                    tuple(row.access),
                    row.error_code is not None or row.revision is None,
                )
                for row in connection.execute(query)
            }

    def outdated(self, fingerprint: str) -> int:
        """How many searchable documents another pipeline made: another embedder, splitter or parser."""
        query = sa.select(sa.func.count()).where(_is_searchable(), _documents.c.fingerprint != fingerprint)
        with self._reader.begin() as connection:
            return int(connection.scalar(query) or 0)

    # What a run writes.

    def take_revision(self, reference: Reference, digest: str) -> int:
        """Give out the revision that this content will be written under, before anything is written.

        A number belongs to one content for ever: it is given out again only for the same digest, when the run
        that took it was interrupted. What that run had written is simply written again, under the same ids.
        """
        identity = reference.document_id
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(_documents).where(_documents.c.id == identity).with_for_update()).first()
            if row is None:
                connection.execute(
                    sa.insert(_documents).values(
                        id=identity,
                        source=reference.source,
                        uri=reference.uri,
                        access=list(reference.access),
                        path=_path(reference),
                        size=reference.size,
                        mtime_ns=reference.mtime_ns,
                        token=reference.token,
                        taken=1,
                        taken_digest=digest,
                        updated_at=_now(),
                    )
                )
                return 1
            if (row.source, row.uri) != (reference.source, reference.uri):
                raise DocumentError(
                    "identity_taken",
                    f"It would have the identity of {row.uri} in {row.source}: one in 2^64.",
                    "Rename it.",
                )
            if row.taken_digest == digest and row.taken > (row.revision or 0):
                return int(row.taken)
            connection.execute(
                sa.update(_documents)
                .where(_documents.c.id == identity)
                .values(taken=row.taken + 1, taken_digest=digest)
            )
            return int(row.taken) + 1

    def publish(self, publications: Sequence[Publication]) -> None:
        """Make these revisions current, all in one transaction, and note the older ones for retirement."""
        with self._engine.begin() as connection:
            tick = _tick(connection)
            for new in publications:
                reference = new.reference
                connection.execute(
                    sa.update(_documents)
                    .where(_documents.c.id == reference.document_id)
                    .values(
                        path=_path(reference),
                        title=new.title,
                        kind=new.kind,
                        language=new.language,
                        access=list(reference.access),
                        revision=new.revision,
                        published=tick,
                        digest=new.digest,
                        fingerprint=new.fingerprint,
                        size=reference.size,
                        mtime_ns=reference.mtime_ns,
                        token=reference.token,
                        chunks=new.chunks,
                        error_code=None,
                        error_message=None,
                        deleted=False,
                        updated_at=_now(),
                    )
                )
            _retire(
                connection,
                [(p.reference.document_id, p.revision - 1) for p in publications if p.revision > 1],
            )

    def record_failure(self, reference: Reference, code: str, message: str) -> None:
        """Remember why a document could not be ingested. Its published revision, if any, stays current."""
        values = {"error_code": code, "error_message": message, "deleted": False, "updated_at": _now()}
        with self._engine.begin() as connection:
            updated = connection.execute(
                sa.update(_documents).where(_documents.c.id == reference.document_id).values(**values)
            )
            if updated.rowcount == 0:
                connection.execute(
                    sa.insert(_documents).values(
                        id=reference.document_id,
                        source=reference.source,
                        uri=reference.uri,
                        path=_path(reference),
                        title=reference.title or reference.name,
                        access=list(reference.access),
                        size=reference.size,
                        mtime_ns=reference.mtime_ns,
                        token=reference.token,
                        **values,
                    )
                )

    def record_unchanged(self, references: Iterable[Reference]) -> None:
        """Remember new change tokens of documents whose content turned out to be the same."""
        with self._engine.begin() as connection:
            for reference in references:
                connection.execute(
                    sa.update(_documents)
                    .where(_documents.c.id == reference.document_id)
                    .values(
                        size=reference.size,
                        mtime_ns=reference.mtime_ns,
                        token=reference.token,
                        path=_path(reference),
                        error_code=None,
                        error_message=None,
                    )
                )

    def delete(self, document_ids: Collection[str]) -> None:
        """Take the documents out of every search at once, and note their chunks for retirement."""
        with self._engine.begin() as connection:
            tick = _tick(connection)
            for ids in _batches(document_ids):
                taken = connection.execute(
                    sa.select(_documents.c.id, _documents.c.taken).where(_documents.c.id.in_(ids))
                ).all()
                connection.execute(
                    sa.update(_documents)
                    .where(_documents.c.id.in_(ids))
                    .values(
                        deleted=True,
                        # The numbers given out so far are about to be retired: this content must not get one again.
                        taken_digest=None,
                        revision=None,
                        published=tick,
                        digest=None,
                        chunks=0,
                        error_code=None,
                        error_message=None,
                        updated_at=_now(),
                    )
                )
                _retire(connection, [(row.id, row.taken) for row in taken])

    def retirements(self, *, older_than_seconds: float = 0.0) -> list[Retirement]:
        """What is to be removed from the index, oldest first, once it has waited that long."""
        query = sa.select(_retirements).where(_retirements.c.since <= time.time() - older_than_seconds)
        with self._reader.begin() as connection:
            rows = connection.execute(query.order_by(_retirements.c.id)).all()
        return [Retirement(row.id, row.document_id, row.first, row.last) for row in rows]

    def record_retired(self, retirements: Iterable[Retirement]) -> None:
        """Forget these: the index no longer holds their chunks."""
        with self._engine.begin() as connection:
            for ids in _batches([retirement.id for retirement in retirements]):
                connection.execute(sa.delete(_retirements).where(_retirements.c.id.in_(ids)))

    def unpublished(self, source: str) -> list[Retirement]:
        """Revisions that interrupted runs of the source left in the index beyond the current one."""
        query = sa.select(_documents.c.id, _documents.c.revision, _documents.c.taken).where(
            _documents.c.source == source,
            _documents.c.taken > sa.func.coalesce(_documents.c.revision, 0),
            _documents.c.deleted.is_(False),
        )
        with self._reader.begin() as connection:
            return [Retirement(0, row.id, (row.revision or 0) + 1, row.taken) for row in connection.execute(query)]


def _is_searchable() -> sa.ColumnElement[bool]:
    return sa.and_(_documents.c.deleted.is_(False), _documents.c.revision.is_not(None))


def _tick(connection: sa.Connection) -> int:
    # The row is locked until commit, so publications are ordered like their ticks, on every database.
    connection.execute(sa.update(_clock).values(value=_clock.c.value + 1))
    return int(connection.scalar(sa.select(_clock.c.value)) or 0)


def _retire(connection: sa.Connection, upto: Sequence[tuple[str, int]]) -> None:
    rows = [{"document_id": identity, "first": 1, "last": last, "since": time.time()} for identity, last in upto]
    if rows:
        connection.execute(sa.insert(_retirements), rows)


def _document(row: sa.Row[Any]) -> Document:
    state = "failed" if row.error_code else "ready" if row.revision is not None else "pending"
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
    )


def _path(reference: Reference) -> str | None:
    if reference.path is None:
        return None
    return os.fsencode(reference.path).decode("utf-8", "backslashreplace")


def _batches(values: Collection[str] | Collection[int]) -> Iterable[list[Any]]:
    ordered = list(values)
    return (ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
