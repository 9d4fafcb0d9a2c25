"""When a CronJob is due: cron expressions in a time zone, as robfig/cron reads them.

Expressions are cronsim's business; here is what it does not know: `@hourly` and its like, `@every 90m`, and `?`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from wherry.objects import durations

MOST_CHARACTERS = 1024
"""Three times what every minute, hour, day and month one by one take: what is longer only costs time to read."""
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "


class Schedule(NamedTuple):
    """A cron expression in five fields, or a pause in seconds between two times."""

    expression: str = ""
    every: float = 0.0

    def after(self, moment: float, zone: tzinfo = UTC) -> Iterator[float]:
        """Yield the times after `moment`, all in seconds since the epoch; fields are read in `zone`."""
        if self.every:
            while True:
                moment = math.floor(moment) + self.every
                yield moment
        from cronsim import CronSim  # only who has a CronJob needs it

        for due in CronSim(self.expression, datetime.fromtimestamp(moment, zone)):
            yield due.timestamp()


@lru_cache(maxsize=256)
def parse(text: str) -> Schedule:
    """Return the schedule a text stands for; ValueError, with the reason, where it is none."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"must have at most {MOST_CHARACTERS} characters, has {len(text)}")
    if text.startswith(_EVERY):
        return Schedule(every=_seconds(text[len(_EVERY) :]))
    if text.startswith("@"):
        if text not in _NICKNAMES:
            raise ValueError(f"unrecognized descriptor: {text}")
        return Schedule(_NICKNAMES[text])
    words = text.split()
    if len(words) != 5:
        raise ValueError(f"expected exactly 5 fields, found {len(words)}: [{' '.join(words)}]")
    expression = " ".join("*" + word[1:] if word.startswith("?") else word for word in words)
    from cronsim import CronSim, CronSimError

    try:
        CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"{error} in {text!r}") from None
    return Schedule(expression)


def _seconds(text: str) -> float:
    """Return whole seconds, one at least, as robfig/cron does."""
    try:
        return max(1.0, float(math.floor(durations.seconds(text))))
    except ValueError as error:
        raise ValueError(f"failed to parse duration {_EVERY}{text}: {error}") from None


def zone(name: str | None) -> tzinfo:
    """Return a time zone by its IANA name, UTC for none; ValueError for one this machine does not know."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found; no name at all; a folder
        raise ValueError(f"unknown time zone {name}") from None


def rfc3339_in(place: tzinfo, moment: float) -> str:
    """Return a time (seconds since the epoch) as RFC 3339 with the offset of a time zone; UTC is `Z`."""
    return datetime.fromtimestamp(int(moment), place).isoformat().replace("+00:00", "Z")
