"""Services and their endpoints on the in-memory API."""

from __future__ import annotations

from typing import Any

from tests.controllers.builders import everything, names, running, until
from tests.controllers.test_servicepods import at, service
from tests.fake.client import FakeClient
from wherry.controllers.endpoints import EndpointsController
from wherry.controllers.endpointslice.controller import EndpointSliceController
from wherry.controllers.endpointslice.mirroring import EndpointSliceMirroringController
from wherry.objects import Object
from wherry.objects.resource import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES

ALL = (EndpointsController, EndpointSliceController, EndpointSliceMirroringController)


def ready_in_slices(client: FakeClient) -> dict[str, bool]:
    return {
        e["addresses"][0]: e["conditions"]["ready"] for s in everything(client, ENDPOINT_SLICES) for e in s["endpoints"]
    }


def ready_in_endpoints(client: FakeClient) -> list[str]:
    found = client.peek(ENDPOINTS, "web", "demo") or {}
    return [a["ip"] for s in found.get("subsets", ()) for a in s.get("addresses", ())]


async def test_endpoints_and_slices_follow_readiness_and_deletion() -> None:
    client = FakeClient(service(8002), at("10.0.0.1"), at("10.0.0.2", is_ready=False))
    async with running(client, ALL):
        await until(lambda: ready_in_slices(client) == {"10.0.0.1": True, "10.0.0.2": False})
        await until(lambda: ready_in_endpoints(client) == ["10.0.0.1"])
        client.put(at("10.0.0.2"))
        await until(lambda: ready_in_slices(client) == {"10.0.0.1": True, "10.0.0.2": True})
        await until(lambda: ready_in_endpoints(client) == ["10.0.0.1", "10.0.0.2"])
        client.remove(PODS, "pod-10.0.0.1", "demo")
        await until(lambda: ready_in_slices(client) == {"10.0.0.2": True})
        await until(lambda: ready_in_endpoints(client) == ["10.0.0.2"])
    (piece,) = everything(client, ENDPOINT_SLICES)
    assert piece["metadata"]["name"].startswith("web-")
    assert piece["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
    assert piece["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io"
    assert piece["metadata"]["ownerReferences"][0]["uid"] == "s1"


async def test_endpoints_go_with_their_service() -> None:
    client = FakeClient(service(80), at("10.0.0.1"))
    async with running(client, ALL):
        await until(lambda: ready_in_endpoints(client))
        client.remove(SERVICES, "web", "demo")
        await until(lambda: client.peek(ENDPOINTS, "web", "demo") is None)


def hand_made(*ips: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "demo", "uid": "e1"},
        "subsets": [{"addresses": [{"ip": ip} for ip in ips], "ports": [{"port": 3306}]}],
    }


async def test_hand_made_endpoints_are_mirrored_into_slices_and_never_touched() -> None:
    client = FakeClient(service(3306, selector=None), hand_made("192.168.1.7"))
    async with running(client, ALL):
        await until(lambda: ready_in_slices(client) == {"192.168.1.7": True})
        (piece,) = everything(client, ENDPOINT_SLICES)
        managed_by = piece["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"]
        assert managed_by == "endpointslicemirroring-controller.k8s.io"
        client.put(hand_made("192.168.1.7", "192.168.1.8"))
        await until(lambda: ready_in_slices(client) == {"192.168.1.7": True, "192.168.1.8": True})
    assert not [c for c in client.writes() if c.resource == ENDPOINTS]


async def test_hand_made_endpoints_that_come_before_their_service_survive() -> None:
    client = FakeClient(hand_made("192.168.1.7"))
    async with running(client, ALL):
        client.put(service(3306, selector=None))
        await until(lambda: ready_in_slices(client) == {"192.168.1.7": True})
        assert names(client, ENDPOINTS) == {"web"}


async def test_when_everything_is_right_nothing_is_written() -> None:
    client = FakeClient(service(8002), at("10.0.0.1"))
    async with running(client, ALL):
        await until(lambda: ready_in_slices(client) and ready_in_endpoints(client))
    client.calls.clear()
    async with running(client, ALL):
        await until(lambda: client.watching >= 4)
        await until(lambda: [c.verb for c in client.calls].count("list") >= 4)
    assert client.writes() == []


async def test_many_changes_at_once_end_in_exactly_the_right_slices(caplog: Any) -> None:
    client = FakeClient(service(8002), *(at(f"10.0.1.{i}") for i in range(150)))
    async with running(client, ALL):
        await until(lambda: len(ready_in_slices(client)) == 150)
        for i in range(0, 150, 2):
            client.remove(PODS, f"pod-10.0.1.{i}", "demo")
            client.put(at(f"10.0.2.{i}"))
        wanted = {f"10.0.1.{i}" for i in range(1, 150, 2)} | {f"10.0.2.{i}" for i in range(0, 150, 2)}
        await until(lambda: set(ready_in_slices(client)) == wanted)
    counts = sorted(len(s["endpoints"]) for s in everything(client, ENDPOINT_SLICES))
    assert sum(counts) == 150
    assert len(counts) <= 3
    assert "crashed" not in caplog.text
