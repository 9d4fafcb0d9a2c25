"""Policies of their own making in a real kernel: packets fare as the documentation says, while they change."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.networkpolicy import build, reference
from tests.networkpolicy.node import Node
from tests.networkpolicy.reference import Connection
from tests.networkpolicy.test_plan_properties import labels, policies
from tests.proxy.build import POD_NODES, PODS
from tests.proxy.families import told_in
from tests.proxy.world import World, small_world
from wherry.objects import Object, metadata
from wherry.objects.family import Family

pytestmark = pytest.mark.kernel

SPACES = {"p1": "demo", "p2": "demo", "p3": "other", "r1": "third"}
SOURCES = (*PODS, "client")
ASKED = (("tcp", 8080), ("tcp", 80), ("udp", 8080))


@pytest.fixture(scope="module", params=Family)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with small_world(request.param) as made:
        for name in PODS:
            made.listen(name, socket.SOCK_STREAM, 80)
        yield made


pods = st.fixed_dictionaries(dict.fromkeys(PODS, labels)).map(
    lambda chosen: [
        build.pod(name, PODS[name], SPACES[name], labels=given, ports={"http": 8080}, node=POD_NODES[name])
        for name, given in chosen.items()
    ]
)
spaces = st.fixed_dictionaries(dict.fromkeys(("demo", "other", "third"), labels)).map(
    lambda chosen: [build.namespace(space, **given) for space, given in chosen.items()]
)
steps = st.lists(st.tuples(pods, spaces, st.lists(policies, min_size=1, max_size=6)), min_size=1, max_size=3)


@settings(max_examples=8)
@given(steps)
def test_packets_fare_as_the_documentation_says(world: World, steps: list[tuple[list[Object], ...]]) -> None:
    node = Node(world)
    try:
        before: dict[metadata.Key, Object] = {}
        for chosen, named, wanted in steps:
            known = {metadata.key(each): each for each in wanted}
            node.gone(*(each for key, each in before.items() if key not in known))
            node.tell(*named, *chosen, *known.values())
            node.sync()
            judged_alike(node, reference.World(list(known.values()), chosen, named))
            before = known
        assert node.differences() == []
    finally:
        node.close()


def judged_alike(node: Node, world: reference.World) -> None:
    told = reference.World(*told_in(node.world.family, list(world)))
    addresses = node.world.addresses
    tries = [(source, target, protocol, port) for source in SOURCES for target in PODS for protocol, port in ASKED]
    with ThreadPoolExecutor(len(tries)) as together:  # silence takes its time
        answered = list(together.map(lambda t: node.reaches(t[0], t[1], t[3], t[2]), tries))
    for (source, target, protocol, port), yes in zip(tries, answered, strict=True):
        connection = Connection(addresses[source], addresses[target], protocol.upper(), port)
        assert yes is reference.allowed(told, "n1", connection), f"{source} to {target}, {protocol} {port}"
