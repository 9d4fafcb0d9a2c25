"""The loop of the DaemonSet controller."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from wherry.component.index import Index
from wherry.controllers.backoff import Backoff
from wherry.controllers.context import ORPHANS, Context
from wherry.controllers.controller import Controller
from wherry.controllers.daemonset import history, revision
from wherry.controllers.daemonset.placement import Eligibility, eligibility, node_of, pod_for
from wherry.controllers.daemonset.rollout import Work, manage, roll, update_of
from wherry.controllers.daemonset.status import look_again, new_status
from wherry.controllers.expectations import Expectations
from wherry.controllers.ownership import claim, settle
from wherry.controllers.podcontrol import PodControl
from wherry.objects import Object, metadata, selectors
from wherry.objects.errors import NotFound
from wherry.objects.meaning.pods import has_ended
from wherry.objects.meaning.wellknown import CONTROLLER_REVISION_HASH
from wherry.objects.metadata import Key, controller_of, is_being_deleted
from wherry.objects.resource import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS, Resource
from wherry.objects.taints import taints_of

BURST = 250
"""The most pods created or deleted for one DaemonSet at a time."""

Pods = Mapping[str, Sequence[Object]]


class DaemonSetController(Controller):
    """Keeps one pod of each DaemonSet on every node it belongs to."""

    name = "daemonset"

    def __init__(self, context: Context):
        super().__init__(context)
        self._sets = context.informer(DAEMON_SETS)
        self._sets_by_namespace = context.by_namespace(DAEMON_SETS)
        self._nodes = context.informer(NODES)
        self._pods_by_owner = context.by_owner(PODS)
        self._revisions_by_owner = context.by_owner(CONTROLLER_REVISIONS)
        self._expectations = Expectations()
        self._recorder = context.recorder("daemonset-controller")
        self._control = PodControl(context.client, DAEMON_SETS, self._recorder, self._expectations)
        self._restarts = Backoff(1.0, 900.0)
        self.watch(DAEMON_SETS)
        self._nodes.subscribe(self._node_changed)
        context.informer(PODS).subscribe(self._pod_changed)
        context.informer(CONTROLLER_REVISIONS).subscribe(self._revision_changed)

    async def reconcile(self, key: Key) -> None:
        """Place pods, take the next step of an update, write the status."""
        daemon_set = self._sets.get(*key)
        if daemon_set is None:
            self._expectations.forget(key)
            return
        owned = await self._claim(daemon_set, PODS, self._pods_by_owner)
        revisions = await self._claim(daemon_set, CONTROLLER_REVISIONS, self._revisions_by_owner)
        if owned is None or revisions is None:
            return  # the events of what was adopted or released bring us back
        if is_being_deleted(daemon_set):
            return
        current = await history.ensure_current(self.client, daemon_set, revisions, owned)
        if current is None:
            return
        pods = _by_node(owned)
        eligible = {n["metadata"]["name"]: eligibility(daemon_set, n) for n in self._nodes.items()}
        digest = revision.digest_of(current)
        if patience := self._expectations.patience(key):
            self.queue.add_after(key, patience)
        else:
            await self._apply(key, daemon_set, self._work(key, daemon_set, eligible, pods, digest), digest)
        live = {metadata.labels(p).get(CONTROLLER_REVISION_HASH, "") for p in owned}
        await history.prune(self.client, daemon_set, revisions, current, live)
        await self._write_status(daemon_set, eligible, pods, digest)
        wait = look_again(daemon_set, pods, self.context.clock())
        if wait is not None:
            self.queue.add_after(key, wait)

    async def _claim(self, daemon_set: Object, resource: Resource, by_owner: Index) -> list[Object] | None:
        """Return what the DaemonSet owns of a resource; None when something had to be adopted or released first."""
        meta = daemon_set["metadata"]
        candidates = by_owner.get(meta["uid"]) + by_owner.get((ORPHANS, meta["namespace"]))
        claimed = claim(daemon_set, selectors.stored(daemon_set["spec"].get("selector")), candidates)
        if await settle(self.client, DAEMON_SETS, daemon_set, resource, claimed):
            return None
        return claimed.owned

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
        self._recorder.event(DAEMON_SETS, daemon_set, "Warning", f"{how}DaemonPod", text)
        return False

    async def _apply(self, key: Key, daemon_set: Object, work: Work, digest: str) -> None:
        create, delete = work.create[:BURST], work.delete[:BURST]
        if not create and not delete:
            return
        pods = [pod_for(daemon_set, node, digest) for node in create]
        await self._control.apply(key, daemon_set, create=pods, delete=delete)

    async def _write_status(
        self, daemon_set: Object, eligible: Mapping[str, Eligibility], pods: Pods, digest: str
    ) -> None:
        status = new_status(daemon_set, eligible, pods, digest, self.context.clock())
        if status != (daemon_set.get("status") or {}):
            with contextlib.suppress(NotFound):
                await self.client.update(DAEMON_SETS, daemon_set | {"status": status}, subresource="status")

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """Look at all DaemonSets when a node comes, goes, or changes what decides about its daemons."""
        if old is not None and new is not None and _placing(old) == _placing(new):
            return
        for daemon_set in self._sets.items():
            self.enqueue(daemon_set)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        for key in {k for k in (_owner_key(old), _owner_key(new)) if k is not None}:
            if old is None:
                self._expectations.created(key)
            if new is None or is_being_deleted(new):
                self._expectations.deleted(key, pod["metadata"]["uid"])
            self.queue.add(key)
        if new is not None and controller_of(new) is None:
            for daemon_set in self._sets_by_namespace.get(new["metadata"]["namespace"]):
                if selectors.stored(daemon_set["spec"].get("selector")).matches(metadata.labels(new)):
                    self.enqueue(daemon_set)

    def _revision_changed(self, old: Object | None, new: Object | None) -> None:
        """Look again when a revision goes or changes hands; one that comes with its owner is ours, or a user's copy."""
        if old is None and new is not None and controller_of(new) is not None:
            return
        for key in {k for k in (_owner_key(old), _owner_key(new)) if k is not None}:
            self.queue.add(key)


def _by_node(pods: Sequence[Object]) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = {}
    for pod in pods:
        found.setdefault(node_of(pod), []).append(pod)
    return found


def _placing(node: Object) -> object:
    return metadata.labels(node), taints_of(node)


def _owner_key(obj: Object | None) -> Key | None:
    owner = controller_of(obj) if obj is not None else None
    if obj is None or owner is None or owner["kind"] != DAEMON_SETS.kind:
        return None
    return obj["metadata"]["namespace"], owner["name"]
