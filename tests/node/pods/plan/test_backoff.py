"""Pauses between runs."""

from __future__ import annotations

import pytest

from tests.node.build import run
from wherry.node.pods.plan.backoff import after_run, following, pause_after, text


def test_the_first_end_is_followed_by_a_restart_at_once():
    assert pause_after(run(), None, 1.0) == 0.0


def test_pauses_double_from_ten_seconds_to_five_minutes():
    pauses, pause = [], 0.0
    for _ in range(7):
        pause = after_run(pause, 1.0)
        pauses.append(pause)
    assert pauses == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]


def test_a_long_run_is_forgiven():
    assert after_run(160.0, 601.0) == 0.0


def test_a_run_of_an_earlier_life_does_not_count():
    assert pause_after(run(attempt=3), run(attempt=2, inherited=True, backoff=80.0), 1.0) == 0.0


def test_a_failed_pull_waits_ten_seconds():
    assert following(0.0) == 10.0


@pytest.mark.parametrize(("seconds", "shown"), [(10.0, "10s"), (160.0, "2m40s"), (300.0, "5m0s")])
def test_pauses_are_shown_as_go_shows_them(seconds: float, shown: str):
    assert text(seconds) == shown
