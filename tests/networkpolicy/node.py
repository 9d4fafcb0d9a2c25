"""The enforcement at work in the small real world: told of policies and pods, asked what becomes of packets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tests.networkpolicy import build
from tests.proxy.build import PODS
from tests.proxy.families import told_in
from tests.proxy.outcome import PASS
from tests.proxy.world import World
from wherry.net import namespaces
from wherry.net.nft import NftCommand
from wherry.networkpolicy import pod, policy
from wherry.networkpolicy.plan import Plan
from wherry.networkpolicy.rules import Rules
from wherry.objects import Object, metadata
from wherry.proxy.modes import ModeConfig, make
from wherry.proxy.plan import Plan as ServicePlan
from wherry.proxy.plan import make_plan
from wherry.proxy.topology import ThisNode

T = TypeVar("T")


class Node:
    """The world's node n1. Everything is told and asked in IPv4, and happens in the world's family."""

    def __init__(self, world: World):
        self.world = world
        self.plan = Plan()
        self.rules = Rules()
        self.nft = NftCommand()
        self.table = f"{world.family.nft} wherry-networkpolicy"
        self.suspected = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, initializer=namespaces.enter, initargs=(world.path["host"],))
        self._runner = asyncio.Runner()
        self._at_work = self.inside(self._begin)

    async def _begin(self) -> Any:
        made = self.rules.at_work(self.suspected.set)
        made.__enter__()
        return made

    def close(self) -> None:
        async def end() -> None:
            self._at_work.__exit__(None, None, None)
            await self.nft.run("flush ruleset")

        self.inside(end)
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def inside(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine on the node."""
        return self._thread.submit(lambda: self._runner.run(main())).result()

    def tell(self, *objects: Object) -> None:
        """Tell the plan of objects."""
        for thing in told_in(self.world.family, list(objects)):
            key = metadata.key(thing)
            match thing["kind"]:
                case "Pod":
                    self.plan.pod(key, pod.read(thing, "n1"))
                case "Namespace":
                    self.plan.namespace(key[1], metadata.labels(thing))
                case _:
                    self.plan.policy(key, policy.read(thing))

    def gone(self, *policies: Object) -> None:
        """Tell the plan that policies are gone."""
        for each in policies:
            self.plan.policy(metadata.key(each), None)

    def sync(self) -> None:
        """Bring the kernel to what the plan was told."""
        self.inside(lambda: self.rules.apply(self.plan.take(), self.plan))

    def load(self) -> None:
        """Bring the kernel to the whole plan."""

        async def load() -> None:
            self.plan.take()
            await self.rules.load(self.plan)

        self.inside(load)

    def differences(self) -> list[str]:
        """Return what is not as it was left."""
        return self.inside(lambda: self.rules.differences(self.plan))

    def serve(self, services: Iterable[Object], slices: Iterable[Object]) -> None:
        """Have the service proxy at work beside it."""
        mode = make("nftables", ModeConfig())
        family = self.world.family
        this = ThisNode("n1", "", (self.world.addresses["host"],))
        wanted: ServicePlan = make_plan(told_in(family, list(services)), told_in(family, list(slices)), this)
        self.inside(lambda: mode.load(wanted))

    def reaches(self, source: str, target: str, port: int = 8080, protocol: str = "tcp") -> bool:
        """Send a packet and tell whether it was answered."""
        return self.world.send(source, self.world.addresses[target], port, protocol) == PASS

    def who_reach(self, target: str, port: int = 8080, protocol: str = "tcp") -> set[str]:
        """Return which of the pods and machines are answered."""
        sources = (*PODS, "client", "host")
        with ThreadPoolExecutor(len(sources)) as together:  # silence takes its time
            answered = together.map(lambda source: self.reaches(source, target, port, protocol), sources)
            return {source for source, yes in zip(sources, answered, strict=True) if yes}


def pods(**labels: dict[str, str]) -> list[Object]:
    """The world's pods: p1 and p2 in namespace demo, p3 and r1 (on another node) in other."""
    where = {"p1": "demo", "p2": "demo", "p3": "other", "r1": "other"}
    return [
        build.pod(
            name,
            PODS[name],
            space,
            labels={"pod": name, **labels.get(name, {})},
            ports={"serve": 8080, "ask": ("UDP", 8080)},
            node="n2" if name == "r1" else "n1",
        )
        for name, space in where.items()
    ]


SPACES = [build.namespace("demo", team="a"), build.namespace("other", team="b")]
