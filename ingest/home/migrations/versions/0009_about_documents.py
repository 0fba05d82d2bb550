"""What a document says of itself, and what could not be taken from it. Of what earlier releases published, nothing is
known until it is read again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("documents", sa.Column("about", sa.JSON))


def downgrade() -> None:
    with op.batch_alter_table("documents") as table:
        table.drop_column("about")
