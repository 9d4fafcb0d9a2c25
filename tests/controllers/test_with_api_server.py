"""Controllers and scheduler together on the real API server, with a node that pretends to run pods."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.controllers.builders import NOW
from wherry.apiserver.admission.lifecycle import terminating
from wherry.apiserver.kinds import KINDS
from wherry.client.interface import Client
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.controllers.podcontrol import is_namespace_terminating
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, Conflict, Invalid, NotFound
from wherry.objects.metadata import is_being_deleted
from wherry.objects.resource import (
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    EVENTS,
    IP_ADDRESSES,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
    SERVICE_CIDRS,
    SERVICES,
    Resource,
)
from wherry.objects.timestamps import rfc3339
from wherry.scheduler import run as scheduler
from wherry.scheduler.config import SchedulerConfig


class World:
    """A client with a few shortcuts."""

    def __init__(self, client: Client):
        self.client = client

    async def all(self, resource: Resource, namespace: str = "demo") -> list[Object]:
        return (await self.client.list(resource, namespace if resource.namespaced else None)).items

    async def until(self, holds: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while not await holds():
            assert asyncio.get_running_loop().time() < deadline, "the condition never came true"
            await asyncio.sleep(0.01)


async def pretend_to_run_pods(client: Client) -> None:
    """Give bound pods an address and readiness, and end those being deleted; pass over what no write is let through."""
    addresses = map(str, ip_network("10.244.0.0/16").hosts())
    async for event in client.watch(PODS):
        pod = event.object
        if event.type not in ("ADDED", "MODIFIED") or not pod["spec"].get("nodeName"):
            continue
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        with contextlib.suppress(NotFound, Conflict, Invalid):
            if is_being_deleted(pod):
                await client.delete(PODS, name, namespace, grace_period_seconds=0)
            elif not pod["status"].get("podIP"):
                ip = next(addresses)
                ready = {"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(NOW)}
                status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [ready]}
                await client.patch(PODS, name, {"status": status}, namespace, subresource="status")


def node(name: str) -> Object:
    capacity = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": rfc3339(NOW), "lastTransitionTime": rfc3339(NOW)}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"capacity": capacity, "allocatable": capacity, "conditions": [ready]},
    }


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Cluster(tmp_path) as cluster:
        client = cluster.client
        config = ControllersConfig("PEM")
        tasks = [
            asyncio.create_task(manager.make(client, config).run()),
            asyncio.create_task(scheduler.make(client, SchedulerConfig()).run()),
            asyncio.create_task(pretend_to_run_pods(client)),
        ]
        for name in ("n1", "n2"):
            made = await client.create(NODES, node(name))
            await client.update(NODES, made | {"status": node(name)["status"]}, subresource="status")
        made = World(client)
        await client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        await made.until(lambda: made.all(SERVICE_ACCOUNTS))
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def template(image: str) -> Object:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}


def workload(kind: str, **spec: Any) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    metadata = {"name": "web", "namespace": "demo"}
    return {"kind": kind, "metadata": metadata, "spec": {"selector": selector, "template": template("web:1")} | spec}


async def complete(world: World, replicas: int) -> bool:
    (found,) = await world.all(DEPLOYMENTS)
    status = found.get("status") or {}
    pods = [p for p in await world.all(PODS) if not is_being_deleted(p)]
    return len(pods) == replicas and all(
        status.get(n) == replicas for n in ("replicas", "updatedReplicas", "availableReplicas")
    )


async def test_the_road_from_a_deployment_to_the_addresses_of_its_service(world: World, caplog: Any) -> None:
    ports = [{"port": 80, "targetPort": 8002}]
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    await world.client.create(SERVICES, service, "demo")
    await world.client.create(DEPLOYMENTS, workload("Deployment", replicas=2), "demo")
    await world.until(lambda: complete(world, 2))
    pods = await world.all(PODS)
    assert {p["spec"]["nodeName"] for p in pods} == {"n1", "n2"}
    (replica_set,) = await world.all(REPLICA_SETS)
    assert all(p["metadata"]["name"].startswith(replica_set["metadata"]["name"] + "-") for p in pods)

    async def addresses() -> set[str]:
        slices = await world.all(ENDPOINT_SLICES)
        return {e["addresses"][0] for s in slices for e in s["endpoints"] if e["conditions"]["ready"]}

    wanted = {p["status"]["podIP"] for p in pods}

    async def followed() -> bool:
        (endpoints,) = await world.all(ENDPOINTS)
        shown = {a["ip"] for s in endpoints.get("subsets", ()) for a in s.get("addresses", ())}
        return await addresses() == shown == wanted

    await world.until(followed)

    async def told() -> bool:
        reasons = {e["reason"] for e in await world.all(EVENTS)}
        return reasons >= {"ScalingReplicaSet", "SuccessfulCreate", "Scheduled"}

    await world.until(told)
    assert (await world.client.get(CONFIG_MAPS, "kube-root-ca.crt", "demo"))["data"] == {"ca.crt": "PEM"}
    assert "crashed" not in caplog.text


async def test_a_rollout_an_undo_and_a_deletion_leave_nothing_behind(world: World, caplog: Any) -> None:
    await world.client.create(DEPLOYMENTS, workload("Deployment", replicas=3), "demo")
    await world.until(lambda: complete(world, 3))
    for image, count in (("web:2", 2), ("web:1", 2)):
        await world.client.patch(DEPLOYMENTS, "web", {"spec": {"template": template(image)}}, "demo")

        async def rolled(image: str = image, count: int = count) -> bool:
            images = {p["spec"]["containers"][0]["image"] for p in await world.all(PODS)}
            return images == {image} and len(await world.all(REPLICA_SETS)) == count and await complete(world, 3)

        await world.until(rolled)
    await world.client.delete(DEPLOYMENTS, "web", "demo", propagation_policy="Background")

    async def empty() -> bool:
        return not (await world.all(PODS) or await world.all(REPLICA_SETS))

    await world.until(empty)
    assert "crashed" not in caplog.text


async def test_a_foreground_deletion_ends_with_the_owner(world: World) -> None:
    await world.client.create(DEPLOYMENTS, workload("Deployment", replicas=2), "demo")
    await world.until(lambda: complete(world, 2))
    await world.client.delete(DEPLOYMENTS, "web", "demo", propagation_policy="Foreground")

    async def gone() -> bool:
        return not await world.all(DEPLOYMENTS)

    await world.until(gone)
    assert not await world.all(REPLICA_SETS)


async def test_a_daemon_set_runs_on_every_node(world: World, caplog: Any) -> None:
    await world.client.create(DAEMON_SETS, workload("DaemonSet"), "demo")

    async def everywhere() -> bool:
        (found,) = await world.all(DAEMON_SETS)
        return bool((found.get("status") or {}).get("numberAvailable") == 2)

    await world.until(everywhere)
    assert {p["spec"]["nodeName"] for p in await world.all(PODS)} == {"n1", "n2"}
    assert len(await world.all(CONTROLLER_REVISIONS)) == 1
    assert "crashed" not in caplog.text


async def test_a_namespace_goes_with_everything_in_it(world: World) -> None:
    await world.client.create(DEPLOYMENTS, workload("Deployment", replicas=2), "demo")
    await world.until(lambda: complete(world, 2))
    await world.client.delete(NAMESPACES, "demo")

    async def gone() -> bool:
        return "demo" not in {n["metadata"]["name"] for n in await world.all(NAMESPACES)}

    await world.until(gone)
    assert not await world.all(PODS)


async def test_once_settled_nothing_is_written(world: World) -> None:
    ports = [{"port": 80, "targetPort": 8002}]
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    await world.client.create(SERVICES, service, "demo")
    await world.client.create(DEPLOYMENTS, workload("Deployment", replicas=2), "demo")
    await world.until(lambda: complete(world, 2))
    await world.client.create(NAMESPACES, {"metadata": {"name": "other"}})
    await _pass_through(world, "first")
    before = await _versions(world)
    await _pass_through(world, "second")
    assert await _versions(world) == before


async def _pass_through(world: World, name: str) -> None:
    """Run a Deployment in another namespace: what there was to do before it is done when it is available."""
    workload_of_that_name = workload("Deployment", replicas=1) | {"metadata": {"name": name}}
    await world.client.create(DEPLOYMENTS, workload_of_that_name, "other")

    async def available() -> bool:
        status = (await world.client.get(DEPLOYMENTS, name, "other")).get("status") or {}
        return status.get("availableReplicas") == 1

    await world.until(available)


async def _versions(world: World) -> set[str]:
    """Return the versions of everything that the controllers may have written to in `demo`."""
    kinds = (PODS, REPLICA_SETS, DEPLOYMENTS, SERVICES, ENDPOINTS, ENDPOINT_SLICES)
    return {obj["metadata"]["resourceVersion"] for kind in kinds for obj in await world.all(kind)}


def test_the_error_of_a_terminating_namespace_is_known() -> None:
    kind = next(k for k in KINDS if k.kind == "Pod")
    assert is_namespace_terminating(terminating(kind, "x", "demo"))
    assert not is_namespace_terminating(ApiError("no"))


async def test_addresses_come_and_go_with_services_and_ranges_stay_while_used(world: World) -> None:
    """As kubectl sees it: the Service, its IPAddress, and the ServiceCIDR that both need."""

    async def parents() -> dict[str, str]:
        return {a["metadata"]["name"]: a["spec"]["parentRef"]["name"] for a in await world.all(IP_ADDRESSES)}

    async def ready(name: str) -> str:
        found = metadata.condition(await world.client.get(SERVICE_CIDRS, name), "Ready")
        return found["status"] if found else ""

    assert await ready("kubernetes") == "True"
    assert await parents() == {"10.96.0.1": "kubernetes"}
    await world.client.create(SERVICE_CIDRS, {"metadata": {"name": "more"}, "spec": {"cidrs": ["203.0.113.0/24"]}})

    async def is_ready() -> bool:
        return await ready("more") == "True"

    await world.until(is_ready)
    spec = {"clusterIP": "203.0.113.9", "ports": [{"port": 80}]}
    await world.client.create(SERVICES, {"metadata": {"name": "web"}, "spec": spec}, "demo")
    assert await parents() == {"10.96.0.1": "kubernetes", "203.0.113.9": "web"}
    await world.client.delete(IP_ADDRESSES, "203.0.113.9")

    async def is_repaired() -> bool:
        return (await parents()).get("203.0.113.9") == "web"

    await world.until(is_repaired)
    await world.client.delete(SERVICE_CIDRS, "more")

    async def is_held() -> bool:
        return await ready("more") == "False"

    await world.until(is_held)
    with pytest.raises(Invalid, match="not in the valid range"):
        await world.client.create(
            SERVICES, {"metadata": {"name": "late"}, "spec": spec | {"clusterIP": "203.0.113.10"}}, "demo"
        )
    await world.client.delete(SERVICES, "web", "demo")
    assert await parents() == {"10.96.0.1": "kubernetes"}
    await world.client.create(SERVICES, {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}, "demo")
