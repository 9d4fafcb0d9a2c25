"""ServiceCIDR and IPAddress: what is refused, what is shown, and where cluster IPs come from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.kinds.core.services.test_service_allocation import service
from tests.apiserver.kinds.pipeline import World, accepted, row, write
from wherry.objects import Object
from wherry.objects.errors import InternalError, Invalid


def cidr(*ranges: str, name: str = "more", **more: Any) -> Object:
    meta = {"name": name}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": meta,
        "spec": {"cidrs": [*ranges]},
    } | more


def address(ip: str, **parent: str) -> Object:
    reference = {"resource": "services", "namespace": "demo", "name": "web"} | parent
    spec = {"parentRef": {key: value for key, value in reference.items() if value}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": {"name": ip}, "spec": spec}


def problems(obj: Object, old: Object | None = None) -> list[str]:
    return [str(error) for error in write(obj, old)[1]]


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([], "spec.cidrs: Required value: at least one CIDR required"),
        (["10.0.0.0/24", "10.1.0.0/24"], "may specify no more than one IP for each IP family"),
        (["10.0.0.0/24", "fd00::/64", "fd01::/64"], "may only hold up to 2 values"),
        (["nonsense"], 'spec.cidrs[0]: Invalid value: "nonsense": must be a valid CIDR value'),
        (["10.0.0.1/24"], "must not have bits set beyond the prefix length"),
        (["fd00:0::/64"], 'must be in canonical form ("fd00::/64")'),
    ],
)
def test_impossible_ranges_are_refused(ranges: list[str], message: str) -> None:
    (problem,) = problems(cidr(*ranges))
    assert message in problem


def test_a_range_stays_but_may_be_joined_by_one_of_the_other_family() -> None:
    old = accepted(cidr("10.0.0.0/24", status={"conditions": []}))
    assert "status" not in old
    assert problems(cidr("10.0.0.0/24", "fd00::/64"), old) == []
    (problem,) = problems(cidr("10.0.1.0/24"), old)
    assert "spec.cidrs: Invalid value" in problem
    assert "field is immutable" in problem
    assert row(accepted(cidr("10.0.0.0/24", "fd00::/64"))) == {"CIDRs": "10.0.0.0/24,fd00::/64"}


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (address("10.0.0"), 'metadata.name: Invalid value: "10.0.0": must be a valid IP address'),
        (address("fd00::0"), 'must be in canonical form ("fd00::")'),
        (address("10.0.0.1", name=""), "spec.parentRef.name: Required value"),
        (address("10.0.0.1", resource=""), "spec.parentRef.resource: Required value"),
        (address("10.0.0.1", group="No_"), "spec.parentRef.group: Invalid value"),
    ],
)
def test_impossible_addresses_are_refused(obj: Object, message: str) -> None:
    (problem,) = problems(obj)
    assert message in problem


def test_who_has_an_address_is_shown_and_stays() -> None:
    old = accepted(address("fd00::1"))
    assert row(old) == {"ParentRef": "services/demo/web"}
    assert row(accepted(address("10.0.0.1", group="example.org", resource="gateways", namespace=""))) == {
        "ParentRef": "gateways.example.org/web"
    }
    (problem,) = problems(address("fd00::1", name="other"), old)
    assert "spec.parentRef: Invalid value" in problem


def test_another_range_extends_the_allocation() -> None:
    world = World(objects=[cidr("10.96.0.0/12", name="kubernetes"), cidr("203.0.113.0/28")])
    assert accepted(service("a", clusterIP="203.0.113.9"), None, world)["spec"]["clusterIP"] == "203.0.113.9"
    with pytest.raises(Invalid, match=r"The range of valid IPs is 10.96.0.0/12, 203.0.113.0/28"):
        accepted(service("b", clusterIP="203.0.113.15"), None, world)


def test_what_is_full_is_followed_by_the_next_range() -> None:
    world = World(objects=[cidr("10.0.0.0/30", name="a"), cidr("10.0.1.0/30", name="b"), cidr("fd00::/64", name="six")])
    for n in range(4):
        world.objects.append(accepted(service(f"s{n}"), None, world))
    given = {o["spec"]["clusterIP"] for o in world.objects if o["kind"] == "Service"}
    assert given == {"10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2"}
    with pytest.raises(InternalError, match="range is full"):
        accepted(service("more"), None, world)


@pytest.mark.parametrize(
    "closed",
    [
        {"metadata": {"name": "more", "deletionTimestamp": "2026-01-01T00:00:00Z"}},
        {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
    ],
)
def test_a_range_that_goes_or_is_not_ready_gives_no_address(closed: Object) -> None:
    world = World(objects=[cidr("10.96.0.0/12", name="kubernetes"), cidr("203.0.113.0/28", **closed)])
    with pytest.raises(Invalid, match="not in the valid range"):
        accepted(service("a", clusterIP="203.0.113.9"), None, world)
