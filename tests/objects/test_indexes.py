"""`1,3-5`: sets of indexes, and their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.objects import indexes
from wherry.objects.indexes import IndexSet

SETS = st.sets(st.integers(0, 30))


def numbers(found: IndexSet) -> set[int]:
    return {n for one in found.ranges() for n in one}


@given(SETS)
def test_what_is_written_is_read_again(found: set[int]) -> None:
    assert indexes.parse(indexes.text(IndexSet.of(found))) == IndexSet.of(found)


@given(SETS, SETS, st.integers(0, 40))
def test_it_is_a_set(a: set[int], b: set[int], end: int) -> None:
    one, other = IndexSet.of(a), IndexSet.of(b)
    assert numbers(one | other) == a | b
    assert numbers(one & other) == a & b
    assert numbers(one - other) == a - b
    assert numbers(IndexSet(one.gaps(end))) == set(range(end)) - a
    assert len(one) == len(a)
    assert {n for n in range(40) if n in one} == a


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6))))
def test_ranges_that_touch_or_overlap_are_one(pairs: list[tuple[int, int]]) -> None:
    made = IndexSet(range(start, start + length) for start, length in pairs)
    assert made == IndexSet.of(numbers(made))
    assert all(a.stop < b.start for a, b in zip(made.ranges(), made.ranges()[1:], strict=False))


def test_three_in_a_row_are_an_interval() -> None:
    assert indexes.text(IndexSet.of([5, 4, 1, 3, 7, 8])) == "1,3-5,7,8"


def test_two_billion_cost_what_their_text_does() -> None:
    found = indexes.parse("0-2147483640,2147483642", 2**31 - 1)
    assert len(found) == 2147483642
    assert list(found.gaps(2147483643)) == [range(0), range(2147483641, 2147483642), range(2147483643, 2147483643)]
    assert indexes.text(found - IndexSet([range(5, 2147483640)])) == "0-4,2147483640,2147483642"


@pytest.mark.parametrize("text", ["1,1", "3,2", "1-", "a", "1-2-3", "5-4", "-1", "4", "²", "3-3", "1" * 5000])
def test_what_is_no_list_of_indexes_below_four_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        indexes.parse(text, 4)
