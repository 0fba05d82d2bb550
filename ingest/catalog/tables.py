"""The tables of the catalog: documents, their publication clock, and what is to be removed from the index.

Each version of the index has documents and retirements of its own.
"""

from __future__ import annotations

import sqlalchemy as sa

from ingest.home.database import metadata

index_versions = sa.Table(
    "index_versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("folder", sa.String(200), nullable=False),  # or collection; empty: not known yet
    sa.Column("fingerprint", sa.String(64), nullable=False),  # of the pipeline that it is made by
    sa.Column("embedder", sa.Text, nullable=False),
    sa.Column("dimension", sa.Integer, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),  # those that decide what is in it; no secrets
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("pinned", sa.String(64)),  # chosen by hand while the settings asked for this fingerprint
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("switched_at", sa.String(32)),
    sqlite_autoincrement=True,
)
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("base", sa.Integer, nullable=False, default=0),  # numbers up to this one are of other versions
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
    sa.Column("failed_state", sa.Text),  # what was tried: the document's state in the source, and the pipeline
    sa.Column("dropped", sa.Boolean, nullable=False, default=False),  # given up: left alone until it changes
    sa.Column("moved_to", sa.String(36)),  # the document that took over its content
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
    sa.Column("updated_at", sa.String(32), nullable=False),
    sa.Index("documents_by_source", "version", "source", "deleted"),
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
