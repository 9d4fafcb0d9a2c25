"""The node agent's own parts, on a client that raises from any call and with objects that raise when they are read.

What needs root (pods, links) is another's test: here a route is an entry in a dict.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import Any

import pytest

from tests.fake.chaos import Chaos, ChaosClient
from tests.fake.client import FakeClient
from tests.node.test_registration import CONFIG, MACHINE, MACHINES, PROGRAMS
from tests.virtual import in_virtual_time
from wherry.component.component import Component
from wherry.node.pods.act.objectcache import ObjectCache
from wherry.node.registration import Registration, is_doubted
from wherry.node.routes import RouteKeeper, wanted
from wherry.objects import Object
from wherry.objects.resource import LEASES, NODES


def other(name: str, number: int) -> Object:
    addresses = [{"type": "InternalIP", "address": f"192.168.51.{number}"}]
    meta = {"name": name, "labels": {}}
    spec = {"podCIDR": f"10.244.{number}.0/24", "podCIDRs": [f"10.244.{number}.0/24"]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec, "status": {"addresses": addresses}}


def config_map(value: str) -> Object:
    meta = {"name": "settings", "namespace": "demo"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"x": value}}


class Routes(RouteKeeper):
    """Routes in a dict, which fails now and then."""

    chaos: Chaos
    made: dict[str, str]

    def _apply(self, routes: dict[str, str]) -> list[str]:
        if self.chaos.hurts(0.3):
            raise RuntimeError("netlink said something odd")
        self.made = dict(routes)
        return []


def meddle(client: FakeClient, dice: random.Random, turn: int) -> None:
    name, number = f"n{dice.randrange(3)}", dice.randrange(2, 200)
    match dice.randrange(5):
        case 0 | 1:
            client.put(other(name, number))
        case 2 if client.peek(NODES, name):
            client.remove(NODES, name)
        case 3:
            client.put(config_map(str(turn)))
        case 4:
            client.expire()


@pytest.mark.parametrize("seed", range(8))
def test_the_node_is_known_and_its_routes_and_objects_are_right_in_the_end(seed: int, monkeypatch: pytest.MonkeyPatch):
    async def at_once(work: Any, *args: Any) -> Any:
        return work(*args)

    monkeypatch.setattr(asyncio, "to_thread", at_once)

    async def scenario() -> None:
        client, chaos = FakeClient(config_map("first")), Chaos(seed, reads=0.02)
        component = Component("node", ChaosClient(client, chaos))
        nodes = component.follow(NODES)
        registration = Registration(component.client, CONFIG, MACHINE, PROGRAMS, MACHINES)
        registration.heed(nodes)
        routes = Routes(nodes, CONFIG.name)
        routes.chaos = chaos
        objects, woken = ObjectCache(component), []
        component.task("registration", registration.run)
        component.task("routes", routes.run)
        hold = partial(objects.hold, "demo", "p1", {("ConfigMap", "settings")}, lambda: woken.append(None))
        component.task("pod", hold, forever=False)
        task = asyncio.create_task(component.run())
        troubled = 0
        for turn in range(80):
            meddle(client, chaos.dice, turn)
            await asyncio.sleep(chaos.dice.choice((0.0, 0.2, 1.0)))
            troubled += component.troubles.check() is not None
        assert troubled
        chaos.calm()
        client.put(config_map("last"))
        await asyncio.sleep(300.0)
        assert component.troubles.check() is None
        node = client.peek(NODES, CONFIG.name)
        assert node is not None
        assert not is_doubted(node)
        assert client.peek(LEASES, CONFIG.name, "kube-node-lease")
        assert routes.made == wanted(client.peek_all(NODES), CONFIG.name)
        known = objects.get("demo", "ConfigMap", "settings")
        assert known is not None
        assert known["data"] == {"x": "last"}
        assert woken
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_virtual_time(scenario())
