"""The one migration history of the database. `ingest.home.database` runs it at every start."""
