"""Versions of the index, each with its own documents. The existing index becomes version 1."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COLUMNS = (
    "id, source, uri, path, title, kind, language, access, revision, published, taken, taken_digest, digest, "
    "fingerprint, size, mtime_ns, token, chunks, error_code, error_message, attempts, retry_at, failed_state, "
    "dropped, moved_to, deleted, updated_at"
)


def upgrade() -> None:
    op.create_table(
        "index_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("folder", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("embedder", sa.Text, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("pinned", sa.String(64)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("switched_at", sa.String(32)),
        sqlite_autoincrement=True,
    )
    # The settings say which index this is, and they are not known here. The first process that opens it fills that in.
    op.execute(
        "INSERT INTO index_versions (folder, fingerprint, embedder, dimension, settings, state, created_at) "
        "VALUES ('', '', '', 0, '{}', 'current', '')"
    )
    # Copying the table is the one way to change a primary key that works on every database.
    op.drop_index("documents_by_source", "documents")
    op.rename_table("documents", "documents_before")
    op.create_table("documents", *_documents(), sa.PrimaryKeyConstraint("id", "version", name="documents_by_version"))
    op.execute(f"INSERT INTO documents (version, base, {_COLUMNS}) SELECT 1, 0, {_COLUMNS} FROM documents_before")  # noqa: S608
    op.drop_table("documents_before")
    op.create_index("documents_by_source", "documents", ["version", "source", "deleted"])
    with op.batch_alter_table("retirements") as table:
        table.add_column(sa.Column("version", sa.Integer, nullable=False, server_default="1"))


def _documents() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("path", sa.Text),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("access", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer),
        sa.Column("published", sa.BigInteger),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("taken_digest", sa.String(64)),
        sa.Column("digest", sa.String(64)),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("error_code", sa.String(60)),
        sa.Column("error_message", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.Float),
        sa.Column("failed_state", sa.Text),
        sa.Column("dropped", sa.Boolean, nullable=False),
        sa.Column("moved_to", sa.String(36)),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
    ]


def downgrade() -> None:
    raise NotImplementedError("the first version of the index may be gone: restore a backup")
