"""Pure: when a CronJob is due.

Source: upstream pkg/controller/cronjob/utils.go (mostRecentScheduleTime, nextScheduleTime).
"""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

from wherry.objects import Object, schedules
from wherry.objects.timestamps import parse

MANY = 100
"""So many missed times are told of: a clock is wrong, or nobody has looked for long."""
_FIRST_LOOK_BACK_SECONDS = 60.0


class Due(NamedTuple):
    """The `latest` time a CronJob was due since it last ran (None: none), the `next` one, and how `many` passed."""

    latest: float | None
    next: float | None
    many: int


def due(cron_job: Object, now: float) -> Due:
    """Return when a CronJob was and is due; ValueError for a schedule or a time zone that are none.

    What passed before it was made, before it last ran, or longer ago than startingDeadlineSeconds, does not count.
    """
    spec, status = cron_job["spec"], cron_job.get("status") or {}
    schedule, zone = schedules.parse(spec["schedule"]), schedules.zone(spec.get("timeZone"))
    earliest = parse(status.get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"])
    if (deadline := spec.get("startingDeadlineSeconds")) is not None:
        earliest = max(earliest, now - deadline)
    latest, many = None, 0
    for moment in schedule.after(earliest, zone):
        if moment > now:
            return Due(latest, moment, many)
        latest, many = moment, many + 1
        if many > MANY:
            return _after_many(schedule, zone, now, many)
    return Due(latest, None, many)


def _after_many(schedule: schedules.Schedule, zone: tzinfo, now: float, many: int) -> Due:
    """Find the latest time from the end: looking back ever further, so that a year of minutes is not walked through."""
    back = _FIRST_LOOK_BACK_SECONDS
    while True:
        latest = None
        for moment in schedule.after(now - back, zone):
            if moment > now:
                if latest is not None:
                    return Due(latest, moment, many)
                break
            latest = moment
        back *= 4
