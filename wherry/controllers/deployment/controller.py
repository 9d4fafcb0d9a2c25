"""The loop of the Deployment controller."""

from __future__ import annotations

from wherry.controllers.context import ORPHANS, Context
from wherry.controllers.controller import Controller
from wherry.controllers.deployment.decide import Decision, decide
from wherry.controllers.deployment.revision import without_hash
from wherry.controllers.deployment.state import size_of
from wherry.controllers.ownership import claim, managing_keys, settle
from wherry.controllers.podcontrol import is_namespace_terminating
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists, ApiError, NotFound
from wherry.objects.meaning import workloads
from wherry.objects.meaning.pods import has_ended
from wherry.objects.meaning.wellknown import REVISION
from wherry.objects.metadata import Key, controller_of
from wherry.objects.resource import DEPLOYMENTS, PODS, REPLICA_SETS


class DeploymentController(Controller):
    """Rolls each Deployment's template out through ReplicaSets."""

    name = "deployment"

    def __init__(self, context: Context):
        super().__init__(context)
        self._deployments = context.informer(DEPLOYMENTS)
        self._deployments_by_namespace = context.by_namespace(DEPLOYMENTS)
        self._sets = context.informer(REPLICA_SETS)
        self._sets_by_owner = context.by_owner(REPLICA_SETS)
        self._pods_by_owner = context.by_owner(PODS)
        self._recorder = context.recorder("deployment-controller")
        self.watch(DEPLOYMENTS)
        self._sets.subscribe(self._set_changed)
        context.informer(PODS).subscribe(self._pod_changed)

    async def reconcile(self, key: Key) -> None:
        """Take the next step of the rollout, then write the status."""
        deployment = self._deployments.get(*key)
        if deployment is None:
            return
        owner, namespace = deployment["metadata"]["uid"], deployment["metadata"]["namespace"]
        candidates = self._sets_by_owner.get(owner) + self._sets_by_owner.get((ORPHANS, namespace))
        claimed = claim(deployment, workloads.selector(deployment), candidates)
        if await settle(self.client, self._recorder, DEPLOYMENTS, deployment, REPLICA_SETS, claimed):
            return  # the ReplicaSets' own events bring us back
        decision = decide(deployment, claimed.owned, self._runs_pods, self.context.clock())
        if decision.create is not None and not await self._create(deployment, decision.create):
            return
        await self._apply(deployment, decision)
        if decision.look_again is not None:
            self.queue.add_after(key, decision.look_again)

    def _runs_pods(self, replica_set: Object) -> bool:
        return any(not has_ended(p) for p in self._pods_by_owner.get(replica_set["metadata"]["uid"]))

    async def _apply(self, deployment: Object, decision: Decision) -> None:
        """Write in order; a conflict ends the step, since what follows was decided on a cache that lags."""
        for old, new in decision.rewrite:
            await self.client.update(REPLICA_SETS, new)
            self._tell_size(deployment, new["metadata"]["name"], size_of(old), size_of(new))
        for replica_set in decision.delete:
            meta = replica_set["metadata"]
            try:
                await self.client.delete(REPLICA_SETS, meta["name"], meta["namespace"], uid=meta["uid"])
            except NotFound:
                continue
        if decision.revision and decision.revision != metadata.annotations(deployment).get(REVISION):
            deployment = await self._note_revision(deployment, decision.revision)
        await self._write_status(deployment, decision.status)

    async def _create(self, deployment: Object, replica_set: Object) -> bool:
        """Create the new ReplicaSet; return whether this step may go on."""
        meta = replica_set["metadata"]
        if not workloads.is_own(deployment, replica_set):
            text = f'Failed to create new replica set "{meta["name"]}": {workloads.NOT_ITS_OWN}'
            self._recorder.event(DEPLOYMENTS, deployment, "Warning", "ReplicaSetCreateError", text)
            return False
        try:
            await self.client.create(REPLICA_SETS, replica_set, meta["namespace"])
        except AlreadyExists:
            return await self._resolve_collision(deployment, replica_set)
        except ApiError as error:
            if is_namespace_terminating(error):
                return False
            text = f'Failed to create new replica set "{meta["name"]}": {error}'
            self._recorder.event(DEPLOYMENTS, deployment, "Warning", "ReplicaSetCreateError", text)
            raise
        self._tell_size(deployment, meta["name"], 0, size_of(replica_set))
        return True

    async def _resolve_collision(self, deployment: Object, replica_set: Object) -> bool:
        """The name is taken: by our own ReplicaSet that the cache does not show yet, or by another (hash collision)."""
        meta = replica_set["metadata"]
        there = await self.client.get(REPLICA_SETS, meta["name"], meta["namespace"])
        owner = controller_of(there)
        ours = owner is not None and owner["uid"] == deployment["metadata"]["uid"]
        if ours and without_hash(there["spec"]["template"]) == without_hash(replica_set["spec"]["template"]):
            return False  # its event is on the way
        status = deployment.get("status") or {}
        status = status | {"collisionCount": (status.get("collisionCount") or 0) + 1}
        await self._write_status(deployment, status)
        return False

    async def _note_revision(self, deployment: Object, revision: str) -> Object:
        meta = deployment["metadata"]
        change = {"metadata": {"uid": meta["uid"], "annotations": {REVISION: revision}}}
        return await self.client.patch(DEPLOYMENTS, meta["name"], change, meta["namespace"])

    async def _write_status(self, deployment: Object, status: Object) -> None:
        if status == (deployment.get("status") or {}):
            return
        await self.client.update(DEPLOYMENTS, deployment | {"status": status}, subresource="status")

    def _tell_size(self, deployment: Object, name: str, old: int, new: int) -> None:
        if old != new:
            way = "up" if new > old else "down"
            text = f"Scaled {way} replica set {name} from {old} to {new}"
            self._recorder.event(DEPLOYMENTS, deployment, "Normal", "ScalingReplicaSet", text)

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        for key in managing_keys(DEPLOYMENTS, old, new):
            self.queue.add(key)
        if new is not None and controller_of(new) is None:
            for deployment in self._deployments_by_namespace.get(new["metadata"]["namespace"]):
                if workloads.is_own(deployment, new):
                    self.queue.add(metadata.key(deployment))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """A Recreate waits for the last old pod to end."""
        if old is None or (new is not None and not has_ended(new)):
            return
        owner = controller_of(old)
        if owner is None or owner["kind"] != REPLICA_SETS.kind:
            return
        replica_set = self._sets.get(old["metadata"]["namespace"], owner["name"])
        if replica_set is not None:
            self._set_changed(None, replica_set)
