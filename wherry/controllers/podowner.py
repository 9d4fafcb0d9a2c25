"""What controllers share whose objects own pods: finding those pods, and hearing of them."""

from __future__ import annotations

from typing import ClassVar

from wherry.component.index import Index
from wherry.controllers.context import ORPHANS, Context
from wherry.controllers.controller import Controller
from wherry.controllers.expectations import Expectations
from wherry.controllers.ownership import claim, settle
from wherry.controllers.podcontrol import PodControl
from wherry.objects import Object, metadata, selectors
from wherry.objects.metadata import Key, controller_of, is_being_deleted
from wherry.objects.resource import PODS, Resource
from wherry.objects.selectors import LabelSelector


class PodOwner(Controller):
    """A controller of `resource`. What happens to a pod queues its owner, or those that may want to adopt it."""

    resource: ClassVar[Resource]

    def __init__(self, context: Context):
        super().__init__(context)
        self.owners = context.informer(self.resource)
        self._owners_by_namespace = context.by_namespace(self.resource)
        self.pods_by_owner = context.by_owner(PODS)
        self.expectations = Expectations()
        self.recorder = context.recorder(f"{self.name}-controller")
        self.control = PodControl(context.client, self.resource, self.recorder, self.expectations)
        self.watch(self.resource)
        context.informer(PODS).subscribe(self._pod_changed)

    def selector(self, owner: Object) -> LabelSelector:
        """Return which pods an owner adopts."""
        return selectors.stored(owner["spec"].get("selector"))

    async def own_pods(self, owner: Object) -> list[Object] | None:
        """Return an owner's pods; None when some had to be adopted or released first: their events bring us back."""
        return await self.own(owner, PODS, self.pods_by_owner)

    async def own(self, owner: Object, resource: Resource, by_owner: Index) -> list[Object] | None:
        """Return what an owner has of a resource, as `own_pods` does; `by_owner` is that resource's index."""
        meta = owner["metadata"]
        candidates = by_owner.get(meta["uid"]) + by_owner.get((ORPHANS, meta["namespace"]))
        claimed = claim(owner, self.selector(owner), candidates)
        if await settle(self.client, self.resource, owner, resource, claimed):
            return None
        return claimed.owned

    def owner_key(self, obj: Object | None) -> Key | None:
        """Return the key of an object's owner, where that is one of ours."""
        owner = controller_of(obj) if obj is not None else None
        if obj is None or owner is None or owner["kind"] != self.resource.kind:
            return None
        return obj["metadata"]["namespace"], owner["name"]

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        for key in {k for k in (self.owner_key(old), self.owner_key(new)) if k is not None}:
            if old is None:
                self.expectations.created(key)
            if new is None or is_being_deleted(new):
                self.expectations.deleted(key, pod["metadata"]["uid"])
            self.queue.add(key)
        if new is not None and controller_of(new) is None:
            for owner in self._owners_by_namespace.get(new["metadata"]["namespace"]):
                if self.selector(owner).matches(metadata.labels(new)):
                    self.enqueue(owner)
