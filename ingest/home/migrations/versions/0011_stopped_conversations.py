"""When the answers of a conversation were last told to stop, for questions that are not written down yet."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("stopped_ms", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("conversations", "stopped_ms")
