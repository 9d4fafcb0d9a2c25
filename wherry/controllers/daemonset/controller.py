"""The loop of the DaemonSet controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.controllers.backoff import Backoff
from wherry.controllers.context import Context
from wherry.controllers.daemonset.placement import Eligibility, eligibility, node_of, pod_for
from wherry.controllers.daemonset.rollout import Work, manage, roll, update_of
from wherry.controllers.daemonset.status import new_status
from wherry.controllers.podowner import PodOwnerWithHistory
from wherry.controllers.pods import next_available
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import has_ended
from wherry.objects.meaning.wellknown import CONTROLLER_REVISION_HASH
from wherry.objects.metadata import Key, is_being_deleted
from wherry.objects.resource import DAEMON_SETS, NODES
from wherry.objects.taints import taints_of

BURST = 250
"""The most pods created or deleted for one DaemonSet at a time."""

Pods = Mapping[str, Sequence[Object]]


class DaemonSetController(PodOwnerWithHistory):
    """Keeps one pod of each DaemonSet on every node it belongs to."""

    name = "daemonset"
    resource = DAEMON_SETS
    hash_label = CONTROLLER_REVISION_HASH

    def __init__(self, context: Context):
        super().__init__(context)
        self._nodes = context.informer(NODES)
        self._restarts = Backoff(1.0, 900.0)
        self._nodes.subscribe(self._node_changed)

    async def reconcile(self, key: Key) -> None:
        """Place pods, take the next step of an update, write the status."""
        daemon_set = self.owners.get(*key)
        if daemon_set is None:
            self.forget(key)
            return
        owned = await self.own_pods(daemon_set)
        revisions = await self.own_revisions(daemon_set)
        if owned is None or revisions is None:
            return  # the events of what was adopted or released bring us back
        if is_being_deleted(daemon_set):
            return
        current = await self.history.ensure_current(daemon_set, revisions, owned)
        if current is None:
            return
        pods = _by_node(owned)
        eligible = {n["metadata"]["name"]: eligibility(daemon_set, n) for n in self._nodes.items()}
        digest = self.mark(current)
        if patience := self.expectations.patience(key):
            self.queue.add_after(key, patience)
        else:
            await self._apply(key, daemon_set, self._work(key, daemon_set, eligible, pods, digest), digest)
        live = {metadata.labels(p).get(CONTROLLER_REVISION_HASH, "") for p in owned}
        await self.history.prune(daemon_set, revisions, {digest}, live)
        await self._write_status(daemon_set, eligible, pods, digest)
        wait = next_available(daemon_set, owned, self.context.clock())
        if wait is not None:
            self.queue.add_after(key, wait)

    def _work(self, key: Key, daemon_set: Object, eligible: Mapping[str, Eligibility], pods: Pods, digest: str) -> Work:
        """Return the pods to place; with all of them placed, the next step of the update."""
        update = update_of(daemon_set, sum(may.run for may in eligible.values()))
        work = manage(eligible, pods, digest, update.surge)
        work = Work(work.create, [p for p in work.delete if not self._too_soon(key, daemon_set, p)])
        on_delete = (daemon_set["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
        if work.create or work.delete or on_delete:
            return work
        min_ready = daemon_set["spec"].get("minReadySeconds", 0)
        return roll(eligible, pods, digest, update, min_ready, self.context.clock())

    def _too_soon(self, key: Key, daemon_set: Object, pod: Object) -> bool:
        """Replace a daemon that ended at once, but one that ends again and again at growing intervals."""
        if not has_ended(pod):
            return False
        node, now = node_of(pod), self.context.clock()
        if (left := self._restarts.left((key, node), now)) > 0:
            self.queue.add_after(key, left)
            return True
        self._restarts.note((key, node), now)
        how = pod["status"]["phase"]
        text = f"Found {how.lower()} daemon pod {'/'.join(metadata.key(pod))} on node {node}, will try to kill it"
        self.recorder.event(DAEMON_SETS, daemon_set, "Warning", f"{how}DaemonPod", text)
        return False

    async def _apply(self, key: Key, daemon_set: Object, work: Work, digest: str) -> None:
        create, delete = work.create[:BURST], work.delete[:BURST]
        if not create and not delete:
            return
        pods = [pod_for(daemon_set, node, digest) for node in create]
        await self.control.apply(key, daemon_set, create=pods, delete=delete)

    async def _write_status(
        self, daemon_set: Object, eligible: Mapping[str, Eligibility], pods: Pods, digest: str
    ) -> None:
        status = new_status(daemon_set, eligible, pods, digest, self.context.clock())
        await self.write_status(DAEMON_SETS, daemon_set, status)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """Look at all DaemonSets when a node comes, goes, or changes what decides about its daemons."""
        if old is not None and new is not None and _placing(old) == _placing(new):
            return
        for daemon_set in self.owners.items():
            self.enqueue(daemon_set)

    @staticmethod
    def mark(revision: Object) -> str:
        """Return the hash that a revision's pods carry."""
        return metadata.labels(revision)[CONTROLLER_REVISION_HASH]


def _by_node(pods: Sequence[Object]) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = {}
    for pod in pods:
        found.setdefault(node_of(pod), []).append(pod)
    return found


def _placing(node: Object) -> object:
    return metadata.labels(node), taints_of(node)
