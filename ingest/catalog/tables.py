"""The tables of the catalog: the versions of the index, documents, the clock of publications, and retirements (chunks
that have to be removed from the index).

Each version of the index has its own documents and retirements.
"""

from __future__ import annotations

import sqlalchemy as sa

from ingest.home.database import metadata

_waiting = sa.text("waiting > 0")

index_versions = sa.Table(
    "index_versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("folder", sa.String(200), nullable=False),  # folder or collection; empty if not known yet
    sa.Column("fingerprint", sa.String(64), nullable=False),  # of the pipeline that makes it
    sa.Column("embedder", sa.Text, nullable=False),
    sa.Column("dimension", sa.Integer, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),  # only those that decide its content, without secrets
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("pinned", sa.String(64)),  # it was chosen by hand while the settings asked for this fingerprint
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("switched_at", sa.String(32)),
    sqlite_autoincrement=True,
)
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("base", sa.Integer, nullable=False, default=0),  # numbers up to this one belong to other versions
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("title", sa.Text, nullable=False, default=""),
    sa.Column("kind", sa.String(20), nullable=False, default=""),
    sa.Column("language", sa.String(10), nullable=False, default="other"),
    sa.Column("access", sa.JSON, nullable=False),
    sa.Column("revision", sa.Integer),  # the published revision; null if there is none yet
    sa.Column("published", sa.BigInteger),  # the tick of the clock at that publication
    sa.Column("taken", sa.Integer, nullable=False, default=0),  # the newest revision number ever given out
    sa.Column("taken_digest", sa.String(64)),  # the digest for which that number was given out
    sa.Column("digest", sa.String(64)),  # digest of the published bytes
    sa.Column("fingerprint", sa.String(64)),  # of the pipeline that made the published revision
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("token", sa.Text, nullable=False, default=""),
    sa.Column("chunks", sa.Integer, nullable=False, default=0),
    sa.Column("waiting", sa.Integer, nullable=False, default=0, server_default="0"),  # chunks without their vectors yet
    sa.Column("about", sa.JSON),  # what the document says of itself, and what was not taken; null: nothing
    sa.Column("error_code", sa.String(60)),
    sa.Column("error_message", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # how many attempts have failed in a row
    sa.Column("retry_at", sa.Float),  # when the next run may try again, seconds since 1970
    sa.Column("failed_state", sa.Text),  # state of the document in its source and the pipeline, at the failed attempt
    sa.Column("dropped", sa.Boolean, nullable=False, default=False),  # given up: no run tries it until it changes
    sa.Column("moved_to", sa.String(36)),  # the document that took over its content
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
    sa.Column("updated_at", sa.String(32), nullable=False),
    sa.Index("documents_by_source", "version", "source", "deleted"),
    sa.Index("documents_waiting", "version", "source", sqlite_where=_waiting, postgresql_where=_waiting),
)
clock = sa.Table(
    "clock",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
)
retirements = sa.Table(
    "retirements",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document_id", sa.String(36), nullable=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
)
