"""ServiceCIDRs and IPAddresses on the in-memory API."""

from __future__ import annotations

from typing import Any

from tests.controllers.builders import NOW, Clock, everything, running, until
from tests.fake.client import FakeClient
from wherry.controllers.clusterips import ClusterIPController
from wherry.controllers.servicecidrs import ServiceCIDRController, is_needed
from wherry.objects import Object, metadata
from wherry.objects.meaning.servicecidrs import address_of
from wherry.objects.meaning.wellknown import SERVICE_CIDR_FINALIZER
from wherry.objects.resource import EVENTS, IP_ADDRESSES, SERVICE_CIDRS, SERVICES
from wherry.objects.timestamps import rfc3339


def cidr(name: str, *ranges: str, **meta: Any) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": name, "uid": f"uid-{name}", **meta},
        "spec": {"cidrs": list(ranges)},
    }


def service(name: str, *addresses: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "demo", "uid": f"uid-{name}"},
        "spec": {"clusterIP": addresses[0], "clusterIPs": list(addresses)},
    }


def address(owner: str, ip: str, **labels: str) -> Object:
    obj = address_of(("demo", owner), ip)
    meta = obj["metadata"] | {"uid": f"uid-{ip}", "labels": obj["metadata"]["labels"] | labels}
    return obj | {"metadata": meta}


def ready(client: FakeClient, name: str) -> Object:
    return metadata.condition(client.peek(SERVICE_CIDRS, name) or {}, "Ready") or {}


def test_a_range_is_needed_while_an_address_is_in_no_other() -> None:
    one, wide = cidr("one", "10.0.0.0/24"), cidr("wide", "10.0.0.0/16")
    half, other = cidr("half", "10.0.0.0/25"), cidr("other", "fd00::/64")
    low, high = address("a", "10.0.0.9"), address("a", "10.0.0.200")
    assert not is_needed(one, [], [address("a", "10.0.1.9")])
    assert is_needed(one, [other], [low])
    assert not is_needed(one, [wide], [low])
    assert not is_needed(one, [half], [low])
    assert is_needed(one, [half], [low, high])
    assert not is_needed(one, [], [address("a", "10.0.0.9", **{"ipaddress.kubernetes.io/managed-by": "else"})])


async def test_a_new_range_is_protected_and_ready() -> None:
    client = FakeClient(cidr("more", "10.0.0.0/24"))
    async with running(client, [ServiceCIDRController]):
        await until(lambda: ready(client, "more").get("status") == "True")
    assert (client.peek(SERVICE_CIDRS, "more") or {})["metadata"]["finalizers"] == [SERVICE_CIDR_FINALIZER]


async def test_a_range_in_use_stays_until_its_last_address_is_gone() -> None:
    clock = Clock()
    deleted = {"deletionTimestamp": rfc3339(NOW - 20), "finalizers": [SERVICE_CIDR_FINALIZER, "mine"]}
    client = FakeClient(cidr("more", "10.0.0.0/24", **deleted), address("web", "10.0.0.9"))
    async with running(client, [ServiceCIDRController], clock):
        await until(lambda: ready(client, "more").get("reason") == "Terminating")
        assert "There are still IPAddresses referencing the ServiceCIDR" in ready(client, "more")["message"]
        client.remove(IP_ADDRESSES, "10.0.0.9")
        await until(lambda: (client.peek(SERVICE_CIDRS, "more") or {})["metadata"]["finalizers"] == ["mine"])


async def test_a_range_in_use_goes_when_another_covers_it() -> None:
    deleted = {"deletionTimestamp": rfc3339(NOW - 20), "finalizers": [SERVICE_CIDR_FINALIZER, "mine"]}
    client = FakeClient(cidr("more", "10.0.0.0/24", **deleted), address("web", "10.0.0.9"))
    async with running(client, [ServiceCIDRController], Clock()):
        await until(lambda: ready(client, "more").get("reason") == "Terminating")
        client.put(cidr("wide", "10.0.0.0/16"))
        await until(lambda: (client.peek(SERVICE_CIDRS, "more") or {})["metadata"]["finalizers"] == ["mine"])


async def test_a_lost_address_is_made_again_and_a_wrong_one_put_right() -> None:
    client = FakeClient(service("web", "10.96.0.9"), service("db", "10.96.0.10"), address("other", "10.96.0.10"))
    async with running(client, [ClusterIPController]):
        for name, owner in (("10.96.0.9", "web"), ("10.96.0.10", "db")):
            await until(lambda name=name, owner=owner: _parent(client, name) == owner)
        client.remove(IP_ADDRESSES, "10.96.0.9")
        await until(lambda: _parent(client, "10.96.0.9") == "web")
        await until(lambda: len(everything(client, EVENTS)) == 2)
    labels = (client.peek(IP_ADDRESSES, "10.96.0.9") or {})["metadata"]["labels"]
    assert labels == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    assert {e["reason"] for e in everything(client, EVENTS)} == {"ClusterIPNotAllocated"}


async def test_an_address_without_its_service_goes_and_nobody_elses() -> None:
    foreign = address("gone", "10.96.0.11", **{"ipaddress.kubernetes.io/managed-by": "somebody"})
    client = FakeClient(service("web", "10.96.0.9"), address("web", "10.96.0.9"), address("gone", "fd00::9"), foreign)
    async with running(client, [ClusterIPController]):
        await until(lambda: client.peek(IP_ADDRESSES, "fd00::9") is None)
        client.remove(SERVICES, "web", "demo")
        await until(lambda: client.peek(IP_ADDRESSES, "10.96.0.9") is None)
    assert client.peek(IP_ADDRESSES, "10.96.0.11") is not None


async def test_two_services_with_one_address_are_told() -> None:
    client = FakeClient(service("web", "10.96.0.9"), service("db", "10.96.0.9"), address("web", "10.96.0.9"))
    async with running(client, [ClusterIPController]):
        await until(lambda: everything(client, EVENTS))
    (event,) = everything(client, EVENTS)
    assert (event["reason"], event["involvedObject"]["name"]) == ("ClusterIPAlreadyAllocated", "db")
    assert _parent(client, "10.96.0.9") == "web"


def _parent(client: FakeClient, name: str) -> str:
    found = client.peek(IP_ADDRESSES, name)
    return found["spec"]["parentRef"]["name"] if found else ""
