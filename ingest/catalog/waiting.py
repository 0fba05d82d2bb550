"""Published documents whose dense vectors are not all in the index yet: which they are, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ingest.catalog.records import Waiting
from ingest.catalog.tables import documents as _documents
from ingest.catalog.transactions import failure, of_version, waits
from ingest.errors import YoujuError

Place = tuple[int, str]
"""A place in the order of the waiting documents: passages that wait, id."""
BEFORE_ALL: Place = (0, "")

_PUBLISHED_STATE = (
    sa.cast(_documents.c.size, sa.Text)
    + " "
    + sa.cast(_documents.c.mtime_ns, sa.Text)
    + " "
    + _documents.c.token
    + " "
    + _documents.c.fingerprint
)
"""What `state_of` gives for the published revision. A failure at this state is one of its vectors."""


class WaitingVectors:
    """The waiting documents of one version of the index. Safe to call from several threads.

    It never changes which revision is current. A document that was deleted, or has another revision by now, is left as
    it is. A document whose vectors could not be made does not wait here: a run reads it again when its next try is due.
    """

    def __init__(self, engine: sa.Engine, version: int) -> None:
        self._engine = engine
        self._version = version

    def documents(self, source: str, *, after: Place = BEFORE_ALL, limit: int) -> list[Waiting]:
        """Returns at most `limit` waiting documents of a source, those after a place. Those that wait for few vectors
        come first, so a long document keeps no short one waiting.
        """
        order = (_documents.c.waiting, _documents.c.id)
        columns = (_documents.c.id, _documents.c.uri, _documents.c.revision, _documents.c.waiting)
        query = sa.select(*columns).where(*self._of(source), sa.tuple_(*order) > sa.tuple_(*map(sa.literal, after)))
        with self._engine.begin() as connection:
            rows = connection.execute(query.order_by(*order).limit(limit)).all()
        return [Waiting(row.id, row.uri, row.revision, row.waiting) for row in rows]

    def passages(self, source: str) -> int:
        """Returns how many passages of a source wait."""
        query = sa.select(sa.func.coalesce(sa.func.sum(_documents.c.waiting), 0)).where(*self._of(source))
        with self._engine.begin() as connection:
            return int(connection.scalar(query) or 0)

    def record(self, left: Sequence[Waiting]) -> None:
        """Record how many passages of each document wait now. All vectors before must be in the index and flushed."""
        values = [{"document": each.id, "current": each.revision, "left": each.passages} for each in left]
        update = sa.update(_documents).where(*self._as_read()).values(**waits(sa.bindparam("left", type_=sa.Integer)))
        if values:
            with self._engine.begin() as connection:
                connection.execute(update, values)

    def fail(self, document: Waiting, error: YoujuError) -> None:
        """Record why the vectors of a document could not be made. Its words stay searchable, and its next try is due
        later each time.
        """
        where = (*of_version(self._version, document.id), _documents.c.revision == document.revision)
        with self._engine.begin() as connection:
            attempts = connection.scalar(sa.select(_documents.c.attempts).where(*where))
            if attempts is not None:
                values = failure(error, _PUBLISHED_STATE, attempts)
                connection.execute(sa.update(_documents).where(*where).values(**values))

    def _of(self, source: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            _documents.c.version == self._version,
            _documents.c.source == source,
            _documents.c.waiting > 0,
            _documents.c.deleted.is_(False),
            _documents.c.revision.is_not(None),
            sa.or_(_documents.c.error_code.is_(None), _documents.c.failed_state != _PUBLISHED_STATE),
        )

    def _as_read(self) -> tuple[sa.ColumnElement[bool], ...]:
        meant = of_version(self._version, sa.bindparam("document"))
        return (*meant, _documents.c.revision == sa.bindparam("current"), _documents.c.deleted.is_(False))
