"""Each controller, and all of them, on a client that raises from any call, with objects that raise in any handler.

Afterwards the world is as a controller that has never seen trouble would leave it: such a one finds nothing to write.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from tests.controllers.builders import NOW, deployment, namespace, node, pod
from tests.fake.chaos import Chaos, ChaosClient
from tests.fake.client import FakeClient
from tests.virtual import in_virtual_time
from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.component.troubles import FAILURES
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.controllers.controller import Runner
from wherry.controllers.daemonset.placement import node_of
from wherry.objects import Object
from wherry.objects.resource import DEPLOYMENTS, ENDPOINT_SLICES, EVENTS, PODS, REPLICA_SETS
from wherry.objects.timestamps import rfc3339

SETTLED_SECONDS = 4000.0
"""Longer than any pause, and than an Event lives."""


NODES_THERE = ("n1", "n2", "n3")


def now() -> float:
    return NOW + asyncio.get_running_loop().time()


def service(name: str, **spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": 8002, "protocol": "TCP"}]
    meta = {"name": name, "namespace": "demo", "uid": f"uid-{name}"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"ports": ports, "clusterIP": "10.96.0.9", **spec},
    }


def endpoints(name: str, *addresses: str) -> Object:
    subsets = [{"addresses": [{"ip": a} for a in addresses], "ports": [{"name": "http", "port": 80}]}]
    meta = {"name": name, "namespace": "demo", "uid": f"uid-ep-{name}"}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": subsets}


def event(name: str) -> Object:
    meta = {"name": name, "namespace": "demo"}
    return {"apiVersion": "v1", "kind": "Event", "metadata": meta, "lastTimestamp": rfc3339(now())}


def daemon_set() -> Object:
    meta = {"name": "agent", "namespace": "demo", "uid": "ds1", "generation": 1}
    labels = {"app": "agent"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "agent:1"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": pods, "updateStrategy": {"type": "RollingUpdate"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": meta,
        "spec": {**spec, "revisionHistoryLimit": 10},
    }


def world(client_now: Any) -> FakeClient:
    return FakeClient(
        namespace("demo"),
        namespace("gone", deletionTimestamp="2027-01-01T00:00:00Z"),
        *(node(name) for name in NODES_THERE),
        deployment(3),
        daemon_set(),
        service("web", selector={"app": "web"}),
        service("by-hand"),
        endpoints("by-hand", "10.9.0.1", "10.9.0.2"),
        pod("stray", labels={"app": "web"}),
        pod("left", namespace="gone"),
        now=client_now,
    )


def meddle(client: FakeClient, dice: random.Random, turn: int) -> None:
    """Change something, as users and nodes do."""
    pods = client.peek_all(PODS, "demo")
    client.put(event(f"e-{turn}"))
    match dice.randrange(8):
        case 0:
            client.put(deployment(dice.randrange(5), f"web:{turn % 3}") | {"status": _status(client)})
        case 1 | 2:
            for i, found in enumerate(pods):
                ready = [{"type": "Ready", "status": "True"}]
                status = {
                    **found["status"],
                    "phase": "Running",
                    "conditions": ready,
                    "podIP": f"10.1.{turn % 250}.{i + 1}",
                }
                client.put(found | {"status": status})
        case 3 if pods:
            gone = dice.choice(pods)["metadata"]
            client.remove(PODS, gone["name"], gone["namespace"])
        case 4:
            client.put(endpoints("by-hand", *(f"10.9.{turn % 250}.{i}" for i in range(1, 1 + dice.randrange(4)))))
        case 5:
            client.expire()
        case 6:
            client.put(namespace(f"n-{turn}"))


def _status(client: FakeClient) -> Object:
    found = client.peek(DEPLOYMENTS, "web", "demo")
    return (found or {}).get("status") or {}


def component_of(client: Client, controllers: Sequence[type[Runner]]) -> Component:
    return manager.make(client, ControllersConfig(ca_pem="pem"), controllers=controllers, clock=now)


async def live(client: FakeClient, component: Component, seconds: float) -> None:
    """Let a component run for so long, and end it."""
    task = asyncio.create_task(component.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def nodes(client: FakeClient) -> None:
    """Be the nodes: heard of, with pods that run, are ready, and end when they are deleted."""
    while True:
        await asyncio.sleep(15.0)
        for name in NODES_THERE:
            client.put(node(name, at=now()))
        for i, found in enumerate(client.peek_all(PODS)):
            if found["metadata"].get("deletionTimestamp"):
                client.remove(PODS, found["metadata"]["name"], found["metadata"]["namespace"])
            elif not found.get("status", {}).get("podIP"):
                client.put(running(found, f"10.2.{i}.{int(now()) % 250 + 1}"))


def running(found: Object, address: str) -> Object:
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(now())}]
    status = {"phase": "Running", "conditions": conditions, "podIP": address}
    where = node_of(found) or "n1"
    return found | {"spec": {**found["spec"], "nodeName": where}, "status": status}


def writes(client: FakeClient) -> list[Any]:
    return [call for call in client.writes() if call.resource != EVENTS]


async def suffer(seed: int, controllers: Sequence[type[Runner]]) -> FakeClient:
    """Run controllers through trouble, then in peace; check what they say, and that the end is right."""
    client, chaos = world(now), Chaos(seed)
    ending = asyncio.create_task(nodes(client))
    component = component_of(ChaosClient(client, chaos), controllers)
    task = asyncio.create_task(component.run())
    troubled = 0
    for turn in range(80):
        meddle(client, chaos.dice, turn)
        await asyncio.sleep(chaos.dice.choice((0.0, 0.1, 1.0)))
        troubled += component.troubles.check() is not None
    assert chaos.harm
    assert troubled
    chaos.calm()
    await asyncio.sleep(SETTLED_SECONDS)
    assert component.troubles.check() is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    client.calls.clear()
    fresh = component_of(client, controllers)
    await live(client, fresh, SETTLED_SECONDS)
    ending.cancel()
    assert writes(client) == []
    return client


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("controller", manager.CONTROLLERS, ids=lambda c: c.name)
def test_a_controller_recovers_from_whatever_is_raised_anywhere(controller: type[Runner], seed: int, caplog: Any):
    counted = _failures()
    in_virtual_time(suffer(seed, [controller]))
    assert _failures() > counted
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("seed", range(4))
def test_all_controllers_recover_together(seed: int):
    client = in_virtual_time(suffer(seed, manager.CONTROLLERS))
    (web,) = client.peek_all(DEPLOYMENTS)
    pods = [p for p in client.peek_all(PODS, "demo") if p["metadata"]["labels"].get("pod-template-hash")]
    assert sum(r["spec"]["replicas"] for r in client.peek_all(REPLICA_SETS)) == web["spec"]["replicas"] == len(pods)
    assert not client.peek_all(PODS, "gone")
    assert client.peek_all(ENDPOINT_SLICES, "demo")


def _failures() -> float:
    return sum(
        s.value for family in FAILURES.collect() for s in family.samples if s.labels["component"] == "controllers"
    )
