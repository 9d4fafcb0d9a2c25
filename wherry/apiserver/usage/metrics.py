"""NodeMetrics and PodMetrics: what was measured, as objects.

Source: https://github.com/kubernetes-sigs/metrics-server pkg/api/{node,pod}.go.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Sequence

from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.metrics.metrics import NODE_METRICS_KIND, POD_METRICS_KIND
from wherry.apiserver.state.selection import Selection
from wherry.apiserver.state.state import State
from wherry.apiserver.usage.measuring import Measuring
from wherry.apiserver.usage.rates import Measured, Usage
from wherry.apiserver.usage.summaries import Summaries
from wherry.objects import Object, metadata
from wherry.objects.resource import NODES, PODS, Resource
from wherry.objects.timestamps import rfc3339


class UsageMetrics:
    """Answers for both kinds. `tls` is the context for nodes' agents."""

    kinds: Sequence[Kind] = (NODE_METRICS_KIND, POD_METRICS_KIND)

    def __init__(self, state: State, tls: ssl.SSLContext, clock: Callable[[], float] = time.time):
        self._state = state
        self._summaries = Summaries(tls, clock)
        self._measuring = Measuring(self._summaries.sample, clock)

    async def close(self) -> None:
        """Close what is open."""
        await self._summaries.close()

    async def objects(self, kind: Kind, selection: Selection) -> list[Object]:
        """Return the selected objects of one of `kinds`, of what is measured just now."""
        if kind is NODE_METRICS_KIND:
            nodes = self._selected(NODES, selection)
            measured = await self._measured(nodes)
            return [made for node in nodes if (made := of_node(node, measured.get(_name(node)))) is not None]
        pods = self._selected(PODS, selection)
        places = {pod["spec"].get("nodeName", "") for pod in pods}
        measured = await self._measured([node for node in self._all(NODES) if _name(node) in places])
        found = (of_pod(pod, measured.get(pod["spec"].get("nodeName", ""))) for pod in pods)
        return [made for made in found if made is not None]

    async def _measured(self, nodes: Iterable[Object]) -> dict[str, Measured]:
        self._measuring.forget([_name(node) for node in self._all(NODES)])
        return await self._measuring.of(nodes)

    def _all(self, resource: Resource) -> list[Object]:
        collection = self._state.find(resource)
        return list(collection.items()) if collection else []

    def _selected(self, resource: Resource, selection: Selection) -> list[Object]:
        collection = self._state.find(resource)
        return list(collection.select(selection)) if collection else []


def of_node(node: Object, measured: Measured | None) -> Object | None:
    """Return a node's NodeMetrics, None where nothing was measured."""
    if measured is None or measured.node is None:
        return None
    return _made(NODE_METRICS_KIND.resource, node, measured) | {"usage": _usage(measured.node)}


def of_pod(pod: Object, measured: Measured | None) -> Object | None:
    """Return a pod's PodMetrics, None for one of which no container runs that was measured."""
    uid, known = pod["metadata"]["uid"], measured.containers if measured else {}
    names = [c["name"] for part in ("containers", "initContainers") for c in pod["spec"].get(part) or ()]
    containers = [{"name": name, "usage": _usage(known[uid, name])} for name in names if (uid, name) in known]
    if measured is None or not containers:
        return None
    return _made(POD_METRICS_KIND.resource, pod, measured) | {"containers": containers}


def _made(resource: Resource, of: Object, measured: Measured) -> Object:
    now = rfc3339(measured.at)
    meta: Object = {"name": _name(of), "creationTimestamp": now}
    if resource.namespaced:
        meta["namespace"] = of["metadata"]["namespace"]
    if labels := metadata.labels(of):
        meta["labels"] = dict(labels)
    return {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": meta,
        "timestamp": now,
        "window": f"{measured.window:.3f}s",
    }


def _usage(used: Usage) -> Object:
    return {"cpu": f"{used.cpu}n", "memory": f"{used.memory // 1024}Ki"}


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])
