"""The ids of the home and the catalog that belong together, and the originals that a deletion or a
replacement named.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "catalog_identity",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("catalog_id", sa.String(36), nullable=False),
        sa.Column("home_id", sa.String(36)),
    )
    op.create_table(
        "unwanted_originals",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("since", sa.Float, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("unwanted_originals")
    op.drop_table("catalog_identity")
