"""The one migration history of the database; `ingest.database` runs it at every start."""
