"""Computes when a schedule is due, from cron expressions in a time zone.

As in Debian's cron, a time of day that the clocks skip in spring comes right after the change. A time that they repeat
in autumn comes once. If the minute or the hour of an expression begins with `*`, elapsed time counts instead.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from ingest.errors import ConfigurationError

_FIELDS = 5


class Timetable:
    """The moments of a cron expression."""

    def __init__(self, expression: str, time_zone: str, source: str) -> None:
        """`expression` has five fields: minute, hour, day of the month, month, day of the week.

        Raises ConfigurationError, which names the source, if the expression or the time zone is invalid.
        """
        self.expression = expression.strip()
        self.time_zone = time_zone
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigurationError(
                "time_zone_unknown",
                f"The source {source!r} has the time zone {time_zone!r}, which is not known here.",
                "Write it as Asia/Shanghai or Europe/Berlin, or UTC.",
            ) from None
        if (complaint := self._complaint()) is not None:
            raise ConfigurationError(
                "schedule_invalid",
                f"The source {source!r} has the schedule {expression!r}, which is no cron expression ({complaint}).",
                "Write five fields, minute hour day month weekday, such as `30 2 * * *` or `*/15 8-18 * * mon-fri`.",
            )

    def next_after(self, moment: datetime) -> datetime:
        """Returns the first moment after this one, in UTC. `moment` has a time zone."""
        for found in CronSim(self.expression, moment.astimezone(self._zone)):
            due = found.astimezone(UTC)
            # When clocks go back, the expression matches an hour that comes twice.
            if due > moment:
                return due
        raise AssertionError("the expression was checked to have moments")

    def _complaint(self) -> str | None:
        if len(self.expression.split()) != _FIELDS:
            return "it has not five fields"
        try:
            next(CronSim(self.expression, datetime(2000, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            return str(error).lower()
        except StopIteration:
            return "it is never due"
        return None
