"""How many passages of a document have no dense vector yet. What earlier releases published has them all."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_WAITING = sa.text("waiting > 0")


def upgrade() -> None:
    # A plain column with a constant default: neither database rewrites its table for it.
    op.add_column("documents", sa.Column("waiting", sa.Integer, nullable=False, server_default="0"))
    columns = ["version", "source"]
    op.create_index("documents_waiting", "documents", columns, sqlite_where=_WAITING, postgresql_where=_WAITING)


def downgrade() -> None:
    op.drop_index("documents_waiting", "documents")
    with op.batch_alter_table("documents") as table:
        table.drop_column("waiting")
