"""Endpoints numbered without a gap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes.nftables.slots import place

slots = st.lists(st.integers(1, 12).map(lambda n: Endpoint(f"10.0.0.{n}", 80)), unique=True).map(tuple)


@given(slots, slots)
def test_every_wanted_endpoint_has_one_slot_and_no_more_move_than_must(
    old: tuple[Endpoint, ...], new: tuple[Endpoint, ...]
) -> None:
    placed = place(old, new)
    assert sorted(placed) == sorted(new)
    # Those that stay and whose slot still exists keep it.
    assert all(placed[i] == e for i, e in enumerate(old[: len(new)]) if e in new)


def test_the_last_one_takes_the_place_of_one_that_left() -> None:
    a, b, c = (Endpoint(f"10.0.0.{n}", 80) for n in (1, 2, 3))
    assert place((a, b, c), (b, c)) == (c, b)
