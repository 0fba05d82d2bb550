"""Makes the homes of tests cheap: they lie in memory, and a new database is a copy of one that the migrations made.

Hundreds of tests begin with a new home. On a disk each waits for hundreds of flushes, and the migrations take most of
the processor's time that opening a home takes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.home import database
from ingest.settings import IngestSettings

_MEMORY = Path("/dev/shm")
NO_PROGRAMS = getattr(os, "ST_NOEXEC", 8)  # Linux alone has the name, and such memory
_NEEDED_BYTES = 4 * 2**30
"""What the homes of four processes of tests may take at once, and as much again."""

_migrate = database._migrate


def keep_files_in_memory() -> None:
    """Let temporary files lie in memory, where the machine has such and room in it, unless `TMPDIR` says where."""
    if "TMPDIR" not in os.environ and _MEMORY.is_dir() and _is_roomy():
        os.environ["TMPDIR"] = str(_MEMORY)  # for processes that tests start, too
        tempfile.tempdir = None


def _is_roomy() -> bool:
    """Some tests write programs, which containers may not run from there."""
    runs_programs = not os.statvfs(_MEMORY).f_flag & NO_PROGRAMS
    return runs_programs and shutil.disk_usage(_MEMORY).free >= _NEEDED_BYTES


def copy_new_databases(patch: pytest.MonkeyPatch) -> None:
    """Have the migrations run once in this process. Databases that exist are migrated as ever."""
    patch.setattr(database, "_migrate", _migrated)


def _migrated(engine: sa.Engine) -> None:
    if engine.dialect.name != "sqlite" or not _filled(engine):
        _migrate(engine)


def _filled(engine: sa.Engine) -> bool:
    """Fill a database that is new. Returns False for another."""
    statements = _statements()
    with engine.begin() as connection:  # several processes may start at once
        if connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar():
            return False
        for statement in statements:
            connection.exec_driver_sql(statement)
    return True


@cache
def _statements() -> tuple[str, ...]:
    """Returns what makes a database as the migrations leave it."""
    with tempfile.TemporaryDirectory() as folder:
        engine = database._engine(IngestSettings(home=Path(folder)))
        _migrate(engine)
        with closing(engine.raw_connection()) as connection:
            assert connection.driver_connection is not None
            dumped = tuple(connection.driver_connection.iterdump())
        engine.dispose()
    return dumped[1:-1]  # without its transaction
