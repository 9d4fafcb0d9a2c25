"""What ends is started again at once while that is rare, and later and later when it is not."""

from __future__ import annotations

from random import Random

from wherry.component.restarts import LONGEST_SECONDS, RARE, Restarts


def test_what_ends_as_soon_as_it_starts_is_left_alone_for_longer_and_longer() -> None:
    restarts = Restarts()
    pauses = [restarts.ended(0.0) for _ in range(14)]
    assert pauses == [0.0] * 4 + [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]


def test_no_rhythm_of_rare_ends_makes_a_pause() -> None:
    """Four in any minute, wherever they lie in it, for a day."""
    for seed in range(20):
        dice, restarts, ends = Random(seed), Restarts(), [-60.0] * RARE
        while ends[-1] < 86_400.0:
            now = max(ends[-1] + dice.choice((0.0, 0.3, dice.uniform(0, 40))), ends[-RARE] + 60.0)
            assert restarts.ended(now - ends[-1]) == 0.0
            ends.append(now)


def test_one_every_twelve_seconds_is_not_rare() -> None:
    restarts = Restarts()
    assert max(restarts.ended(12.0) for _ in range(100)) == LONGEST_SECONDS


def test_a_few_calm_minutes_are_enough_to_begin_anew() -> None:
    restarts = Restarts()
    for _ in range(1000):
        restarts.ended(0.0)
    assert restarts.ended(180.0) == 0.0
    assert [restarts.ended(0.0) for _ in range(3)] == [0.0] * 3
