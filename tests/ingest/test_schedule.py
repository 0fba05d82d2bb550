"""The scheduler: what is due runs once, also when it was missed, and in one of several servers only."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.settings import Settings
from ingest.errors import ConfigurationError, OwnedError, SourceError, UnavailableError
from ingest.home.database import open_database
from ingest.runs.records import Trigger
from ingest.schedule.scheduler import Scheduler, next_run_at, timetables
from ingest.sources.settings import FolderSettings

_EVENING = datetime(2026, 7, 1, 20, tzinfo=UTC)

_SERVER = """
import sys, pathlib, time
from api.settings import Settings
from ingest.home.database import open_database
from ingest.schedule.scheduler import Scheduler
from ingest.schedule.timetable import Timetable
home, log, name = sys.argv[1:]
def run(source, trigger, stop):
    with open(log, "a") as file:
        file.write(f"{name} {source}\\n")
    stop.wait(600 if name == "hangs" else 0)
table = Timetable("* * * * *", "UTC", "wiki")
scheduler = Scheduler(open_database(Settings(home=pathlib.Path(home))), {"wiki": table}, run)
scheduler.start()
scheduler.leads.wait()
print("leads", flush=True)
sys.stdin.read()
scheduler.close()
"""


class Clock:
    """A clock for the cron expressions that stands still until it is set."""

    def __init__(self) -> None:
        self.time = _EVENING

    def __call__(self) -> datetime:
        return self.time


class Sources:
    """Stands for the ingestor: writes down what ran, and ends when it is told to."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, Trigger]] = []
        self.together = 0
        self.most_together = 0
        self.go = threading.Event()
        self.go.set()
        self.error: Exception | None = None

    def __call__(self, source: str, trigger: Trigger, stop: threading.Event) -> None:
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        self.ran.append((source, trigger))
        try:
            while not (self.go.is_set() or stop.is_set()):
                time.sleep(0.01)
            if self.error is not None:
                raise self.error
        finally:
            self.together -= 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def database(settings: Settings) -> Iterator[sa.Engine]:
    engine = open_database(settings)
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.schedule.scheduler._LOOK_SECONDS", 0.02)
    monkeypatch.setattr("ingest.schedule.scheduler._STAND_BY_SECONDS", 0.05)
    monkeypatch.setattr("ingest.schedule.scheduler._BUSY_SECONDS", 0.2)


def _source(name: str = "wiki", schedule: str | None = "30 2 * * *", **more: object) -> FolderSettings:
    given = {"name": name, "type": "folder", "path": "/srv/wiki", "schedule": schedule, **more}
    return FolderSettings.model_validate(given)


@contextmanager
def _scheduler(
    database: sa.Engine, run: Sources, clock: Clock, *sources: FolderSettings, parallel: int = 1
) -> Iterator[Scheduler]:
    scheduler = Scheduler(database, timetables(sources or [_source()]), run, parallel=parallel, now=clock)
    scheduler.start()
    assert scheduler.leads.wait(10)
    yield scheduler
    scheduler.close()


def _until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def _settled() -> None:
    time.sleep(0.3)


def test_what_is_due_runs_once_and_then_when_it_is_due_again(
    database: sa.Engine, sources: Sources, clock: Clock
) -> None:
    with _scheduler(database, sources, clock):
        _settled()
        assert sources.ran == []
        clock.time = datetime(2026, 7, 2, 2, 30, tzinfo=UTC)
        _until(lambda: sources.ran == [("wiki", "schedule")])
        _settled()
        assert len(sources.ran) == 1
        assert next_run_at(database, _source()) == datetime(2026, 7, 3, 2, 30, tzinfo=UTC)
        clock.time += timedelta(days=1)
        _until(lambda: len(sources.ran) == 2)


def test_runs_missed_while_no_server_was_up_are_caught_up_once(
    database: sa.Engine, sources: Sources, clock: Clock
) -> None:
    with _scheduler(database, sources, clock):
        pass
    clock.time += timedelta(days=9)
    with _scheduler(database, sources, clock):
        _until(lambda: len(sources.ran) == 1)
        _settled()
        assert sources.ran == [("wiki", "schedule")]
        assert next_run_at(database, _source()) == datetime(2026, 7, 11, 2, 30, tzinfo=UTC)


def test_a_server_that_is_late_does_not_undo_what_another_has_done_meanwhile(
    database: sa.Engine, sources: Sources, clock: Clock
) -> None:
    later = datetime(2026, 7, 9, 2, 30, tzinfo=UTC)
    sources.go.clear()
    with _scheduler(database, sources, clock):
        clock.time = datetime(2026, 7, 2, 2, 30, tzinfo=UTC)
        _until(lambda: len(sources.ran) == 1)
        with database.begin() as connection:
            connection.execute(sa.text("UPDATE schedules SET due = :due"), {"due": later.timestamp()})
    assert next_run_at(database, _source()) == later


def test_a_run_longer_than_its_interval_is_not_overtaken_by_itself(
    database: sa.Engine, sources: Sources, clock: Clock
) -> None:
    sources.go.clear()
    with _scheduler(database, sources, clock, _source(schedule="* * * * *")):
        clock.time += timedelta(minutes=1)
        _until(lambda: sources.together == 1)
        clock.time += timedelta(minutes=5, seconds=30)
        _settled()
        assert sources.most_together == 1
        sources.go.set()
        _until(lambda: sources.together == 0)
        _settled()
        assert len(sources.ran) == 1
        clock.time += timedelta(minutes=1)
        _until(lambda: len(sources.ran) == 2)


@pytest.mark.parametrize(("parallel", "together"), [(1, 1), (2, 2)])
def test_so_many_sources_run_at_once(
    database: sa.Engine, sources: Sources, clock: Clock, parallel: int, together: int
) -> None:
    sources.go.clear()
    three = [_source(name) for name in ("wiki", "mail", "plans")]
    with _scheduler(database, sources, clock, *three, parallel=parallel):
        clock.time += timedelta(days=1)
        _until(lambda: sources.together == together)
        _settled()
        sources.go.set()
        _until(lambda: len(sources.ran) == 3)
    assert sources.most_together == together
    assert {source for source, _ in sources.ran} == {"wiki", "mail", "plans"}


def test_a_run_that_finds_another_under_way_waits_for_it(database: sa.Engine, sources: Sources, clock: Clock) -> None:
    sources.error = OwnedError("run_under_way", "Another process runs it.", "Wait.")
    with _scheduler(database, sources, clock):
        clock.time += timedelta(days=1)
        _until(lambda: len(sources.ran) >= 4)
        sources.error = None
        _settled()
        tried = len(sources.ran)
        _settled()
        assert len(sources.ran) == tried
        next_time = next_run_at(database, _source())
        assert next_time is not None
        assert next_time > clock.time


@pytest.mark.parametrize("error", [SourceError("folder_unreadable", "No.", "Mount it."), ValueError("a mistake")])
def test_a_run_that_fails_is_tried_again_when_it_is_next_due(
    database: sa.Engine, sources: Sources, clock: Clock, error: Exception
) -> None:
    sources.error = error
    with _scheduler(database, sources, clock):
        clock.time += timedelta(days=1)
        _until(lambda: len(sources.ran) == 1)
        _settled()
        assert len(sources.ran) == 1
        clock.time += timedelta(days=1)
        _until(lambda: len(sources.ran) == 2)


def test_a_run_that_found_something_not_to_answer_is_tried_again_soon(
    database: sa.Engine, sources: Sources, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.schedule.scheduler._AGAIN_SECONDS", (0.1, 0.2, 0.3))
    sources.error = UnavailableError("embedding_server_failed", "It answered 503.", "Start it.")
    with _scheduler(database, sources, clock):
        clock.time += timedelta(days=1)
        _until(lambda: len(sources.ran) == 2)
        sources.error = None
        _until(lambda: len(sources.ran) == 3)
        _settled()
        assert len(sources.ran) == 3
        next_time = next_run_at(database, _source())
        assert next_time is not None
        assert next_time > clock.time


def test_a_run_that_goes_on_finding_nothing_to_answer_waits_for_its_next_time(
    database: sa.Engine, sources: Sources, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.schedule.scheduler._AGAIN_SECONDS", (0.05, 0.1, 0.15))
    sources.error = UnavailableError("embedding_server_failed", "It answered 503.", "Start it.")
    with _scheduler(database, sources, clock):
        clock.time += timedelta(days=1)
        _until(lambda: len(sources.ran) == 4)
        _settled()
        assert len(sources.ran) == 4
        clock.time += timedelta(days=1)
        _until(lambda: len(sources.ran) == 8)  # and then as patiently as before


def test_a_run_is_not_put_off_beyond_the_time_when_it_is_due_anyway(
    database: sa.Engine, sources: Sources, clock: Clock
) -> None:
    sources.error = UnavailableError("embedding_server_failed", "It answered 503.", "Start it.")
    each_minute = _source(schedule="* * * * *")
    with _scheduler(database, sources, clock, each_minute):
        clock.time += timedelta(minutes=1)
        _until(lambda: len(sources.ran) == 1)
        _settled()
        clock.time += timedelta(minutes=1)
        _until(lambda: len(sources.ran) == 2)
        assert len(sources.ran) == 2


def test_a_run_that_the_server_s_end_interrupts_is_gone_on_with_at_the_next_start(
    database: sa.Engine, sources: Sources, clock: Clock
) -> None:
    for number in range(4):
        sources.go.clear()
        with _scheduler(database, sources, clock):
            clock.time += timedelta(days=number == 0)
            _until(lambda expected=number + 1: len(sources.ran) == expected)
    sources.go.set()
    with _scheduler(database, sources, clock):
        _until(lambda: len(sources.ran) == 5)
        _settled()
    assert len(sources.ran) == 5


def test_a_request_runs_soon_and_once_more_if_it_comes_while_its_source_runs(
    database: sa.Engine, sources: Sources, clock: Clock
) -> None:
    sources.go.clear()
    with _scheduler(database, sources, clock) as scheduler:
        scheduler.request("wiki", "watch")
        _until(lambda: sources.together == 1)
        for _ in range(3):
            scheduler.request("wiki", "watch")
        _settled()
        assert len(sources.ran) == 1
        sources.go.set()
        _until(lambda: len(sources.ran) == 2)
        _settled()
    assert sources.ran == [("wiki", "watch")] * 2


def test_a_schedule_that_was_changed_counts_from_now_on(database: sa.Engine, sources: Sources, clock: Clock) -> None:
    with _scheduler(database, sources, clock, _source(), _source("mail")):
        pass
    clock.time += timedelta(days=1)
    changed = _source(schedule="0 5 * * *", time_zone="Asia/Shanghai")
    with _scheduler(database, sources, clock, changed):
        _settled()
        assert sources.ran == []
        assert next_run_at(database, changed) == datetime(2026, 7, 2, 21, 0, tzinfo=UTC)
    assert next_run_at(database, _source(schedule=None)) is None
    assert next_run_at(database, _source(enabled=False)) is None
    never_seen = next_run_at(database, _source("new"))
    assert never_seen is not None
    assert never_seen > datetime.now(UTC)


def test_a_schedule_that_cannot_be_understood_is_refused_by_the_name_of_its_source() -> None:
    with pytest.raises(ConfigurationError, match="'mail'"):
        timetables([_source(), _source("mail", "99 2 * * *")])
    assert timetables([_source("mail", "99 2 * * *", enabled=False), _source(schedule=None)]) == {}


@contextmanager
def _server(home: Path, log: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _SERVER, str(home), str(log), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _make_due(database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE schedules SET due = due - 100000"))


def test_of_several_servers_one_runs_the_schedule_and_another_takes_over_when_it_is_killed(
    database: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "ran.txt"
    with _server(settings.home, log, "hangs") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "leads\n"
        with _server(settings.home, log, "second") as second:
            assert second.stdout is not None
            _make_due(database)
            first.send_signal(signal.SIGSTOP)  # so that only the record says that it leads
            time.sleep(1.5)
            assert not log.exists()
            first.kill()
            first.wait()
            assert second.stdout.readline() == "leads\n"
            _until(log.exists, seconds=20)
            _until(lambda: log.read_text() != "", seconds=20)
    assert log.read_text().splitlines()[0] == "second wiki"


def test_a_run_that_kills_its_server_is_not_begun_over_and_over(
    database: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "ran.txt"
    for start in range(4):
        with _server(settings.home, log, "hangs") as server:
            assert server.stdout is not None
            assert server.stdout.readline() == "leads\n"
            if 0 < start < 3:
                _until(lambda expected=start: log.exists() and len(log.read_text().splitlines()) == expected)
            elif start == 3:
                time.sleep(1.5)
        if start == 0:
            _make_due(database)  # seen by the server that starts next
    assert len(log.read_text().splitlines()) == 2


def test_a_watcher_is_heard_while_its_scheduler_leads(database: sa.Engine, sources: Sources, clock: Clock) -> None:
    ended = threading.Event()

    def watcher(changed: Callable[[], None], stop: threading.Event) -> None:
        changed()
        stop.wait()
        ended.set()

    scheduler = Scheduler(database, {}, sources, watchers={"wiki": watcher}, now=clock)
    scheduler.start()
    _until(lambda: sources.ran == [("wiki", "watch")])
    scheduler.close()
    assert ended.is_set()
