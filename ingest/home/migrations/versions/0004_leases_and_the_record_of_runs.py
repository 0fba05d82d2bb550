"""Leases, the progress of a run, its failures, and the next due time of each schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(220), primary_key=True),
        sa.Column("owner", sa.String(36)),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("machine", sa.String(200), nullable=False),
        sa.Column("command", sa.String(100), nullable=False),
        sa.Column("since", sa.Float, nullable=False),
    )
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("trigger", sa.String(20), nullable=False, server_default="manual"))
        table.add_column(sa.Column("cancelled", sa.Boolean, nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("error", sa.JSON))
    op.create_index("runs_by_source", "runs", ["source", "started_at"])
    op.create_table(
        "run_failures",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("run_failures_by_run", "run_failures", ["run_id", "number"], unique=True)
    op.create_table(
        "schedules",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("expression", sa.String(200), nullable=False),
        sa.Column("time_zone", sa.String(60), nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("schedules")
    op.drop_table("run_failures")
    op.drop_index("runs_by_source", "runs")
    with op.batch_alter_table("runs") as table:
        for column in ("trigger", "cancelled", "error"):
            table.drop_column(column)
    op.drop_table("leases")
