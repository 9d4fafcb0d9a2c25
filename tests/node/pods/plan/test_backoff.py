"""Pauses between runs."""

from __future__ import annotations

import pytest

from tests.node.build import run
from wherry.node.pods.plan.backoff import after_run, following, next_start, text

ORDINARY = {"spec": {"priority": 0}}
CRITICAL = {"spec": {"priority": 2_000_001_000}}


def test_the_first_end_is_followed_by_a_restart_at_once():
    assert next_start(ORDINARY, run(), None, 1.0) == {"backoff": 0.0}


def test_pauses_double_from_ten_seconds_to_five_minutes():
    pauses, pause = [], 0.0
    for _ in range(7):
        pause = after_run(pause, 1.0)
        pauses.append(pause)
    assert pauses == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]


def test_a_long_run_is_forgiven():
    assert after_run(160.0, 601.0) == 0.0


def test_a_run_of_an_earlier_life_does_not_count():
    before = run(attempt=2, inherited=True, backoff=80.0)
    assert next_start(ORDINARY, run(attempt=3), before, 1.0) == {"backoff": 0.0}


def test_a_pod_the_cluster_stands_on_is_back_at_once_while_its_ends_are_rare():
    before, backoffs = None, []
    for _ in range(6):
        fields = next_start(CRITICAL, run(), before, run().started_at)
        backoffs.append(fields["backoff"])
        before = run().but(**fields)
    assert backoffs == [0.0, 0.0, 0.0, 0.0, 0.1, 0.2]
    assert next_start(CRITICAL, run(), before, run().started_at + 60.0)["backoff"] == 0.0


def test_a_failed_pull_waits_ten_seconds():
    assert following(0.0) == 10.0


@pytest.mark.parametrize(("seconds", "shown"), [(0.1, "1s"), (10.0, "10s"), (160.0, "2m40s"), (300.0, "5m0s")])
def test_pauses_are_shown_as_go_shows_them(seconds: float, shown: str):
    assert text(seconds) == shown
