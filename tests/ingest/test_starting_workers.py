"""Workers that do not get as far as to take an item: they hold up no run, no stop and no end of the engine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from ingest.engines import Limits
from ingest.engines.local import LocalEngine
from ingest.errors import DocumentError, UnavailableError
from tests.api.command_line import children_of

LARGE = "x" * 8_000_000
"""More than any pipe takes before somebody reads from it."""
LIMITS = Limits(seconds=0.5, memory_mb=4096, start_seconds=15.0)


def make_hanging(_: object) -> Callable[[str], str]:
    time.sleep(3600)
    return str


def make_deaf(_: object) -> Callable[[str], int]:
    """A stage that is ready, and is halted before it has read the first item."""
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGSTOP)).start()
    return len


def make_measure(_: object) -> Callable[[str], int]:
    return len


def test_a_worker_that_hangs_at_its_start_ends_the_run_after_its_time() -> None:
    limits = Limits(seconds=0.5, memory_mb=4096, start_seconds=1.0)
    started = time.monotonic()
    engine: LocalEngine[str, str] = LocalEngine(make_hanging, None, workers=1, limits=limits)
    with closing(engine), pytest.raises(UnavailableError) as raised:
        list(engine.run([LARGE]))
    assert raised.value.code == "worker_not_started"
    assert time.monotonic() - started < 30


def test_a_worker_that_hangs_at_its_start_does_not_outlast_a_stop() -> None:
    stop = threading.Event()
    limits = Limits(seconds=300, memory_mb=4096)
    engine: LocalEngine[str, str] = LocalEngine(make_hanging, None, workers=2, limits=limits, stop=stop)
    threading.Timer(1.0, stop.set).start()
    started = time.monotonic()
    with closing(engine):
        assert list(engine.run([LARGE, LARGE])) == []
    assert time.monotonic() - started < 60


def _later(item: str) -> Iterator[str]:
    time.sleep(LIMITS.start_seconds / 3)
    yield item


@pytest.mark.slow
def test_an_item_that_nobody_reads_is_given_up_after_its_time() -> None:
    engine: LocalEngine[str, int] = LocalEngine(make_deaf, None, workers=1, limits=LIMITS)
    with closing(engine):
        ((_, failure),) = engine.run(_later(LARGE))
    assert isinstance(failure, DocumentError)
    assert failure.code == "timeout"


def test_an_item_that_nobody_reads_does_not_outlast_a_stop() -> None:
    stop = threading.Event()
    limits = Limits(seconds=300, memory_mb=4096)
    engine: LocalEngine[str, int] = LocalEngine(make_deaf, None, workers=1, limits=limits, stop=stop)
    threading.Timer(LIMITS.start_seconds / 3 + 1, stop.set).start()
    started = time.monotonic()
    with closing(engine):
        assert list(engine.run(_later(LARGE))) == []
    assert time.monotonic() - started < 60


def test_a_large_item_is_handed_over_whole() -> None:
    with closing(LocalEngine(make_measure, None, workers=1, limits=Limits(60, 4096))) as engine:
        assert [length for _, length in engine.run([LARGE, "", LARGE])] == [len(LARGE), 0, len(LARGE)]


def test_an_engine_that_is_closed_while_its_workers_start_leaves_no_process_behind() -> None:
    def run(engine: LocalEngine[str, int]) -> None:
        try:
            list(engine.run(["a", "b"]))
        except BaseException as error:
            raised.append(error)

    raised: list[BaseException] = []
    with closing(LocalEngine(make_measure, None, workers=1, limits=Limits(60, 4096))) as first:
        list(first.run(["a"]))  # the resource tracker, which stays, is started
    before = set(children_of(os.getpid()))
    for number in range(60):
        engine: LocalEngine[str, int] = LocalEngine(make_measure, None, workers=2, limits=Limits(60, 4096))
        thread = threading.Thread(target=run, args=(engine,))
        thread.start()
        time.sleep(number % 20 / 1000)
        engine.close()
        thread.join(60)
        assert not thread.is_alive()
    assert raised == []
    assert set(children_of(os.getpid())) <= before
