"""Durations as people read them."""

from __future__ import annotations

import pytest

from wherry.apiserver.kinds.common import ages

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-0.5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (2 * MINUTE, "2m"),
        (8 * MINUTE + 36, "8m36s"),
        (12 * MINUTE + 5, "12m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR + 22 * MINUTE, "3h22m"),
        (5 * HOUR, "5h"),
        (28 * HOUR, "28h"),
        (2 * DAY + 3 * HOUR, "2d3h"),
        (9 * DAY, "9d"),
        (729 * DAY, "729d"),
        (3 * YEAR + 10 * DAY, "3y10d"),
        (9 * YEAR + DAY, "9y"),
    ],
)
def test_a_duration_keeps_two_or_three_digits(seconds: float, text: str) -> None:
    assert ages.human(seconds) == text


def test_an_object_without_a_creation_time_has_an_unknown_age() -> None:
    assert ages.of({"metadata": {}}) == "<unknown>"
    assert ages.of({"metadata": {"creationTimestamp": "1970-01-01T00:00:00Z"}}, 90) == "90s"
