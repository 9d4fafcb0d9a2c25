"""Pods that nobody will ever run or end: on a node that is gone, deleted before they had one, or finished too long ago.

Source: upstream pkg/controller/podgc/gc_controller.go; where upstream looks every 20 s, we wait for what changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.meaning import nodes
from wherry.objects.meaning.disruption import DISRUPTION_TARGET
from wherry.objects.meaning.pods import has_ended
from wherry.objects.meaning.wellknown import OUT_OF_SERVICE
from wherry.objects.metadata import Key, set_condition
from wherry.objects.resource import NODES, PODS
from wherry.objects.taints import taints_of
from wherry.objects.timestamps import rfc3339

FINISHED = "finished"


def oldest_finished(finished: Sequence[Object], keep: int) -> list[Object]:
    """Return the finished pods beyond `keep`: evicted ones first, then by age."""

    def order(pod: Object) -> tuple[bool, str, str]:
        evicted = (pod.get("status") or {}).get("reason") == "Evicted"
        return not evicted, pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]

    excess = len(finished) - keep
    if excess <= 0:
        return []
    return sorted((p for p in finished if not metadata.is_being_deleted(p)), key=order)[:excess]


def abandoned(pod: Object, node: Object | None) -> bool:
    """Return whether a pod being deleted waits for a node that will not end it."""
    if not metadata.is_being_deleted(pod):
        return False
    if not pod["spec"].get("nodeName"):
        return True
    if node is None:
        return False  # its node may come back: that is the orphans' case
    out = any(t["key"] == OUT_OF_SERVICE for t in taints_of(node))
    return out and not nodes.is_ready(node)


class PodGCController(Controller):
    """Removes such pods."""

    name = "podgc"

    def __init__(self, context: Context):
        super().__init__(context)
        self._pods = context.informer(PODS)
        self._pods_by_node = context.pods_by_node()
        self._finished = context.index(PODS, FINISHED, lambda p: [FINISHED] if has_ended(p) else [])
        self._nodes = context.informer(NODES)
        self._orphaned_at: dict[str, float] = {}
        self.watch(PODS)
        self._nodes.subscribe(self._node_changed)

    async def reconcile(self, key: Key) -> None:
        """Look at one pod."""
        pod = self._pods.get(*key)
        if pod is None:
            return
        name = pod["spec"].get("nodeName") or ""
        node = self._nodes.get("", name) if name else None
        if abandoned(pod, node):
            await self._remove(pod)
        elif name and node is None:
            await self._orphan(key, pod, name)
        elif has_ended(pod):
            kept = self.context.config.finished_pods_kept
            for old in oldest_finished(self._finished.get(FINISHED), kept):
                await self._remove(old)

    async def _orphan(self, key: Key, pod: Object, node: str) -> None:
        """Remove a pod whose node has been gone for the time of quarantine, and is not just missing in our cache."""
        now = self.context.clock()
        since = self._orphaned_at.setdefault(node, now)
        left = since + self.context.config.quarantine - now
        if left > 0:
            self.queue.add_after(key, left)
            return
        try:
            await self.client.get(NODES, node)
        except NotFound as error:
            if error.gone:
                await self._mark_lost(pod)
                await self._remove(pod)

    async def _mark_lost(self, pod: Object) -> None:
        """Tell in the pod why it goes; one that still ran has failed."""
        status = pod.get("status") or {}
        text = "PodGC: node no longer exists"
        conditions = set_condition(
            status.get("conditions"), DISRUPTION_TARGET, "True", "DeletionByPodGC", text, rfc3339(self.context.clock())
        )
        status = status | {"conditions": conditions}
        if not has_ended(pod):
            status["phase"] = "Failed"
        with contextlib.suppress(NotFound, Conflict):
            await self.client.update(PODS, pod | {"status": status}, subresource="status")

    async def _remove(self, pod: Object) -> None:
        """Delete at once: there is no node to do it gracefully."""
        namespace, name = metadata.key(pod)
        with contextlib.suppress(NotFound, Conflict):
            await self.client.delete(PODS, name, namespace, grace_period_seconds=0, uid=pod["metadata"]["uid"])

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        name = metadata.key(new or old or {})[1]
        if new is not None:
            self._orphaned_at.pop(name, None)
        if new is None or taints_of(new) != taints_of(old or {}):
            for pod in self._pods_by_node.get(name):
                self.enqueue(pod)
