"""A mode takes over from another, with real traffic: new connections never fail, those there are go on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pytest

from tests.harness import eventually
from tests.proxy.build import CLUSTER_IP, NODE_ADDRESS, endpoint, endpoint_slice, service
from tests.proxy.cases import NODE_PORT
from tests.proxy.driver import MODES, Driver
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
    """As the proxy does it: the old one is no longer at work, the new one loads, then what the old one left goes."""
    before, after = Driver(world, mode=old), Driver(world, mode=new)

    def works() -> None:
        assert before.send("p3", CLUSTER_IP, 80, tries=3).pods == {"p1"}
        assert before.send("client", NODE_ADDRESS, NODE_PORT, tries=3) == masqueraded_to("p1")

    def retired() -> bool:
        return before.inside(before.make(before.config).retire)

    try:
        before.load([WEB], SLICES)
        works()
        with before.dial("p3", CLUSTER_IP, 80) as lasting:
            before.stop()
            works()
            after.load([WEB], SLICES)
            works()
            early = retired()
            works()
            assert world.talk(lasting).startswith("p1")
        if not early:
            eventually("nothing is left of it", retired)
        works()
        assert after.differences() == []
    finally:
        before.close()
        after.close()
