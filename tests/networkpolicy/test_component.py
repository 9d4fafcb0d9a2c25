"""The running enforcement, on the fake API server and rules that are only simulated."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.fake.client import FakeClient
from tests.networkpolicy import build
from tests.networkpolicy.reference import Connection
from tests.networkpolicy.simulator import Simulator
from tests.virtual import in_virtual_time
from wherry.net.nft import NftError
from wherry.networkpolicy.component import NetworkPolicies, NotFencedError
from wherry.networkpolicy.plan import Change, Plan
from wherry.objects import Object
from wherry.objects.resource import EVENTS, NAMESPACES, NETWORK_POLICIES, PODS

NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {}}
WEB = build.pod("web", "10.244.0.5", labels={"app": "web"})
CLIENT = build.pod("client", "10.244.0.6", labels={"app": "client"})
FAR = build.pod("far", "10.244.1.6", "other", labels={"app": "client"}, node="n2")
SPACES = (build.namespace("demo"), build.namespace("other"))
FROM_CLIENTS = build.policy(pods={"matchLabels": {"app": "web"}}, ingress=[{"from": [{"podSelector": {}}]}])


class SimulatedRules:
    """`Rules` without a kernel. `broken` makes so many of the next calls fail."""

    def __init__(self) -> None:
        self.kernel = Simulator()
        self.loads = 0
        self.changes: list[Change] = []
        self.broken = 0
        self.damage: list[str] = []
        self.suspect: Callable[[], None] = lambda: None
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, plan: Plan) -> None:
        await self.gate.wait()
        self._fail()
        self.loads += 1
        self.damage = []
        self.kernel = Simulator()
        self.kernel.apply(plan.whole())

    async def apply(self, change: Change, plan: Plan) -> None:
        await self.gate.wait()
        self._fail()
        self.changes.append(change)
        self.kernel.apply(change)

    async def differences(self, plan: Plan) -> list[str]:
        self._fail()
        return self.damage

    @contextlib.contextmanager
    def at_work(self, suspect: Callable[[], None]) -> Iterator[None]:
        self.suspect = suspect
        yield

    def _fail(self) -> None:
        if self.broken:
            self.broken -= 1
            raise NftError("broken")

    def passes(self, client: str, server: str, port: int = 80) -> bool:
        return self.kernel.allows(Connection(client, server, "TCP", port))


class Running:
    def __init__(self, *objects: Object):
        self.client = FakeClient(NODE, *SPACES, *objects)
        self.rules = SimulatedRules()
        self.policies = NetworkPolicies(self.client, "n1", self.rules)  # type: ignore[arg-type]

    async def __aenter__(self) -> Running:
        self._task = asyncio.create_task(self.policies.run())
        await asyncio.sleep(1.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert not self._task.done()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def put(self, *objects: Object) -> None:
        self.client.put(*objects)
        await asyncio.sleep(1.0)

    def follows(self) -> set[str]:
        return {informer.resource.kind for informer in self.policies.component.informers}

    def reasons(self) -> list[str]:
        return [event["reason"] for event in self.client.peek_all(EVENTS)]


def test_pods_are_followed_while_there_is_a_policy() -> None:
    async def scenario() -> None:
        async with Running(WEB, CLIENT, FAR) as it:
            assert it.follows() == {"Node", "NetworkPolicy"}
            await it.put(FROM_CLIENTS)
            assert it.follows() == {"Node", "NetworkPolicy", "Pod", "Namespace"}
            assert it.rules.passes("10.244.0.6", "10.244.0.5")
            assert not it.rules.passes("10.244.1.6", "10.244.0.5")
            it.client.remove(NETWORK_POLICIES, "web", "demo")
            await asyncio.sleep(1.0)
            assert it.follows() == {"Node", "NetworkPolicy"}
            assert it.rules.passes("10.244.1.6", "10.244.0.5")
            await it.put(FROM_CLIENTS)
            assert not it.rules.passes("10.244.1.6", "10.244.0.5")

    in_virtual_time(scenario())


def test_what_changes_is_applied_and_nothing_else() -> None:
    async def scenario() -> None:
        async with Running(WEB, CLIENT, FAR, FROM_CLIENTS) as it:
            assert it.rules.loads == 1
            await it.put(build.pod("new", "10.244.1.9", labels={"app": "client"}, node="n2"))
            assert it.rules.passes("10.244.1.9", "10.244.0.5")
            await it.put(build.pod("new", "10.244.1.9", labels={"app": "client"}, node="n2", priority=7))
            it.client.remove(PODS, "new", "demo")
            await asyncio.sleep(1.0)
            assert not it.rules.passes("10.244.1.9", "10.244.0.5")
            assert (it.rules.loads, len(it.rules.changes)) == (1, 2)

    in_virtual_time(scenario())


def test_an_error_loads_the_whole_plan_until_it_is_there() -> None:
    async def scenario() -> None:
        async with Running(WEB, CLIENT, FAR, FROM_CLIENTS) as it:
            it.rules.broken = 4
            await it.put(build.namespace("other", x="y"), build.pod("new", "10.244.1.9", node="n2"))
            await asyncio.sleep(60.0)
            assert it.rules.passes("10.244.1.9", "10.244.0.5")

    in_virtual_time(scenario())


def test_drift_is_told_and_mended() -> None:
    async def scenario() -> None:
        async with Running(WEB, FROM_CLIENTS) as it:
            it.rules.damage = ["chain ingress"]
            it.rules.suspect()
            await asyncio.sleep(1.0)
            assert it.rules.loads == 2
            assert it.reasons() == ["PoliciesRepaired"]
            it.rules.damage = ["set isolated"]
            await asyncio.sleep(60.0)
            assert it.rules.loads == 3

    in_virtual_time(scenario())


def test_a_pod_is_fenced_before_the_api_knows_where_it_is() -> None:
    async def scenario() -> None:
        async with Running(FAR, FROM_CLIENTS) as it:
            await it.policies.fence(build.pod("web", labels={"app": "web"}), ["10.244.0.5"])
            assert not it.rules.passes("10.244.1.6", "10.244.0.5")
            await it.put(build.pod("web", labels={"app": "web"}, phase="Pending"))
            assert not it.rules.passes("10.244.1.6", "10.244.0.5"), "that it is told without an address changes nothing"
            await it.put(WEB)
            it.client.remove(PODS, "web", "demo")
            await asyncio.sleep(1.0)
            assert it.rules.passes("10.244.1.6", "10.244.0.5")

    in_virtual_time(scenario())


def test_one_that_left_before_it_was_told_of_leaves_nothing() -> None:
    async def scenario() -> None:
        async with Running(FAR, FROM_CLIENTS) as it:
            web = build.pod("web", labels={"app": "web"})
            await it.policies.fence(web, ["10.244.0.5"])
            it.policies.unfence(web)
            await asyncio.sleep(1.0)
            assert it.rules.passes("10.244.1.6", "10.244.0.5")

    in_virtual_time(scenario())


def test_a_successor_of_the_same_name_is_another_pod() -> None:
    """A StatefulSet's: here it may be started before it is told that the one before is gone."""

    async def scenario() -> None:
        async with Running(WEB, FAR, FROM_CLIENTS) as it:
            successor = build.pod("web", labels={"app": "web"})
            successor["metadata"]["uid"] = "another"
            await it.policies.fence(successor, ["10.244.0.9"])
            await it.put(build.pod("web", "10.244.0.5", labels={"app": "web"}, priority=1))
            assert not it.rules.passes("10.244.1.6", "10.244.0.9")
            it.client.remove(PODS, "web", "demo")
            await it.put(successor)
            assert not it.rules.passes("10.244.1.6", "10.244.0.9")
            assert it.rules.passes("10.244.1.6", "10.244.0.5")

    in_virtual_time(scenario())


def test_without_a_policy_no_pod_waits() -> None:
    async def scenario() -> None:
        async with Running(FAR) as it:
            it.rules.gate.clear()
            await it.policies.fence(build.pod("web"), ["10.244.0.5"])

    in_virtual_time(scenario())


def test_a_pod_whose_rules_cannot_be_had_does_not_start() -> None:
    async def scenario() -> None:
        async with Running(FAR, FROM_CLIENTS) as it:
            it.rules.broken = 1000
            with pytest.raises(NotFencedError, match="not ready within 10 s"):
                await it.policies.fence(build.pod("web", labels={"app": "web"}), ["10.244.0.5"])

    in_virtual_time(scenario())


def test_a_policy_that_makes_no_sense_is_told_where_its_pods_are() -> None:
    async def scenario() -> None:
        odd = build.policy("odd", pods={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"], egress=[{}])
        async with Running(FAR, odd) as it:
            assert it.reasons() == []
            await it.put(WEB)
            assert it.reasons() == ["LeftOut"]
            await it.put({**odd, "metadata": {**odd["metadata"], "labels": {"a": "b"}}})
            assert it.reasons() == ["LeftOut"]
            [event] = it.client.peek_all(EVENTS)
            assert event["involvedObject"]["kind"] == "NetworkPolicy"
            assert "policyTypes lacks Egress" in event["message"]

    in_virtual_time(scenario())


def test_a_namespace_that_is_relabelled_is_followed() -> None:
    async def scenario() -> None:
        whom = [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]
        async with Running(WEB, FAR, build.policy(ingress=[{"from": whom}])) as it:
            assert not it.rules.passes("10.244.1.6", "10.244.0.5")
            await it.put(build.namespace("other", team="b"))
            assert it.rules.passes("10.244.1.6", "10.244.0.5")
            it.client.remove(NAMESPACES, "other")
            await asyncio.sleep(1.0)
            assert not it.rules.passes("10.244.1.6", "10.244.0.5")

    in_virtual_time(scenario())
