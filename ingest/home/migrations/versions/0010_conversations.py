"""Conversations that the server keeps, and the questions and answers in them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(220), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("chat", sa.String(64)),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_conversations_owner", "conversations", ["owner", "updated_ms", "id"])
    op.create_index("ix_conversations_updated_ms", "conversations", ["updated_ms"])
    op.create_table(
        "exchanges",
        sa.Column(
            "conversation_id", sa.String(64), sa.ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.Column("chars", sa.Integer, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
    )


def downgrade() -> None:
    op.drop_table("exchanges")
    op.drop_table("conversations")
