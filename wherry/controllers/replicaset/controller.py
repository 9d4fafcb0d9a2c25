"""The loop of the ReplicaSet controller."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.controllers.context import ORPHANS, Context
from wherry.controllers.controller import Controller
from wherry.controllers.expectations import Expectations
from wherry.controllers.ownership import claim, settle
from wherry.controllers.podcontrol import PodControl
from wherry.controllers.podtemplate import pod_from
from wherry.controllers.replicaset.decide import difference, look_again, new_status
from wherry.objects import Object, metadata, selectors
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.meaning.pods import is_active
from wherry.objects.metadata import Key, controller_of, is_being_deleted, labels
from wherry.objects.resource import PODS, REPLICA_SETS


class ReplicaSetController(Controller):
    """Keeps as many pods as each ReplicaSet asks for."""

    name = "replicaset"

    def __init__(self, context: Context):
        super().__init__(context)
        self._sets = context.informer(REPLICA_SETS)
        self._sets_by_namespace = context.by_namespace(REPLICA_SETS)
        self._sets_by_owner = context.by_owner(REPLICA_SETS)
        self._pods_by_owner = context.by_owner(PODS)
        self._expectations = Expectations()
        self._control = PodControl(
            context.client, REPLICA_SETS, context.recorder("replicaset-controller"), self._expectations
        )
        self.watch(REPLICA_SETS)
        context.informer(PODS).subscribe(self._pod_changed)

    async def reconcile(self, key: Key) -> None:
        """Create or delete pods, then write the status."""
        replica_set = self._sets.get(*key)
        if replica_set is None:
            self._expectations.forget(key)
            return
        selector = selectors.stored(replica_set["spec"].get("selector"))
        claimed = claim(replica_set, selector, self._candidates(replica_set))
        if await settle(self.client, REPLICA_SETS, replica_set, PODS, claimed):
            return  # the pods' own events bring us back
        active = [p for p in claimed.owned if is_active(p)]
        failure = await self._manage(key, replica_set, active)
        await self._write_status(replica_set, active, failure)
        if failure is not None:
            raise failure
        wait = look_again(replica_set, active, self.context.clock())
        if wait is not None:
            self.queue.add_after(key, wait)

    def _candidates(self, replica_set: Object) -> list[Object]:
        metadata = replica_set["metadata"]
        return self._pods_by_owner.get(metadata["uid"]) + self._pods_by_owner.get((ORPHANS, metadata["namespace"]))

    async def _manage(self, key: Key, replica_set: Object, active: list[Object]) -> ApiError | None:
        """Apply the difference, unless the cache still owes us the effect of the last one; return what went wrong."""
        if is_being_deleted(replica_set):
            return None
        if patience := self._expectations.patience(key):
            self.queue.add_after(key, patience)
            return None
        wanted = replica_set["spec"].get("replicas", 1)
        todo = difference(wanted, active, self._related(replica_set), self.context.clock())
        try:
            if todo.create:
                pod = pod_from(replica_set["spec"]["template"], replica_set)
                await self._control.apply(key, replica_set, create=[pod] * todo.create)
            elif todo.delete:
                await self._control.apply(key, replica_set, delete=todo.delete)
        except ApiError as error:
            return error
        return None

    def _related(self, replica_set: Object) -> Iterable[Object]:
        """Yield the pods of every ReplicaSet with the same owner (of this one alone when it has none)."""
        owner = controller_of(replica_set)
        siblings = self._sets_by_owner.get(owner["uid"]) if owner else [replica_set]
        for sibling in siblings:
            yield from self._pods_by_owner.get(sibling["metadata"]["uid"])

    async def _write_status(self, replica_set: Object, active: list[Object], failure: ApiError | None) -> None:
        shrinking = len(active) > replica_set["spec"].get("replicas", 1)
        message = str(failure) if failure else ""
        status = new_status(replica_set, active, message, shrinking, self.context.clock())
        if status == (replica_set.get("status") or {}):
            return
        try:
            await self.client.update(REPLICA_SETS, replica_set | {"status": status}, subresource="status")
        except NotFound:
            return

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        keys = {k for k in (_owner_key(old), _owner_key(new)) if k is not None}
        for key in keys:
            if old is None:
                self._expectations.created(key)
            if new is None or is_being_deleted(new):
                self._expectations.deleted(key, pod["metadata"]["uid"])
            self.queue.add(key)
        if new is not None and controller_of(new) is None:
            for replica_set in self._sets_by_namespace.get(new["metadata"]["namespace"]):
                if selectors.stored(replica_set["spec"].get("selector")).matches(labels(new)):
                    self.queue.add(metadata.key(replica_set))


def _owner_key(pod: Object | None) -> Key | None:
    owner = controller_of(pod) if pod is not None else None
    if pod is None or owner is None or owner["kind"] != REPLICA_SETS.kind:
        return None
    return pod["metadata"]["namespace"], owner["name"]
