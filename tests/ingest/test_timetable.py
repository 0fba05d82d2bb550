"""When schedules are due, in time zones whose clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ingest.errors import ConfigurationError
from ingest.schedule.timetable import Timetable

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=BERLIN), datetime(2026, 10, 25, tzinfo=BERLIN)
"""The days on which 02:00 becomes 03:00, and 03:00 becomes 02:00."""


def _between(expression: str, start: datetime, *, days: int, time_zone: str = "Europe/Berlin") -> list[str]:
    """Each moment it is due, in its zone's time, until so many days later."""
    table = Timetable(expression, time_zone, "wiki")
    found, moment = [], start
    while (moment := table.next_after(moment)) < start + timedelta(days=days):
        assert moment.tzinfo is UTC
        found.append(moment.astimezone(ZoneInfo(time_zone)).strftime("%m-%d %H:%M"))
    return found


def test_expressions_are_read_in_their_time_zone() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert Timetable("30 2 * * *", "Asia/Shanghai", "wiki").next_after(noon) == datetime(2026, 7, 1, 18, 30, tzinfo=UTC)
    assert Timetable("30 2 * * *", "UTC", "wiki").next_after(noon) == datetime(2026, 7, 2, 2, 30, tzinfo=UTC)
    assert Timetable("*/15 8-9 * * mon-fri", "Europe/Berlin", "wiki").next_after(
        datetime(2026, 7, 3, 9, 45, tzinfo=BERLIN)
    ) == datetime(2026, 7, 6, 8, 0, tzinfo=BERLIN)


def test_the_next_moment_is_always_later() -> None:
    table = Timetable("0 * * * *", "UTC", "wiki")
    full = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert table.next_after(full - timedelta(microseconds=1)) == full
    assert table.next_after(full) == full + timedelta(hours=1)


def test_a_night_whose_hour_is_skipped_has_its_run_right_after_the_change() -> None:
    assert _between("30 2 * * *", SPRING - timedelta(days=1), days=3) == ["03-28 02:30", "03-29 03:00", "03-30 02:30"]


def test_a_night_whose_hour_is_had_twice_has_one_run() -> None:
    assert _between("30 2 * * *", AUTUMN - timedelta(days=1), days=3) == ["10-24 02:30", "10-25 02:30", "10-26 02:30"]
    second_half_past_two = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=BERLIN)
    assert _between("30 2 * * *", second_half_past_two, days=2) == ["10-26 02:30"]


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_every_half_hour_is_every_half_hour_whatever_the_clocks_do(day: datetime) -> None:
    table, moment, found = Timetable("*/30 * * * *", "Europe/Berlin", "wiki"), day, []
    for _ in range(60):
        found.append(moment := table.next_after(moment))
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}


@pytest.mark.parametrize("expression", ["", "* * * *", "* * * * * *", "61 * * * *", "every day at noon", "0 0 31 2 *"])
def test_what_is_no_expression_is_refused_with_the_name_of_its_source(expression: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Timetable(expression, "UTC", "wiki")
    assert raised.value.code == "schedule_invalid"
    assert "'wiki'" in raised.value.message


@pytest.mark.parametrize("time_zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_what_is_no_time_zone_is_refused_with_the_name_of_its_source(time_zone: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Timetable("* * * * *", time_zone, "wiki")
    assert raised.value.code == "time_zone_unknown"
    assert "'wiki'" in raised.value.message
