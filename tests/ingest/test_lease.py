"""Leases: one holder at a time among threads and processes, until it gives up, dies or goes silent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from api.settings import Settings
from ingest.errors import UnavailableError
from ingest.home.database import open_database
from ingest.home.processes import current_holder, is_dead
from ingest.runs.lease import Lease, holder_of, holding

_NAME = "source:公告"

_HOLD = """
import sys, time, pathlib
from api.settings import Settings
from ingest.home.database import open_database
from ingest.runs.lease import Lease
home, owner, seconds = sys.argv[1:]
lease = Lease.take(open_database(Settings(home=pathlib.Path(home))), "source:公告", owner, seconds=float(seconds))
print("held" if lease else "refused", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(settings: Settings) -> Iterator[sa.Engine]:
    engine = open_database(settings)
    yield engine
    engine.dispose()


def _take(database: sa.Engine, *, seconds: float = 45.0, sole: bool = False) -> Lease | None:
    return Lease.take(database, _NAME, str(uuid.uuid4()), command="ingest", seconds=seconds, sole=sole)


@contextmanager
def _holder(home: Path, *, seconds: float = 45.0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that asked for the lease, and what it said."""
    command = [sys.executable, "-c", _HOLD, str(home), str(uuid.uuid4()), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def _until(condition: object, *, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    assert callable(condition)
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_lease_has_one_holder_until_it_is_given_up(database: sa.Engine) -> None:
    first = _take(database)
    assert first is not None
    assert _take(database) is None
    held_by = holder_of(database, _NAME)
    assert held_by is not None
    assert (held_by.pid, held_by.owner, held_by.command) == (os.getpid(), first.owner, "ingest")
    assert holding(database, [first.owner, "nobody"]) == {first.owner}
    first.release()
    first.release()
    assert holder_of(database, _NAME) is None
    with _take(database) as second:
        assert second.owner != first.owner


def test_of_many_that_ask_at_once_one_gets_it(database: sa.Engine) -> None:
    taken: list[Lease | None] = []
    asking = threading.Barrier(8)

    def ask() -> None:
        asking.wait()
        taken.append(_take(database))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [lease for lease in taken if lease is not None]
    assert len(won) == 1
    won[0].release()


def test_a_lease_is_renewed_for_as_long_as_it_is_held(database: sa.Engine) -> None:
    with _take(database, seconds=0.9) as lease:
        time.sleep(2.0)
        lease.check()
        assert _take(database) is None


def test_processes_share_a_lease_and_one_that_is_killed_gives_it_up_at_once(
    settings: Settings, database: sa.Engine
) -> None:
    with _holder(settings.home) as (process, said):
        assert said == "held"
        assert _take(database) is None
        held_by = holder_of(database, _NAME)
        assert held_by is not None
        assert held_by.pid == process.pid
        with _holder(settings.home) as (_, also):
            assert also == "refused"
        process.kill()
        process.wait()
        assert holder_of(database, _NAME) is None
        lease = _take(database)
        assert lease is not None
        lease.release()


def test_a_killed_process_that_nobody_has_waited_for_counts_as_dead(settings: Settings, database: sa.Engine) -> None:
    with _holder(settings.home) as (process, _):
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{process.pid}").exists()
        assert holder_of(database, _NAME) is None


def test_of_another_machine_only_silence_tells_that_the_holder_died(
    settings: Settings, database: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _holder(settings.home, seconds=1.5) as (process, _):
        process.kill()
        process.wait()
        monkeypatch.setattr("ingest.home.processes._machine", lambda: "another one")
        assert _take(database) is None
        assert _until(lambda: holder_of(database, _NAME) is None)
        lease = _take(database)
        assert lease is not None
        lease.release()


def test_a_process_id_that_is_another_process_by_now_is_not_taken_for_the_holder() -> None:
    us = current_holder()
    assert not is_dead(us)
    assert is_dead(replace(us, started=us.started - 1))
    assert not is_dead(replace(us, started=us.started - 1, machine="another one"))
    assert not is_dead(replace(us, pid=2**22 + 1, machine=""))


def test_whoever_lost_the_lease_can_write_no_more(database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (text VARCHAR)"))
    first = _take(database)
    assert first is not None
    guarded = first.fenced(database)
    with guarded.begin() as connection:
        connection.execute(sa.text("INSERT INTO notes VALUES ('still mine')"))
    second = _take(database, sole=True)
    assert second is not None
    with guarded.execution_options(reads_only=True).begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM notes")) == 1
    assert not first.lost.is_set()
    with pytest.raises(UnavailableError) as raised, guarded.begin() as connection:
        connection.execute(sa.text("INSERT INTO notes VALUES ('too late')"))
    assert raised.value.code == "lease_lost"
    assert first.lost.is_set()
    with second.fenced(database).begin() as connection:
        connection.execute(sa.text("INSERT INTO notes VALUES ('mine now')"))
    with database.begin() as connection:
        assert list(connection.scalars(sa.text("SELECT text FROM notes"))) == ["still mine", "mine now"]
    first.release()
    second.check()
    second.release()


def test_a_holder_learns_by_itself_that_its_lease_was_taken_over(database: sa.Engine) -> None:
    first = _take(database, seconds=0.9)
    assert first is not None
    with _take(database, sole=True):
        assert first.lost.wait(5)
        with pytest.raises(UnavailableError, match="no longer holds"):
            first.check()
        first.release()
        assert holder_of(database, _NAME) is not None


def test_a_lease_is_lost_when_the_database_is_away_for_longer_than_it_lasts(
    database: sa.Engine, settings: Settings
) -> None:
    lease = _take(database, seconds=0.9)
    assert lease is not None
    database.dispose()
    hidden = settings.home.with_name("hidden")
    settings.home.rename(hidden)
    assert lease.lost.wait(10)
    hidden.rename(settings.home)
    lease.release()


def test_a_lease_counts_from_when_the_database_gave_it_however_long_the_commit_takes(database: sa.Engine) -> None:
    first = _take(database)  # so that the lease has its row
    assert first is not None
    first.release()
    commits, go_on = [0], threading.Event()

    def delay(_: sa.Connection) -> None:
        commits[0] += 1
        if commits[0] == 2:  # the first was to see that the row is there
            time.sleep(1.2)
        elif commits[0] > 2:  # a renewal
            go_on.wait(30)

    event.listen(database, "commit", delay)
    try:
        lease = _take(database, seconds=1.0)
        assert lease is not None
        with pytest.raises(UnavailableError, match="no longer holds"):
            lease.check()
    finally:
        go_on.set()
        event.remove(database, "commit", delay)
    lease.release()


def test_a_renewal_counts_from_when_it_was_asked_for_however_long_the_commit_takes(database: sa.Engine) -> None:
    lease = _take(database, seconds=0.5)
    assert lease is not None
    commits, is_next, go_on = [0], threading.Event(), threading.Event()

    def delay(_: sa.Connection) -> None:
        commits[0] += 1
        if commits[0] == 1:
            time.sleep(0.7)
        else:
            is_next.set()
            go_on.wait(30)

    event.listen(database, "commit", delay)
    try:
        assert is_next.wait(30)  # the first one is done, and took longer than the lease lasts
        with pytest.raises(UnavailableError, match="no longer holds"):
            lease.check()
    finally:
        go_on.set()
        event.remove(database, "commit", delay)
    lease.release()


def test_a_database_that_is_away_for_a_part_of_a_lease_costs_nobody_theirs(database: sa.Engine) -> None:
    lease = _take(database, seconds=4.5)
    assert lease is not None
    renewals = [0]

    def refuse(_: sa.Connection) -> None:
        renewals[0] += 1
        if renewals[0] < 3:
            raise UnavailableError("database_unavailable", "The database does not answer.")

    event.listen(database, "commit", refuse)
    try:
        assert _until(lambda: renewals[0] > 3 or lease.lost.is_set(), seconds=30)
    finally:
        event.remove(database, "commit", refuse)
    assert not lease.lost.is_set()
    lease.check()
    lease.release()
