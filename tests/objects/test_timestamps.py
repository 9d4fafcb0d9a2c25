from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.objects import timestamps


def test_times_print_in_utc_to_the_second_or_the_microsecond() -> None:
    assert timestamps.rfc3339(1767323045.75) == "2026-01-02T03:04:05Z"
    assert timestamps.micro(1767323045.75) == "2026-01-02T03:04:05.750000Z"


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05Z", "2026-01-02T05:04:05+02:00", "2026-01-01T22:04:05.000-05:00"])
def test_any_offset_means_the_same_moment(text: str) -> None:
    assert timestamps.parse(text) == 1767323045.0


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z"])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        timestamps.parse(text)


@given(st.integers(0, 4_000_000_000))
def test_what_is_written_reads_back(seconds: int) -> None:
    assert timestamps.parse(timestamps.rfc3339(seconds)) == seconds
    assert timestamps.parse(timestamps.micro(seconds)) == seconds
