"""Is a cluster ready: its nodes, kube-proxy on each, the addons it was asked for. Follows watches, polls nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wherry.client.informer import Informer
from wherry.client.interface import Client
from wherry.cluster.config import ClusterConfig
from wherry.objects import Object
from wherry.objects.metadata import condition
from wherry.objects.resource import DAEMON_SETS, DEPLOYMENTS, NODES


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that is not there yet, or not all of it."""

    name: str
    ready: int
    wanted: int


def missing(config: ClusterConfig, nodes: Sequence[Object], workloads: Sequence[Object]) -> list[Waiting]:
    """Return what is still missing: nodes that are Ready, and every DaemonSet and Deployment of the addons."""
    names = {n.name for n in config.nodes}
    ready = sum(1 for n in nodes if n["metadata"]["name"] in names and _is_true(n, "Ready"))
    waiting = [Waiting("nodes", ready, len(names))]
    found = {(w["metadata"]["namespace"], w["metadata"]["name"]): w for w in workloads}
    for namespace, name in _expected(config):
        workload = found.get((namespace, name))
        waiting.append(_progress(name, workload) if workload else Waiting(name, 0, 1))
    return [w for w in waiting if w.ready < w.wanted]


def _expected(config: ClusterConfig) -> list[tuple[str, str]]:
    expected = [("kube-system", "kube-proxy")]
    if "dns" in config.addons:
        expected.append(("kube-system", "coredns"))
    if "ingress" in config.addons:
        expected.append(("ingress-nginx", "nginx-ingress-controller"))
    return expected


def _progress(name: str, workload: Object) -> Waiting:
    status = workload.get("status", {})
    if workload["kind"] == "DaemonSet":
        # Zero wanted means that the controller has not looked yet: a cluster has nodes.
        return Waiting(name, status.get("numberReady", 0), max(1, status.get("desiredNumberScheduled", 0)))
    return Waiting(name, status.get("readyReplicas", 0), workload["spec"].get("replicas", 1))


def _is_true(obj: Object, kind: str) -> bool:
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


async def wait_until_ready(
    client: Client, config: ClusterConfig, progress: Callable[[Sequence[Waiting]], None]
) -> None:
    """Return when nothing is missing; `progress` is called with what is, whenever that changes."""
    nodes = Informer(client, NODES)
    daemon_sets = Informer(client, DAEMON_SETS)
    deployments = Informer(client, DEPLOYMENTS)
    informers = (nodes, daemon_sets, deployments)
    changed = asyncio.Event()
    for informer in informers:
        informer.subscribe(lambda old, new: changed.set())
    tasks = [asyncio.ensure_future(informer.run()) for informer in informers]
    last: list[Waiting] | None = None
    try:
        for informer in informers:
            await informer.wait_synced()
        while waiting := missing(config, nodes.items(), [*daemon_sets.items(), *deployments.items()]):
            if waiting != last:
                progress(waiting)
            last = waiting
            changed.clear()
            await changed.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
