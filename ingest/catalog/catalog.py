"""The catalog records the documents, which revision of each is current, and who may read it.

The catalog decides. One row in one transaction publishes a revision, and a search asks the catalog which of its hits
are valid. The clock ticks at every publication, so a search can notice that a document was replaced in the meantime.

Each version of the index has its own catalog, because it has its own revisions. Two things apply to all versions at
once: a deletion, and who may read a document. So a switch to another version does not undo them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from ingest.access import Reader
from ingest.catalog.listing import Place, listing, place_of
from ingest.catalog.records import Document, Publication, Retirement, Standing, state_of
from ingest.catalog.tables import clock as _clock
from ingest.catalog.tables import documents as _documents
from ingest.catalog.tables import retirements as _retirements
from ingest.catalog.transactions import (
    NO_FAILURE,
    WITHDRAWN,
    batches,
    delete,
    document_of,
    failed_try_of,
    failure,
    make_current,
    now,
    of_version,
    open_only_to,
    retire_outdated,
    stored_path,
    take_revisions,
    tick,
)
from ingest.catalog.waiting import WaitingVectors
from ingest.document import Known, Reference
from ingest.errors import DocumentError, YoujuError

FIRST_VERSION = 1
"""The id of the version of the index that every home begins with."""
_LONGEST_MOVE = 100
"""A document that was moved fewer times than this is still found by its first id."""


class Catalog:
    """Stores the documents and their states in SQL. Safe to call from several threads."""

    def __init__(self, engine: sa.Engine, version: int = FIRST_VERSION) -> None:
        self.version = version
        self._engine = engine
        self._reader = engine.execution_options(reads_only=True)

    def through(self, engine: sa.Engine) -> Catalog:
        """Returns the same catalog, used through another engine on the same database."""
        return Catalog(engine, self.version)

    def of(self, version: int) -> Catalog:
        """Returns the catalog of another version of the index, used through the same engine."""
        return Catalog(self._engine, version)

    @property
    def waiting(self) -> WaitingVectors:
        """Returns what is known of the documents that are published by their words and still wait for their vectors."""
        return WaitingVectors(self._engine, self.version)

    # These methods are for search.

    def clock(self) -> int:
        """Returns the current tick of the clock. Whatever changes a standing adds to it: publications, deletions,
        changes of access, and new times of documents whose content is the same."""
        with self._reader.begin() as connection:
            return int(connection.scalar(sa.select(_clock.c.value)) or 0)

    def standing(self, document_ids: Collection[str]) -> dict[str, Standing]:
        """Returns the standing of each document, by id. Documents that are deleted or never published are left out.

        Until the clock goes on, every answer is the same."""
        columns = (
            _documents.c.id,
            _documents.c.revision,
            _documents.c.published,
            _documents.c.access,
            _documents.c.source,
            _documents.c.mtime_ns,
        )
        found: dict[str, Standing] = {}
        with self._reader.begin() as connection:
            for ids in batches(document_ids):
                rows = connection.execute(sa.select(*columns).where(_documents.c.id.in_(ids), self._searchable()))
                for row in rows:
                    found[row.id] = Standing(row.revision, row.published, tuple(row.access), row.source, row.mtime_ns)
        return found

    # These methods are for lists.

    def documents(
        self,
        reader: Reader,
        *,
        source: str | None = None,
        kind: str | None = None,
        failed: bool = False,
        given_up: bool = False,
        beside: int | None = None,
        after: Place | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        """Returns the documents this reader may read, by source, uri and id: at most `limit`, those after `after`. With
        `failed`, only those that failed, here or in the version `beside`; `given_up` adds those that were given up."""
        query = listing(
            self._engine.dialect.name,
            reader,
            self.version,
            source=source,
            kind=kind,
            failed=failed,
            given_up=given_up,
            beside=beside,
            after=after,
            limit=limit,
        )
        with self._reader.begin() as connection:
            rows = connection.execute(query).all()
        return [document_of(row) for row in rows if reader.may_read(row.access, row.source)]

    def place(self, document_id: str, reader: Reader) -> Place | None:
        """Returns the place of a document in the lists. It may be in any version, and may be deleted. Returns None if
        this reader may not read it, or if there is no such id."""
        with suppress(ValueError), self._reader.begin() as connection:
            identity = _documents.c.id == str(uuid.UUID(document_id))
            for row in connection.execute(sa.select(_documents).where(identity)):
                if reader.may_read(row.access, row.source):
                    return place_of(row)
        return None

    def page(self, *, after: str = "", limit: int) -> list[Document]:
        """Returns at most `limit` documents that are not deleted, ordered by id, beginning after the id `after`."""
        query = sa.select(_documents).where(self._ours, _documents.c.id > after, _documents.c.deleted.is_(False))
        with self._reader.begin() as connection:
            return [document_of(row) for row in connection.execute(query.order_by(_documents.c.id).limit(limit))]

    def count(self) -> int:
        """Returns the number of documents that are not deleted."""
        query = sa.select(sa.func.count()).select_from(_documents).where(self._ours, _documents.c.deleted.is_(False))
        with self._reader.begin() as connection:
            return int(connection.scalar(query) or 0)

    def tally(self) -> dict[str, tuple[int, int]]:
        """Returns, by name of the source, how many documents it has and how many of them failed."""
        counts = (sa.func.count(), sa.func.count(_documents.c.error_code))
        query = sa.select(_documents.c.source, *counts).where(self._ours, _documents.c.deleted.is_(False))
        with self._reader.begin() as connection:
            rows = connection.execute(query.group_by(_documents.c.source)).all()
        return {name: (documents, failed) for name, documents, failed in rows}

    def document(self, document_id: str) -> Document | None:
        """Returns a document, or the one that it was moved to. Returns None if it is unknown or deleted. The caller has
        to check if the reader may read it."""
        with self._reader.begin() as connection:
            for _ in range(_LONGEST_MOVE):
                row = connection.execute(sa.select(_documents).where(*of_version(self.version, document_id))).first()
                if row is None or not row.deleted:
                    return document_of(row) if row is not None else None
                if row.moved_to is None:
                    return None
                document_id = row.moved_to
        return None

    def deleted_since(self, tick: int, document_ids: Collection[str]) -> set[str]:
        """Returns the ids of those of these documents that were deleted after this tick of the clock."""
        columns = (_documents.c.deleted, _documents.c.published > tick, self._ours)
        with self._reader.begin() as connection:
            return {
                identity
                for ids in batches(document_ids)
                for identity in connection.scalars(sa.select(_documents.c.id).where(_documents.c.id.in_(ids), *columns))
            }

    def known(self, source: str) -> dict[str, Known]:
        """Returns, by uri, what is known of every document of a source that is not deleted."""
        query = sa.select(_documents).where(self._ours, _documents.c.source == source, _documents.c.deleted.is_(False))
        with self._reader.begin() as connection:
            return {
                row.uri: Known(
                    id=row.id,
                    uri=row.uri,
                    path=row.path,
                    size=row.size,
                    mtime_ns=row.mtime_ns,
                    token=row.token,
                    revision=row.revision,
                    digest=row.digest,
                    fingerprint=row.fingerprint,
                    access=tuple(row.access),
                    failure=failed_try_of(row),
                )
                for row in connection.execute(query)
            }

    # These methods are for runs.

    def take_revisions(self, contents: Sequence[tuple[Reference, str]]) -> list[int | DocumentError]:
        """Give out one revision number for each content (a digest), in one transaction, before anything is written.

        Gives a DocumentError instead if the document's id belongs to another document. A number belongs to one content
        for ever. It is given out again only for the same digest, and never after `withdraw` has taken it back from an
        interrupted run.
        """
        with self._engine.begin() as connection:
            return take_revisions(connection, self.version, contents)

    def take_revision(self, reference: Reference, digest: str) -> int:
        """Give out one revision: see `take_revisions`."""
        (taken,) = self.take_revisions([(reference, digest)])
        if isinstance(taken, DocumentError):
            raise taken
        return taken

    def publish(self, publications: Sequence[Publication]) -> None:
        """Make these revisions current in one transaction, and record the older ones for retirement.

        The same transaction deletes the old id of a document that was moved. A document that was deleted after its
        revision was taken stays deleted. Its written chunks are recorded for retirement.
        """
        with self._engine.begin() as connection:
            at = tick(connection)
            withdrawn = make_current(connection, self.version, publications, at)
            retire_outdated(connection, self.version, publications, withdrawn)
            published = [new for new in publications if new.reference.document_id not in withdrawn]
            access = [(new.reference.document_id, new.reference.access) for new in published]
            for new in published:
                if new.moved_from is not None:
                    moved_to = new.reference.document_id
                    delete(connection, [new.moved_from], at, version=self.version, moved_to=moved_to)
                    access.append((new.moved_from, new.reference.access))
            open_only_to(connection, self.version, access)

    def record_failure(self, reference: Reference, error: YoujuError, fingerprint: str) -> None:
        """Record why this pipeline could not ingest a document, and when to try again.

        Its published revision, if any, stays current.
        """
        with self._engine.begin() as connection:
            attempts = connection.scalar(
                sa.select(_documents.c.attempts).where(*of_version(self.version, reference.document_id))
            )
            values = {**failure(error, state_of(reference, fingerprint), attempts or 0), "deleted": False}
            if attempts is not None:
                connection.execute(
                    sa.update(_documents).where(*of_version(self.version, reference.document_id)).values(**values)
                )
                return
            connection.execute(
                sa.insert(_documents).values(
                    id=reference.document_id,
                    version=self.version,
                    source=reference.source,
                    uri=reference.uri,
                    path=stored_path(reference),
                    title=reference.title or reference.name,
                    access=list(reference.access),
                    size=reference.size,
                    mtime_ns=reference.mtime_ns,
                    token=reference.token,
                    **values,
                )
            )

    def retry(self, document_ids: Collection[str]) -> int:
        """Let the next run try these again in all versions, however often they failed. Returns how many had failed."""
        return self._change_failed(document_ids, {"retry_at": None, "attempts": 0, "dropped": False})

    def drop(self, document_ids: Collection[str]) -> int:
        """Give these documents up in all versions. Until they change, no run tries them and no list of failures shows
        them. Returns how many had failed."""
        return self._change_failed(document_ids, {"dropped": True})

    def distrust(self, document_ids: Collection[str]) -> None:
        """Let the next run read these again and embed all their chunks, even if their source says nothing changed."""
        with self._engine.begin() as connection:
            for ids in batches(document_ids):
                meant = (_documents.c.id.in_(ids), self._ours)
                connection.execute(sa.update(_documents).where(*meant).values(fingerprint=None))

    def _change_failed(self, document_ids: Collection[str], values: dict[str, Any]) -> int:
        changed: set[str] = set()
        with self._engine.begin() as connection:
            for ids in batches(document_ids):
                failed = sa.and_(_documents.c.id.in_(ids), _documents.c.error_code.is_not(None))
                changed |= set(connection.scalars(sa.select(_documents.c.id).where(failed)))
                connection.execute(sa.update(_documents).where(failed).values(**values))
        return len(changed)

    def record_access(self, references: Iterable[Reference], *, indexed: Collection[int] = ()) -> None:
        """Change at once who may read these documents, in all versions. The rules in the index only help to find them.

        The indexes of this version and of `indexed` already have the new rules. The next run of any other version reads
        the documents again.
        """
        with self._engine.begin() as connection:
            at = tick(connection)
            for reference in references:
                document = _documents.c.id == reference.document_id
                values = {"access": list(reference.access), "published": at, "updated_at": now()}
                connection.execute(sa.update(_documents).where(document).values(**values))
                untold = sa.and_(document, _documents.c.version.not_in({self.version, *indexed}))
                connection.execute(sa.update(_documents).where(untold).values(fingerprint=None))

    def record_unchanged(self, references: Iterable[Reference]) -> None:
        """Record the new change tokens of documents whose content is the same as before."""
        with self._engine.begin() as connection:
            tick(connection)  # searches remember the times of documents until the clock goes on
            for reference in references:
                connection.execute(
                    sa.update(_documents)
                    .where(*of_version(self.version, reference.document_id))
                    .values(
                        size=reference.size,
                        mtime_ns=reference.mtime_ns,
                        token=reference.token,
                        path=stored_path(reference),
                        **NO_FAILURE,
                    )
                )

    def delete(self, document_ids: Collection[str]) -> None:
        """Remove the documents at once from every search of every version, and record their chunks for retirement."""
        with self._engine.begin() as connection:
            delete(connection, document_ids, tick(connection))

    def retirements(self, *, older_than_seconds: float = 0.0) -> list[Retirement]:
        """Returns what has to be removed from the index and has waited at least this long, the oldest first."""
        due = _retirements.c.since <= time.time() - older_than_seconds
        query = sa.select(_retirements).where(_retirements.c.version == self.version, due)
        with self._reader.begin() as connection:
            rows = connection.execute(query.order_by(_retirements.c.id)).all()
        return [Retirement(row.id, row.document_id, row.first, row.last) for row in rows]

    def record_retired(self, retirements: Iterable[Retirement]) -> None:
        """Delete the records of these retirements, because the index no longer holds their chunks."""
        with self._engine.begin() as connection:
            for ids in batches([retirement.id for retirement in retirements]):
                connection.execute(sa.delete(_retirements).where(_retirements.c.id.in_(ids)))

    def unpublished(self, source: str) -> list[Retirement]:
        """Returns revisions newer than the current one that interrupted runs of the source left in the index."""
        with self._reader.begin() as connection:
            return self._unpublished(connection, source)

    def withdraw(self, source: str) -> list[Retirement]:
        """Take back the revisions of `unpublished`. No run can publish them then, and their chunks may be removed.

        The numbers must be taken back first, in a transaction. Otherwise a process that was suspended for a long time
        could remove chunks that another run has since published under the same numbers.
        """
        if not self.unpublished(source):
            return []
        published = sa.func.coalesce(_documents.c.revision, _documents.c.base)
        given = (_documents.c.taken > published, _documents.c.taken_digest.is_not(None))
        left = sa.update(_documents).where(self._ours, _documents.c.source == source, *given)
        with self._engine.begin() as connection:
            connection.execute(left.values(taken_digest=WITHDRAWN))
            return self._unpublished(connection, source)

    def _unpublished(self, connection: sa.Connection, source: str) -> list[Retirement]:
        columns = (_documents.c.id, _documents.c.revision, _documents.c.taken, _documents.c.base)
        query = sa.select(*columns).where(
            self._ours,
            _documents.c.source == source,
            _documents.c.taken > sa.func.coalesce(_documents.c.revision, _documents.c.base),
            # A deleted document with a digest was deleted while a run wrote it, or it came back and was deleted again.
            sa.or_(_documents.c.deleted.is_(False), _documents.c.taken_digest.is_not(None)),
        )
        rows = connection.execute(query)
        return [Retirement(0, row.id, (row.revision or row.base) + 1, row.taken) for row in rows]

    @property
    def _ours(self) -> sa.ColumnElement[bool]:
        return _documents.c.version == self.version

    def _searchable(self) -> sa.ColumnElement[bool]:
        return sa.and_(self._ours, _documents.c.deleted.is_(False), _documents.c.revision.is_not(None))
