"""What is the nftables mode's own, in a real kernel: its table, kept and mended."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.proxy.build import CLUSTER_CIDR, CLUSTER_IP, PODS, endpoint, endpoint_slice, service
from tests.proxy.cases import NODE_PORT
from tests.proxy.driver import Driver
from tests.proxy.test_paths_kernel import AFFINE
from tests.proxy.world import World, small_world
from wherry.net import namespaces
from wherry.net.nft import NftCommand
from wherry.objects.family import Family
from wherry.proxy.modes import ModeConfig
from wherry.proxy.plan import Frontend, Plan

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module", params=Family)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with small_world(request.param) as made:
        yield made


@pytest.fixture
def driver(world: World) -> Iterator[Driver]:
    made = Driver(world)
    yield made
    made.close()


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


def test_a_change_of_the_number_of_endpoints_needs_no_chain(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """To make one takes an nft, which reads the ruleset of the whole machine."""
    pods = [endpoint(pod) for pod in PODS]
    driver.load([service()], [endpoint_slice(pods)])
    monkeypatch.setattr(NftCommand, "run", None)
    driver.change([service()], [endpoint_slice(pods[:2])])
    monkeypatch.undo()
    assert driver.send("p3", CLUSTER_IP, 80, tries=20).pods == {"p1", "p2"}


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


DAMAGES = {
    "a deleted table": ("delete table {table}", "chain dispatch"),
    "a flushed table": ("flush table {table}", "chain dispatch"),
    "a flushed chain": ("flush chain {table} dispatch", "chain dispatch"),
    "a rule too much": ("add rule {table} refuse accept", "chain refuse"),
    "a chain too much": ("add chain {table} other", "chain other"),
    "a rule that was replaced": ("flush chain {table} no-local\nadd rule {table} no-local drop", "chain no-local"),
    "a set too much": ("add set {table} other {{ type inet_proto; }}", "set other"),
    "a flushed map": ("flush map {table} services", "2 elements of services"),
    "a deleted element": ("delete element {table} tcp-endpoints {{ {ip} . 80 . 0 }}", "1 element of tcp-endpoints"),
    "an element too much": ("add element {table} services {{ {ip} . udp . 9 : goto refuse }}", "1 element of services"),
    "a flushed set": ("flush set {table} cluster-ips", "1 element of cluster-ips"),
    "a range let in": (
        "add element {table} source-ranges {{ {ip} . tcp . 80 . {pods} }}",
        "1 element of source-ranges",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_another_does_to_the_table_is_noticed_and_mended_by_a_load(driver: Driver, damage: str) -> None:
    both = service(ports=[{"port": 80, "nodePort": NODE_PORT}], type="NodePort")
    driver.load([both], [endpoint_slice([endpoint("p1"), endpoint("r1")])])
    driver.change([both], [endpoint_slice([endpoint("p1")])])
    driver.inside(lambda: asyncio.sleep(0))
    assert (driver.differences(), driver.suspicions) == ([], 0), "our own changes are no damage"
    command, what = DAMAGES[damage]
    places = {"table": driver.table, "ip": driver.told(CLUSTER_IP), "pods": driver.told(CLUSTER_CIDR)}
    by_another(driver.world, command.format(**places))
    assert any(found.startswith(what) for found in driver.differences()), driver.differences()
    driver.inside(lambda: asyncio.sleep(0))
    assert driver.suspicions
    driver.inside(lambda: driver.mode.load(driver.plan))
    assert driver.differences() == []
    assert driver.send("p3", CLUSTER_IP, 80, tries=3).pods == {"p1"}


def test_what_another_does_elsewhere_is_not_looked_at(driver: Driver) -> None:
    driver.load([service()], [endpoint_slice([endpoint("p1")])])
    by_another(driver.world, "add table ip other\nadd chain ip other c\ndelete table ip other")
    driver.inside(lambda: asyncio.sleep(0))
    assert (driver.differences(), driver.suspicions) == ([], 0)


def by_another(world: World, commands: str) -> None:
    """Change the node's nftables as a firewall would, from a process of its own."""

    def run() -> None:
        subprocess.run(["nft", "-f", "-"], input=f"{commands}\n", text=True, check=True)

    namespaces.run(world.path["host"], run)


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
    driver = Driver(world, ModeConfig())
    try:
        driver.load([], [])
        assert driver.inside(lambda: driver.nft.list_table(driver.table)) is None
        driver.change([service()], [endpoint_slice([endpoint("p1")])])
        assert driver.send("p3", CLUSTER_IP, 80, tries=3).pods == {"p1"}
    finally:
        driver.close()
