"""The record of runs: what it says while a run goes, how it ends, and that no two work on one source."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.settings import Settings
from ingest.errors import OwnedError, RequestError, SourceError, UnavailableError
from ingest.home.database import open_database
from ingest.runs.exclusive import exclusively
from ingest.runs.lease import Lease, holding
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Failure, Report, Run, Runs
from ingest.sources.folder import FolderSource
from ingest.store import Store

_HOLD = """
import sys, pathlib, time
from api.settings import Settings
from ingest.runs.records import Failure
from ingest.store import Store
from ingest.runs.exclusive import exclusively
settings = Settings(home=pathlib.Path(sys.argv[1]))
store = Store.open(settings, command="ingest")
with exclusively(store, settings, "wiki", trigger="schedule") as held:
    held.report.found, held.report.new = 9, 4
    print(held.report.run_id, flush=True)
    while not held.stop.is_set():
        time.sleep(0.02)
store.close()
"""


def _until(condition: Callable[[], bool], *, seconds: float = 10.0) -> float:
    """Wait until it is so, and say for how long."""
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds, "it never came to be"
        time.sleep(0.02)
    return time.monotonic() - since


@pytest.fixture
def shared(store: Store) -> Store:
    """The same home as several processes see it that share a Qdrant server: nobody owns it."""
    return replace(store, ownership=None)


@contextmanager
def _record(settings: Settings) -> Iterator[Runs]:
    """The record alone, which needs no home to oneself."""
    database = open_database(settings)
    yield Runs(database)
    database.dispose()


def _only(runs: Runs) -> Run:
    (run,) = runs.runs()
    return run


def test_a_run_can_be_watched_while_it_goes(store: Store, settings: Settings) -> None:
    with exclusively(store, settings, "wiki", trigger="schedule") as held:
        held.report.found, held.report.new, held.report.failed, held.report.seconds = 40, 9, 1, 2.0
        held.report.failures.append(Failure("a.pdf", "encrypted", "It has a password."))
        _until(lambda: store.runs.run(held.report.run_id).report.found == 40)
        run = _only(store.runs)
        assert (run.state, run.trigger, run.source, run.finished_at) == ("running", "schedule", "wiki", None)
        assert (run.report.new, run.report.done, run.report.pace()) == (9, 10, (5.0, 6.0))
        held.report.failures.append(Failure("b.pdf", "corrupt", "It is cut short."))
    assert [failure.uri for failure in store.runs.failures(run.id)] == ["a.pdf", "b.pdf"]
    assert [failure.uri for failure in store.runs.failures(run.id, after=1)] == ["b.pdf"]
    run = _only(store.runs)
    assert (run.state, run.error) == ("done", None)
    assert run.finished_at is not None
    assert run.finished_at >= run.started_at


def test_a_cancelled_run_hears_of_it_within_two_seconds(store: Store, settings: Settings) -> None:
    def seconds() -> float:
        with exclusively(store, settings, "wiki") as held:
            store.runs.cancel(held.report.run_id)
            return _until(held.stop.is_set)

    # It looks once a second; a machine that has no time for it makes one run wait longer, and not each of five.
    assert any(seconds() < 2.0 for _ in range(5))
    held = store.runs.runs()[0]
    assert held.state == "cancelled"
    with pytest.raises(RequestError) as raised:
        store.runs.cancel(held.id)
    assert (raised.value.code, "cancelled" in raised.value.message) == ("run_over", True)
    with pytest.raises(RequestError) as raised:
        store.runs.cancel("never")
    assert raised.value.code == "unknown_run"


def test_a_run_that_is_stopped_was_interrupted(store: Store, settings: Settings) -> None:
    stop = threading.Event()
    with exclusively(store, settings, "wiki", stop=stop) as held:
        assert not held.stop.is_set()
        stop.set()
        assert held.stop.is_set()
    assert _only(store.runs).state == "interrupted"
    with pytest.raises(KeyboardInterrupt), exclusively(store, settings, "wiki"):
        raise KeyboardInterrupt
    assert {run.state for run in store.runs.runs()} == {"interrupted"}


@pytest.mark.parametrize(
    ("error", "code"),
    [(SourceError("folder_unreadable", "No.", "Mount it."), "folder_unreadable"), (OSError(5, "x"), "internal_error")],
)
def test_a_run_that_fails_says_why(store: Store, settings: Settings, error: Exception, code: str) -> None:
    with pytest.raises(type(error)), exclusively(store, settings, "wiki"):
        raise error
    run = _only(store.runs)
    assert run.state == "failed"
    assert run.error is not None
    assert run.error.code == code


def test_a_run_whose_process_was_killed_was_interrupted_and_the_next_one_may_begin(
    settings: Settings,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(settings.home)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        with _record(settings) as runs:
            _until(lambda: runs.run(run_id).report.new == 4)
            assert _only(runs).state == "running"
            process.kill()
            process.wait()
            run = _only(runs)
            assert (run.state, run.report.new, run.finished_at) == ("interrupted", 4, None)
            with pytest.raises(RequestError, match="interrupted"):
                runs.cancel(run_id)
    with closing(Store.open(settings, command="test")) as store:
        with exclusively(store, settings, "wiki"):
            pass
        assert [run.state for run in store.runs.runs(source="wiki")] == ["done", "interrupted"]
        assert store.runs.run(run_id).finished_at is not None


def test_a_run_that_ends_while_it_is_looked_at_was_not_interrupted(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as running:
        held = running.enter_context(exclusively(store, settings, "wiki"))

        def end_first(engine: sa.Engine, owners: Collection[str]) -> frozenset[str]:
            running.close()
            return holding(engine, owners)

        monkeypatch.setattr("ingest.runs.records.holding", end_first)
        assert store.runs.run(held.report.run_id).state == "done"


def test_a_run_that_ends_while_it_is_cancelled_is_over(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as running:
        held = running.enter_context(exclusively(store, settings, "wiki"))

        def end_later(engine: sa.Engine, owners: Collection[str]) -> frozenset[str]:
            found = holding(engine, owners)
            running.close()
            return found

        monkeypatch.setattr("ingest.runs.records.holding", end_later)
        with pytest.raises(RequestError) as raised:
            store.runs.cancel(held.report.run_id)
    assert raised.value.message == "That run is over: done."


def test_a_run_that_was_declared_over_stays_so_whatever_it_says_later(store: Store) -> None:
    store.runs.start("asleep", "wiki", "manual")
    store.runs.start("next", "wiki", "manual")  # whoever begins has the source: nothing else can be under way
    store.runs.progress(Report("asleep", new=9), failures=[Failure("a.pdf", "empty", "")])
    store.runs.finish(Report("asleep", new=9), "done", failures=[Failure("a.pdf", "empty", "")])
    run = store.runs.run("asleep")
    assert (run.state, run.report.new, store.runs.failures("asleep")) == ("interrupted", 0, [])


def test_with_the_embedded_index_one_run_at_a_time(store: Store, settings: Settings) -> None:
    with (
        exclusively(store, settings, "wiki"),
        pytest.raises(OwnedError) as raised,
        exclusively(store, settings, "other"),
    ):
        pass
    assert raised.value.code == "home_in_use"


def test_with_a_server_different_sources_run_side_by_side_and_one_source_never_twice(
    shared: Store, settings: Settings
) -> None:
    with exclusively(shared, settings, "wiki") as wiki, exclusively(shared, settings, "other"):
        with pytest.raises(OwnedError) as raised, exclusively(shared, settings, "wiki"):
            pass
        assert raised.value.code == "run_under_way"
        assert f"process {os.getpid()}" in raised.value.message
        assert wiki.report.run_id in raised.value.hint
        assert {run.source: run.state for run in shared.runs.runs()} == {"wiki": "running", "other": "running"}
    assert {run.state for run in shared.runs.runs()} == {"done"}


def test_a_run_that_lost_its_lease_ends_and_publishes_nothing(
    shared: Store, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "one.txt").write_text("访客必须登记。")
    (reference,) = FolderSource([tmp_path / "one.txt"], "wiki").references()
    run = exclusively(shared, settings, "wiki")
    held = run.__enter__()
    usurper = Lease.take(shared.database, "source:wiki", "somebody else", sole=True)
    assert usurper is not None
    with pytest.raises(UnavailableError):
        held.store.catalog.take_revision(reference, "digest")
    assert held.stop.is_set()
    with pytest.raises(UnavailableError) as raised:
        run.__exit__(None, None, None)
    assert raised.value.code == "lease_lost"
    assert shared.catalog.known("wiki") == {}
    assert _only(shared.runs).state == "interrupted"
    usurper.release()


def test_only_the_newest_runs_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.runs.records._KEPT_RUNS", 3)
    monkeypatch.setattr("ingest.runs.records._KEPT_FAILURES", 2)
    failures = [Failure(f"{number}.pdf", "empty", "") for number in range(4)]
    for number in range(6):
        store.runs.start(f"run {number}", "wiki", "manual")
        store.runs.finish(Report(f"run {number}"), "done", failures=failures)
        time.sleep(0.002)
    store.runs.start("another", "other", "manual")
    assert [run.id for run in store.runs.runs(source="wiki")] == ["run 5", "run 4", "run 3"]
    assert [run.id for run in store.runs.runs(limit=1)] == ["another"]
    assert len(store.runs.failures("run 5")) == 2
    assert store.runs.failures("run 1") == []


def test_an_ingest_leaves_its_record(store: Store, settings: Settings, tmp_path: Path, inline: None) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "一.txt").write_text("员工每年享有十天年假。")
    (folder / "坏.pdf").write_bytes(b"")
    report = Ingestor(store, settings).run(FolderSource([folder]), trigger="watch")
    run = store.runs.run(report.run_id)
    assert (run.source, run.trigger, run.state) == ("local", "watch", "done")
    assert (run.report.found, run.report.new, run.report.failed) == (2, 1, 1)
    assert run.report.seconds == report.seconds > 0
    assert store.runs.failures(run.id) == report.failures
