"""The tables as the code declares them are those that the migrations make, names of indexes included."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ingest.home.database import metadata, open_database
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[2]


def _declare_all_tables() -> None:
    """Import every module that declares a table on `metadata`."""
    for package in ("ingest", "assistant", "api"):
        for path in (ROOT / package).rglob("*.py"):
            if re.search(r"\bsa\.Table\(", path.read_text(encoding="utf-8")):
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                importlib.import_module(module.removesuffix(".__init__"))


def test_the_migrations_make_what_the_tables_declare(tmp_path: Path) -> None:
    _declare_all_tables()
    engine = open_database(IngestSettings(home=tmp_path))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        made = sa.inspect(connection)
        for table in metadata.sorted_tables:
            indexes = {(found["name"], *found["column_names"]) for found in made.get_indexes(table.name)}
            assert indexes == {(index.name, *index.columns.keys()) for index in table.indexes}, table.name
    engine.dispose()
