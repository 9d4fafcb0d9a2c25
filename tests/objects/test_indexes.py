"""`1,3-5`: sets of indexes as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.objects import indexes


@given(st.sets(st.integers(0, 60)))
def test_what_is_written_is_read_again(found: set[int]) -> None:
    assert indexes.parse(indexes.text(found)) == sorted(found)


def test_three_in_a_row_are_an_interval() -> None:
    assert indexes.text([5, 4, 1, 3, 7, 8]) == "1,3-5,7,8"


@pytest.mark.parametrize("text", ["1,1", "3,2", "1-", "a", "1-2-3", "5-4", "-1", "4", "²", "3-3"])
def test_what_is_no_list_of_indexes_below_four_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        indexes.parse(text, 4)
