"""Watching a folder: changes are told once nothing changes any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.schedule.watching import watch
from ingest.sources.folder import FolderSource


@contextmanager
def _watched(folder: Path, *, every_seconds: float = 0.1) -> Iterator[list[float]]:
    """When changes were told."""
    told: list[float] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=watch,
        args=(FolderSource([folder], "wiki"), lambda: told.append(time.monotonic()), stop),
        kwargs={"every_seconds": every_seconds},
    )
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()


def _until(told: list[float], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(told) < count:
        assert time.monotonic() < deadline, f"{len(told)} of {count} changes were told"
        time.sleep(0.01)


def test_what_is_there_at_first_counts_as_a_change_and_then_each_change_does(folder: Path) -> None:
    (folder / "a.txt").write_text("one")
    with _watched(folder) as told:
        _until(told, 1)
        for change in (
            lambda: (folder / "a.txt").write_text("another"),
            lambda: (folder / "b.txt").write_text("new"),
            lambda: (folder / "a.txt").unlink(),
        ):
            before = len(told)
            change()
            _until(told, before + 1)
        time.sleep(0.5)
        assert len(told) == 4


def test_a_change_that_goes_on_is_told_when_it_is_over(folder: Path) -> None:
    with _watched(folder, every_seconds=0.4) as told:
        _until(told, 1)
        with (folder / "long.txt").open("w") as file:
            for _ in range(20):
                file.write("more " * 100)
                file.flush()
                time.sleep(0.03)
            over = time.monotonic()
        _until(told, 2)
        assert told[1] > over


def test_a_folder_that_is_away_has_not_changed(folder: Path) -> None:
    (folder / "a.txt").write_text("one")
    with _watched(folder) as told:
        _until(told, 1)
        folder.rename(folder.with_name("away"))
        time.sleep(0.4)
        folder.with_name("away").rename(folder)
        time.sleep(0.4)
        assert len(told) == 1
