"""Where packets go, with real traffic through a real kernel, in every mode: the simulator's cases, and what only time
shows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.proxy.build import CLUSTER_IP, NODE, NODE_ADDRESS, PODS, endpoint, endpoint_slice, service, unready
from tests.proxy.cases import CASES, NODE_PORT, OF_NOBODY, Case
from tests.proxy.driver import MODES, Driver
from tests.proxy.outcome import REJECT, masqueraded_to
from tests.proxy.world import World, small_world
from wherry.objects.family import Family

pytestmark = pytest.mark.kernel

AFFINE = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}


@pytest.fixture(scope="module", params=Family)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with small_world(request.param) as made:
        yield made


@pytest.fixture(params=MODES)
def driver(world: World, request: pytest.FixtureRequest) -> Iterator[Driver]:
    made = Driver(world, mode=request.param)
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_packet_goes(driver: Driver, case: Case) -> None:
    """The case's sentence holds for real connections."""
    case = case.told_in(driver.world.family)
    driver.load(case.services, case.slices)
    tries = 1 if case.expected.what != "to" else 20 * len(case.expected.pods)
    got = driver.send(case.source, case.destination, case.port, case.protocol, tries)
    assert str(got) == str(case.expected_in(driver.name))


def test_connections_are_spread_evenly(driver: Driver) -> None:
    driver.load([service()], [endpoint_slice([endpoint("p1"), endpoint("p2"), endpoint("r1")])])
    counts = {"p1": 0, "p2": 0, "r1": 0}
    for _ in range(300):
        with driver.dial("client", CLUSTER_IP, 80) as connection:
            counts[driver.world.talk(connection).split()[0]] += 1
    assert min(counts.values()) > 60, counts  # 100 each; below 60 is five standard deviations off


def test_refusal_is_immediate_however_often(driver: Driver) -> None:
    """ICMP is rate limited to one a second per host, which is why TCP is refused by a reset."""
    driver.load([service()], [])
    driver.world.limit_icmp("host", 1000)
    try:
        started = time.monotonic()
        for _ in range(40):
            assert driver.send("client", CLUSTER_IP, 80) == REJECT
        assert time.monotonic() - started < 10  # one a second would be 40
    finally:
        driver.world.limit_icmp("host", 0)


def test_an_established_connection_outlives_its_endpoint_becoming_unready(driver: Driver) -> None:
    driver.load([service()], [endpoint_slice([endpoint("r1")])])
    with driver.dial("client", CLUSTER_IP, 80) as connection:
        assert driver.world.talk(connection).startswith("r1")
        driver.change([service()], [endpoint_slice([unready("r1")])])
        assert driver.send("client", CLUSTER_IP, 80) == REJECT
        assert driver.world.talk(connection).startswith("r1")
        driver.restart()
        assert driver.world.talk(connection).startswith("r1")
        assert driver.send("client", CLUSTER_IP, 80) == REJECT


def test_a_new_endpoint_takes_connections_after_one_change(driver: Driver) -> None:
    driver.load([service()], [])
    assert driver.send("p3", CLUSTER_IP, 80) == REJECT
    driver.change([service()], [endpoint_slice([endpoint("p1")])])
    assert driver.send("p3", CLUSTER_IP, 80, tries=5).pods == {"p1"}
    driver.change([service()], [endpoint_slice([endpoint("p1"), endpoint("p2")])])
    assert driver.send("p3", CLUSTER_IP, 80, tries=40).pods == {"p1", "p2"}
    driver.change([], [])
    assert driver.send("p3", CLUSTER_IP, 80) == OF_NOBODY.expected_in(driver.name)


def test_affinity_keeps_each_client_with_one_endpoint(driver: Driver) -> None:
    slices = [endpoint_slice([endpoint("p1"), endpoint("p2"), endpoint("r1")])]
    driver.load([service(**AFFINE)], slices)
    assert len(driver.send("client", CLUSTER_IP, 80, tries=20).pods) == 1
    assert len(driver.send("p3", CLUSTER_IP, 80, tries=20).pods) == 1


def test_affinity_survives_a_restart_of_the_proxy(driver: Driver) -> None:
    driver.load([service(**AFFINE)], [endpoint_slice([endpoint("p1"), endpoint("p2"), endpoint("r1")])])
    before = driver.send("client", CLUSTER_IP, 80, tries=3)
    driver.restart()
    assert driver.send("client", CLUSTER_IP, 80, tries=12) == before


def test_affinity_leaves_an_endpoint_that_is_not_ready(driver: Driver) -> None:
    driver.load([service(**AFFINE)], [endpoint_slice([endpoint("p1"), endpoint("r1")])])
    (bound,) = driver.send("client", CLUSTER_IP, 80, tries=3).pods
    (other,) = {"p1", "r1"} - {bound}
    driver.change([service(**AFFINE)], [endpoint_slice([unready(bound), endpoint(other)])])
    assert driver.send("client", CLUSTER_IP, 80, tries=5).pods == {other}


def test_a_segment_of_no_connection_does_not_leave_the_node(driver: Driver) -> None:
    """The client would see it come from the endpoint, which it never spoke to, and reset the connection."""
    driver.load([service()], [endpoint_slice([endpoint("p1")])])
    assert driver.world.stray("p1", "client") == []
    loose = Driver(driver.world, replace(driver.config, tcp_liberal=True), driver.name)
    try:
        loose.load([service()], [endpoint_slice([endpoint("p1")])])
        assert driver.world.stray("p1", "client") == [driver.told(PODS["p1"])]
    finally:
        loose.close()


def test_a_udp_flow_leaves_an_endpoint_that_is_gone(driver: Driver) -> None:
    dns = service(ports=[{"port": 53, "protocol": "UDP"}])
    driver.load([dns], [endpoint_slice([endpoint("p1")], protocol="UDP")])
    with driver.dial("client", CLUSTER_IP, 53, "udp") as flow:
        assert driver.world.talk(flow).startswith("p1")
        driver.change([dns], [endpoint_slice([endpoint("r1")], protocol="UDP")])
        assert driver.world.talk(flow).startswith("r1")
        driver.change([dns], [endpoint_slice([endpoint("r1"), endpoint("p2")], protocol="UDP")])
        assert driver.world.talk(flow).startswith("r1")


def test_a_udp_flow_from_before_the_service_finds_it(driver: Driver) -> None:
    """A flow the kernel tracks as going to the node itself is cut when a node port appears there."""
    dns = service(ports=[{"port": 53, "nodePort": NODE_PORT, "protocol": "UDP"}], type="NodePort")
    driver.load([], [])
    with driver.dial("client", NODE_ADDRESS, NODE_PORT, "udp") as flow:
        flow.send(b"?")
        with contextlib.suppress(OSError):  # refused by the node, where nobody listens
            flow.recv(10)
        driver.change([dns], [endpoint_slice([endpoint("p1")], protocol="UDP")])
        assert driver.world.talk(flow).startswith("p1")


def test_node_ports_are_answered_where_it_is_asked_for_and_nowhere_else(driver: Driver) -> None:
    other = "192.168.51.210"
    driver.node = replace(NODE, node_port_addresses=(other,))
    exposed = service(ports=[{"port": 80, "nodePort": NODE_PORT}], type="NodePort")
    driver.load([exposed], [endpoint_slice([endpoint("p1")])])
    with driver.world.another_address(driver.told(other)):
        assert driver.send("client", other, NODE_PORT, tries=3) == masqueraded_to("p1")
        assert driver.send("client", NODE_ADDRESS, NODE_PORT) == REJECT


def test_cleanup_leaves_nothing(driver: Driver) -> None:
    before = driver.everything()
    driver.load([service()], [endpoint_slice([endpoint("p1")])])
    assert driver.everything() != before
    driver.inside(driver.mode.cleanup)
    assert driver.everything() == before


def test_what_it_wrote_is_proven_after_every_change(driver: Driver) -> None:
    both = service(
        ports=[{"port": 80, "nodePort": NODE_PORT}], type="NodePort", externalTrafficPolicy="Local", **AFFINE
    )
    driver.load([both], [endpoint_slice([endpoint("p1"), endpoint("r1")])])
    assert driver.differences() == []
    for endpoints in ([endpoint("r1")], [], [endpoint(pod) for pod in PODS], [unready("p1"), endpoint("r1")]):
        driver.change([both], [endpoint_slice(endpoints)])
        assert driver.differences() == []
    driver.change([], [])
    assert driver.differences() == []
