"""Services of type LoadBalancer get an address of the pool, each its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.controllers.builders import running, until
from tests.fake.client import FakeClient
from wherry.controllers.loadbalancer import Choice, LoadBalancerController, addresses, choose
from wherry.objects import Object
from wherry.objects.resource import EVENTS, SERVICES

POOL = ("192.0.2.64", "192.0.2.65")


def service(name: str = "web", *given: str, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "demo", "uid": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
        "status": {"loadBalancer": {"ingress": [{"ip": ip} for ip in given]}},
    }


@pytest.mark.parametrize(
    ("wants", "taken", "choice"),
    [
        (service(), (), Choice((POOL[0],))),
        (service(), POOL[:1], Choice((POOL[1],))),
        (service("web", POOL[1]), (), Choice((POOL[1],))),
        (service("web", POOL[1]), POOL[1:], Choice((POOL[0],))),
        (service("web", "198.51.100.1"), (), Choice((POOL[0],))),
        (service(loadBalancerIP=POOL[1]), (), Choice((POOL[1],))),
        (service("web", POOL[0], loadBalancerIP=POOL[1]), (), Choice((POOL[1],))),
        (service(loadBalancerIP=POOL[1]), POOL[1:], Choice(problem=f"{POOL[1]} is another Service's")),
        (
            service(loadBalancerIP="198.51.100.1"),
            (),
            Choice(problem="198.51.100.1 is not an address of the pool 192.0.2.64-192.0.2.65"),
        ),
        (service(), POOL, Choice(problem="all 2 addresses of the pool are taken")),
        (service("web", POOL[0], type="ClusterIP"), (), Choice()),
        (service(ipFamilies=["IPv6"]), (), Choice()),
    ],
)
def test_an_address_is_kept_or_asked_for_or_the_first_that_is_free(
    wants: Object, taken: Sequence[str], choice: Choice
) -> None:
    assert choose(wants, POOL, taken) == choice


SIX = ("fd00:51::40", "fd00:51::41")


@pytest.mark.parametrize(
    ("wants", "taken", "choice"),
    [
        (service(), (), Choice((POOL[0],))),
        (service(ipFamilies=["IPv6"]), (), Choice((SIX[0],))),
        (service(ipFamilies=["IPv6", "IPv4"]), (), Choice((SIX[0], POOL[0]))),
        (service("web", POOL[1], ipFamilies=["IPv4", "IPv6"]), SIX[:1], Choice((POOL[1], SIX[1]))),
        (service(ipFamilies=["IPv4", "IPv6"], loadBalancerIP=SIX[1]), (), Choice((POOL[0], SIX[1]))),
        (
            service(ipFamilies=["IPv4", "IPv6"]),
            SIX,
            Choice((POOL[0],), "all 2 addresses of the pool are taken"),
        ),
    ],
)
def test_a_service_has_an_address_of_each_of_its_families(wants: Object, taken: Sequence[str], choice: Choice) -> None:
    assert choose(wants, (*POOL, *SIX), taken) == choice


def given(client: FakeClient, name: str) -> list[str]:
    return addresses(client.peek(SERVICES, name, "demo") or {})


async def test_services_get_different_addresses_and_who_has_none_gets_the_one_that_is_freed() -> None:
    client = FakeClient(service("a"), service("b"), service("c"))
    async with running(client, (LoadBalancerController,), balancer_addresses=POOL):
        await until(lambda: sum(len(given(client, name)) for name in "abc") == 2)
        [loser] = [name for name in "abc" if not given(client, name)]
        await until(lambda: any(e["reason"] == "AllocationFailed" for e in client.peek_all(EVENTS)))
        winner = next(name for name in "abc" if given(client, name))
        freed = given(client, winner)
        client.remove(SERVICES, winner, "demo")
        await until(lambda: given(client, loser) == freed)


async def test_an_address_goes_back_with_the_type_and_another_class_is_left_alone() -> None:
    client = FakeClient(service("a", POOL[0], type="ClusterIP"), service("b", loadBalancerClass="example.com/other"))
    async with running(client, (LoadBalancerController,), balancer_addresses=POOL):
        await until(lambda: given(client, "a") == [])
        client.put(service("c", loadBalancerIP=POOL[0]))
        await until(lambda: given(client, "c") == [POOL[0]])
    assert given(client, "b") == []
