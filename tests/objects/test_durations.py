"""Durations are Go's, for whoever reads one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.objects.durations import seconds

KNOWN = {
    "0": 0.0,
    "-0": 0.0,
    "5s": 5.0,
    "1h30m": 5400.0,
    "1.5h": 5400.0,
    "1.s": 1.0,
    ".5s": 0.5,
    "250ms": 0.25,
    "3us": 3e-6,
    "3µs": 3e-6,
    "3μs": 3e-6,
    "7ns": 7e-9,
    "-1m1s": -61.0,
    "+2s": 2.0,
    "1s1s": 2.0,
    "2562047h": 2562047 * 3600.0,
}


@pytest.mark.parametrize(("text", "wanted"), KNOWN.items())
def test_what_go_reads_is_read(text: str, wanted: float) -> None:
    assert seconds(text) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "5", "s", "1x", "1d", ".s", "-", "1h-30m", " 1s", "1s\n", "１s", "1 s", "2562048h", "9" * 400 + "h"]
)
def test_what_go_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


@given(st.text(alphabet="0123456789.hmsnuµ+-", max_size=12))
def test_whatever_comes_is_a_number_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(seconds(text), float)
