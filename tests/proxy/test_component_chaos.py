"""The proxy on a client that raises from any call, objects and a kernel that fail: in the end the rules are right."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable

import pytest

from tests.fake.chaos import Chaos, ChaosClient
from tests.fake.client import FakeClient
from tests.proxy.build import endpoint, endpoint_slice, node, service
from tests.virtual import in_virtual_time
from wherry.component.troubles import FAILURES
from wherry.objects.resource import ENDPOINT_SLICES, NODES, SERVICES
from wherry.proxy import component
from wherry.proxy.config import ProxyConfig
from wherry.proxy.modes import ModeError
from wherry.proxy.plan import Change, Plan, make_plan
from wherry.proxy.topology import ThisNode

NAMES = ("web", "db", "api", "blog")
PODS = ("p1", "p2", "p3", "r1")


class FailingMode:
    """A kernel that fails now and then, as it may, or as it never should."""

    def __init__(self, chaos: Chaos):
        self.plan = Plan()
        self.chaos = chaos

    async def load(self, plan: Plan) -> None:
        self._stumble()
        self.plan = plan
        self._stumble()

    async def apply(self, change: Change) -> None:
        self._stumble()
        routes = {**self.plan.routes, **{f: after for f, (_, after) in change.routes.items() if after}}
        gone = {f for f, (_, after) in change.routes.items() if after is None}
        self.plan = Plan({f: r for f, r in routes.items() if f not in gone})
        self._stumble()

    async def cleanup(self) -> None:
        raise AssertionError("the rules outlive the proxy")

    async def differences(self, plan: Plan) -> list[str]:
        self._stumble()
        return [] if plan == self.plan else ["something"]

    @contextlib.asynccontextmanager
    async def at_work(self, suspect: Callable[[], None]) -> AsyncIterator[None]:
        yield

    def render(self, plan: Plan) -> str:
        return str(plan)

    def _stumble(self) -> None:
        if self.chaos.hurts(0.2):
            raise self.chaos.dice.choice((ModeError("busy"), RuntimeError("bug"), OSError("no nft")))


def meddle(client: FakeClient, dice: random.Random) -> None:
    name = dice.choice(NAMES)
    ip = f"10.96.0.{10 + NAMES.index(name)}"
    match dice.randrange(8):
        case 0 | 1:
            client.put(service(name, cluster_ip=ip, sessionAffinity=dice.choice(("None", "ClientIP"))))
        case 2 if client.peek(SERVICES, name, "demo"):
            client.remove(SERVICES, name, "demo")
        case 3 | 4 | 5:
            chosen = dice.sample(PODS, dice.randrange(len(PODS)))
            client.put(endpoint_slice([endpoint(p, ready=dice.random() < 0.8) for p in chosen], service=name))
        case 6:
            client.expire()
        case 7:
            client.put(node(zone=dice.choice(("a", "b"))))


@pytest.mark.parametrize("seed", range(12))
def test_the_rules_are_those_of_the_objects_in_the_end(seed: int):
    async def scenario() -> None:
        client, chaos = FakeClient(node()), Chaos(seed)
        mode = FailingMode(chaos)
        config = ProxyConfig(node_name="n1", metrics_bind_address="", healthz_bind_address="")
        task = asyncio.create_task(component.run(ChaosClient(client, chaos), config, mode))
        for _ in range(100):
            meddle(client, chaos.dice)
            await asyncio.sleep(chaos.dice.choice((0.0, 0.1, 0.5)))
        chaos.calm()
        await asyncio.sleep(300.0)
        this = ThisNode.of("n1", client.peek(NODES, "n1"))
        right = make_plan(client.peek_all(SERVICES), client.peek_all(ENDPOINT_SLICES), this)
        assert mode.plan.routes == right.routes
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    before = _failures()
    in_virtual_time(scenario())
    assert _failures() > before


def test_a_service_that_cannot_be_planned_keeps_its_rules_and_the_others_follow(caplog: pytest.LogCaptureFixture):
    async def scenario() -> None:
        client = FakeClient(node(), service("bad"), service("good", cluster_ip="10.96.0.11"))
        mode = FailingMode(Chaos(0, calls=0.0, reads=0.0))
        mode.chaos.calm()
        config = ProxyConfig(node_name="n1", metrics_bind_address="", healthz_bind_address="")
        task = asyncio.create_task(component.run(client, config, mode))
        await asyncio.sleep(1.0)
        rules = len(mode.plan.routes)
        broken = service("bad")
        broken["spec"]["ports"] = ["not a port"]
        client.put(broken)
        client.put(endpoint_slice([endpoint("p1")], service="good"))
        await asyncio.sleep(1.0)
        assert len(mode.plan.routes) == rules
        assert any(str(e) == "10.244.0.5:8080*" for r in mode.plan.routes.values() for e in r.inside.endpoints)
        client.put(service("bad", ports=[{"port": 81, "targetPort": 8080, "protocol": "TCP"}]))
        await asyncio.sleep(1.0)
        assert any(f.port == 81 for f in mode.plan.routes)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_virtual_time(scenario())
    assert "planning failed at demo/bad" in caplog.text


def _failures() -> float:
    samples = [sample for family in FAILURES.collect() for sample in family.samples]
    return sum(s.value for s in samples if s.labels["component"] == "proxy")
