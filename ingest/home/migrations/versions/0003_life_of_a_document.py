"""The state that a source gives for a document, the time of the next try of a failed one, and the target of a moved
one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_COLUMNS = ("token", "attempts", "retry_at", "failed_state", "dropped", "moved_to")


def upgrade() -> None:
    with op.batch_alter_table("documents") as table:
        table.add_column(sa.Column("token", sa.Text, nullable=False, server_default=""))
        table.add_column(sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("retry_at", sa.Float))
        table.add_column(sa.Column("failed_state", sa.Text))
        table.add_column(sa.Column("dropped", sa.Boolean, nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("moved_to", sa.String(36)))


def downgrade() -> None:
    with op.batch_alter_table("documents") as table:
        for column in _COLUMNS:
            table.drop_column(column)
