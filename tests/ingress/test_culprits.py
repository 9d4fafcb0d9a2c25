"""The search for culprits, with whatever may be refused, alone or together."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.ingress.culprits import MOST_TESTS, culprits


class Judge:
    """Refuses every whole that holds one of some sets of parts, and counts how often it was asked."""

    def __init__(self, *bad: set[int]):
        self.bad = bad
        self.asked = 0

    async def refusal(self, parts: Sequence[int]) -> str:
        self.asked += 1
        return next((f"because of {sorted(b)}" for b in self.bad if b <= set(parts)), "")


@given(st.integers(1, 60), st.lists(st.sets(st.integers(0, 59), min_size=1, max_size=3), max_size=5))
async def test_without_the_culprits_the_rest_is_taken_and_each_of_them_would_spoil_it(
    count: int, bad: list[set[int]]
) -> None:
    judge = Judge(*bad)
    found = await culprits(range(count), judge.refusal, most_tests=10_000)
    good = [part for part in range(count) if part not in found]
    assert not await judge.refusal(good)
    for culprit, why in found.items():
        assert await judge.refusal([*(p for p in good if p < culprit), culprit])
        assert why.startswith("because of")


@pytest.mark.parametrize("count", [1, 2, 100, 3000])
async def test_one_culprit_costs_the_logarithm_of_the_whole(count: int) -> None:
    for culprit in {0, count // 3, count - 1}:
        judge = Judge({culprit})
        assert await culprits(range(count), judge.refusal) == {culprit: f"because of [{culprit}]"}
        assert judge.asked <= 1 + 2 * ceil(log2(max(2, count)))


async def test_of_two_that_fail_only_together_the_later_is_at_fault() -> None:
    assert set(await culprits(range(100), Judge({3, 77}).refusal)) == {77}


async def test_a_search_ends_though_all_are_refused() -> None:
    judge = Judge(*({part} for part in range(3000)))
    assert set(await culprits(range(3000), judge.refusal)) == set(range(3000))
    assert judge.asked <= 2 * MOST_TESTS
