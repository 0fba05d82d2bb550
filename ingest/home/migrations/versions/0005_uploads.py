"""Uploads over HTTP, and the idempotency keys that came with them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("document_id", sa.String(36), primary_key=True),
        sa.Column("upload_id", sa.String(36), nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("access", sa.JSON, nullable=False),
        sa.Column("uploaded_at", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(36)),
    )
    op.create_table(
        "upload_keys",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("receipt", sa.JSON, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("upload_keys")
    op.drop_table("uploads")
