"""The versions of the index. One of them answers questions, and another may be built beside it.

    building ──► current ──► kept ──► (building, when the settings ask for it again) ──► dropping ──► gone

Exactly one version is current. One transaction puts another in its place, and every process sees this at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from ingest.catalog.tables import documents as _documents
from ingest.catalog.tables import index_versions as _versions
from ingest.catalog.tables import retirements as _retirements
from ingest.errors import RequestError
from ingest.home.database import alone

State = Literal["building", "current", "kept", "dropping"]

_LOCK = 0x596F757669


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the index.

    `folder` is a folder below the home's `index`, or the name of a collection. It is empty if an earlier release of
    Youju made the version and its folder has not been recorded yet.
    `settings` are those that decide the content of the index. `pinned` is the fingerprint that the settings asked for
    when somebody chose this version by hand. The version stays current until the settings ask for another one.
    """

    id: int
    folder: str
    fingerprint: str
    embedder: str
    dimension: int
    settings: Mapping[str, Any]
    state: State
    pinned: str | None
    created_at: str
    switched_at: str | None


@dataclass(frozen=True, slots=True)
class Holding:
    """The counts of a version: searchable documents, documents that failed, and all passages."""

    documents: int = 0
    failed: int = 0
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a version has to be made, and where it has to be stored."""

    fingerprint: str
    embedder: str
    dimension: int
    settings: Mapping[str, Any]
    folder: str


class Versions:
    """The versions of the index, in SQL. Safe to call from several threads and processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads_only=True)

    def all(self) -> list[Version]:
        """Returns every version, the oldest first."""
        with self._reader.begin() as connection:
            return [_version(row) for row in connection.execute(sa.select(_versions).order_by(_versions.c.id))]

    def get(self, version_id: int) -> Version:
        """Returns one version. Raises RequestError `unknown_index` if there is none with that id."""
        with self._reader.begin() as connection:
            return _get(connection, version_id)

    def current(self) -> Version:
        """Returns the version that answers questions."""
        with self._reader.begin() as connection:
            return _current(connection)

    def holdings(self) -> dict[int, Holding]:
        """Returns the counts of each version, by its id."""
        searchable = sa.case((_documents.c.revision.is_not(None), 1), else_=0)
        failed = sa.case((sa.and_(_documents.c.error_code.is_not(None), _documents.c.dropped.is_(False)), 1), else_=0)
        query = (
            sa.select(
                _documents.c.version,
                sa.func.sum(searchable).label("documents"),
                sa.func.sum(failed).label("failed"),
                sa.func.sum(_documents.c.chunks).label("chunks"),
            )
            .where(_documents.c.deleted.is_(False))
            .group_by(_documents.c.version)
        )
        with self._reader.begin() as connection:
            rows = connection.execute(query).all()
        return {row.version: Holding(int(row.documents), int(row.failed), int(row.chunks)) for row in rows}

    def is_filled(self, version_id: int) -> bool:
        """Returns True if at least one document is searchable in a version."""
        searchable = (_documents.c.deleted.is_(False), _documents.c.revision.is_not(None), _documents.c.chunks > 0)
        query = sa.select(_documents.c.id).where(_documents.c.version == version_id, *searchable).limit(1)
        with self._reader.begin() as connection:
            return connection.execute(query).first() is not None

    def fingerprint(self, version_id: int) -> str | None:
        """Returns the fingerprint of the pipeline that made most of the searchable documents of a version. Returns None
        if there are none.
        """
        count = sa.func.count()
        query = (
            sa.select(_documents.c.fingerprint)
            .where(_documents.c.version == version_id, _documents.c.revision.is_not(None))
            .where(_documents.c.deleted.is_(False), _documents.c.fingerprint.is_not(None))
            .group_by(_documents.c.fingerprint)
            .order_by(count.desc())
            .limit(1)
        )
        with self._reader.begin() as connection:
            found: str | None = connection.scalar(query)
        return found

    def lacking(self, version_id: int) -> int:
        """Returns how many documents that are searchable now would be missing or older with this version."""
        with self._reader.begin() as connection:
            return _lacking(connection, _current(connection).id, version_id)

    # These methods change versions.

    def adopt(self, version_id: int, plan: Plan) -> Version:
        """Record how an earlier release made this version and where it is, unless another process has recorded it."""
        with alone(self._engine, _LOCK) as connection:
            here = sa.and_(_versions.c.id == version_id, _versions.c.folder == "")
            connection.execute(sa.update(_versions).where(here).values(**_values(plan), created_at=_now()))
            return _get(connection, version_id)

    def build(self, plan: Plan) -> Version:
        """Returns the version with this fingerprint, to be built or brought up to date. Creates it if there is none.

        A new version's folder is the plan's folder followed by the version's id.
        """
        with alone(self._engine, _LOCK) as connection:
            wanted = sa.and_(
                _versions.c.fingerprint == plan.fingerprint, _versions.c.state.in_(("building", "kept", "current"))
            )
            row = connection.execute(sa.select(_versions).where(wanted).order_by(_versions.c.id.desc())).first()
            if row is None:
                values = {**_values(plan), "folder": "", "state": "building", "created_at": _now()}
                created = connection.execute(sa.insert(_versions).values(**values))
                (version_id,) = created.inserted_primary_key or (0,)
                values = {"folder": f"{plan.folder}-{version_id}"}
            else:
                version_id = row.id
                values = {} if row.state == "current" else {"state": "building"}
            if values:
                connection.execute(sa.update(_versions).where(_versions.c.id == version_id).values(**values))
            return _get(connection, int(version_id))

    def complete(self, version_id: int, *, instead_of: int) -> bool:
        """Switch to a version that was being built, if nothing that is searchable would be lost.

        `instead_of` must be the current version. If another process has switched before, this does not switch. Returns
        True if it has switched.
        """
        with alone(self._engine, _LOCK) as connection:
            if _current(connection).id != instead_of or _get(connection, version_id).state != "building":
                return False
            if _lacking(connection, instead_of, version_id):
                return False
            _switch(connection, version_id, None)
            return True

    def switch(self, version_id: int, *, wanted: str) -> Version:
        """Let this version answer questions from now on. `wanted` is the fingerprint that the settings ask for now. The
        version stays current until they ask for another one. Raises RequestError `unknown_index`.
        """
        with alone(self._engine, _LOCK) as connection:
            version = _get(connection, version_id)
            if version.state == "dropping":
                raise _unknown(version_id)
            _switch(connection, version_id, wanted if version.fingerprint != wanted else None)
            return _get(connection, version_id)

    def begin_drop(self, version_id: int) -> Version:
        """Record that a version will be removed. Nothing uses it from now on.

        Raises RequestError `unknown_index`, or `index_in_use` if it is the current one.
        """
        with alone(self._engine, _LOCK) as connection:
            if _get(connection, version_id).state == "current":
                raise RequestError(
                    "index_in_use",
                    f"Index {version_id} is the one that answers questions.",
                    "Switch to another one first: `youju index list`, `youju index switch ID`.",
                )
            connection.execute(sa.update(_versions).where(_versions.c.id == version_id).values(state="dropping"))
            return _get(connection, version_id)

    def end_drop(self, version_id: int) -> None:
        """Delete the records of a version whose folder or collection is gone, and of its documents."""
        with alone(self._engine, _LOCK) as connection:
            for table in (_documents, _retirements):
                connection.execute(sa.delete(table).where(table.c.version == version_id))
            connection.execute(sa.delete(_versions).where(_versions.c.id == version_id))


def _values(plan: Plan) -> dict[str, Any]:
    return {
        "folder": plan.folder,
        "fingerprint": plan.fingerprint,
        "embedder": plan.embedder,
        "dimension": plan.dimension,
        "settings": dict(plan.settings),
    }


def _switch(connection: sa.Connection, version_id: int, pinned: str | None) -> None:
    before = sa.and_(_versions.c.state == "current", _versions.c.id != version_id)
    connection.execute(sa.update(_versions).where(before).values(state="kept", pinned=None))
    values = {"state": "current", "pinned": pinned, "switched_at": _now()}
    connection.execute(sa.update(_versions).where(_versions.c.id == version_id).values(**values))


def _lacking(connection: sa.Connection, current: int, version_id: int) -> int:
    """Returns how many documents are searchable in the current version but lacking in the other version.

    A document is not lacking if the other version has given it up, published it later, or has it with the same bytes;
    and all its vectors are there. A document that only the other version has as deleted was moved within that version.
    """
    ours, theirs = _documents.alias(), _documents.alias()
    as_recent = sa.or_(
        theirs.c.published > ours.c.published,
        sa.and_(theirs.c.revision.is_not(None), theirs.c.digest == ours.c.digest),
    )
    as_good = sa.or_(theirs.c.dropped, sa.and_(theirs.c.waiting == 0, as_recent))
    joined = ours.outerjoin(theirs, sa.and_(theirs.c.id == ours.c.id, theirs.c.version == version_id, as_good))
    query = (
        sa.select(sa.func.count())
        .select_from(joined)
        .where(
            ours.c.version == current,
            ours.c.deleted.is_(False),
            ours.c.revision.is_not(None),
            theirs.c.id.is_(None),
        )
    )
    return int(connection.scalar(query) or 0)


def _current(connection: sa.Connection) -> Version:
    return _version(connection.execute(sa.select(_versions).where(_versions.c.state == "current")).one())


def _get(connection: sa.Connection, version_id: int) -> Version:
    row = connection.execute(sa.select(_versions).where(_versions.c.id == version_id)).first()
    if row is None:
        raise _unknown(version_id)
    return _version(row)


def _unknown(version_id: int) -> RequestError:
    return RequestError("unknown_index", f"There is no index {version_id}.", "List them with `youju index list`.")


def _version(row: sa.Row[Any]) -> Version:
    return Version(**row._mapping)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
