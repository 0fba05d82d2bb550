"""The local engine: an item that hangs, crashes or eats memory costs itself, and never the others."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ingest.engines import Division, Limits
from ingest.engines.heartbeat import beat
from ingest.engines.local import LocalEngine
from ingest.errors import ConfigurationError, DocumentError, YoujuError


def make_stage(limit: int) -> Callable[[str], str]:
    return lambda item: _behave(item, limit)


def _behave(item: str, limit: int) -> str:
    if item == "hang":
        time.sleep(60)
    if item in ("pages", "hang later"):
        for _ in range(4):
            time.sleep(0.5)
            beat()
    if item == "hang later":
        time.sleep(60)
    if item == "crash":
        os.kill(os.getpid(), 9)
    if item == "eat":
        hoard = []
        while True:
            hoard.append(bytearray(10_000_000))
            time.sleep(0.001)
    if item == "refuse":
        raise DocumentError("encrypted", "It has a password.", "Remove it.")
    if item == "break":
        raise ValueError("odd value")
    return item.upper() * limit


def make_stage_of_words(limit: int) -> Callable[[str], str]:
    return lambda item: " ".join(_behave(word, limit) for word in item.split())


def make_unconfigured(argument: object) -> Callable[[str], str]:
    raise ConfigurationError("embedding_model_missing", "There is no model.", "Name one.")


def make_starter(note: Path) -> Callable[[str], str]:
    def start(item: str) -> str:
        with subprocess.Popen([item, "60"]) as started:
            note.write_text(str(started.pid))
        return item

    return start


def _merged(parts: Sequence[tuple[str, str | YoujuError]]) -> str:
    return " ".join(result.code if isinstance(result, YoujuError) else result for _, result in parts)


def _run(items: list[str], *, workers: int = 1, seconds: float = 30.0, memory_mb: int = 4096) -> dict[str, object]:
    limits = Limits(seconds=seconds, memory_mb=memory_mb, start_seconds=5.0)
    with closing(LocalEngine(make_stage, 1, workers=workers, limits=limits)) as engine:
        return dict(engine.run(items))


def test_the_time_begins_anew_with_every_step_of_a_long_item() -> None:
    results = _run(["a", "pages", "hang later"], seconds=1.0)
    assert (results["a"], results["pages"]) == ("A", "PAGES"), "two seconds, none of them without a page"
    failure = results["hang later"]
    assert isinstance(failure, YoujuError)
    assert failure.code == "timeout"
    assert "no further for 1 seconds" in failure.message


@pytest.mark.parametrize(
    ("item", "code"), [("crash", "worker_crashed"), ("refuse", "encrypted"), ("break", "stage_failed")]
)
def test_an_item_that_fails_is_reported_and_the_rest_goes_on(item: str, code: str) -> None:
    results = _run(["a", item, "b"])
    assert (results["a"], results["b"]) == ("A", "B")
    failure = results[item]
    assert isinstance(failure, YoujuError)
    assert failure.code == code
    assert failure.hint


def test_an_error_that_nobody_foresaw_is_in_the_log_with_where_it_happened(capfd: pytest.CaptureFixture[str]) -> None:
    _run(["break", "refuse"])
    log = capfd.readouterr().err
    assert "ValueError: odd value" in log
    assert "in _behave" in log
    assert "password" not in log


def test_an_item_that_hangs_is_given_up_after_its_time() -> None:
    results = _run(["a", "hang", "b"], seconds=0.5)
    assert (results["a"], results["b"]) == ("A", "B")
    assert isinstance(results["hang"], DocumentError)
    assert results["hang"].code == "timeout"


def test_an_item_that_eats_memory_is_stopped_before_the_machine_is() -> None:
    results = _run(["eat", "b"], memory_mb=400)
    assert results["b"] == "B"
    assert isinstance(results["eat"], DocumentError)
    assert results["eat"].code == "out_of_memory"


def test_several_workers_do_all_items_once() -> None:
    items = [f"item{number}" for number in range(200)]
    assert _run(items, workers=2) == {item: item.upper() for item in items}


def test_what_the_items_raise_reaches_the_reader_of_the_results() -> None:
    def items() -> Iterator[str]:
        yield "a"
        raise OSError("the listing broke off")

    engine: LocalEngine[str, str] = LocalEngine(make_stage, 1, workers=1, limits=Limits(30, 4096))
    with closing(engine), pytest.raises(OSError, match="broke off"):
        list(engine.run(items()))


def test_leaving_early_stops_what_is_under_way() -> None:
    engine: LocalEngine[str, str] = LocalEngine(make_stage, 1, workers=1, limits=Limits(30, 4096))
    started = time.monotonic()
    with closing(engine):
        results = engine.run(["a", "hang"])
        next(results)
        results.close()
    assert time.monotonic() - started < 20


def test_a_batch_that_ends_its_worker_is_done_again_in_parts_and_only_the_guilty_part_fails() -> None:
    division: Division[str, str] = Division(split=lambda item: list(item.split()), merge=_merged)
    limits = Limits(30, 4096)
    with closing(LocalEngine(make_stage_of_words, 1, workers=1, limits=limits, division=division)) as engine:
        results = dict(engine.run(["a b", "c crash d", "crash"]))
    assert (results["a b"], results["c crash d"]) == ("A B", "C worker_crashed D")
    assert isinstance(results["crash"], DocumentError)


def test_who_takes_the_items_is_gone_when_the_engine_is_closed() -> None:
    waiting, more = threading.Event(), threading.Event()

    def items() -> Iterator[str]:
        yield "a"
        waiting.set()
        more.wait()
        yield "b"

    engine: LocalEngine[str, str] = LocalEngine(make_stage, 1, workers=1, limits=Limits(30, 4096))
    results = engine.run(items())
    assert next(results) == ("a", "A")
    waiting.wait()
    results.close()
    threading.Timer(0.2, more.set).start()
    engine.close()
    assert [thread for thread in threading.enumerate() if thread.name in ("feeder", "worker")] == []


def test_items_that_are_a_generator_are_closed_where_the_run_is_left_early() -> None:
    closed = threading.Event()

    def items() -> Iterator[str]:
        try:
            while True:
                yield "a"
        finally:
            closed.set()

    with closing(LocalEngine(make_stage, 1, workers=1, limits=Limits(30, 4096))) as engine:
        results = engine.run(items())
        next(results)
        results.close()
    assert closed.is_set()


def test_an_error_that_no_item_would_escape_ends_the_run() -> None:
    engine: LocalEngine[str, str] = LocalEngine(make_unconfigured, 1, workers=2, limits=Limits(30, 4096))
    with closing(engine), pytest.raises(ConfigurationError, match="no model"):
        list(engine.run(["a", "b"]))


def test_no_more_items_are_taken_than_there_is_room_for() -> None:
    taken: list[int] = []

    def items() -> Iterator[str]:
        for number in range(1000):
            taken.append(number)
            yield "a"

    with closing(LocalEngine(make_stage, 1, workers=1, limits=Limits(30, 4096))) as engine:
        results = engine.run(items())
        for _ in range(5):
            next(results)
        time.sleep(0.5)
        assert len(taken) == 5 + 3
        results.close()


def test_programs_that_a_worker_has_started_end_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with closing(LocalEngine(make_starter, note, workers=1, limits=Limits(0.5, 4096, start_seconds=4))) as engine:
        [(_, failure)] = engine.run(["sleep"])
    assert isinstance(failure, DocumentError)
    assert failure.code == "timeout"
    deadline = time.monotonic() + 10
    while Path(f"/proc/{note.read_text()}/cmdline").exists() and Path(f"/proc/{note.read_text()}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_under_way_when_the_engine_is_closed_has_not_failed() -> None:
    engine: LocalEngine[str, str] = LocalEngine(make_stage, 1, workers=1, limits=Limits(30, 4096))
    results = engine.run(["a", "hang", "b"])
    assert next(results) == ("a", "A")
    closing_soon = threading.Timer(0.3, engine.close)
    closing_soon.start()
    assert list(results) == []
    closing_soon.join()


def test_stopping_ends_a_run_without_waiting_for_what_is_under_way() -> None:
    stop = threading.Event()
    engine: LocalEngine[str, str] = LocalEngine(make_stage, 1, workers=1, limits=Limits(50, 4096), stop=stop)
    started = time.monotonic()
    with closing(engine):
        results = engine.run(["a", "hang", "b"])
        assert next(results) == ("a", "A")
        stop.set()
        assert list(results) == []
    assert time.monotonic() - started < 40


def test_no_process_outlives_the_engine() -> None:
    def children() -> set[str]:
        return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())

    before = children()
    _run(["a", "b"], workers=2)
    assert children() <= before | {child for child in children() if _is_tracker(child)}


def _is_tracker(pid: str) -> bool:
    # multiprocessing keeps one resource tracker for the life of this process.
    return "resource_tracker" in Path(f"/proc/{pid}/cmdline").read_text()
