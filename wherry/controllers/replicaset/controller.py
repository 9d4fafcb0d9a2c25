"""The loop of the ReplicaSet controller."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.controllers.context import Context
from wherry.controllers.podowner import PodOwner
from wherry.controllers.pods import next_available
from wherry.controllers.podtemplate import pod_from
from wherry.controllers.replicaset.decide import difference, new_status
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.meaning.pods import is_active
from wherry.objects.metadata import Key, controller_of, is_being_deleted
from wherry.objects.resource import REPLICA_SETS


class ReplicaSetController(PodOwner):
    """Keeps as many pods as each ReplicaSet asks for."""

    name = "replicaset"
    resource = REPLICA_SETS

    def __init__(self, context: Context):
        super().__init__(context)
        self._sets_by_owner = context.by_owner(self.resource)

    async def reconcile(self, key: Key) -> None:
        """Create or delete pods, then write the status."""
        replica_set = self.owners.get(*key)
        if replica_set is None:
            self.forget(key)
            return
        pods = await self.own_pods(replica_set)
        if pods is None:
            return
        active = [p for p in pods if is_active(p)]
        failure = await self._manage(key, replica_set, active)
        await self._write_status(replica_set, active, failure)
        if failure is not None:
            raise failure
        wait = next_available(replica_set, active, self.context.clock())
        if wait is not None:
            self.queue.add_after(key, wait)

    async def _manage(self, key: Key, replica_set: Object, active: list[Object]) -> ApiError | None:
        """Apply the difference, unless the cache still owes us the effect of the last one; return what went wrong."""
        if is_being_deleted(replica_set):
            return None
        if patience := self.expectations.patience(key):
            self.queue.add_after(key, patience)
            return None
        wanted = replica_set["spec"].get("replicas", 1)
        todo = difference(wanted, active, self._related(replica_set), self.context.clock())
        try:
            if todo.create:
                pod = pod_from(replica_set["spec"]["template"], replica_set)
                await self.control.apply(key, replica_set, create=[pod] * todo.create)
            elif todo.delete:
                await self.control.apply(key, replica_set, delete=todo.delete)
        except ApiError as error:
            return error
        return None

    def _related(self, replica_set: Object) -> Iterable[Object]:
        """Yield the pods of every ReplicaSet with the same owner (of this one alone when it has none)."""
        owner = controller_of(replica_set)
        siblings = self._sets_by_owner.get(owner["uid"]) if owner else [replica_set]
        for sibling in siblings:
            yield from self.pods_by_owner.get(sibling["metadata"]["uid"])

    async def _write_status(self, replica_set: Object, active: list[Object], failure: ApiError | None) -> None:
        shrinking = len(active) > replica_set["spec"].get("replicas", 1)
        message = str(failure) if failure else ""
        status = new_status(replica_set, active, message, shrinking, self.context.clock())
        await self.write_status(self.resource, replica_set, status)
