"""Where packets go, with real traffic through a real kernel: the simulator's cases, and what only time shows."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from tests.proxy.build import (
    CLUSTER_CIDR,
    CLUSTER_IP,
    NODE,
    NODE_ADDRESS,
    SERVICE_CIDR,
    endpoint,
    endpoint_slice,
    service,
    unready,
)
from tests.proxy.cases import CASES, NODE_PORT, Case
from tests.proxy.families import told_in
from tests.proxy.outcome import REJECT, Outcome
from tests.proxy.world import World, small_world
from wherry.net.nft import NftCommand
from wherry.objects import Object
from wherry.objects.family import Family
from wherry.proxy.modes import Mode, ModeConfig, make
from wherry.proxy.modes.nftables.names import affinity_map
from wherry.proxy.plan import Frontend, Plan, difference, make_plan

T = TypeVar("T")

pytestmark = pytest.mark.kernel

AFFINE = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}


class Driver:
    """The mode at work on the world's node: `load` a plan, then `change` it step by step.

    Everything is told and asked in IPv4, and happens in the world's family.
    """

    def __init__(self, world: World):
        self.world = world
        self.plan = Plan()
        self.mode = self._make()
        self.nft = NftCommand()
        self.table = f"{world.family.nft} wherry-proxy"

    def load(self, services: list[Object], slices: list[Object]) -> None:
        self.plan = self._plan(services, slices)
        self.inside(lambda: self.mode.load(self.plan))

    def change(self, services: list[Object], slices: list[Object]) -> None:
        before, self.plan = self.plan, self._plan(services, slices)
        self.inside(lambda: self.mode.apply(difference(before, self.plan)))

    def restart(self) -> None:
        """Forget everything, as a new process does, and load the same plan."""
        self.mode = self._make()
        self.inside(lambda: self.mode.load(self.plan))

    def send(self, source: str, destination: str, port: int, protocol: str = "tcp", tries: int = 1) -> Outcome:
        return self.world.send(source, self.told(destination), port, protocol, tries)

    def dial(self, source: str, destination: str, port: int, protocol: str = "tcp") -> socket.socket:
        return self.world.dial(source, self.told(destination), port, protocol)

    def inside(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self.world.inside("host", main)

    def told(self, thing: T) -> T:
        return told_in(self.world.family, thing)

    def affinities(self, frontend: Frontend) -> list[Any]:
        """Return the clients bound to an endpoint of the frontend, as nft lists them."""
        return self.inside(lambda: self.nft.list_map(self.table, affinity_map(self.told(frontend))))

    def _make(self) -> Mode:
        return make("nftables", ModeConfig(*self.told(((CLUSTER_CIDR,), (SERVICE_CIDR,)))))

    def _plan(self, services: list[Object], slices: list[Object]) -> Plan:
        node = replace(NODE, addresses=self.told(NODE.addresses))
        return make_plan(self.told(services), self.told(slices), node)


@pytest.fixture(scope="module", params=Family)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with small_world(request.param) as made:
        yield made


@pytest.fixture
def driver(world: World) -> Iterator[Driver]:
    made = Driver(world)
    yield made
    made.inside(made.mode.cleanup)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_packet_goes(driver: Driver, case: Case) -> None:
    """The case's sentence holds for real connections."""
    case = case.told_in(driver.world.family)
    driver.load(case.services, case.slices)
    tries = 1 if case.expected.what != "to" else 20 * len(case.expected.pods)
    got = driver.send(case.source, case.destination, case.port, case.protocol, tries)
    assert str(got) == str(case.expected)


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
    started = time.monotonic()
    for _ in range(40):
        assert driver.send("client", CLUSTER_IP, 80) == REJECT
    assert time.monotonic() - started < 1


def test_an_established_connection_outlives_its_endpoint_becoming_unready(driver: Driver) -> None:
    driver.load([service()], [endpoint_slice([endpoint("r1")])])
    with driver.dial("client", CLUSTER_IP, 80) as connection:
        assert driver.world.talk(connection).startswith("r1")
        driver.change([service()], [endpoint_slice([unready("r1")])])
        assert driver.send("client", CLUSTER_IP, 80) == REJECT
        assert driver.world.talk(connection).startswith("r1")
        driver.restart()
        assert driver.world.talk(connection).startswith("r1")


def test_a_new_endpoint_takes_connections_after_one_change(driver: Driver) -> None:
    driver.load([service()], [])
    assert driver.send("p3", CLUSTER_IP, 80) == REJECT
    driver.change([service()], [endpoint_slice([endpoint("p1")])])
    assert driver.send("p3", CLUSTER_IP, 80, tries=5).pods == {"p1"}
    driver.change([service()], [endpoint_slice([endpoint("p1"), endpoint("p2")])])
    assert driver.send("p3", CLUSTER_IP, 80, tries=40).pods == {"p1", "p2"}
    driver.change([], [])
    assert driver.send("p3", CLUSTER_IP, 80).what == "DROP"


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


def test_affinity_ends_after_its_timeout(driver: Driver) -> None:
    """One second of real waiting: only the kernel's clock counts here."""
    brief = service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 1}})
    driver.load([brief], [endpoint_slice([endpoint("p1"), endpoint("p2"), endpoint("r1")])])
    seen = set()
    for _ in range(3):
        seen |= driver.send("client", CLUSTER_IP, 80, tries=2).pods
    assert len(seen) == 1
    listed = driver.affinities(Frontend(CLUSTER_IP, "TCP", 80))
    assert len(listed) == 1
    deadline = time.monotonic() + 5
    while listed and time.monotonic() < deadline:
        time.sleep(0.2)
        listed = driver.affinities(Frontend(CLUSTER_IP, "TCP", 80))
    assert not listed


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


def test_cleanup_leaves_nothing(driver: Driver) -> None:
    driver.load([service()], [endpoint_slice([endpoint("p1")])])
    driver.inside(driver.mode.cleanup)
    assert driver.inside(lambda: driver.nft.list_table(driver.table)) is None


def test_a_table_somebody_damaged_is_made_whole_by_a_load(driver: Driver) -> None:
    driver.load([service()], [endpoint_slice([endpoint("p1")])])
    table = driver.table
    driver.inside(
        lambda: driver.nft.run(f"add rule {table} tcp-endpoints-1 drop\nadd chain {table} tcp-endpoints-77\n")
    )
    driver.restart()
    listed = driver.inside(lambda: driver.nft.list_table(table))
    assert "tcp-endpoints-77" not in (listed or "tcp-endpoints-77")
    assert driver.send("p3", CLUSTER_IP, 80, tries=3).pods == {"p1"}


def test_a_foreign_layout_is_replaced(driver: Driver) -> None:
    foreign = f"table {driver.table} {{ chain prerouting {{ type nat hook prerouting priority -100; }}; }}\n"
    driver.inside(lambda: driver.nft.run(foreign))
    driver.load([service()], [endpoint_slice([endpoint("p1")])])
    assert driver.send("p3", CLUSTER_IP, 80, tries=3).pods == {"p1"}


def test_affinity_that_comes_and_goes_leaves_the_service_working(driver: Driver) -> None:
    slices = [endpoint_slice([endpoint("p1"), endpoint("r1")])]
    driver.load([service()], slices)
    for _ in range(2):
        driver.change([service(**AFFINE)], slices)
        assert len(driver.send("client", CLUSTER_IP, 80, tries=12).pods) == 1
        driver.change([service()], slices)
        assert driver.send("client", CLUSTER_IP, 80, tries=30).pods == {"p1", "r1"}
    driver.change([service(**AFFINE)], slices)
    driver.restart()
    driver.plan = Plan()
    driver.restart()
    listed = driver.inside(lambda: driver.nft.list_table(driver.table))
    assert "affinity-" not in (listed or "affinity-")


def test_the_first_service_of_a_family_makes_its_table(world: World) -> None:
    """A cluster without IPv6 has no `ip6` table, until there is an IPv6 Service."""
    driver = Driver(world)
    driver.mode = make("nftables", ModeConfig())
    driver.load([], [])
    assert driver.inside(lambda: driver.nft.list_table(driver.table)) is None
    try:
        driver.change([service()], [endpoint_slice([endpoint("p1")])])
        assert driver.send("p3", CLUSTER_IP, 80, tries=3).pods == {"p1"}
    finally:
        driver.inside(driver.mode.cleanup)
