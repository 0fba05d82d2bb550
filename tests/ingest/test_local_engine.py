"""The local engine: an item that hangs, crashes or eats memory costs itself, and never the others."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ingest.engines import Limits
from ingest.engines.local import LocalEngine
from ingest.errors import DocumentError, YoujuError


def make_stage(limit: int) -> Callable[[str], str]:
    return lambda item: _behave(item, limit)


def _behave(item: str, limit: int) -> str:
    if item == "hang":
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


def _run(items: list[str], *, workers: int = 1, seconds: float = 30.0, memory_mb: int = 4096) -> dict[str, object]:
    limits = Limits(seconds=seconds, memory_mb=memory_mb, start_seconds=5.0)
    with closing(LocalEngine(make_stage, 1, workers=workers, limits=limits)) as engine:
        return dict(engine.run(items))


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
