"""Builds the query of every list of documents: what one reader may read, in a fixed order, from a given place on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ingest.access import Reader
from ingest.catalog.tables import documents as _documents

Place = tuple[str, str, str]
"""The place of a document in a list: source, uri, id."""


def place_of(row: Any) -> Place:
    """Returns the place of a document, or of its row."""
    return row.source, row.uri, row.id


def listing(
    dialect: str,
    reader: Reader,
    version: int,
    *,
    source: str | None = None,
    kind: str | None = None,
    failed: bool = False,
    given_up: bool = False,
    beside: int | None = None,
    after: Place | None = None,
    limit: int | None = None,
) -> sa.Select[Any]:
    """Returns the query for the documents of a version that are not deleted and that the reader may read, ordered by
    source, uri and id.

    With `failed`, it gives only documents that failed, including those that failed only in the version `beside`.
    Documents that were given up are included only with `given_up`. `dialect` is the name of the database's SQL dialect.
    """
    query = sa.select(_documents).where(_documents.c.deleted.is_(False), *readable(dialect, reader))
    ours = _documents.c.version == version
    if failed:
        query = query.where(*_failed(_documents, given_up))
        if beside is not None:
            other = _documents.alias()
            there = (other.c.version == version, other.c.deleted.is_(False), *_failed(other, given_up))
            here = sa.select(other.c.id).where(*there)
            ours = sa.or_(ours, sa.and_(_documents.c.version == beside, _documents.c.id.not_in(here)))
    query = query.where(ours)
    if source is not None:
        query = query.where(_documents.c.source == source)
    if kind is not None:
        query = query.where(_documents.c.kind == kind)
    order = (_documents.c.source, _documents.c.uri, _documents.c.id)
    if after is not None:
        query = query.where(sa.tuple_(*order) > sa.tuple_(*(sa.literal(part) for part in after)))
    return query.order_by(*order).limit(limit)


def _failed(table: sa.FromClause, given_up: bool) -> tuple[sa.ColumnElement[bool], ...]:
    failed = table.c.error_code.is_not(None)
    return (failed,) if given_up else (failed, table.c.dropped.is_(False))


def readable(dialect: str, reader: Reader) -> list[sa.ColumnElement[bool]]:
    """Returns `Reader.may_read` as SQL conditions. The database cuts the list into pages, so it must apply them."""
    conditions: list[sa.ColumnElement[bool]] = []
    if reader.sources is not None:
        conditions.append(_documents.c.source.in_(sorted(reader.sources)))
    if reader.principals is not None:
        if dialect == "postgresql":
            access = sa.func.json_array_elements_text(_documents.c.access).table_valued("value").render_derived()
        else:
            access = sa.func.json_each(_documents.c.access).table_valued("value")
        shared = sa.select(sa.literal(1)).select_from(access).where(access.c.value.in_(sorted(reader.principals)))
        conditions.append(sa.exists(shared))
    return conditions
