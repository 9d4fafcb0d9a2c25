"""The garbage collector's graph and loop."""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from wherry.component.workqueue import WorkQueue
from wherry.controllers.context import Context
from wherry.controllers.controller import Runner
from wherry.controllers.garbagecollector.decide import (
    FOREGROUND,
    ORPHAN,
    Fate,
    blocking,
    finalizers,
    is_deleting_dependents,
    is_orphaning,
    references,
    verdict,
    without_owner,
)
from wherry.objects import Object, metadata
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.resource import EVENTS, Resource

log = logging.getLogger(__name__)

OWNERS = "owners"
REMEMBERED = 500


class Node(NamedTuple):
    """An object of the graph."""

    resource: Resource
    namespace: str
    name: str


class GarbageCollector(Runner):
    """Follows every resource of `config.resources`, and deletes or frees what its owners leave behind."""

    name = "garbagecollector"

    def __init__(self, context: Context):
        super().__init__(context)
        self._queue: WorkQueue[Node] = context.component.queue(self.name)
        self._resources = [r for r in context.config.resources if r != EVENTS]
        self._by_kind = {(r.group, r.kind): r for r in self._resources}
        self._dependents = {
            r: context.index(r, OWNERS, lambda o: [ref["uid"] for ref in references(o)]) for r in self._resources
        }
        self._absent: OrderedDict[str, None] = OrderedDict()
        for resource in self._resources:
            context.informer(resource).subscribe(partial(self._changed, resource))

    async def run(self) -> None:
        """Work until cancelled; after a crash everything is looked at anew."""
        for resource in self._resources:
            for obj in self.context.informer(resource).items():
                self._consider(resource, obj)
        await self._queue.run(self._reconcile, self.context.config.concurrency)

    async def _reconcile(self, node: Node) -> None:
        obj = self.context.informer(node.resource).get(node.namespace, node.name)
        if obj is None:
            return
        if is_orphaning(obj):
            await self._orphan(node, obj)
        elif is_deleting_dependents(obj):
            await self._delete_dependents(node, obj)
        else:
            await self._follow_owners(node, obj)

    async def _follow_owners(self, node: Node, obj: Object) -> None:
        fates = {r["uid"]: await self._fate(node, r) for r in references(obj)}
        has_dependents = any(True for _ in self._dependents_of(obj["metadata"]["uid"]))
        decided = verdict(obj, lambda r: fates[r["uid"]], has_dependents)
        if decided.policy:
            log.info("deleting %s %s/%s: its owners are gone", node.resource.plural, node.namespace, node.name)
            with contextlib.suppress(NotFound, Conflict):
                await self.client.delete(
                    node.resource,
                    node.name,
                    node.namespace or None,
                    propagation_policy=decided.policy,
                    uid=obj["metadata"]["uid"],
                )
        elif decided.references is not None:
            await self._patch(node.resource, obj, {"ownerReferences": decided.references})

    async def _delete_dependents(self, node: Node, obj: Object) -> None:
        """Foreground: the owner goes when no dependent that blocks it is left."""
        dependents = list(self._dependents_of(obj["metadata"]["uid"]))
        for resource, dependent in dependents:
            self._queue.add(_node(resource, dependent))
        if not blocking(obj, [d for _, d in dependents]):
            await self._finish(node.resource, obj, FOREGROUND)

    async def _orphan(self, node: Node, obj: Object) -> None:
        """Free all dependents, then let the owner go."""
        uid = obj["metadata"]["uid"]
        for resource, dependent in list(self._dependents_of(uid)):
            await self._patch(resource, dependent, {"ownerReferences": without_owner(dependent, uid) or None})
        await self._finish(node.resource, obj, ORPHAN)

    async def _finish(self, resource: Resource, obj: Object, finalizer: str) -> None:
        await self._patch(resource, obj, {"finalizers": [f for f in finalizers(obj) if f != finalizer] or None})

    async def _patch(self, resource: Resource, obj: Object, change: Object) -> None:
        """Change metadata of an object that is still as we saw it; else `Conflict`, and another look."""
        meta = obj["metadata"]
        precondition = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        with contextlib.suppress(NotFound):
            await self.client.patch(resource, meta["name"], {"metadata": change | precondition}, meta.get("namespace"))

    async def _fate(self, node: Node, reference: Object) -> Fate:
        """Return what is known of an owner; that one is gone is believed only from the server, not from a cache."""
        group = reference["apiVersion"].rpartition("/")[0]
        resource = self._by_kind.get((group, reference["kind"]))
        if resource is None:
            return Fate.ALIVE  # a kind we do not follow: never delete on a guess
        if reference["uid"] in self._absent:
            return Fate.GONE
        namespace = node.namespace if resource.namespaced else ""
        owner = self.context.informer(resource).get(namespace, reference["name"])
        if owner is None or owner["metadata"]["uid"] != reference["uid"]:
            try:
                owner = await self._fetch(resource, reference, namespace)
            except NotFound:
                return Fate.ALIVE  # stored, and damaged: whoever mends it finds its dependents
        if owner is None:
            return Fate.GONE
        return Fate.WAITING if is_deleting_dependents(owner) else Fate.ALIVE

    async def _fetch(self, resource: Resource, reference: Object, namespace: str) -> Object | None:
        """Return the owner as the server has it, None when it is gone; raises `NotFound` when it cannot be read."""
        owner: Object | None = None
        try:
            owner = await self.client.get(resource, reference["name"], namespace or None)
        except NotFound as error:
            if not error.gone:
                raise
        if owner is not None and owner["metadata"]["uid"] == reference["uid"]:
            return owner
        self._absent[reference["uid"]] = None  # uids never come back
        while len(self._absent) > REMEMBERED:
            self._absent.popitem(last=False)
        return None

    def _dependents_of(self, uid: str) -> Iterable[tuple[Resource, Object]]:
        return ((r, obj) for r, index in self._dependents.items() for obj in index.get(uid))

    def _changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._consider(resource, new)
        if new is None and old is not None:
            for other, dependent in self._dependents_of(old["metadata"]["uid"]):
                self._queue.add(_node(other, dependent))
        if old is not None and (new is None or references(new) != references(old)):
            self._consider_owners(old)

    def _consider(self, resource: Resource, obj: Object) -> None:
        if references(obj) or is_deleting_dependents(obj) or is_orphaning(obj):
            self._queue.add(_node(resource, obj))

    def _consider_owners(self, obj: Object) -> None:
        """A foreground deletion may have waited for this one."""
        for reference in references(obj):
            resource = self._by_kind.get((reference["apiVersion"].rpartition("/")[0], reference["kind"]))
            if resource is not None:
                namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
                self._queue.add(Node(resource, namespace, reference["name"]))


def _node(resource: Resource, obj: Object) -> Node:
    return Node(resource, *metadata.key(obj))
