"""What a reader may search, in a few figures: the sources, the number of documents, and the newest titles."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from ingest.access import Reader
from ingest.catalog.listing import readable
from ingest.catalog.tables import documents as _documents


@dataclass(frozen=True, slots=True)
class Holdings:
    """The searchable documents of one reader. `sources` are names, sorted; `titles` are those of the newest ones."""

    documents: int
    sources: tuple[str, ...]
    titles: tuple[str, ...]


def holdings(engine: sa.Engine, version: int, reader: Reader, *, titles: int) -> Holdings:
    """Returns what this reader may search in a version of the index, with at most so many `titles`.

    It is one query. It reads the rows of the version once for the counts and once for the titles, and sorts none but
    the newest.
    """
    searchable = (_documents.c.version == version, _documents.c.deleted.is_(False), _documents.c.revision.is_not(None))
    mine = [*searchable, *readable(engine.dialect.name, reader)]
    counted = sa.select(_documents.c.source, sa.func.count().label("documents"), sa.literal("").label("title"))
    newest = (
        sa.select(sa.literal("").label("source"), sa.literal(0).label("documents"), _documents.c.title)
        .where(*mine, _documents.c.title != "")
        .order_by(_documents.c.updated_at.desc(), _documents.c.source, _documents.c.uri, _documents.c.id)
        .limit(titles)
    )
    query = sa.union_all(counted.where(*mine).group_by(_documents.c.source), sa.select(newest.subquery()))
    with engine.execution_options(reads_only=True).begin() as connection:
        rows = connection.execute(query).all()
    return Holdings(
        documents=sum(row.documents for row in rows),
        sources=tuple(sorted(row.source for row in rows if row.documents)),
        titles=tuple(dict.fromkeys(row.title for row in rows if not row.documents)),
    )
