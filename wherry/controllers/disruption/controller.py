"""The loop of the disruption controller."""

from __future__ import annotations

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.disruption import decide
from wherry.objects import Object, metadata
from wherry.objects.meaning import disruption
from wherry.objects.metadata import Key, controller_of
from wherry.objects.resource import (
    DEPLOYMENTS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)

_OWNERS = {r.kind: r for r in (REPLICA_SETS, STATEFUL_SETS, REPLICATION_CONTROLLERS)}


class DisruptionController(Controller):
    """Keeps each budget's status."""

    name = "disruption"

    def __init__(self, context: Context):
        super().__init__(context)
        self._budgets = context.informer(POD_DISRUPTION_BUDGETS)
        self._of_namespace = context.by_namespace(POD_DISRUPTION_BUDGETS)
        self._pods = context.by_namespace(PODS)
        self._recorder = context.recorder("controllermanager")
        self.watch(POD_DISRUPTION_BUDGETS)
        context.informer(PODS).subscribe(self._pod_changed)
        for resource in (*_OWNERS.values(), DEPLOYMENTS):
            context.informer(resource).subscribe(self._owner_changed)

    async def reconcile(self, key: Key) -> None:
        """Write the status that follows from the pods there are."""
        budget = self._budgets.get(*key)
        if budget is None:
            return
        selector = disruption.selector(budget)
        pods = [pod for pod in self._pods.get(key[0]) if selector.matches(metadata.labels(pod))]
        if not pods:
            self._recorder.event(POD_DISRUPTION_BUDGETS, budget, "Normal", "NoPods", "No matching pods found")
        wanted: int | decide.Unknown = len(pods)
        if decide.needs_scales(budget):
            wanted = decide.expected(pods, self._scales(pods))
        if isinstance(wanted, decide.Unknown):
            text = f"Failed to calculate the number of expected pods: {wanted.why}"
            self._recorder.event(POD_DISRUPTION_BUDGETS, budget, "Warning", "CalculateExpectedPodCountFailed", text)
        now = self.context.clock()
        await self.write_status(POD_DISRUPTION_BUDGETS, budget, decide.status(budget, pods, wanted, now))
        wait = decide.recheck_in(decide.pending(budget, pods, now), now)
        if wait is not None:
            self.queue.add_after(key, wait)

    def _scales(self, pods: list[Object]) -> dict[str, int]:
        """Return how many pods each owner wants; a ReplicaSet of a Deployment counts for what that wants."""
        found = {}
        for pod in pods:
            owner = controller_of(pod)
            if owner is not None and owner["uid"] not in found:
                wanted = self._scale(owner, pod["metadata"]["namespace"])
                if wanted is not None:
                    found[owner["uid"]] = wanted
        return found

    def _scale(self, reference: Object, namespace: str) -> int | None:
        resource = _OWNERS.get(reference["kind"])
        if resource is None:
            return self._other_scale(reference, namespace)
        owner = self._look(resource, reference, namespace)
        above = controller_of(owner) if owner is not None else None
        if owner is None or above is None or above["kind"] != DEPLOYMENTS.kind:
            return _replicas(owner)
        return _replicas(self._look(DEPLOYMENTS, above, namespace))

    def _look(self, resource: Resource, reference: Object, namespace: str) -> Object | None:
        found = self.context.informer(resource).get(namespace, reference["name"])
        return found if found is not None and found["metadata"]["uid"] == reference["uid"] else None

    def _other_scale(self, reference: Object, namespace: str) -> int | None:
        """Return what an owner of another kind wants, where its spec.replicas says so."""
        group = reference["apiVersion"].rpartition("/")[0]
        resource = self.context.everything.of_kind(group, reference["kind"])
        owner = self.context.everything.get(resource, namespace, reference["name"]) if resource else None
        if owner is None or owner["metadata"]["uid"] != reference["uid"]:
            return None
        replicas = (owner.get("spec") or {}).get("replicas")
        return replicas if isinstance(replicas, int) else None

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new):
            if pod is not None:
                self._enqueue_of(pod)

    def _enqueue_of(self, pod: Object) -> None:
        for budget in self._of_namespace.get(pod["metadata"]["namespace"]):
            if disruption.selector(budget).matches(metadata.labels(pod)):
                self.enqueue(budget)

    def _owner_changed(self, old: Object | None, new: Object | None) -> None:
        """Look at a namespace's budgets when an owner of pods wants another number."""
        if _replicas(old) != _replicas(new):
            for budget in self._of_namespace.get((new or old or {})["metadata"]["namespace"]):
                self.enqueue(budget)


def _replicas(owner: Object | None) -> int | None:
    return int(owner["spec"].get("replicas") or 0) if owner is not None else None
