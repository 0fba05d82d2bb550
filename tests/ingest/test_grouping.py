"""Documents in groups: how long a group is waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ingest.runs.grouping import grouped


def trickled(number: int, seconds: float) -> Iterator[int]:
    for item in range(number):
        time.sleep(seconds)
        yield item


def test_groups_grow_where_each_costs_its_reader_much() -> None:
    started = time.monotonic()
    spent, items = 0.0, 0
    for group in grouped(trickled(200, 0.005), limit=1000, seconds=0.02, thread="prepared"):
        before = time.monotonic()
        time.sleep(0.1)  # what a group costs, however small it is
        spent, items = spent + time.monotonic() - before, items + len(group)
    assert items == 200
    assert spent < 0.5 * (time.monotonic() - started), "the reader worked more than it waited"


def test_a_group_does_not_wait_for_longer_than_a_second() -> None:
    waits = []
    given = 0.0
    for group in grouped(trickled(50, 0.05), limit=1000, seconds=0.01, thread="prepared"):
        waits.append((time.monotonic() - given, len(group)) if given else (0.0, 0))
        time.sleep(1.0 if len(waits) == 1 else 0.0)
        given = time.monotonic()
    wait, size = waits[1]
    assert 0.5 < wait < 2.5, "four times as long as the reader took, but for the limit"
    assert size > 20


def test_a_quick_reader_gets_its_groups_at_once() -> None:
    started = time.monotonic()
    first = next(grouped(trickled(100, 0.05), limit=1000, seconds=0.01, thread="prepared"))
    assert len(first) < 10
    assert time.monotonic() - started < 2.0
