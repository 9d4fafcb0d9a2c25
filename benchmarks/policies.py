"""How long NetworkPolicies take to get into the kernel: all of them at a start, and what one change of each kind takes.

`scripts/bench policies [POLICIES PODS]`, root; works in a network namespace of its own. Without numbers 1000 and 5000.
Each namespace has 50 pods and 10 policies, which choose each a fifth of its pods, let in pods by label from the
namespace, from another and from a network, to two ports, a named one among them. First all pods are on this node, the
most that can be, then a fiftieth of them. The limit beside a change is the smallest one there is (`benchmarks.proxy`).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import line
from benchmarks.proxy import seconds, smallest_change
from tests.networkpolicy import build
from wherry.net import namespaces
from wherry.networkpolicy import pod, policy
from wherry.networkpolicy.plan import Plan
from wherry.networkpolicy.rules import Rules
from wherry.objects import Object, metadata

PODS_OF_A_NAMESPACE, POLICIES_OF_A_NAMESPACE = 50, 10
LOADS, CHANGES = 3, 40
NODE = "n0"


def a_pod(number: int, nodes: int, tier: str = "") -> Object:
    """Return a pod by its number."""
    space, place = divmod(number, PODS_OF_A_NAMESPACE)
    return build.pod(
        f"p{number}",
        f"10.{244 + number // 60000}.{number // 250 % 240}.{number % 250 + 1}",
        f"ns{space}",
        labels={"app": f"a{place % 5}", "tier": tier or f"t{place % 3}"},
        ports={"http": 8080},
        node=f"n{number % nodes}",
    )


def a_policy(number: int, port: int = 9090) -> Object:
    """Return a policy by its number."""
    space, place = divmod(number, POLICIES_OF_A_NAMESPACE)
    whom = [
        {"podSelector": build.labelled(tier=f"t{place % 3}")},
        {"namespaceSelector": build.labelled(team=f"team{space % 10}"), "podSelector": build.labelled(app="a0")},
        {"ipBlock": {"cidr": "192.168.0.0/16", "except": [f"192.168.{place}.0/24"]}},
    ]
    rule = {"from": whom, "ports": [{"port": "http"}, {"port": port}]}
    return build.policy(f"policy{place}", f"ns{space}", build.labelled(app=f"a{place % 5}"), ingress=[rule])


def whole(policies: int, pods: int, nodes: int) -> Plan:
    """Return the plan of a node that has every `nodes`th pod."""
    plan = Plan()
    for number in range(max(policies // POLICIES_OF_A_NAMESPACE, pods // PODS_OF_A_NAMESPACE) + 1):
        plan.namespace(f"ns{number}", {"team": f"team{number % 10}"})
    for number in range(policies):
        tell(plan, a_policy(number))
    for number in range(pods):
        tell(plan, a_pod(number, nodes))
    plan.take()
    return plan


def tell(plan: Plan, thing: Object) -> None:
    """Tell a plan of a pod or a policy."""
    if thing["kind"] == "Pod":
        plan.pod(metadata.key(thing), pod.read(thing, NODE))
    else:
        plan.policy(metadata.key(thing), policy.read(thing))


async def measure(policies: int, pods: int, nodes: int, limit: float) -> None:
    """Print the figures of a node."""
    what = f"{policies} policies, {pods} pods, {-(-pods // nodes)} of them here"
    rules, plans, loads, proofs = Rules(), [], [], []
    with rules.at_work(lambda: None):
        for _ in range(LOADS):
            started = time.perf_counter()
            plan = whole(policies, pods, nodes)
            plans.append(time.perf_counter() - started)
            await rules.cleanup()
            loads.append(await seconds(rules.load(plan)))
        print(line(f"{what}: plan", plans, "s"))
        print(line(f"{what}: load", loads, "s"))
        for name, objects in (
            ("a pod's label", lambda i: a_pod(0, nodes, f"t{i % 3}")),
            ("a pod elsewhere", lambda i: a_pod(1, nodes, f"t{i % 3}")),
            ("a policy's port", lambda i: a_policy(0, 9000 + i)),
        ):
            spent = [await change(rules, plan, objects(i)) * 1000 for i in range(CHANGES)]
            print(line(f"{what}: {name}", spent, "ms", limit=limit, peer="smallest change"))
        for _ in range(LOADS):
            started = time.perf_counter()
            assert await rules.differences(plan) == []
            proofs.append(time.perf_counter() - started)
        print(line(f"{what}: proof", proofs, "s"))
        await rules.cleanup()


async def change(rules: Rules, plan: Plan, thing: Object) -> float:
    """Return the seconds from an object to the kernel."""
    started = time.perf_counter()
    tell(plan, thing)
    await rules.apply(plan.take(), plan)
    return time.perf_counter() - started


async def main(policies: int, pods: int) -> None:
    """Print the figures: of a node with all pods, and of one with a fiftieth."""
    limit = round(await smallest_change(), 2)
    for nodes in (1, 50):
        await measure(policies, pods, nodes, limit)


def here() -> None:
    """Measure in a network namespace of its own."""
    policies, pods = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (1000, 5000)
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        place = Path(folder) / "bench"
        namespaces.create(place)
        try:
            namespaces.run(place, lambda: asyncio.run(main(policies, pods)))
        finally:
            namespaces.delete(place)


if __name__ == "__main__":
    here()
