"""The loop of the StatefulSet controller."""

from __future__ import annotations

import contextlib

from wherry.controllers.context import Context
from wherry.controllers.podowner import PodOwnerWithHistory
from wherry.controllers.pods import next_available
from wherry.controllers.statefulset.decide import Step, decide
from wherry.controllers.statefulset.identity import Revisions, ordinal, revision_of
from wherry.controllers.statefulset.status import new_status
from wherry.controllers.statefulset.volumes import Volumes
from wherry.objects import Object
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.meaning.wellknown import REVISION_HASH
from wherry.objects.metadata import Key, is_being_deleted, key
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS


class StatefulSetController(PodOwnerWithHistory):
    """Keeps the pods of each StatefulSet: those, and no others, that its numbers name."""

    name = "statefulset"
    resource = STATEFUL_SETS
    hash_label = REVISION_HASH

    def __init__(self, context: Context):
        super().__init__(context)
        self._claims_by_namespace = context.by_namespace(PERSISTENT_VOLUME_CLAIMS)
        self._volumes = Volumes(context.client, self.recorder)

    async def reconcile(self, key: Key) -> None:
        """Take the next step, then write the status."""
        stateful_set = self.owners.get(*key)
        if stateful_set is None:
            self.forget(key)
            return
        owned = await self.own_pods(stateful_set)
        revisions = await self.own_revisions(stateful_set)
        if owned is None or revisions is None:
            return  # the events of what was adopted or released bring us back
        update = await self.history.ensure_current(stateful_set, revisions, owned)
        if update is None:
            return
        before = (stateful_set.get("status") or {}).get("currentRevision")
        both = Revisions(next((r for r in revisions if _name(r) == before), update), update)
        failure = await self._step(key, stateful_set, owned, both)
        status = await self._write_status(stateful_set, owned, both)
        if failure is not None:
            raise failure
        live = {revision_of(p) for p in owned}
        await self.history.prune(stateful_set, revisions, {*both.names, status["currentRevision"]}, live)
        wait = next_available(stateful_set, owned, self.context.clock())
        if wait is not None:
            self.queue.add_after(key, wait)

    async def own_pods(self, owner: Object) -> list[Object] | None:
        """Return the pods of a StatefulSet; one that is called otherwise is nobody's to adopt."""
        pods = await super().own_pods(owner)
        return pods if pods is None else [p for p in pods if ordinal(owner, p) is not None]

    async def _step(self, key: Key, stateful_set: Object, pods: list[Object], revisions: Revisions) -> ApiError | None:
        """Apply the next step, unless the cache still owes us the effect of the last one; return what went wrong."""
        if is_being_deleted(stateful_set):
            return None
        if patience := self.expectations.patience(key):
            self.queue.add_after(key, patience)
            return None
        claims = {_name(c): c for c in self._claims_by_namespace.get(key[0])}
        step = decide(stateful_set, pods, revisions, claims, self.context.clock())
        try:
            await self._apply(key, stateful_set, step)
        except ApiError as error:
            return error
        return None

    async def _apply(self, key: Key, stateful_set: Object, step: Step) -> None:
        await self._volumes.apply(stateful_set, step)
        for pod in step.update:
            with contextlib.suppress(NotFound):
                await self.client.update(PODS, pod)
        if step.create or step.delete:
            await self.control.apply(key, stateful_set, create=step.create, delete=step.delete)

    async def _write_status(self, stateful_set: Object, pods: list[Object], revisions: Revisions) -> Object:
        status = new_status(stateful_set, pods, revisions, self.context.clock())
        await self.write_status(STATEFUL_SETS, stateful_set, status)
        return status

    @staticmethod
    def mark(revision: Object) -> str:
        """Return the name of a revision, which its pods carry."""
        return _name(revision)


def _name(obj: Object) -> str:
    return key(obj)[1]
