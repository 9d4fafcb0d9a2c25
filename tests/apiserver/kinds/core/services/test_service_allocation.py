"""Addresses and node ports: where they come from, and that none is given twice."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apiserver.kinds.pipeline import World, accepted
from wherry.apiserver.kinds.core.services import allocation
from wherry.objects import Object
from wherry.objects.errors import InternalError, Invalid
from wherry.objects.family import Network


def service(name: str, *ports: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "demo"},
        "spec": {"ports": list(ports) or [{"port": 80}], **spec},
    }


def test_the_bands_left_to_people_have_the_sizes_of_the_keps() -> None:
    assert allocation.static_addresses(2**20) == 256
    assert allocation.static_addresses(256) == 16
    assert allocation.static_addresses(8) == 0
    assert allocation.static_ports(2768) == 86
    assert allocation.static_ports(8) == 0


def test_addresses_are_drawn_from_the_upper_band_first() -> None:
    network = IPv4Network("10.96.0.0/12")
    assert allocation.free_address([network], set().__contains__, lambda n: 0) == "10.96.1.1"
    assert allocation.free_address([network], set().__contains__, lambda n: n - 1) == "10.111.255.254"


def test_the_lower_band_is_used_when_the_upper_one_is_full() -> None:
    network = IPv4Network("10.0.0.0/26")
    used = {str(address) for address in network.hosts() if address > IPv4Address("10.0.0.16")}
    assert allocation.free_address([network], used.__contains__, lambda n: 0) == "10.0.0.1"
    assert allocation.free_port(range(30000, 30064), range(30016, 30064).__contains__, lambda n: 0) == 30000


def test_a_full_range_is_an_error() -> None:
    with pytest.raises(InternalError, match="failed to allocate a nodePort: range is full"):
        allocation.free_port(range(30000, 30002), {30000, 30001}.__contains__)
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        allocation.free_address([IPv4Network("10.0.0.0/30")], {"10.0.0.1", "10.0.0.2"}.__contains__)


@given(st.integers(1, 40), st.data())
def test_every_number_of_a_range_is_found_before_it_is_full(size: int, data: st.DataObject) -> None:
    """However the random choices fall, a range of n ports gives n different ones."""
    ports, used = range(30000, 30000 + size), set[int]()
    for _ in ports:
        used.add(allocation.free_port(ports, used.__contains__, lambda n: data.draw(st.integers(0, n - 1))))
    assert used == set(ports)


def test_services_get_different_addresses_and_node_ports() -> None:
    world = World(service_cidrs=(IPv4Network("10.96.0.0/24"),), node_port_range=range(30000, 30040))
    for n in range(40):
        world.objects.append(accepted(service(f"s{n}", type="NodePort"), None, world))
    specs = [o["spec"] for o in world.objects]
    assert len({s["clusterIP"] for s in specs}) == 40
    assert {s["ports"][0]["nodePort"] for s in specs} == set(range(30000, 30040))
    assert all(s["clusterIPs"] == [s["clusterIP"]] for s in specs)


def test_the_same_port_in_two_protocols_shares_a_node_port() -> None:
    dns = service("dns", {"name": "udp", "port": 53, "protocol": "UDP"}, {"name": "tcp", "port": 53}, type="NodePort")
    udp, tcp = (p["nodePort"] for p in accepted(dns)["spec"]["ports"])
    assert udp == tcp


def test_a_deleted_service_leaves_its_numbers_to_the_next() -> None:
    world = World()
    world.objects.append(accepted(service("a", clusterIP="10.96.9.9"), None, world))
    world.objects.clear()
    assert accepted(service("b", clusterIP="10.96.9.9"), None, world)["spec"]["clusterIP"] == "10.96.9.9"


def test_becoming_a_node_port_keeps_the_address_and_adds_a_port() -> None:
    world = World()
    old = accepted(service("web"), None, world)
    world.objects.append(old)
    new = accepted(service("web", type="NodePort"), old, world)
    assert new["spec"]["clusterIP"] == old["spec"]["clusterIP"]
    assert new["spec"]["ports"][0]["nodePort"] in world.node_port_range


def test_coming_back_from_external_name_allocates_again() -> None:
    world = World()
    old = accepted(service("web", type="ExternalName", externalName="example.com"), None, world)
    world.objects.append(old)
    new = accepted(service("web"), old, world)
    assert IPv4Address(new["spec"]["clusterIP"]) in world.service_cidrs[0]
    assert "ipFamilies" in new["spec"]


def test_a_status_write_changes_no_number() -> None:
    world = World()
    old = accepted(service("web", type="LoadBalancer"), None, world)
    world.objects.append(old)
    new = accepted({**old, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}, old, world)
    assert new["spec"] == old["spec"]
    assert new["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}]


def test_node_ports_of_a_load_balancer_can_be_declined() -> None:
    new = accepted(service("web", type="LoadBalancer", allocateLoadBalancerNodePorts=False))
    assert "nodePort" not in new["spec"]["ports"][0]


SIX = IPv6Network("fd00:10:96::/108")


def test_a_cluster_of_ipv6_gives_out_ipv6() -> None:
    """The last address of the range too: IPv6 has no broadcast."""
    world = World(service_cidrs=(SIX,))
    spec = accepted(service("web"), None, world)["spec"]
    assert IPv6Address(spec["clusterIP"]) in SIX
    assert spec["ipFamilies"] == ["IPv6"]
    assert allocation.free_address([SIX], set().__contains__, lambda n: n - 1) == str(SIX[-1])
    assert accepted(service("last", clusterIP=str(SIX[-1])), None, world)["spec"]["clusterIP"] == str(SIX[-1])


def test_another_familys_address_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="IPv4 is not configured on this cluster"):
        accepted(service("web", clusterIP="10.96.0.9"), None, World(service_cidrs=(SIX,)))
    with pytest.raises(Invalid, match="IPv6 is not configured on this cluster"):
        accepted(service("web", clusterIP="fd00:10:96::9"), None, World())


def test_an_address_is_taken_in_whatever_spelling() -> None:
    world = World(service_cidrs=(SIX,))
    world.objects.append(accepted(service("a", clusterIP="fd00:10:96:0:0:0:0:9"), None, world))
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        accepted(service("b", clusterIP="fd00:10:96::9"), None, world)


FOUR = IPv4Network("10.96.0.0/24")
BOTH = (FOUR, SIX)
PREFERRED = {"ipFamilyPolicy": "PreferDualStack"}


def families(spec: Object) -> list[str]:
    """Return the families of a Service's addresses, each checked to be of its range."""
    assert spec["clusterIP"] == spec["clusterIPs"][0]
    found = [ip_address(address) for address in spec["clusterIPs"]]
    assert all(address in FOUR or address in SIX for address in found)
    assert [f"IPv{address.version}" for address in found] == spec["ipFamilies"]
    return list(spec["ipFamilies"])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ["IPv4"]),
        ({"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]}, ["IPv6"]),
        ({"ipFamilies": ["IPv6"]}, ["IPv6"]),
        ({"ipFamilyPolicy": "PreferDualStack"}, ["IPv4", "IPv6"]),
        ({"ipFamilyPolicy": "RequireDualStack"}, ["IPv4", "IPv6"]),
        ({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]}, ["IPv6", "IPv4"]),
        ({"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6", "IPv4"]}, ["IPv6", "IPv4"]),
        ({"clusterIP": "fd00:10:96::9"}, ["IPv6"]),
        ({"ipFamilyPolicy": "PreferDualStack", "clusterIP": "fd00:10:96::9"}, ["IPv6", "IPv4"]),
        (
            PREFERRED | {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9", "fd00:10:96::9"]},
            ["IPv4", "IPv6"],
        ),
    ],
)
def test_a_cluster_of_both_gives_what_the_policy_asks_for(spec: Object, expected: list[str]) -> None:
    """Source: https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services."""
    assert families(accepted(service("web", **spec), None, World(service_cidrs=BOTH))["spec"]) == expected


@pytest.mark.parametrize(
    ("ours", "spec", "says"),
    [
        (BOTH, {"ipFamilies": ["IPv4", "IPv6"]}, "or 'PreferDualStack' when multiple IP families are specified"),
        (BOTH, PREFERRED | {"clusterIP": "10.99.0.1"}, "The range of valid IPs is 10.96.0.0/24"),
        ((FOUR,), {"ipFamilyPolicy": "RequireDualStack"}, "this cluster is not configured for dual-stack services"),
        ((FOUR,), {"ipFamilies": ["IPv6"]}, "not configured on this cluster"),
    ],
)
def test_what_cannot_be_had_is_refused(ours: tuple[Network, ...], spec: Object, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        accepted(service("web", **spec), None, World(service_cidrs=ours))


def test_a_service_may_get_the_second_family_later_and_give_it_back() -> None:
    world = World(service_cidrs=BOTH)
    one = accepted(service("web"), None, world)
    two = accepted({**one, "spec": {**one["spec"], "ipFamilyPolicy": "PreferDualStack"}}, one, world)
    assert families(two["spec"]) == ["IPv4", "IPv6"]
    assert two["spec"]["clusterIP"] == one["spec"]["clusterIP"]
    back = accepted({**two, "spec": {**two["spec"], "ipFamilyPolicy": "SingleStack"}}, two, world)
    assert back["spec"]["clusterIPs"] == one["spec"]["clusterIPs"]
    assert families(back["spec"]) == ["IPv4"]


def test_a_cluster_of_one_family_prefers_what_it_has() -> None:
    spec = accepted(service("web", ipFamilyPolicy="PreferDualStack"), None, World(service_cidrs=(SIX,)))["spec"]
    assert families(spec) == ["IPv6"]
