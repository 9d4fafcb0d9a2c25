"""What controllers share whose objects own pods: finding those pods, and hearing of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from wherry.component.index import Index
from wherry.controllers.context import ORPHANS, Context
from wherry.controllers.controller import Controller
from wherry.controllers.expectations import Expectations
from wherry.controllers.history import History
from wherry.controllers.ownership import claim, managing_keys, settle
from wherry.controllers.podcontrol import PodControl
from wherry.objects import Object, metadata
from wherry.objects.meaning import workloads
from wherry.objects.metadata import Key, controller_of, is_being_deleted
from wherry.objects.resource import CONTROLLER_REVISIONS, PODS, Resource
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
        self.control = PodControl(context.client, self.resource, self.recorder, self.expectations, self.queue.add_after)
        self.watch(self.resource)
        context.informer(PODS).subscribe(self._pod_changed)

    def selector(self, owner: Object) -> LabelSelector:
        """Return which pods an owner adopts."""
        return workloads.selector(owner)

    def forget(self, key: Key) -> None:
        """Forget an owner that is gone."""
        self.expectations.forget(key)
        self.control.forget(key)

    async def own_pods(self, owner: Object) -> list[Object] | None:
        """Return an owner's pods; None when some had to be adopted or released first: their events bring us back."""
        return await self.own(owner, PODS, self.pods_by_owner)

    async def own(self, owner: Object, resource: Resource, by_owner: Index) -> list[Object] | None:
        """Return what an owner has of a resource, as `own_pods` does; `by_owner` is that resource's index."""
        meta = owner["metadata"]
        candidates = by_owner.get(meta["uid"]) + by_owner.get((ORPHANS, meta["namespace"]))
        claimed = claim(owner, self.selector(owner), candidates)
        if await settle(self.client, self.recorder, self.resource, owner, resource, claimed):
            return None
        return claimed.owned

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        for key in managing_keys(self.resource, old, new):
            if old is None:
                self.expectations.created(key)
            if new is None or is_being_deleted(new):
                self.expectations.deleted(key, pod["metadata"]["uid"])
            self.queue.add(key)
        if new is not None and controller_of(new) is None:
            for owner in self._owners_by_namespace.get(new["metadata"]["namespace"]):
                if self.selector(owner).matches(metadata.labels(new)):
                    self.enqueue(owner)


class PodOwnerWithHistory(PodOwner):
    """One whose objects keep every template they had, as ControllerRevisions; `hash_label`: see `History`."""

    hash_label: ClassVar[str]

    def __init__(self, context: Context):
        super().__init__(context)
        self.history = History(context.client, self.resource, self.hash_label, self.mark)
        self._revisions_by_owner = context.by_owner(CONTROLLER_REVISIONS)
        context.informer(CONTROLLER_REVISIONS).subscribe(self._revision_changed)

    @staticmethod
    @abstractmethod
    def mark(revision: Object) -> str:
        """Return by what the pods of a revision name it."""

    async def own_revisions(self, owner: Object) -> list[Object] | None:
        """Return an owner's revisions, as `own_pods` does."""
        return await self.own(owner, CONTROLLER_REVISIONS, self._revisions_by_owner)

    def _revision_changed(self, old: Object | None, new: Object | None) -> None:
        """Look again when a revision goes or changes hands; one that comes with its owner is ours, or a user's copy."""
        if old is None and new is not None and controller_of(new) is not None:
            return
        for key in managing_keys(self.resource, old, new):
            self.queue.add(key)
