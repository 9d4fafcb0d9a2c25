from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.objects import golden
from wherry.objects import quantity


@pytest.mark.parametrize(("case", "answer"), golden.table("quantities.json"))
def test_the_canonical_text_is_the_one_go_computes(case: list[str], answer: dict[str, Any]) -> None:
    if "error" in answer:
        with pytest.raises(ValueError) as caught:
            quantity.canonical(case[0])
        assert str(caught.value) == answer["error"]
    else:
        assert quantity.canonical(case[0]) == answer["result"]


@pytest.mark.parametrize(
    ("text", "milli", "whole"),
    [
        ("50m", 50, 1),
        ("1", 1000, 1),
        ("0.05", 50, 1),
        ("100Mi", 104857600000, 104857600),
        ("1n", 1, 1),
        (2, 2000, 2),
        (0.25, 250, 1),
    ],
)
def test_amounts_round_up_to_what_is_asked_for(text: str | float, milli: int, whole: int) -> None:
    assert quantity.milli(text) == milli
    assert quantity.whole(text) == whole


def test_notations_compare_by_amount() -> None:
    assert quantity.compare("1Gi", "1024Mi") == 0
    assert quantity.compare("1Gi", "1G") == 1
    assert quantity.compare("999m", "1") == -1
    assert quantity.parse("1k") == quantity.parse("1e3")


@given(st.integers(-(2**62), 2**62), st.sampled_from(["n", "u", "m", "", "k", "M", "Ki", "Mi", "Gi", "e3", "e-3"]))
def test_the_canonical_text_means_the_same_amount(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    assert quantity.compare(quantity.canonical(text), text) == 0
