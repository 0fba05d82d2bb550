"""What Alembic runs. The connection is handed over by `ingest.home.database`; there is no offline mode."""

from alembic import context

from ingest.home.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
