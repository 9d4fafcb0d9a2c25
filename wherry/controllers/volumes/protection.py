"""Claims that pods use, and volumes that are bound, stay until that is over: a finalizer keeps them (KEP-498, 499)."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterable

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.meaning.pods import node_of
from wherry.objects.meaning.volumes import PV_PROTECTION, PVC_PROTECTION, claim_names
from wherry.objects.metadata import Key
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, Resource


def _claims_of(pod: Object) -> Iterable[Hashable]:
    return [(pod["metadata"]["namespace"], name) for name in claim_names(pod)] if node_of(pod) else []


class _Protection(Controller):
    resource: Resource
    finalizer: str

    def __init__(self, context: Context):
        super().__init__(context)
        self._objects = context.informer(self.resource)
        self.watch(self.resource)

    def is_used(self, obj: Object) -> bool:
        """Return whether somebody needs the object."""
        raise NotImplementedError

    async def reconcile(self, key: Key) -> None:
        """Protect an object; let one go that is being deleted and not used."""
        obj = self._objects.get(*key)
        if obj is None:
            return
        meta, finalizers = obj["metadata"], obj["metadata"].get("finalizers") or []
        has, going = self.finalizer in finalizers, metadata.is_being_deleted(obj)
        if has == (not going) or (going and self.is_used(obj)):
            return
        kept = [f for f in finalizers if f != self.finalizer] if going else [*finalizers, self.finalizer]
        with contextlib.suppress(NotFound):
            await self.client.update(self.resource, {**obj, "metadata": {**meta, "finalizers": kept}})


class ClaimProtection(_Protection):
    """A claim stays while a pod that has a node uses it."""

    name = "pvc-protection"
    resource = PERSISTENT_VOLUME_CLAIMS
    finalizer = PVC_PROTECTION

    def __init__(self, context: Context):
        super().__init__(context)
        self._users = context.index(PODS, "claims in use", _claims_of)
        context.informer(PODS).subscribe(self._pod_changed)

    def is_used(self, obj: Object) -> bool:
        """Return whether a pod uses the claim."""
        return bool(self._users.get(metadata.key(obj)))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            for key in _claims_of(old):
                self.queue.add(key)  # type: ignore[arg-type]


class VolumeProtection(_Protection):
    """A volume stays while it is bound."""

    name = "pv-protection"
    resource = PERSISTENT_VOLUMES
    finalizer = PV_PROTECTION

    def is_used(self, obj: Object) -> bool:
        """Return whether the volume is bound."""
        return (obj.get("status") or {}).get("phase") == "Bound"
