"""Pauses grow with failures in a row, and with nothing else."""

from __future__ import annotations

from wherry.component.backoff import Backoff


def test_pauses_double_up_to_the_longest():
    backoff = Backoff(0.1, 1.0)
    assert [backoff.failed() for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_success_begins_anew():
    backoff = Backoff(0.1, 30.0)
    backoff.failed()
    backoff.failed()
    backoff.reset()
    assert backoff.failed() == 0.1


def test_what_fails_for_weeks_still_has_a_pause():
    backoff = Backoff(0.05, 10.0)
    assert [backoff.failed() for _ in range(5000)][-1] == 10.0
