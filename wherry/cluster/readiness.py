"""Is a cluster ready: its nodes, kube-proxy on each, the addons it was asked for. Follows watches, polls nothing.

What the store still says from before the last `down` does not count: a node is ready once its Lease has been renewed in
this sandbox's life, a pod once its containers have started in it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wherry.client.interface import Client
from wherry.cluster.config import ClusterConfig
from wherry.component.informer import Informer
from wherry.objects import Object, selectors, timestamps
from wherry.objects.meaning import nodes, pods
from wherry.objects.meaning.wellknown import NODE_LEASE_NAMESPACE, SYSTEM_NAMESPACE
from wherry.objects.metadata import is_being_deleted, labels
from wherry.objects.resource import DAEMON_SETS, DEPLOYMENTS, LEASES, NODES, PODS, Resource

INGRESS_NAMESPACE = "wherry-ingress"
"""Where `wherry/ingress/manifest.yaml` puts the Ingress controller."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that is not there yet, or not all of it; a workload (with a namespace) may not exist."""

    name: str
    ready: int
    wanted: int
    namespace: str = ""
    exists: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """What the API says now."""

    nodes: Sequence[Object] = ()
    leases: Sequence[Object] = ()
    workloads: Sequence[Object] = ()
    pods: Sequence[Object] = ()


def missing(config: ClusterConfig, seen: Seen, since: float) -> list[Waiting]:
    """Return what is still missing of a cluster whose sandbox began at `since` (seconds since the epoch)."""
    wanted = {n.name for n in config.nodes}
    renewed = {o["metadata"]["name"] for o in seen.leases if _after(o["spec"].get("renewTime"), since)}
    ready = sum(1 for n in seen.nodes if n["metadata"]["name"] in wanted & renewed and nodes.is_ready(n))
    waiting = [Waiting("nodes", ready, len(wanted))]
    found = {(w["metadata"]["namespace"], w["metadata"]["name"]): w for w in seen.workloads}
    fresh = [p for p in seen.pods if _is_fresh(p, since)]
    for key in _expected(config):
        workload = found.get(key)
        waiting.append(_progress(workload, fresh) if workload else Waiting(key[1], 0, 1, key[0], exists=False))
    return [w for w in waiting if w.ready < w.wanted]


def _expected(config: ClusterConfig) -> list[tuple[str, str]]:
    expected = [(SYSTEM_NAMESPACE, "kube-proxy")]
    if "dns" in config.addons:
        expected.append((SYSTEM_NAMESPACE, "coredns"))
    if "ingress" in config.addons:
        expected.append((INGRESS_NAMESPACE, "nginx-ingress-controller"))
    return expected


def _progress(workload: Object, fresh: Iterable[Object]) -> Waiting:
    name, namespace = workload["metadata"]["name"], workload["metadata"]["namespace"]
    selector = selectors.stored(workload["spec"].get("selector"))
    ready = sum(1 for p in fresh if p["metadata"]["namespace"] == namespace and selector.matches(labels(p)))
    if workload["kind"] == "DaemonSet":
        # Zero wanted means that the controller has not looked yet: a cluster has nodes.
        return Waiting(name, ready, max(1, workload.get("status", {}).get("desiredNumberScheduled", 0)), namespace)
    return Waiting(name, ready, workload["spec"].get("replicas", 1), namespace)


def _is_fresh(pod: Object, since: float) -> bool:
    """Tell whether a pod is Ready and every one of its containers has started in this sandbox."""
    statuses = pod.get("status", {}).get("containerStatuses") or []
    started = [status.get("state", {}).get("running", {}).get("startedAt") for status in statuses]
    return (
        pods.is_ready(pod)
        and not is_being_deleted(pod)
        and bool(started)
        and all(_after(time, since) for time in started)
    )


def _after(time: str | None, since: float) -> bool:
    return bool(time) and timestamps.parse(str(time)) >= math.floor(since)  # the API's times are whole seconds


async def look(client: Client, config: ClusterConfig, since: float) -> list[Waiting]:
    """Return what is missing right now."""

    async def listed(resource: Resource, namespace: str | None = None) -> list[Object]:
        return (await client.list(resource, namespace)).items

    workloads = [*await listed(DAEMON_SETS), *await listed(DEPLOYMENTS)]
    seen = Seen(await listed(NODES), await listed(LEASES, NODE_LEASE_NAMESPACE), workloads, await listed(PODS))
    return missing(config, seen, since)


async def wait_until_ready(
    client: Client, config: ClusterConfig, since: float, progress: Callable[[Sequence[Waiting]], None]
) -> None:
    """Return when nothing is missing; `progress` is called with what is, whenever that changes."""
    caches: Mapping[Resource, Informer] = {
        resource: Informer(client, resource, NODE_LEASE_NAMESPACE if resource == LEASES else None)
        for resource in (NODES, LEASES, DAEMON_SETS, DEPLOYMENTS, PODS)
    }
    changed = asyncio.Event()
    for cache in caches.values():
        cache.subscribe(lambda old, new: changed.set())
    tasks = [asyncio.ensure_future(cache.run()) for cache in caches.values()]
    last: list[Waiting] | None = None
    try:
        for cache in caches.values():
            await cache.wait_synced()
        while waiting := missing(config, _seen(caches), since):
            if waiting != last:
                progress(waiting)
            last = waiting
            changed.clear()
            await changed.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _seen(caches: Mapping[Resource, Informer]) -> Seen:
    workloads = [*caches[DAEMON_SETS].items(), *caches[DEPLOYMENTS].items()]
    return Seen(caches[NODES].items(), caches[LEASES].items(), workloads, caches[PODS].items())
