"""Watches over nodes: a silent one is Unknown, its pods are not ready, and taints tell scheduler and evictor."""

from __future__ import annotations

import contextlib
import logging

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.nodelifecycle.heartbeat import Heartbeat, listen, silenced
from wherry.controllers.nodelifecycle.taints import desired, is_evicting
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.meaning import nodes
from wherry.objects.meaning.pods import is_ready
from wherry.objects.meaning.wellknown import NODE_LEASE_NAMESPACE
from wherry.objects.metadata import Key, condition, set_condition
from wherry.objects.resource import LEASES, NODES, PODS
from wherry.objects.taints import taints_of
from wherry.objects.timestamps import rfc3339

log = logging.getLogger(__name__)


class NodeLifecycleController(Controller):
    """Keeps the conditions and taints of nodes true."""

    name = "nodelifecycle"

    def __init__(self, context: Context):
        super().__init__(context)
        self._nodes = context.informer(NODES)
        self._leases = context.informer(LEASES)
        self._pods_by_node = context.pods_by_node()
        self._recorder = context.recorder("node-controller")
        self._heartbeats: dict[str, Heartbeat] = {}
        self._next_eviction = 0.0
        self.watch(NODES)
        self._leases.subscribe(self._lease_changed)

    async def reconcile(self, key: Key) -> None:
        """Look at one node, and come back when its heartbeat would be overdue."""
        node = self._nodes.get(*key)
        if node is None:
            self._heartbeats.pop(key[1], None)
            return
        now = self.context.clock()
        beat = self._listen(node, now)
        overdue = beat.seen + self._grace(node) - now
        if overdue > 0:
            self.queue.add_after(key, overdue)
        else:
            node = await self._silence(node, now)
        if not _is_ready(node):
            await self._doubt_pods(node, now)
        await self._taint(key, node, now)

    def _listen(self, node: Object, now: float) -> Heartbeat:
        name = node["metadata"]["name"]
        lease = self._leases.get(NODE_LEASE_NAMESPACE, name)
        beat = self._heartbeats[name] = listen(self._heartbeats.get(name), node, lease, now)
        return beat

    def _grace(self, node: Object) -> float:
        config = self.context.config
        return (
            config.node_startup_grace_period if condition(node, "Ready") is None else config.node_monitor_grace_period
        )

    async def _silence(self, node: Object, now: float) -> Object:
        """Write that nothing is known of the node any more."""
        conditions = silenced(node, now)
        status = node.get("status") or {}
        if conditions == (status.get("conditions") or []):
            return node
        name = node["metadata"]["name"]
        log.warning("node fell silent node=%s", name)
        written = await self.client.update(
            NODES, node | {"status": status | {"conditions": conditions}}, subresource="status"
        )
        if _is_ready(node):
            text = f"Node {name} status is now: NodeNotReady"
            self._recorder.event(NODES, node, "Normal", "NodeNotReady", text)
        return written

    async def _doubt_pods(self, node: Object, now: float) -> None:
        """Take the pods of a node that is not ready out of their Services: their node cannot do it itself."""
        for pod in self._pods_by_node.get(node["metadata"]["name"]):
            if not is_ready(pod):
                continue
            status = pod["status"]
            conditions = set_condition(status["conditions"], "Ready", "False", "", "", rfc3339(now))
            changed = pod | {"status": status | {"conditions": conditions}}
            with contextlib.suppress(NotFound):
                await self.client.update(PODS, changed, subresource="status")
            self._recorder.event(PODS, pod, "Warning", "NodeNotReady", "Node is not ready")

    async def _taint(self, key: Key, node: Object, now: float) -> None:
        """Write the taints the conditions ask for; evicting ones one node at a time, at the rate configured."""
        wanted = desired(node, now, evict=True)
        old = taints_of(node)
        evicts = any(is_evicting(t) and t not in old for t in wanted)
        if evicts and not self._may_evict():
            wanted = desired(node, now, evict=False)  # the first node to be ready again brings this one back
        elif evicts and now < self._next_eviction:
            wanted = desired(node, now, evict=False)
            self.queue.add_after(key, self._next_eviction - now)
        elif evicts:
            self._next_eviction = now + 1 / self.context.config.node_eviction_rate
        if wanted != old:
            meta = node["metadata"]
            precondition = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
            change = {"metadata": precondition, "spec": {"taints": wanted or None}}
            with contextlib.suppress(NotFound):
                await self.client.patch(NODES, meta["name"], change)

    def _may_evict(self) -> bool:
        """Return whether any node is ready: when none is, it is more likely that we are cut off than that all died."""
        return any(_is_ready(n) for n in self._nodes.items())

    def _lease_changed(self, old: Object | None, new: Object | None) -> None:
        """A renewal is noted here; the node is only looked at when it was thought silent."""
        if new is None or new["metadata"].get("namespace") != NODE_LEASE_NAMESPACE:
            return
        node = self._nodes.get("", new["metadata"]["name"])
        if node is not None:
            self._listen(node, self.context.clock())
            if not _is_ready(node):
                self.enqueue(node)

    def enqueue(self, obj: Object | None) -> None:
        """Queue a node; one that became ready lets the others be evicted from."""
        super().enqueue(obj)
        if obj is None or not _is_ready(obj):
            return
        for node in self._nodes.items():
            if not _is_ready(node) and not any(map(is_evicting, taints_of(node))):
                self.queue.add(metadata.key(node))


def _is_ready(node: Object) -> bool:
    return nodes.is_ready(node) and not metadata.is_being_deleted(node)
