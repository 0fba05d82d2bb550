"""The inbox of the DingTalk bot: which messages were accepted and which are answered."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "dingtalk_messages",
        sa.Column("channel", sa.String(20), primary_key=True),
        sa.Column("msg_id", sa.String(200), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("message", sa.JSON, nullable=False),
        sa.Column("detail", sa.String(100), nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("dingtalk_messages")
