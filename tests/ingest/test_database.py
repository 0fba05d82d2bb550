"""Opening the database: what cannot be opened says the way out."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.errors import ConfigurationError
from ingest.home.database import open_database
from ingest.settings import IngestSettings


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    settings = IngestSettings(home=tmp_path)
    for _ in range(2):
        engine = open_database(settings)
        assert "documents" in sa.inspect(engine).get_table_names()
        engine.dispose()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    settings = IngestSettings(home=tmp_path)
    engine = open_database(settings)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ConfigurationError) as raised:
        open_database(settings)
    assert raised.value.code == "database_newer"
    assert "9999" in raised.value.message


def test_a_home_that_is_no_folder_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="YOUJU_HOME"):
        open_database(IngestSettings(home=tmp_path / "file"))


def test_writers_that_wait_for_one_another_leave_readers_alone(tmp_path: Path) -> None:
    engine = open_database(IngestSettings(home=tmp_path))

    def write() -> None:
        with engine.begin():
            pass

    with ThreadPoolExecutor(40) as writers:
        with engine.begin():
            waiting = [writers.submit(write) for _ in range(40)]
            time.sleep(0.5)
            began = time.monotonic()
            with engine.execution_options(reads_only=True).begin() as reading:
                assert reading.scalar(sa.text("SELECT 1")) == 1
            assert time.monotonic() - began < 10
        for each in waiting:
            each.result()
    engine.dispose()


def test_who_reads_and_then_writes_in_one_transaction_is_overtaken_by_nobody(tmp_path: Path) -> None:
    engine = open_database(IngestSettings(home=tmp_path))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (value INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")

    def count(meanwhile: threading.Thread | None = None) -> None:
        with engine.begin() as connection:
            value = connection.scalar(sa.text("SELECT value FROM counter"))
            if meanwhile is not None:
                meanwhile.start()
                meanwhile.join(0.3)  # or it waits for us
            connection.execute(sa.text("UPDATE counter SET value = :value"), {"value": value + 1})

    other = threading.Thread(target=count)
    count(other)  # SQLite refuses it at once where another has written since it read
    other.join()
    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT value FROM counter")) == 2
    engine.dispose()
