"""Deletes pods that do not, or no longer, tolerate a NoExecute taint of their node."""

from __future__ import annotations

import contextlib

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.nodelifecycle.eviction import leaves_at
from wherry.objects import Object, metadata
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.meaning.disruption import DISRUPTION_TARGET
from wherry.objects.metadata import Key, set_condition
from wherry.objects.resource import NODES, PODS
from wherry.objects.taints import NO_EXECUTE, taints_of
from wherry.objects.timestamps import rfc3339


class TaintEvictionController(Controller):
    """Keys are pods."""

    name = "tainteviction"

    def __init__(self, context: Context):
        super().__init__(context)
        self._pods = context.informer(PODS)
        self._pods_by_node = context.pods_by_node()
        self._nodes = context.informer(NODES)
        self._recorder = context.recorder("taint-eviction-controller")
        self.watch(PODS)
        self._nodes.subscribe(self._node_changed)

    async def reconcile(self, key: Key) -> None:
        """Delete one pod if its time has come, else come back then."""
        pod = self._pods.get(*key)
        node = self._nodes.get("", pod["spec"].get("nodeName") or "") if pod is not None else None
        if pod is None or node is None or metadata.is_being_deleted(pod):
            return
        now = self.context.clock()
        due = leaves_at(pod, node, now)
        if due is None:
            return
        if due > now:
            self.queue.add_after(key, due - now)
            return
        namespace, name = key
        text = f"Marking for deletion Pod {namespace}/{name}"
        self._recorder.event(PODS, pod, "Normal", "TaintManagerEviction", text)
        await self._mark(pod, now)
        with contextlib.suppress(NotFound, Conflict):
            await self.client.delete(PODS, name, namespace, uid=pod["metadata"]["uid"])

    async def _mark(self, pod: Object, now: float) -> None:
        """Tell in the pod why it goes."""
        status = pod.get("status") or {}
        conditions = set_condition(
            status.get("conditions"),
            DISRUPTION_TARGET,
            "True",
            "DeletionByTaintManager",
            "Taint manager: deleting due to NoExecute taint",
            rfc3339(now),
        )
        with contextlib.suppress(NotFound, Conflict):
            await self.client.update(PODS, pod | {"status": status | {"conditions": conditions}}, subresource="status")

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or _evicting(old) == _evicting(new):
            return
        for pod in self._pods_by_node.get(new["metadata"]["name"]):
            self.enqueue(pod)


def _evicting(node: Object | None) -> list[Object]:
    return [t for t in taints_of(node or {}) if t["effect"] == NO_EXECUTE]
