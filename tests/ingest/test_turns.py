"""A long document gives way to those behind it, and loses nothing and no order by it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ingest.runs.grouping import in_turns


def _lists(*lengths: int) -> list[list[tuple[int, int]]]:
    return [[(number, place) for place in range(length)] for number, length in enumerate(lengths)]


@pytest.mark.parametrize("lengths", [(), (1,), (5000,), (3, 5000, 2, 0, 4000, 1025, 7, 1024, 256 * 8), (1280, 1280)])
def test_every_item_comes_once_and_in_the_order_of_its_list(lengths: tuple[int, ...]) -> None:
    lists = _lists(*lengths)
    given = list(in_turns(lists, thread="turns"))
    for number, items in enumerate(lists):
        assert [item for item in given if item[0] == number] == items
    assert len(given) == sum(lengths)


def test_short_lists_behind_a_long_one_do_not_wait_for_its_end() -> None:
    short_ones_done = threading.Event()

    def lists() -> Iterator[list[tuple[int, int]]]:
        yield from _lists(100_000, 3, 3, 3)
        short_ones_done.set()

    given = in_turns(lists(), thread="turns")
    seen = [next(given)]
    while not short_ones_done.wait(0.001):  # gives the thread that takes the lists its turn on a busy machine
        seen.append(next(given))
    seen += [next(given) for _ in range(2000)]
    assert {number for number, _ in seen} == {0, 1, 2, 3}
    assert len(seen) < 100_000
    given.close()


def test_a_list_that_is_long_in_coming_does_not_hold_up_the_long_one() -> None:
    more = threading.Event()

    def lists() -> Iterator[list[tuple[int, int]]]:
        yield from _lists(5000)
        more.wait()
        yield [(1, 0)]

    given = in_turns(lists(), thread="turns")
    assert [next(given) for _ in range(5000)] == _lists(5000)[0]
    more.set()
    assert list(given) == [(1, 0)]


def test_what_the_lists_raise_comes_after_what_came_before_it() -> None:
    def lists() -> Iterator[list[tuple[int, int]]]:
        yield from _lists(2000)
        raise OSError("the listing broke off")

    given = in_turns(lists(), thread="turns")
    assert [next(given) for _ in range(2000)] == _lists(2000)[0]
    with pytest.raises(OSError, match="broke off"):
        next(given)
