"""A mode takes over from another, with real traffic: new connections never fail, those there are go on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pytest

from tests.proxy.build import CLUSTER_IP, NODE_ADDRESS, endpoint, endpoint_slice, service
from tests.proxy.cases import NODE_PORT
from tests.proxy.driver import ENDING, MODES, Driver
from tests.proxy.outcome import masqueraded_to
from tests.proxy.world import World, small_world
from wherry.objects.family import Family

pytestmark = pytest.mark.kernel

WEB = service(ports=[{"port": 80, "nodePort": NODE_PORT}], type="NodePort")
SLICES = [endpoint_slice([endpoint("p1")])]


@pytest.fixture(scope="module", params=Family)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with small_world(request.param) as made:
        yield made


@pytest.mark.parametrize(("old", "new"), [*permutations(MODES, 2)])
def test_a_mode_takes_over_from_another(world: World, old: str, new: str) -> None:
    """As the proxy does it: the new one loads, then the old one's rules go."""
    before, after = Driver(world, mode=old), Driver(world, mode=new)

    def works() -> None:
        assert before.send("p3", CLUSTER_IP, 80, tries=3).pods == {"p1"}
        assert before.send("client", NODE_ADDRESS, NODE_PORT, tries=3) == masqueraded_to("p1")

    try:
        before.load([WEB], SLICES)
        works()
        with before.dial("p3", CLUSTER_IP, 80) as lasting:
            after.load([WEB], SLICES)
            works()
            before.inside(before.mode.cleanup)
            works()
            assert world.talk(lasting).startswith("p1") == (old not in ENDING)
        assert after.differences() == []
    finally:
        before.close()
        after.close()
