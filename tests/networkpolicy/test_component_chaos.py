"""The enforcement on a client that raises from any call, and a kernel that fails: in the end the rules are right."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.fake.chaos import Chaos, ChaosClient
from tests.fake.client import FakeClient
from tests.networkpolicy import build, reference
from tests.networkpolicy.reference import Connection
from tests.networkpolicy.test_component import NODE, SPACES, SimulatedRules
from tests.virtual import in_virtual_time
from wherry.component.troubles import FAILURES
from wherry.net.nft import NftError
from wherry.networkpolicy.component import NetworkPolicies, NotFencedError
from wherry.networkpolicy.plan import Change, Plan
from wherry.objects.resource import NAMESPACES, NETWORK_POLICIES, PODS

ADDRESSES = {f"p{i}": f"10.244.{i % 2}.{5 + i}" for i in range(6)}


class FailingRules(SimulatedRules):
    """A kernel that fails now and then, as it may, or as it never should."""

    def __init__(self, chaos: Chaos):
        super().__init__()
        self.chaos = chaos

    async def load(self, plan: Plan) -> None:
        self._stumble()
        await super().load(plan)
        self._stumble()

    async def apply(self, change: Change, plan: Plan) -> None:
        self._stumble()
        await super().apply(change, plan)
        self._stumble()

    async def differences(self, plan: Plan) -> list[str]:
        self._stumble()
        return []

    def _stumble(self) -> None:
        if self.chaos.hurts(0.2):
            raise self.chaos.dice.choice((NftError("busy"), RuntimeError("bug"), OSError("no nft")))


def meddle(client: FakeClient, dice: random.Random) -> None:
    name = dice.choice(list(ADDRESSES))
    labels = {"app": dice.choice("ab")}
    match dice.randrange(8):
        case 0 | 1 | 2:
            node = "n1" if int(name[1:]) % 2 else "n2"
            space = "demo" if int(name[1:]) < 3 else "other"
            client.put(build.pod(name, ADDRESSES[name], space, labels=labels, node=node))
        case 3 if client.peek(PODS, name, "demo"):
            client.remove(PODS, name, "demo")
        case 4 | 5:
            whom = [{"podSelector": {"matchLabels": labels}, "namespaceSelector": {"matchLabels": {"team": "x"}}}]
            pods = {"matchLabels": {"app": dice.choice("ab")}}
            client.put(build.policy(dice.choice("xy"), dice.choice(("demo", "other")), pods, ingress=[{"from": whom}]))
        case 6 if client.peek(NETWORK_POLICIES, "x", "demo"):
            client.remove(NETWORK_POLICIES, "x", "demo")
        case 6:
            client.put(build.namespace("other", team=dice.choice("xy")))
        case 7:
            client.expire()


@pytest.mark.parametrize("seed", range(12))
def test_the_rules_are_those_of_the_objects_in_the_end(seed: int) -> None:
    async def scenario() -> None:
        client, chaos = FakeClient(NODE, *SPACES), Chaos(seed)
        rules = FailingRules(chaos)
        policies = NetworkPolicies(ChaosClient(client, chaos), "n1", rules)  # type: ignore[arg-type]
        task = asyncio.create_task(policies.run())
        for _ in range(100):
            meddle(client, chaos.dice)
            await asyncio.sleep(chaos.dice.choice((0.0, 0.1, 0.5)))
        chaos.calm()
        await asyncio.sleep(300.0)
        world = reference.World(*map(client.peek_all, (NETWORK_POLICIES, PODS, NAMESPACES)))
        for one in ADDRESSES.values():
            for other in ADDRESSES.values():
                connection = Connection(one, other, "TCP", 80)
                assert rules.kernel.allows(connection) is reference.allowed(world, "n1", connection), connection
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    before = _failures()
    in_virtual_time(scenario())
    assert _failures() > before


@pytest.mark.parametrize("seed", range(6))
def test_a_fence_in_such_weather_is_either_up_or_refused(seed: int) -> None:
    async def scenario() -> None:
        deny = build.policy("deny", ingress=[])
        client, chaos = FakeClient(NODE, *SPACES, deny), Chaos(seed, reads=0.0)
        rules = FailingRules(chaos)
        policies = NetworkPolicies(ChaosClient(client, chaos), "n1", rules)  # type: ignore[arg-type]
        task = asyncio.create_task(policies.run())
        for number in range(20):
            address = f"10.244.0.{100 + number}"
            pod = build.pod(f"new{number}")
            client.put(pod)
            try:
                await policies.fence(pod, [address])
            except NotFencedError:
                continue
            assert not rules.kernel.allows(Connection("10.244.9.9", address, "TCP", 80))
            client.put(build.pod(f"new{number}", address))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_virtual_time(scenario())


def _failures() -> float:
    samples = [sample for family in FAILURES.collect() for sample in family.samples]
    return sum(s.value for s in samples if s.labels["component"] == "networkpolicy")
