"""Alembic runs this file. `ingest.home.database` passes the connection. There is no offline mode."""

from alembic import context

from ingest.home.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
