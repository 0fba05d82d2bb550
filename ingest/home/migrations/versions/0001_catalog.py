"""The catalog: documents, their publication clock, chunks that still have to be retired, and runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String(36), primary_key=True),
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
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("error_code", sa.String(60)),
        sa.Column("error_message", sa.Text),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
    )
    op.create_index("documents_by_source", "documents", ["source", "deleted"])
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO clock (id, value) VALUES (1, 0)")
    op.create_table(
        "retirements",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("document_id", sa.String(36), nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("finished_at", sa.String(32)),
        sa.Column("report", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    for table in ("runs", "retirements", "clock", "documents"):
        op.drop_table(table)
