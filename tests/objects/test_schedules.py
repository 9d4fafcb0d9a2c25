"""Cron expressions: what cronsim reads, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from wherry.objects import schedules

START = datetime(2026, 1, 1, 10, 20, 30, tzinfo=UTC).timestamp()


def times(text: str, zone: str | None = None) -> list[str]:
    found = islice(schedules.parse(text).after(START, schedules.zone(zone)), 2)
    return [datetime.fromtimestamp(t, UTC).strftime("%m-%d %H:%M:%S") for t in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/15 * * * *", ["01-01 10:30:00", "01-01 10:45:00"]),
        ("@hourly", ["01-01 11:00:00", "01-01 12:00:00"]),
        ("@daily", ["01-02 00:00:00", "01-03 00:00:00"]),
        ("@every 90m", ["01-01 11:50:30", "01-01 13:20:30"]),
        ("0 0 ? * MON", ["01-05 00:00:00", "01-12 00:00:00"]),
        ("0 12 13 * 5", ["01-02 12:00:00", "01-09 12:00:00"]),
    ],
)
def test_the_times_of_a_schedule(text: str, expected: list[str]) -> None:
    assert times(text) == expected


def test_fields_are_read_in_the_time_zone() -> None:
    assert times("0 0 * * *", "Asia/Tokyo") == ["01-01 15:00:00", "01-02 15:00:00"]


LONG = ("0," * 600 + "0 * * * *", "@every " + "1h" * 600, "@every " + "9" * 400 + "h", "@every 2562048h")


@pytest.mark.parametrize(
    "text", ["", "* * * *", "* * * * * *", "61 * * * *", "@often", "@every soon", "a b c d e", *LONG]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        schedules.parse(text)


@pytest.mark.parametrize("name", ["Nowhere/Land", "", "../etc/passwd", "Europe"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        schedules.zone(name)
