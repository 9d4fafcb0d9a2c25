"""The address in an Ingress' status: where it comes from, and who gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fake.client import FakeClient
from tests.ingress.objects import ingress, service
from wherry.component.component import Component
from wherry.ingress.cluster import Cluster
from wherry.ingress.options import Options
from wherry.ingress.status import StatusWriter, pod_addresses, service_addresses, status_entries
from wherry.objects import Object
from wherry.objects.errors import Conflict, ServiceUnavailable
from wherry.objects.resource import INGRESSES, PODS


def pod(name: str, host_ip: str, *, ready: bool = True, deleted: bool = False, app: str = "ingress") -> Object:
    meta: Object = {"name": name, "namespace": "ingress-nginx", "labels": {"app": app, "pod-template-hash": name}}
    if deleted:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = {"hostIP": host_ip, "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": status}


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({"type": "ClusterIP", "clusterIP": "10.96.0.7"}, {}, ["10.96.0.7"]),
        ({"type": "ClusterIP", "clusterIP": "None"}, {}, []),
        ({"type": "NodePort", "clusterIP": "10.96.0.7", "externalIPs": ["1.1.1.1"]}, {}, ["1.1.1.1"]),
        ({"type": "LoadBalancer", "clusterIP": "10.96.0.7"}, {}, []),
        (
            {"type": "LoadBalancer"},
            {"loadBalancer": {"ingress": [{"ip": "2.2.2.2"}, {"hostname": "x"}]}},
            ["2.2.2.2", "x"],
        ),
        ({"type": "ExternalName", "externalName": "lb.test"}, {}, ["lb.test"]),
        ({"type": "ExternalName"}, {}, []),
        ({"type": "ExternalName", "externalName": "no name"}, {}, []),
        (
            {"type": "NodePort", "externalIPs": ["172.020.0.44", "garbage }", "fe80::1%eth0", "FD00::01"]},
            {},
            ["172.20.0.44", "fd00::1"],
        ),
        ({"type": "NodePort", "clusterIP": "10.96.0.7", "externalIPs": ["", "*"]}, {}, ["10.96.0.7"]),
        (
            {"type": "LoadBalancer"},
            {"loadBalancer": {"ingress": [{"ip": "010.0.0.1"}, {"hostname": "a b"}]}},
            ["10.0.0.1"],
        ),
    ],
)
def test_a_service_gives_its_outside_addresses(spec: Object, status: Object, expected: list[str]) -> None:
    assert service_addresses({"spec": spec, "status": status}) == expected


def test_only_ready_pods_count() -> None:
    pods = [pod("a", "10.0.0.1"), pod("b", "10.0.0.2", ready=False), pod("c", "10.0.0.3", deleted=True)]
    assert pod_addresses(pods) == ["10.0.0.1"]


def test_entries_are_sorted_once_each_and_by_kind() -> None:
    assert status_entries(["b.test", "10.0.0.2", "10.0.0.1", "10.0.0.2"]) == [
        {"ip": "10.0.0.1"},
        {"ip": "10.0.0.2"},
        {"hostname": "b.test"},
    ]


@asynccontextmanager
async def writing(client: FakeClient, *ours: tuple[str, str], **options: Any) -> AsyncIterator[StatusWriter]:
    component = Component("ingress", client)
    cluster = await Cluster.open(component, Options(**options))
    writer = StatusWriter(component, Options(**options), cluster, lambda: ours)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(component.run())
        yield writer
        task.cancel()


def address(client: FakeClient, name: str) -> Any:
    found = client.peek(INGRESSES, name, "demo") or {}
    return ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress")


async def becomes(client: FakeClient, name: str, expected: Any) -> None:
    async with asyncio.timeout(5):
        while address(client, name) != expected:  # noqa: ASYNC110 - the world under test, not ours to signal
            await asyncio.sleep(0.005)


async def test_the_nodes_of_our_ready_pods_are_written_and_followed() -> None:
    client = FakeClient(
        ingress("web"), ingress("other"), pod("a", "10.0.0.2"), pod("b", "10.0.0.1"), pod("x", "10.9.9.9", app="else")
    )
    async with writing(client, ("demo", "web"), pod=("ingress-nginx", "a")):
        await becomes(client, "web", [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}])
        client.put(pod("b", "10.0.0.1", ready=False))
        await becomes(client, "web", [{"ip": "10.0.0.2"}])
        assert address(client, "other") is None


async def test_what_is_right_already_is_not_written() -> None:
    right = {**ingress("web"), "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}}
    client = FakeClient(right, ingress("wrong"))
    async with writing(client, ("demo", "web"), ("demo", "wrong"), publish_addresses=("1.2.3.4",)):
        await becomes(client, "wrong", [{"ip": "1.2.3.4"}])
    assert [call.name for call in client.writes()] == ["wrong"]


async def test_a_conflict_is_tried_again() -> None:
    client = FakeClient(ingress("web"))
    client.fail(Conflict.of("ingresses", "web", "changed"), verb="update")
    async with writing(client, ("demo", "web"), publish_addresses=("1.2.3.4",)):
        await becomes(client, "web", [{"ip": "1.2.3.4"}])
    assert [(c.verb, c.subresource) for c in client.writes()] == [("update", "status")] * 2


async def test_without_an_address_another_controllers_is_left_alone() -> None:
    theirs = {**ingress("web"), "status": {"loadBalancer": {"ingress": [{"ip": "9.9.9.9"}]}}}
    client = FakeClient(theirs)
    async with writing(client, ("demo", "web"), publish_service=("ingress-nginx", "late")) as writer:
        writer.refresh()
        status = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
        client.put({**service("late", namespace="ingress-nginx", type="LoadBalancer"), "status": status})
        await becomes(client, "web", [{"ip": "1.2.3.4"}])
    assert len(client.writes()) == 1


OWN = ("ingress-nginx", "a")


@pytest.mark.parametrize(
    ("others", "options", "left"),
    [
        ([], {}, []),
        ([pod("b", "10.0.0.2", ready=False)], {}, []),
        ([pod("b", "10.0.0.1")], {}, [{"ip": "10.0.0.1"}]),
        ([], {"publish_addresses": ("10.0.0.1",)}, [{"ip": "10.0.0.1"}]),
    ],
)
async def test_the_last_replica_takes_its_address_away(
    others: list[Object], options: dict[str, Any], left: list[Object]
) -> None:
    client = FakeClient(ingress("rules"), pod("a", "10.0.0.1"), *others)
    async with writing(client, ("demo", "rules"), pod=OWN, **options) as writer:
        await addressed(client, [{"ip": "10.0.0.1"}])
        client.put(pod("a", "10.0.0.1", deleted=True))
        await asyncio.sleep(0)
        await writer.withdraw()
        assert entries(client) == left


async def test_a_server_that_is_away_at_the_start_is_waited_for() -> None:
    client = FakeClient(ingress("rules"), pod("a", "10.0.0.1"))
    client.fail(ServiceUnavailable("away"), verb="get", resource=PODS, times=2)
    async with writing(client, ("demo", "rules"), pod=OWN):
        await addressed(client, [{"ip": "10.0.0.1"}])


def entries(client: FakeClient) -> list[Object]:
    found = client.peek(INGRESSES, "rules", "demo")
    assert found is not None
    return ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []


async def addressed(client: FakeClient, wanted: list[Object]) -> None:
    async with asyncio.timeout(5):
        while entries(client) != wanted:  # noqa: ASYNC110 - a condition on the fake server
            await asyncio.sleep(0.005)
